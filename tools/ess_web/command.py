"""The command ``ess_web``."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from ess_bus import commandline
from ess_bus.errors import ConfigurationError, Problem
from ess_bus.process import begin, one_segment, process_options, run_until_stopped
from tools.ess_web.access import Access, Role
from tools.ess_web.diagram import places, read_places
from tools.ess_web.following import Following
from tools.ess_web.hub import Hub
from tools.ess_web.tokens import new_tokens, read_tokens

log = logging.getLogger(__name__)

_EPILOG = """\b
Examples:
  ess_web
  ess_web --port 8081 --token-file ~/.config/ess-bus/web.toml
  ess_web --read-only
  ssh -L 8080:127.0.0.1:8080 SITE        # then http://127.0.0.1:8080 here
The token file is TOML, and only its owner may read it (chmod 600):
  operator = "at least 16 characters"
  viewer = "another one"
\b
Exit status:
  0  stopped by SIGTERM or Ctrl-C
  1  cannot listen on the port, or a bad file; a broker that is not there is waited for
  2  wrong usage"""

_file = click.Path(path_type=Path)


@click.command(epilog=_EPILOG)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0 is any that is free.")
@click.option("--token-file", type=_file, metavar="FILE", help="The tokens.  [default: new ones, printed at the start]")
@click.option("--read-only", is_flag=True, help="Nobody can set or acknowledge anything; there is no operator.")
@click.option("--allow-host", multiple=True, metavar="NAME", help="A further name under which browsers reach it.")
@click.option("-n", "--engine", default="ess", show_default=True, callback=one_segment, help="The engine's name.")
@click.option("--diagram", type=_file, metavar="FILE", help='JSON, {"bms.soc": URI}: where the diagram finds values.')
@click.option(
    "--rate",
    default=5.0,
    show_default=True,
    type=click.FloatRange(0.2, 20),
    help="Updates a second of a page, at most.",
)
@process_options
def command(
    host: str,
    port: int,
    token_file: Path | None,
    read_only: bool,
    allow_host: tuple[str, ...],
    engine: str,
    diagram: Path | None,
    rate: float,
    bus: str | None,
    process_name: str | None,
    verbose: bool,
) -> None:
    """Show the site in a browser: diagram, cards, trends, alarms, all that is on the bus; set what can be set.

    Whoever opens it needs a token: the operator's, or the viewer's, who can only look. It listens on loopback: what
    goes further should go through ssh, or a proxy with TLS.
    """
    service = begin(verbose)
    try:
        from tools.ess_web.api import Api
        from tools.ess_web.server import listen, serve
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "ess_web", [Problem("", f"{error.name} is missing; pip install 'ess-bus[web]'")]
        ) from None
    tokens = new_tokens() if token_file is None else read_tokens(token_file)
    if read_only:
        tokens.pop(Role.OPERATOR, None)
        if not tokens:
            raise ConfigurationError(token_file, [Problem("viewer", "with --read-only, this token is needed")])
    hub = Hub(engine, places(engine, None if diagram is None else read_places(diagram)))
    name = process_name or "ess_web"
    following = Following(hub, bus, name)
    sock = listen(host, port)
    port = sock.getsockname()[1]
    # The cookies of a host are those of all its ports.
    api = Api(hub, following, Access(tokens), cookie=f"ess_web_{port}", rate=rate)
    _announce(host, port, tokens if token_file is None else {})
    with service.running(following.measures, name=name) as pulse:
        run_until_stopped(serve(sock, _hosts(host, allow_host), api, hub, following, pulse))


def _hosts(host: str, allowed: tuple[str, ...]) -> set[str]:
    from tools.ess_web.guard import LOOPBACK

    if host not in LOOPBACK:
        log.warning("%s is not loopback: tokens and values cross the network unencrypted", host)
    return {*LOOPBACK, host, *allowed}


def _announce(host: str, port: int, tokens: dict[Role, str]) -> None:
    """Say where it is. New tokens go to the standard output, not to the log; behind a '#', no server gets them."""
    address = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
    log.info("dashboard at %s", address)
    for role, token in tokens.items():
        click.echo(f"{role}: {address}#{token}")


def main() -> None:
    """Console entry point."""
    commandline.run(command, "ess_web")


if __name__ == "__main__":
    main()
