"""What a client says about messages that it may have missed."""

from __future__ import annotations

from ess_bus import control
from ess_bus.client import core as client
from ess_bus.control import Verb
from ess_bus.message import Message, encode


def joined():
    core = client.ClientCore("test", None, 0.0)
    core.tick(0.0)
    core.feed(control.encode(Verb.WELCOME, control.VERSION, "broker", 1 << 20), 0.0)
    return core


def test_a_gap_is_noted_with_each_welcome_and_with_each_loss(monkeypatch, caplog):
    monkeypatch.setattr(client, "INBOX_SIZE", 2)
    core = joined()
    assert core.gaps == 1
    core.feed(control.encode(Verb.DROPPED, 3), 0.0)
    assert (core.gaps, core.dropped) == (2, 3)
    caplog.clear()
    for number in range(4):
        core.feed(encode(Message("pub", f"/a/{number}")), 0.0)
    assert (core.gaps, core.dropped) == (4, 5)
    assert [message.uri for message in core.inbox] == ["/a/2", "/a/3"]
    assert len(caplog.records) == 1
