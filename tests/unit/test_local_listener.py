"""The broker's Unix socket by itself: who connects and does not speak."""

import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ess_bus.broker import local_listener as module
from ess_bus.broker.limits import Limits
from ess_bus.broker.local_listener import LocalListener
from ess_bus.transport import zmtp


@pytest.fixture
def listener() -> Iterator[LocalListener]:
    with (
        tempfile.TemporaryDirectory(prefix="eb-", dir="/tmp") as folder,
        closing(LocalListener(f"ipc://{folder}/b", Limits())) as made,
    ):
        yield made


def connected(listener: LocalListener, said: bytes) -> socket.socket:
    raw = socket.socket(socket.AF_UNIX)
    raw.settimeout(10)
    raw.connect(str(Path(listener.endpoint.removeprefix("ipc://"))))
    raw.sendall(said)
    for _ in range(3):  # accepted, then read
        listener.wait(0)
        listener.receive()
    assert raw.recv(1000) == zmtp.opening("ROUTER")
    return raw


@pytest.mark.parametrize("said", [b"", zmtp.GREETING[:20], zmtp.GREETING])
def test_who_does_not_say_ready_in_time_is_dropped(listener, said, monkeypatch):
    with connected(listener, said) as raw:
        listener.tick()
        raw.setblocking(False)
        with pytest.raises(BlockingIOError):
            raw.recv(1)
        monkeypatch.setattr(module, "HANDSHAKE_S", -1.0)
        listener.tick()
        assert raw.recv(1) == b""


def test_who_said_ready_may_be_silent(listener, monkeypatch):
    with connected(listener, zmtp.opening("DEALER")) as raw:
        monkeypatch.setattr(module, "HANDSHAKE_S", -1.0)
        listener.tick()
        raw.setblocking(False)
        with pytest.raises(BlockingIOError):
            raw.recv(1)
