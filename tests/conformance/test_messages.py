"""Section 3.1: what a message carries, and that it arrives as it was sent."""

from __future__ import annotations

import msgpack
import pytest

from ess_bus.control import Verb
from ess_bus.message import Message, Status, encode
from tests.conformance.rules import rule

BODIES = [None, b"", b"0", b'{"soc": 50}', b"\0", b"\0\0*!", b"\xff\xfe\x80", bytes(range(256)), b"x" * 70_000]


@rule("W-MSG-5", "W-MSG-4")
@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body)[:20])
def test_any_bytes_are_a_body_and_none_is_another_than_empty(world, at, body):
    peer, other = world.peer("peer"), world.peer("other", at)
    frame = peer.message("pub", at, body)
    other.until(lambda: other.frames)
    assert other.frames == [frame]
    (message,) = other.take()
    assert message.body == body


@rule("W-MSG-1", "W-MSG-2", "W-MSG-4")
@pytest.mark.parametrize("verb", ["get", "set", "pub", "post", "del"])
def test_every_verb_arrives_byte_for_byte(world, at, verb):
    peer, other = world.peer("peer"), world.peer("other", at)
    frame = encode(Message(verb, at + "/x", b"1", "/reply to/me", "näme", "user", None, "token"))
    peer.send(frame)
    peer.sync()
    other.sync()
    assert other.frames == [frame]


@rule("W-MSG-6", "W-REPLY-1")
@pytest.mark.parametrize("status", list(Status))
def test_a_reply_arrives_with_its_status(world, at, status):
    peer, other = world.peer("peer"), world.peer("other", at)
    frame = encode(Message("set", at, b"1", None, "peer", None, status, "token"))
    assert frame.startswith(b"reply ")
    peer.send(frame)
    peer.sync()
    other.sync()
    assert other.frames == [frame]
    (message,) = other.take()
    assert (message.method, message.status, message.token) == ("set", status, "token")


# What else msgpack allows for the same values: long lengths where short ones would do.
LONG_FORMS = (
    b"\xdc\x00\x06"  # an array of 16 bits
    b"\xd9\x03/me"  # a text of 8 bits
    b"\xda\x00\x01p"  # of 16
    b"\xdb\x00\x00\x00\x01u"  # of 32
    b"\xc0\xc0"
    b"\xc6\x00\x00\x00\x01b"  # bytes of 32 bits
)


@rule("W-MSG-3")
def test_a_tail_in_another_of_msgpacks_encodings_is_the_same_message(world, at):
    peer = world.peer("peer")
    with world.bus(name="reader") as bus, bus.subscribe(at) as messages:
        peer.send(f"set {at}".encode() + b"\0" + LONG_FORMS)
        peer.sync()
        assert messages.receive(60) == Message("set", at, b"b", "/me", "p", "u")


WRONG_TAILS = [
    [None, "p", None, None, None],
    [None, "p", None, None, None, b"", None],
    [None, None, None, None, None, b""],
    [7, "p", None, None, None, b""],
    ["no slash", "p", None, None, None, b""],
    [None, "p", 7, None, None, b""],
    [None, "p", None, "ok", None, b""],
    [None, "p", None, None, 7, b""],
    [None, "p", None, None, None, "text"],
    {"body": b""},
]


@rule("W-MSG-3", "W-MSG-4", "W-MSG-6")
@pytest.mark.parametrize("fields", WRONG_TAILS, ids=repr)
def test_a_receiver_leaves_out_what_breaks_the_rules_of_a_tail_and_counts_it(world, at, fields):
    peer = world.peer("peer")
    with world.bus(name="reader") as bus, bus.subscribe(at) as messages:
        peer.send(f"set {at}".encode() + b"\0" + msgpack.packb(fields))
        peer.message("pub", at, b"right")
        peer.sync()
        message = messages.receive(60)
        assert message is not None
        assert message.body == b"right"
        assert bus.statistics().garbage == 1


@rule("W-MSG-6")
def test_a_reply_without_a_status_is_left_out_and_so_is_one_with_a_status_that_nobody_knows(world, at):
    peer = world.peer("peer")
    with world.bus(name="reader") as bus, bus.subscribe(at) as messages:
        for status in (None, "perhaps"):
            peer.send(f"reply {at}".encode() + b"\0" + msgpack.packb([None, "p", None, status, None, b""]))
        peer.message("pub", at, b"right")
        peer.sync()
        message = messages.receive(60)
        assert message is not None
        assert message.body == b"right"
        assert bus.statistics().garbage == 2


@rule("W-UNDELIVERED-1")
def test_a_command_with_a_malformed_tail_that_reaches_nobody_is_reported_without_an_address(world, at):
    peer = world.peer("peer")
    peer.send(f"set {at}".encode() + b"\0nonsense")
    assert peer.control(Verb.UNDELIVERED) == ("no_one_listening", "set", at, None, None, None)
