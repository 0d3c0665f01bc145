"""The command ``fims_server``."""

from __future__ import annotations

import logging

import click

from ess_bus import commandline, endpoint
from ess_bus.broker.core import DEFAULT_MAX_MESSAGE, Broker
from ess_bus.broker.listener import ZmqListener
from ess_bus.broker.server import serve
from ess_bus.process import begin, bus_option, until_stopped, verbose_option

log = logging.getLogger(__name__)


@click.command(
    epilog="""\b
Examples:
  fims_server                                the default bus of this user
  fims_server --bus plant                    a second bus on the same machine
  fims_server --bus tcp://127.0.0.1:4000     TCP, loopback only

\b
Exit status:
  0  stopped by SIGTERM or Ctrl-C
  1  cannot listen (another broker is there, no permission, bad address)
  2  wrong usage"""
)
@click.option(
    "--max-message",
    type=click.IntRange(1024, 1 << 30),
    default=DEFAULT_MAX_MESSAGE,
    show_default=True,
    metavar="BYTES",
    help="The largest message; the sender of a larger one gets an error.",
)
@bus_option
@verbose_option
def command(bus: str | None, verbose: bool, max_message: int) -> None:
    """Run the broker: the one process that every other process of a site talks through.

    It answers `get /bus/stats`, `/bus/clients` and `/bus/subscriptions` about itself.
    """
    with until_stopped():
        begin(verbose)
        listener = ZmqListener(endpoint.resolve(bus), max_message)
        try:
            log.info("listening on %s", listener.endpoint)
            serve(listener, Broker(listener.send, max_message))
        finally:
            listener.close()


def main() -> None:
    """Console entry point."""
    commandline.run(command, "fims_server")


if __name__ == "__main__":
    main()
