"""The broker's loop: a plain blocking one, drained in bursts. asyncio here would cost a third of the throughput."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from ess_bus.broker.core import Broker
from ess_bus.broker.fims_connection import FimsPeer
from ess_bus.broker.fims_listener import FimsListener
from ess_bus.broker.listener import ZmqListener
from ess_bus.broker.outbox import Delivery

TICK_S: Final = 1.0
# How soon to try a client again that has too much on its way to it.
RETRY_S: Final = 0.01
# A burst ends after so many frames or bytes: what it made due must not wait for long, nor take much memory.
BURST: Final = 256
BURST_BYTES: Final = 1 << 20


def serve(listener: ZmqListener, broker: Broker, fims: FimsListener | None = None) -> None:
    """Route until interrupted."""
    now = time.monotonic()
    next_tick = now + TICK_S
    if fims is not None:
        listener.watch(fims.fileno())
    while True:
        wake = min(next_tick, now + RETRY_S) if broker.is_holding else next_tick
        is_pending = fims is not None and fims.is_pending
        listener.wait(0 if is_pending else wake - time.monotonic())
        now = time.monotonic()
        _burst(listener, broker, now)
        if fims is not None:
            _burst(fims, broker, now)
        if broker.is_holding:
            broker.retry(now)
        if now >= next_tick:
            _tick(listener, broker, fims, now)
            next_tick = now + TICK_S


def sender(listener: ZmqListener, fims: FimsListener | None) -> Callable[[bytes, bytes], Delivery]:
    """Return what hands a frame to a connection, whichever listener it belongs to."""
    if fims is None:
        return listener.send
    to_others, to_fims = listener.send, fims.send
    return lambda peer, frame: to_fims(peer, frame) if isinstance(peer, FimsPeer) else to_others(peer, frame)


def _tick(listener: ZmqListener, broker: Broker, fims: FimsListener | None, now: float) -> None:
    broker.tick(now)
    broker.statistics.protocol_errors += listener.multipart
    listener.multipart = 0
    if fims is not None:
        fims.tick(broker.clients)
        broker.statistics.protocol_errors += fims.take_garbage()
        for peer, count in fims.take_losses():
            broker.note_lost(peer, count)


def _burst(listener: ZmqListener | FimsListener, broker: Broker, now: float) -> None:
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
