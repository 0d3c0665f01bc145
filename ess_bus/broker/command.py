"""The command ``fims_server``."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

import click

from ess_bus import commandline, endpoint
from ess_bus.broker.core import Broker
from ess_bus.broker.limits import Limits
from ess_bus.broker.listener import ZmqListener
from ess_bus.broker.server import serve
from ess_bus.process import begin, bus_option, until_stopped, verbose_option

log = logging.getLogger(__name__)

Function = TypeVar("Function", bound=Callable[..., Any])


def _limit_option(name: str, kind: click.IntRange | click.FloatRange, text: str) -> Callable[[Function], Function]:
    default = getattr(Limits(), name)
    unit = (
        "SECONDS" if name.endswith("_s") else "BYTES" if name in ("max_message", "queue_bytes", "window_bytes") else "N"
    )
    flag = f"--{name.removesuffix('_s').replace('_', '-')}"
    return click.option(flag, name, type=kind, default=default, show_default=True, metavar=unit, help=text)


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
@bus_option
@verbose_option
def command(bus: str | None, verbose: bool, **limits: Any) -> None:
    """Run the broker: the one process that every other process of a site talks through.

    It answers `get /bus/stats`, `/bus/clients` and `/bus/subscriptions` about itself.
    """
    bounds = Limits(**limits)
    if bounds.queue_bytes < bounds.max_message:
        raise click.UsageError("--queue-bytes must not be less than --max-message")
    with until_stopped():
        begin(verbose)
        listener = ZmqListener(endpoint.resolve(bus), bounds)
        try:
            log.info("listening on %s", listener.endpoint)
            serve(listener, Broker(listener.send, bounds, time.monotonic()))
        finally:
            listener.close()


def main() -> None:
    """Console entry point."""
    commandline.run(command, "fims_server")


if __name__ == "__main__":
    main()
