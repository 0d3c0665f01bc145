"""The broker's loop: a plain blocking one, drained in bursts. asyncio here would cost a third of the throughput."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Sequence
from typing import Final, Protocol

from ess_bus.broker.clients import Origin
from ess_bus.broker.core import Broker
from ess_bus.broker.fims_connection import FimsPeer
from ess_bus.broker.fims_listener import FimsListener
from ess_bus.broker.outbox import Delivery

TICK_S: Final = 1.0
# How soon to try a client again that has too much on its way to it.
RETRY_S: Final = 0.01
# A burst ends after so many frames or bytes: what it made due must not wait for long, nor take much memory.
BURST: Final = 256
BURST_BYTES: Final = 1 << 20
# Who sends so much at once, while a client that reads is so near to a loss, is not heard for a moment: so long for each
# such amount when the loss is at hand. Nobody else waits for that, and a client that does not read slows nobody down.
FLOOD_BYTES: Final = 32 << 10
PRESSED: Final = 0.25
REST_S: Final = 0.008
LONGEST_REST_S: Final = 0.05


class Listener(Protocol):
    """What the loop needs of the broker's main listener."""

    endpoint: str
    multipart: int

    def watch(self, descriptor: int) -> None:
        """Let `wait` return when `descriptor` is readable too."""

    def wait(self, timeout_s: float) -> object:
        """Wait until there is something to do."""

    def receive(self, known: Container[bytes], /) -> tuple[bytes, list[bytes], Origin | None] | None:
        """Return (peer, frames, origin), or ``None`` if nothing is here."""

    def send(self, peer: bytes, frame: bytes) -> Delivery:
        """Hand a frame to a connection without waiting."""

    def rest(self, peer: bytes, until: float) -> None:
        """Read nothing of a connection until then, if that can be."""

    def tick(self) -> None:
        """Do what is due once a second."""

    def close(self) -> None:
        """Stop listening."""


def serve(
    listener: Listener,
    broker: Broker,
    fims: FimsListener | None = None,
    watchers: Sequence[Callable[[Broker, float], None]] = (),
) -> None:
    """Route until interrupted; the `watchers` are shown the broker once a second."""
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
            for watcher in watchers:
                watcher(broker, now)
            next_tick = now + TICK_S


def sender(listener: Listener, fims: FimsListener | None) -> Callable[[bytes, bytes], Delivery]:
    """Return what hands a frame to a connection, whichever listener it belongs to."""
    if fims is None:
        return listener.send
    to_others, to_fims = listener.send, fims.send
    return lambda peer, frame: to_fims(peer, frame) if isinstance(peer, FimsPeer) else to_others(peer, frame)


def _tick(listener: Listener, broker: Broker, fims: FimsListener | None, now: float) -> None:
    listener.tick()
    broker.tick(now)
    broker.statistics.protocol_errors += listener.multipart
    listener.multipart = 0
    if fims is not None:
        fims.tick(broker.clients)
        broker.statistics.protocol_errors += fims.take_garbage()
        for peer, count in fims.take_losses():
            broker.note_lost(peer, count)


def _burst(listener: Listener | FimsListener, broker: Broker, now: float) -> None:
    receive, handle, known = listener.receive, broker.receive_all, broker.clients
    count = size = 0
    while count < BURST and size < BURST_BYTES:
        received = receive(known)
        if received is None:
            break
        peer, frames, origin = received
        handle(peer, frames, now, origin)
        taken = sum(map(len, frames))
        if taken >= FLOOD_BYTES and broker.is_holding and (pressure := broker.pressure(now)) > PRESSED:
            listener.rest(peer, now + min(LONGEST_REST_S, REST_S * pressure * taken / FLOOD_BYTES))
        count += len(frames)
        size += taken
    broker.flush(now)
