"""The command ``fims_server``."""

from __future__ import annotations

import contextlib
import grp
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ess_bus import commandline, endpoint
from ess_bus.broker import description, metrics
from ess_bus.broker.administration import check_rules, keygen
from ess_bus.broker.core import Broker
from ess_bus.broker.fims_listener import FimsListener
from ess_bus.broker.fims_socket import NAME, default_path
from ess_bus.broker.limits import Limits
from ess_bus.broker.local_listener import LocalListener
from ess_bus.broker.protection import Paths, Protection
from ess_bus.broker.server import Listener, sender, serve
from ess_bus.process import begin, bus_option, service_options, until_stopped, verbose_option
from ess_bus.service import logs

if TYPE_CHECKING:
    from ess_bus.keys import ServerKeys

log = logging.getLogger(__name__)

Function = TypeVar("Function", bound=Callable[..., Any])


def _limit_option(name: str, kind: click.IntRange | click.FloatRange, text: str) -> Callable[[Function], Function]:
    default = getattr(Limits(), name)
    unit = (
        "SECONDS" if name.endswith("_s") else "BYTES" if name in ("max_message", "queue_bytes", "window_bytes") else "N"
    )
    flag = f"--{name.removesuffix('_s').replace('_', '-')}"
    return click.option(flag, name, type=kind, default=default, show_default=True, metavar=unit, help=text)


def _group_id(_context: click.Context, _parameter: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(text) if text.isdecimal() else grp.getgrnam(text).gr_gid
    except KeyError:
        raise click.BadParameter(f"there is no group {text!r}") from None


_FILE = click.Path(path_type=Path)


@click.group(
    invoke_without_command=True,
    subcommand_metavar="[COMMAND]",
    epilog="""\b
Examples:
  fims_server                                the default bus of this user
  fims_server --bus plant                    a second bus on the same machine
  fims_server --bus tcp://127.0.0.1:4000     TCP, loopback only
  fims_server keygen site                    a key pair, for TCP beyond loopback
  fims_server --rules site.toml --audit /var/log/ess-bus/audit.jsonl
  fims_server --fims-socket                  programs of the original may join too

\b
Exit status:
  0  stopped by SIGTERM or Ctrl-C; SIGHUP reads rules and keys again and reopens the audit trail
  1  cannot listen (another broker is there, no permission, bad address), or a file is wrong
  2  wrong usage""",
)
@_limit_option(
    "max_message", click.IntRange(1024, 1 << 30), "The largest message; the sender of a larger one gets an error."
)
@_limit_option("queue_messages", click.IntRange(16), "How many messages may wait for a client that does not keep up.")
@_limit_option("queue_bytes", click.IntRange(1024), "How many bytes may wait for it.")
@_limit_option(
    "window_bytes", click.IntRange(1024), "How much may be on its way to a client that has not confirmed it."
)
@_limit_option("stalled_after_s", click.FloatRange(1), "When a client that takes nothing is disconnected.")
@_limit_option("subscriptions", click.IntRange(1), "How many subscriptions a client may have.")
@click.option(
    "--fims-socket",
    is_flag=False,
    flag_value="",
    metavar="[PATH]",
    help=f"Listen on the original's own socket too, in the temporary folder ({NAME}) or at PATH.",
)
@click.option("--fims-group", callback=_group_id, metavar="GROUP", help="A group whose members may use that socket.")
@click.option("--group", callback=_group_id, metavar="GROUP", help="A group whose members may use ipc://PATH too.")
@click.option("--rules", type=_FILE, metavar="FILE", help="Who may get, set, pub, post, del and receive what (TOML).")
@click.option(
    "--audit", type=_FILE, metavar="FILE", help="Append every set, post and del and its outcome (JSON lines)."
)
@click.option("--audit-required", is_flag=True, help="Refuse commands that cannot be recorded.")
@click.option(
    "--answer-within",
    "answer_within_s",
    type=click.FloatRange(0.001),
    default=Paths().answer_within_s,
    show_default=True,
    metavar="SECONDS",
    help="When the audit trail calls a command unanswered.",
)
@click.option("--curve-secret", "secret", type=_FILE, metavar="FILE", help="The broker's key pair, for TCP (keygen).")
@click.option("--clients", type=_FILE, metavar="PATH", help="Who may join: a folder of NAME.key, or a TOML file.")
@bus_option
@service_options
@verbose_option
@click.pass_context
def command(
    context: click.Context,
    /,
    bus: str | None,
    verbose: bool,
    fims_socket: str | None,
    fims_group: int | None,
    group: int | None,
    **others: Any,
) -> None:
    """Run the broker: the one process that every other process of a site talks through.

    It answers `get /bus/stats`, `/bus/clients` and `/bus/subscriptions` about itself, and a set of `/bus/log_level`.
    """
    if context.invoked_subcommand is not None:
        return
    paths = Paths(**{name: others.pop(name) for name in Paths._fields})
    bounds = Limits(**others)
    _require_sense(paths)
    if bounds.queue_bytes < bounds.max_message:
        raise click.UsageError("--queue-bytes must not be less than --max-message")
    if fims_group is not None and fims_socket is None:
        raise click.UsageError("--fims-group is of no use without --fims-socket")
    with until_stopped(), contextlib.ExitStack() as opened:
        service = begin(verbose)
        protection = opened.enter_context(contextlib.closing(Protection(paths)))
        listener = _listener(endpoint.resolve(bus), bounds, protection.keys, group)
        opened.enter_context(contextlib.closing(listener))
        fims = None
        if fims_socket is not None:
            path = Path(fims_socket).absolute() if fims_socket else default_path()
            fims = opened.enter_context(contextlib.closing(FimsListener(path, fims_group)))
            log.info("the original's socket is %s", path)
        broker = Broker(sender(listener, fims), bounds, time.monotonic(), protection.gate)
        broker.desk[f"{description.ROOT}/{logs.LOG_LEVEL}"] = logs.answer
        pulse = opened.enter_context(service.running(lambda: metrics.measures(broker, time.monotonic())))
        log.info("listening on %s", listener.endpoint)
        pulse.ready()
        serve(listener, broker, fims, [lambda *_: protection.tick(broker, listener), lambda *_: pulse.beat()])


def _require_sense(paths: Paths) -> None:
    if (paths.secret is None) is not (paths.clients is None):
        raise click.UsageError("--curve-secret and --clients need each other")
    if paths.audit_required and paths.audit is None:
        raise click.UsageError("--audit-required is of no use without --audit")


command.add_command(keygen)
command.add_command(check_rules)


def _listener(where: str, limits: Limits, keys: ServerKeys | None, group: int | None) -> Listener:
    if where.startswith("ipc://"):
        if keys is not None:
            raise click.UsageError(f"--curve-secret is for tcp://; on {where} the kernel says who connects")
        return LocalListener(where, limits, group)
    if group is not None:
        raise click.UsageError(f"--group is for ipc://PATH, not {where}")
    from ess_bus.broker.listener import ZmqListener

    return ZmqListener(where, limits, keys)


def main() -> None:
    """Console entry point."""
    commandline.run(command, "fims_server")


if __name__ == "__main__":
    main()
