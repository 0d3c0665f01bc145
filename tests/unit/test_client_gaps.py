"""What a client says about messages that it may have missed."""

from __future__ import annotations

from ess_bus import control
from ess_bus.client.core import ClientCore
from ess_bus.client.inbox import Inbox
from ess_bus.control import Mode, Verb
from ess_bus.message import Message, Status, decode, encode


def joined():
    core = ClientCore("test", None, 0.0)
    core.tick(0.0)
    core.feed(control.encode(Verb.WELCOME, control.VERSION, "broker", 1 << 20), 0.0)
    core.outgoing.clear()
    return core


def test_a_gap_is_noted_with_each_welcome_and_with_each_loss(caplog):
    core, inbox = joined(), Inbox(2)
    core.subscribe(inbox, {"/a": Mode.ALL})
    assert core.gaps == 1
    core.feed(control.encode(Verb.DROPPED, 3), 0.0)
    assert (core.gaps, core.dropped) == (2, 3)
    caplog.clear()
    for number in range(4):
        core.feed(encode(Message("pub", f"/a/{number}")), 0.0)
    assert (core.gaps, core.dropped, inbox.dropped) == (4, 5, 2)
    assert [message.uri for message in inbox.messages] == ["/a/2", "/a/3"]
    assert len(caplog.records) == 1


def test_who_waits_for_the_answer_to_a_command_that_was_pushed_out_is_told():
    core, inbox = joined(), Inbox(1)
    core.subscribe(inbox, {"/a": Mode.ALL})
    core.outgoing.clear()
    for number in range(3):
        core.feed(encode(Message("set", "/a", b"%d" % number, f"/r/{number}")), 0.0)
    replies = [decode(frame) for frame in core.outgoing]
    assert [(reply.uri, reply.status) for reply in replies] == [("/r/0", Status.BUSY), ("/r/1", Status.BUSY)]
    assert [message.body for message in inbox.messages] == [b"2"]


def test_two_inboxes_each_get_what_they_asked_for_and_one_of_them_being_full_does_not_concern_the_other():
    core, small, pubs = joined(), Inbox(1), Inbox()
    core.subscribe(small, {"/a": Mode.ALL})
    core.subscribe(pubs, {"/a/b": Mode.PUB_ONLY})
    for method in ("pub", "set", "pub"):
        core.feed(encode(Message(method, "/a/b")), 0.0)
    core.feed(encode(Message("pub", "/a/c")), 0.0)
    assert [(message.method, message.uri) for message in pubs.messages] == [("pub", "/a/b")] * 2
    assert [message.uri for message in small.messages] == ["/a/c"]
    assert (small.dropped, pubs.dropped) == (3, 0)


def test_who_asks_while_a_subscription_ends_is_turned_away_and_need_not_wait():
    core, inbox = joined(), Inbox()
    core.subscribe(inbox, {"/a": Mode.ALL})
    core.unsubscribe(inbox)
    core.outgoing.clear()
    core.feed(encode(Message("set", "/a/b", b"1", "/r/1")), 0.0)
    core.feed(encode(Message("set", "/a/b", b"1")), 0.0)
    core.feed(encode(Message("pub", "/a/b", b"1", "/r/2")), 0.0)
    (reply,) = (decode(frame) for frame in core.outgoing)
    assert (reply.uri, reply.status) == ("/r/1", Status.REFUSED)
    assert not inbox.messages
