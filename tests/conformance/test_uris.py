"""Section 3.2: which URIs there are, and which are the same."""

from __future__ import annotations

import pytest

from ess_bus.control import Verb
from ess_bus.errors import UriError
from ess_bus.message import Message, encode
from ess_bus.uri import segments
from tests.conformance.rules import rule

SAME = ["{}/a/b", "{}/a/b/", "{}//a/b", "{}/a///b", "/{}//a//b//", "{}/a/b//"]


@rule("W-URI-1", "W-URI-2")
@pytest.mark.parametrize("subscribed", SAME)
@pytest.mark.parametrize("sent", SAME)
def test_repeated_and_trailing_slashes_do_not_count_and_the_text_arrives_unchanged(world, at, subscribed, sent):
    peer, other = world.peer("peer"), world.peer("other", subscribed.format(at))
    for verb in ("pub", "set"):
        frame = peer.message(verb, sent.format(at), b"1")
        other.sync()
        assert other.frames == [frame]
        other.frames.clear()
    assert other.change(Verb.UNSUBSCRIBE, (sent.format(at),)) is None
    peer.message("pub", sent.format(at), b"2")
    assert other.take() == []


@rule("W-URI-1", "W-ROUTE-2")
@pytest.mark.parametrize("root", ["/", "//", "///"])
def test_slashes_alone_are_the_root_and_can_be_sent_to(world, root):
    peer, other = world.peer("peer"), world.peer("other", root)
    for uri in ("/", "//"):
        peer.message("pub", uri, b"1")
        assert [message.uri for message in other.take()] == [uri]


@rule("W-URI-1")
@pytest.mark.parametrize("other_text", ["/A", "/%61", "/a.", "/ä", "/a\u0308", "/ a"])
def test_segments_are_compared_byte_by_byte(world, at, other_text):
    peer, other = world.peer("peer"), world.peer("other", f"{at}/a", f"{at}/\u00e4")
    peer.message("pub", f"{at}{other_text}", b"1")
    assert len(other.take()) == (other_text == "/\u00e4")


@rule("W-URI-5")
@pytest.mark.parametrize(
    "uri", ["/with a space/ and another", "/~!@#$%^&*()[]{}:;'\"<>?,|", "/\u00e4\u20ac\U0001f50b", "/.", "/.."]
)
def test_everything_else_is_allowed(world, at, uri):
    peer, other = world.peer("peer"), world.peer("other", at + uri)
    frame = peer.message("set", at + uri, b"1")
    other.sync()
    assert other.frames == [frame]


def longest(at: str, size: int) -> str:
    return at + "/" + "\u00e4" * ((size - len(at) - 1) // 2) + "x" * ((size - len(at) - 1) % 2)


def of_segments(at, count):
    """A URI of so many segments; a slash that ends it does not count."""
    return at + "/x" * (count - 1) + "//" * (count == 63)


@rule("W-URI-3", "W-URI-4", "W-URI-6")
@pytest.mark.parametrize("verb", ["pub", "set"])
@pytest.mark.parametrize(
    ("made", "measure", "most"),
    [(longest, lambda uri: len(uri.encode()), 255), (of_segments, lambda uri: len(segments(uri)), 63)],
    ids=["bytes", "segments"],
)
def test_the_longest_uri_is_delivered_and_a_longer_one_refused(world, at, verb, made, measure, most):
    peer = world.peer("peer")
    right, wrong = made(at, most), made(at, most + 1)
    assert (measure(right), measure(wrong)) == (most, most + 1)
    other = world.peer("other", right)
    assert other.change(Verb.SUBSCRIBE, ((wrong, "all"),)) is not None
    peer.message(verb, right, b"1")
    assert peer.errors() == []
    peer.message(verb, wrong, b"2")
    (text,) = peer.errors()
    assert str(most) in text
    assert other.bodies() == [b"1"]


BAD = ["no slash", "", " /a", "/a\x01", "/a\n", "/a\x7f", "/a\x1f"]


@rule("W-URI-1", "W-URI-5", "W-URI-6", "W-SUB-5")
@pytest.mark.parametrize("uri", BAD, ids=repr)
def test_what_is_no_uri_is_refused_in_a_message_and_in_a_subscription(world, at, uri):
    peer, watching = world.peer("peer"), world.peer("watching", "/")
    for verb in ("pub", "set"):
        peer.message(verb, uri, b"1")
    assert len(peer.errors()) == 2
    assert peer.change(Verb.SUBSCRIBE, ((uri, "all"),)) is not None
    assert watching.take() == []


@rule("W-URI-5", "W-URI-6")
def test_a_header_that_is_not_utf_8_is_refused(world):
    peer = world.peer("peer")
    peer.send(b"pub /\xff\0\x96\xc0\xa1p\xc0\xc0\xc0\xc0", b"set /\xc3\0\x96\xc0\xa1p\xc0\xc0\xc0\xc0")
    assert len(peer.errors()) == 2


@rule("W-URI-6")
@pytest.mark.parametrize("uri", [*BAD, "/" + "x" * 255, "/x" * 64], ids=lambda uri: repr(uri)[:20])
def test_a_client_checks_before_it_sends(world, uri):
    with world.bus() as bus:
        before = bus.statistics().sent
        with pytest.raises(UriError):
            bus.publish(uri, 1)
        with pytest.raises(UriError):
            bus.set(uri, 1)
        with pytest.raises(UriError):
            bus.send("set", "/a", 1, replyto=uri)
        with pytest.raises(UriError):
            bus.subscribe(uri)
        assert bus.statistics().sent == before
        assert bus.get("/bus/version")


@rule("W-URI-2")
def test_a_pub_is_routed_the_same_the_second_time_whatever_came_between(world, at):
    peer, other = world.peer("peer"), world.peer("other", f"{at}/a")
    frames = [
        encode(Message("pub", uri, b"1", None, "p")) for uri in (f"{at}/a", f"{at}//a", f"{at}/a", f"{at}/ab")
    ] * 2
    peer.send(*frames)
    peer.sync()
    assert len(other.take()) == 6
