"""The broker's loop with two listeners."""

from __future__ import annotations

from typing import Any

import pytest

from ess_bus.broker import server
from ess_bus.broker.core import Broker
from ess_bus.broker.outbox import Delivery


class Listener:
    """Has nothing to do, and stops the loop when it waits for the third time."""

    multipart = 0

    def __init__(self) -> None:
        self.timeouts: list[float] = []

    def wait(self, timeout_s: float) -> bool:
        self.timeouts.append(timeout_s)
        if len(self.timeouts) == 3:
            raise KeyboardInterrupt
        return False

    def watch(self, descriptor: int) -> None:
        assert descriptor == 7

    def receive(self, known: object) -> None:
        assert known == {}


class Other:
    """Has something to do at first."""

    def __init__(self) -> None:
        self.is_pending = True

    def fileno(self) -> int:
        return 7

    def receive(self, known: object) -> None:
        assert known == {}
        self.is_pending = False


def test_it_does_not_wait_while_a_listener_has_something_to_do():
    listener: Any = Listener()
    other: Any = Other()
    with pytest.raises(KeyboardInterrupt):
        server.serve(listener, Broker(lambda *_: Delivery.SENT), other)
    first, *others = listener.timeouts
    assert first == 0
    assert all(timeout_s > 0 for timeout_s in others)
