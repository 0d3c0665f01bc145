"""The subcommands of `fims_server` that prepare a site and start no broker: ``keygen`` and ``check-rules``."""

from __future__ import annotations

from pathlib import Path

import click

from ess_bus import keys
from ess_bus.commandline import FAILED

_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("name")
@click.option(
    "--folder",
    type=_FILE,
    default=keys.default_folder,
    metavar="FOLDER",
    help="Where to; made if it is not there.  [default: ~/.config/ess-bus]",
)
def keygen(name: str, folder: Path) -> None:
    """Make the key pair of NAME for TCP: NAME.key, which is public, and NAME.key_secret, which is its owner's alone.

    NAME is the user that the rules and the audit trail know. A key that is there is never overwritten.
    """
    public, secret = keys.generate(name, folder)
    click.echo(f"secret  {secret}  (for {keys.KEY_VARIABLE}, or --curve-secret of a broker; keep it where it is)")
    click.echo(f"public  {public}  (for the folder of --clients, or {keys.SERVER_KEY_VARIABLE} of those who join)")


@click.command("check-rules")
@click.argument("file", type=_FILE)
@click.argument("question", nargs=-1, metavar="[USER VERB URI]")
@click.pass_context
def check_rules(context: click.Context, file: Path, question: tuple[str, ...]) -> None:
    """Check a rules file, and say what it means for USER, who wants to get, set, pub, post, del or sub URI.

    \b
    Exit status:
      0  the file is right, and USER may
      1  the file is wrong, or USER may not
    """
    from ess_bus import uri
    from ess_bus.broker.rules import VERBS, Rules

    rules = Rules.load(file)
    if not question:
        defaults = ", ".join(f"{verb} {'allow' if allowed else 'deny'}" for verb, allowed in rules.defaults.items())
        click.echo(f"{file}: right; where no rule speaks: {defaults}")
        return
    match question:
        case (user, verb, target) if verb in VERBS:
            reason = rules.refusal(user, verb, uri.check(target))
            click.echo(reason or f"{user} may {verb} {target}")
            context.exit(0 if reason is None else FAILED)
    raise click.UsageError(f"expected USER VERB URI with a verb of {', '.join(VERBS)}")
