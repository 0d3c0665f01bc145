"""Sections 5 and 6: who gets a message, once, and in which order."""

from __future__ import annotations

import random

import pytest

from ess_bus import batch
from ess_bus.control import Mode, Verb
from ess_bus.message import Message, Status, encode
from tests.conformance.rules import rule


@rule("W-ROUTE-1")
@pytest.mark.parametrize(
    ("uri", "is_covered"),
    [
        ("/a/b", True),
        ("/a/b/c", True),
        ("/a/b/c/d", True),
        ("/a/bc", False),
        ("/a", False),
        ("/a/c", False),
        ("/b", False),
    ],
)
@pytest.mark.parametrize("verb", ["pub", "set", "reply"])
def test_a_subscription_covers_its_uri_and_what_is_below(world, at, uri, is_covered, verb):
    peer, sender = world.peer("peer", f"{at}/a/b"), world.peer("sender")
    if verb == "reply":
        sender.message("set", at + uri, b"1", status=Status.OK)
    else:
        sender.message(verb, at + uri, b"1")
    assert len(peer.take()) == is_covered


@rule("W-ROUTE-2")
def test_the_root_covers_everything_replies_too(world, at):
    peer, sender = world.peer("peer", "/"), world.peer("sender")
    for verb in ("get", "set", "pub", "post", "del"):
        sender.message(verb, f"{at}/{verb}", b"1")
    sender.message("set", at, b"1", status=Status.OK)
    assert [message.method for message in peer.take()] == ["get", "set", "pub", "post", "del", "set"]


@rule("W-ROUTE-2")
def test_there_are_no_other_wildcards(world, at):
    peer, sender = world.peer("peer", f"{at}/*", f"{at}/+/x", f"{at}/#", f"{at}/>"), world.peer("sender")
    sender.message("pub", f"{at}/a/x", b"1")
    sender.message("pub", f"{at}/*/y", b"2")
    assert peer.bodies() == [b"2"]


@rule("W-ROUTE-3", "W-ROUTE-7")
@pytest.mark.parametrize("verb", ["pub", "set"])
def test_overlapping_subscriptions_bring_one_copy(world, at, verb):
    peer, sender = world.peer("peer", "/", at, f"{at}/a", f"{at}/a/b"), world.peer("sender")
    assert peer.change(Verb.SUBSCRIBE, ((f"{at}//a/b/c", "passive"), (f"{at}/a/b/c/d", "pub"))) is None
    sender.message(verb, f"{at}/a/b/c/d/e", b"1")
    assert peer.bodies() == [b"1"]
    assert sender.undelivered() == []


@rule("W-ROUTE-4", "W-UNDELIVERED-2")
def test_the_sender_gets_no_copy_and_another_connection_of_its_program_does(world, at):
    one, two = world.peer("program", at), world.peer("program", at)
    one.message("pub", at, b"1")
    one.message("set", at, b"2")
    assert (one.take(), two.bodies()) == ([], [b"1", b"2"])
    two.change(Verb.REPLACE, ())
    one.message("set", at, b"3")
    assert one.control(Verb.UNDELIVERED)[0] == "no_one_listening"


@rule("W-ROUTE-5")
@pytest.mark.parametrize(("mode", "count"), [(Mode.ALL, 6), (Mode.PASSIVE, 6), (Mode.PUB_ONLY, 1)])
def test_the_modes(world, at, mode, count):
    peer, sender = world.peer("peer", at, mode=mode), world.peer("sender")
    for verb in ("get", "set", "pub", "post", "del"):
        sender.message(verb, at, b"1")
    sender.message("set", at, b"1", status=Status.OK)
    assert len(peer.take()) == count


@rule("W-ROUTE-6", "W-UNDELIVERED-1", "W-UNDELIVERED-3")
def test_a_passive_listener_sees_a_command_that_is_not_delivered_and_one_that_is(world, at):
    listener, sender = world.peer("listener", "/", mode=Mode.PASSIVE), world.peer("sender")
    sender.message("set", at, b"1")
    assert len(sender.undelivered()) == 1
    world.peer("owner", at)
    sender.message("set", at, b"2")
    assert sender.undelivered() == []
    assert listener.bodies() == [b"1", b"2"]


