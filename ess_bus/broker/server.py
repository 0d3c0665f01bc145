"""The broker's loop: a plain blocking one, drained in bursts. asyncio here would cost a third of the throughput."""

from __future__ import annotations

import time
from typing import Final

from ess_bus.broker.core import Broker
from ess_bus.broker.listener import ZmqListener

TICK_S: Final = 1.0
# How soon to try a client again that has too much on its way to it.
RETRY_S: Final = 0.01
# A burst ends after so many frames or bytes: what it made due must not wait for long, nor take much memory.
BURST: Final = 256
BURST_BYTES: Final = 1 << 20


def serve(listener: ZmqListener, broker: Broker) -> None:
    """Route until interrupted."""
    now = time.monotonic()
    next_tick = now + TICK_S
    while True:
        wake = min(next_tick, now + RETRY_S) if broker.is_holding else next_tick
        listener.wait(wake - time.monotonic())
        now = time.monotonic()
        _burst(listener, broker, now)
        if broker.is_holding:
            broker.retry(now)
        if now >= next_tick:
            broker.tick(now)
            broker.statistics.protocol_errors += listener.multipart
            listener.multipart = 0
            next_tick = now + TICK_S


def _burst(listener: ZmqListener, broker: Broker, now: float) -> None:
    receive, handle, known = listener.receive, broker.receive, broker.clients
    size = 0
    for _ in range(BURST):
        received = receive(known)
        if received is None:
            break
        peer, frame, origin = received
        handle(peer, frame, now, origin)
        size += len(frame)
        if size > BURST_BYTES:
            break
    broker.flush(now)
