"""The command ``fims_echo``: answer a URI with a fixed body, or with the body that was sent (fims.md B6)."""

from __future__ import annotations

import sys
from contextlib import suppress

import click

from ess_bus.client import Bus
from ess_bus.errors import Disconnected
from ess_bus.process import begin, process_options, until_stopped
from ess_bus.service.running import BEAT_S
from ess_bus.uri import segments
from tools.fims import compat, completing

_BURST = 256


@click.command(
    epilog="""\b
Examples:
  fims_echo -u /components/pcs_1 -b '{"power": {"value": 0}}' &
  fims_send -m get -u /components/pcs_1

\b
Exit status:
  0  stopped by SIGTERM or Ctrl-C
  1  no broker
  2  wrong usage (1 with FIMS_COMPAT=1)"""
)
@click.option(
    "-u",
    "uri",
    required=True,
    metavar="URI",
    shell_complete=completing.uris,
    help="The URI to answer, exactly this one.",
)
@click.option("-b", "body", metavar="BODY", help="What to answer; without it, the body of the request.")
@process_options
def command(uri: str, body: str | None, bus: str | None, process_name: str | None, verbose: bool) -> None:
    """Answer every get, set, post and del on one URI. Nothing is remembered."""
    with until_stopped():
        service = begin(verbose)
        with Bus(bus, name=process_name or "fims_echo") as connection, service.running(tuple, connection) as pulse:
            messages = connection.subscribe(uri)
            connection.announce()
            sys.stderr.write(f"Listening on {uri} replying with {'body from message' if body is None else body}.\n")
            fixed = None if body is None else body.encode(errors="surrogateescape")
            pulse.ready()
            while True:
                for message in messages.burst(BEAT_S, _BURST):
                    if message.method != "pub" and segments(message.uri) == segments(uri):
                        answer = message.body if fixed is None else fixed
                        # The requester learns from its own time-out that the broker went away.
                        with suppress(Disconnected):
                            connection.reply(message, b"" if answer is None else answer)
                pulse.beat()


def main() -> None:
    """Console entry point."""
    compat.run(command, "fims_echo")


if __name__ == "__main__":
    main()
