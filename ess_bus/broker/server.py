"""The broker's loop: a plain blocking one, drained in bursts. asyncio here would cost a third of the throughput."""

from __future__ import annotations

import time
from typing import Final

from ess_bus.broker.core import Broker
from ess_bus.broker.listener import ZmqListener

TICK_S: Final = 1.0
# Frames handled before the clock is looked at again.
BURST: Final = 512


def serve(listener: ZmqListener, broker: Broker) -> None:
    """Route until interrupted."""
    next_tick = time.monotonic() + TICK_S
    while True:
        listener.wait(next_tick - time.monotonic())
        now = time.monotonic()
        for _ in range(BURST):
            received = listener.receive()
            if received is None:
                break
            broker.receive(*received, now)
        if now >= next_tick:
            broker.tick(now)
            broker.statistics.protocol_errors += listener.multipart
            listener.multipart = 0
            next_tick = now + TICK_S