@rule("W-ROUTE-7")
def test_of_several_subscriptions_the_most_wins(world, at):
    peer, sender = world.peer("peer", "/", mode=Mode.PASSIVE), world.peer("sender")
    peer.change(Verb.SUBSCRIBE, ((f"{at}/pubs", "pub"), (f"{at}/all", "all")))
    sender.message("set", f"{at}/pubs", b"1")
    assert len(sender.undelivered()) == 1
    sender.message("set", f"{at}/all/x", b"2")
    assert sender.undelivered() == []
    assert peer.bodies() == [b"1", b"2"]


@rule("W-ROUTE-8")
def test_nothing_is_kept_for_who_comes_later(world, at):
    sender = world.peer("sender")
    sender.message("pub", at, b"1")
    assert world.peer("late", at).take() == []


@rule("W-ORDER-1", "W-ROUTE-3")
def test_order_per_sender_and_receiver_holds_across_verbs_and_uris(world, at):
    receivers = [world.peer(f"receiver {number}", at) for number in range(3)]
    senders = [world.peer(f"sender {number}") for number in range(3)]
    choice = random.Random(7)
    for number in range(400):
        for sender in senders:
            verb = choice.choice(["get", "set", "pub", "pub", "post", "del", "reply"])
            status = Status.OK if verb == "reply" else None
            method = "set" if status else verb
            replyto = f"{at}/x" if method == "get" else None
            body = b"x" * choice.choice([1, 1, 1, 5000]) + b" %d" % number
            sender.message(method, f"{at}/{choice.randrange(9)}", body, replyto, waits=False, status=status)
    for sender in senders:
        sender.sync()
    for receiver in receivers:
        found = receiver.take()
        for sender in senders:
            numbers = [int(m.body.split()[1]) for m in found if m.process_name == sender.name and m.body]
            assert numbers == list(range(400))


@rule("W-ORDER-1", "W-SUB-4", "W-PING-1")
def test_control_frames_keep_their_place_among_messages(world, at):
    peer = world.peer("peer", f"{at}/me")
    request = encode(Message("get", "/bus/version", None, f"{at}/me", "p"))
    nobody = encode(Message("set", f"{at}/nobody", None, None, "p"))
    order = ["ping", "get", "nobody", "get", "ping", "nobody"]
    ping = b"!ping\0\x91\x07"
    peer.send(batch.pack([{"ping": ping, "get": request, "nobody": nobody}[what] for what in order]))
    answers = {"ping": "!pong", "get": "reply", "nobody": "!undelivered"}
    peer.sync()
    seen = [frame.split(b"\0")[0].decode().split()[0] for frame in peer.all]
    assert [verb for verb in seen if verb not in ("!welcome", "!ping")][:-1] == [answers[what] for what in order]


@rule("W-UNDELIVERED-1", "W-UNDELIVERED-2", "W-UNDELIVERED-5")
@pytest.mark.parametrize("verb", ["get", "set", "post", "del"])
@pytest.mark.parametrize(("replyto", "token"), [(None, None), ("/me", None), ("//me/", "t"), (None, "t")])
def test_a_command_that_nobody_hears_is_reported_with_all_that_identifies_it(world, at, verb, replyto, token):
    sender = world.peer("sender")
    world.peer("pubs only", at, mode=Mode.PUB_ONLY)
    sender.message(verb, f"{at}//x/", b"1", replyto, token=token)
    assert sender.undelivered() == [("no_one_listening", verb, f"{at}//x/", replyto, token, None)]
    sender.message("pub", f"{at}/nobody", b"1", replyto, token=token)
    sender.message("set", f"{at}/nobody", b"1", status=Status.OK, token=token)
    assert sender.undelivered() == []


@rule("W-UNDELIVERED-3")
def test_one_who_gets_it_is_enough(world, at):
    one, two, sender = world.peer("one", at), world.peer("two", at), world.peer("sender")
    two.say(Verb.BYE)
    sender.message("set", at, b"1")
    assert sender.undelivered() == []
    assert one.bodies() == [b"1"]
