"""The command ``fims_listen``: print the messages of a part of the bus, in the original's format (fims.md A5, B5)."""

from __future__ import annotations

import time

import click

from ess_bus.client import Bus, Subscription
from ess_bus.message import METHODS
from ess_bus.output import binary_output
from ess_bus.process import bus_option, start_log, until_stopped, verbose_option
from tools.fims import compat, completing, stopping
from tools.fims.views import Counted, Printed, View

INCOMPLETE = 3
# Messages between two looks at the clock; and how long to wait for one where nothing else is due.
_BURST = 256
_LONG_S = 3600.0


@click.command(
    epilog="""\b
Examples:
  fims_listen                                  everything
  fims_listen -u /components -m pub            only pubs below /components
  fims_listen -u /status -u /controls -n 10    two parts of the tree, ten messages
  fims_listen -u /status -n 1 --timeout 5 || echo "nothing came"
  fims_listen --stats                          who publishes what, how often
  fims_listen -u /components --json > log.jsonl
  fims_listen -m set --jq '[.timestamp, .username, .uri, .body]'

\b
A line of --json:
  {"method":"pub","uri":"/a","replyto":null,"process_name":"bridge","username":"ems",
   "status":null,"body":{"soc":50},"encoding":"json","timestamp":"2026-01-31T12:00:00.000000+01:00"}
  status     of a reply: ok or refused
  encoding   what body is: json; text: it is no JSON; base64: it is no text; null: there is none

\b
Exit status:
  0  stopped by SIGTERM or Ctrl-C, -n messages were printed, or --timeout without -n is over
  1  no broker
  2  wrong usage
  3  --timeout was over before -n messages were printed
With FIMS_COMPAT=1 wrong usage is 1, and a signal is named on stderr, as by the original."""
)
@click.option(
    "-u",
    "-s",
    "uris",
    multiple=True,
    metavar="URI",
    shell_complete=completing.uris,
    help="Listen to this URI and below; may be repeated.",
)
@click.option("-m", "method", default="", metavar="METHOD", help="Print only methods that start so (s is set).")
@click.option("-n", "count", type=click.IntRange(min=1), metavar="COUNT", help="Stop after so many messages.")
@click.option("--timeout", "timeout_s", metavar="SECONDS", callback=stopping.seconds, help="Stop after so long.")
@click.option("--json", "json", is_flag=True, help="Print a line of JSON for each message.")
@click.option("--jq", "chosen", metavar="FILTER", help="Print what this jq filter makes of each line of --json.")
@click.option("--raw", is_flag=True, help="With --jq: strings without their quotes.")
@click.option("--stats", is_flag=True, help="Print a table of all URIs instead: count, rate, bytes, age.")
@bus_option
@verbose_option
def command(
    uris: tuple[str, ...],
    method: str,
    count: int | None,
    timeout_s: float | None,
    json: bool,
    chosen: str | None,
    raw: bool,
    stats: bool,
    bus: str | None,
    verbose: bool,
) -> int:
    """Print every message that is sent to a URI or below it, flushed one by one.

    A listener only looks on: a request that reaches nobody else is still reported to its sender. With --stats the table
    is drawn anew each second on a terminal, and printed at the end everywhere; it also says what the listener itself
    has lost because it did not keep up.
    """
    start_log(verbose)
    if not any(known.startswith(method) for known in METHODS):
        raise click.BadParameter(f"no method starts with {method!r}; they are {', '.join(sorted(METHODS))}")
    view = _view(stats, json, chosen, raw)
    ended = True
    with until_stopped(), Bus(bus, name="fims_listen") as connection:
        messages = connection.subscribe(*(uris or ("/",)), **mode(method))
        with until_stopped(), stopping.naming_signals():
            ended = _listen(connection, messages, view, method, count, timeout_s)
        view.finish(connection.statistics().dropped)
    return 0 if ended else INCOMPLETE


def mode(method: str) -> dict[str, bool]:
    """Return how to subscribe; a filter that begins ``pub`` is left to the broker, as by the original (fims.md B5)."""
    return {"pub_only": True} if method and "pub".startswith(method) else {"passive": True}


def _view(stats: bool, json: bool, text: str | None, raw: bool) -> View:
    output = binary_output()
    if stats and (json or text is not None):
        raise click.UsageError("--stats prints no messages: leave out --json and --jq")
    if text is None:
        if raw:
            raise click.UsageError("--raw goes with --jq")
        return Counted(output) if stats else Printed(output, json=json, chosen=None)
    from tools.fims.jq_filter import Filter

    try:
        return Printed(output, json=True, chosen=Filter(text, raw=raw))
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _listen(
    connection: Bus, messages: Subscription, view: View, method: str, count: int | None, timeout_s: float | None
) -> bool:
    """Show messages until the time is over or `count` were shown; return whether all that were asked for were."""
    deadline = time.monotonic() + (float("inf") if timeout_s is None else timeout_s)
    shown = 0
    while (now := time.monotonic()) < deadline:
        due = view.pause(connection.statistics().dropped)
        for message in messages.burst(min(deadline - now, _LONG_S if due is None else due), _BURST):
            shown += message.method.startswith(method) and view.show(message)
            if shown == count:
                return True
    return count is None


def main() -> None:
    """Console entry point."""
    compat.run(command, "fims_listen")


if __name__ == "__main__":
    main()
