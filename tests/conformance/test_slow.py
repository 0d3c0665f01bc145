"""Section 7: receivers that do not read, and what is too large or too much."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from ess_bus import control
from ess_bus.broker.limits import Limits
from ess_bus.client import Timeouts
from ess_bus.control import Mode, Verb
from ess_bus.errors import TooLarge
from ess_bus.message import Message, encode
from tests.conformance.peer import Peer
from tests.conformance.rules import rule
from tests.conformance.worlds import World

SMALL = {"max_message": 4096, "queue_messages": 16, "queue_bytes": 20_000, "window_bytes": 1024}


def known(asker: Peer, name: str) -> dict[str, Any]:
    """Return what the broker says of a client; the asker is subscribed to /me."""
    asker.message("get", "/bus/clients", None, "/me")
    found = [client for client in asker.take()[-1].json() if client["name"] == name]
    return found[0] if found else {}


def lag(world: World, sender: Peer, *uris: str, mode: Mode = Mode.ALL, verb: str = "pub") -> Peer:
    """Return a client for which something waits in the broker, because it does not read."""
    slow = world.peer("slow", *uris, mode=mode)
    for _ in range(100):
        sender.message(verb, uris[0], b"x" * 200)
        if known(sender, "slow")["waiting"]:
            return slow
    raise AssertionError("nothing waits")


def read_all(slow: Peer, sender: Peer) -> tuple[list[Message], int]:
    """Let it read; return what it gets and how many it is told to have lost."""
    slow.until(lambda: not known(sender, "slow")["waiting"])
    messages = slow.take()
    return messages, sum(fields[0] for _, fields in slow.told(Verb.DROPPED))


@rule("W-SLOW-1", "W-SLOW-2", "W-PING-3")
def test_no_more_than_the_window_is_sent_to_who_does_not_confirm(limited_world):
    world = limited_world(**{**SMALL, "queue_messages": 1000, "queue_bytes": 1_000_000})
    sender, slow = world.peer("sender", "/me"), world.peer("slow", "/a")
    slow.answers_pings = False
    frames = [sender.message("pub", f"/a/{number}", b"x" * 200) for number in range(100)]
    slow.until(lambda: len(slow.frames) > 3)
    slow.look()
    sent = known(sender, "slow")["sent"]
    assert sum(map(len, frames[:sent])) <= 1024 + 2 * len(frames[0])
    slow.until(lambda: len(slow.frames) == sent)
    assert known(sender, "slow")["waiting"] == 100 - sent
    # It confirms all that it was asked, one ping after another, and gets the rest.
    pings = [fields[0] for verb, fields in slow.controls if verb is Verb.PING]
    assert pings
    slow.answers_pings = True
    slow.say(Verb.PONG, pings[-1])
    slow.until(lambda: len(slow.frames) == 100)
    assert slow.frames == frames
    assert not list(slow.told(Verb.DROPPED))


@rule("W-SLOW-2", "W-SLOW-3")
def test_what_fits_waits_in_order_and_delays_nobody(limited_world):
    world = limited_world(**{**SMALL, "queue_messages": 100, "queue_bytes": 100_000})
    sender = world.peer("sender", "/me")
    other = world.peer("other", "/a")
    slow = lag(world, sender, "/a")
    other.take()
    for number in range(50):
        sender.message("pub" if number % 2 else "set", "/a", b"%d" % number)
    assert [int(body or b"") for body in other.bodies()] == list(range(50))
    messages, dropped = read_all(slow, sender)
    assert [int(m.body or b"") for m in messages if m.body and m.body[:1] != b"x"] == list(range(50))
    assert dropped == 0


@rule("W-SLOW-4", "W-SLOW-5", "W-DROPPED-1", "W-ORDER-3")
def test_beyond_the_bound_the_newest_pub_of_each_uri_is_kept_and_every_command(limited_world):
    world = limited_world(**SMALL)
    sender = world.peer("sender", "/me")
    slow = lag(world, sender, "/a")
    before = known(sender, "slow")
    lagged = before["waiting"] + before["sent"]
    for number in range(300):
        sender.message("pub", f"/a/{number % 5}", b"%d" % number)
        if number % 100 == 50:
            sender.message("set", "/a/0", b"%d" % number)
    assert known(sender, "slow")["waiting"] <= 18
    messages, dropped = read_all(slow, sender)
    numbered = [message for message in messages if message.uri != "/a"]
    newest = {message.uri: int(message.body or b"") for message in numbered if message.method == "pub"}
    assert newest == {f"/a/{place}": 295 + place for place in range(5)}
    assert [int(message.body or b"") for message in numbered if message.method == "set"] == [50, 150, 250]
    order = [int(message.body or b"") for message in numbered]
    assert order == sorted(order)
    assert dropped > 200
    assert len(messages) + dropped == lagged + 303
    assert known(sender, "slow")["dropped"] == dropped


@rule("W-SLOW-4", "W-DROPPED-1")
def test_if_that_is_not_enough_the_oldest_pubs_go(limited_world):
    world = limited_world(**SMALL)
    sender = world.peer("sender", "/me")
    slow = lag(world, sender, "/a")
    for number in range(100):
        sender.message("pub", f"/a/{number}", b"%d" % number)
    messages, dropped = read_all(slow, sender)
    order = [int(message.body or b"") for message in messages if message.uri != "/a"]
    assert order[-10:] == list(range(90, 100))
    assert order == sorted(order)
    assert dropped > 0


@rule("W-DROPPED-1")
def test_the_loss_is_told_before_what_is_newer(limited_world):
    world = limited_world(**SMALL)
    sender = world.peer("sender", "/me")
    slow = lag(world, sender, "/a")
    for number in range(100):
        sender.message("pub", "/a", b"%d" % number)
    read_all(slow, sender)
    told = next(index for index, frame in enumerate(slow.all) if frame.startswith(b"!dropped"))
    newest = next(index for index, frame in enumerate(slow.all) if frame.endswith(b"99"))
    assert told < newest


@rule("W-SLOW-5", "W-UNDELIVERED-2", "W-BUS-2")
def test_commands_that_do_not_fit_come_back_as_busy_and_those_that_wait_are_not_lost(limited_world):
    world = limited_world(**SMALL)
    sender = world.peer("sender", "/me")
    slow = lag(world, sender, "/a", verb="set")
    sender.told()
    accepted = 0
    for number in range(40):
        sender.message("set", "/a/b", b"%d" % number, "/me", token="t")
        refused = sender.undelivered()
        accepted += not refused
        assert refused in ([], [("busy", "set", "/a/b", "/me", "t", "slow")])
    assert 1 <= accepted <= 18
    sender.message("set", "/a/b", b"a reply", status="ok")
    assert [fields[:2] for fields in sender.undelivered()] == [("busy", "reply")]
    sender.message("pub", "/a/b", b"a pub")
    sender.message("get", "/bus/version", None, "/a/b", token="t")  # the answer would go to who has no room
    assert sender.undelivered() == [("busy", "get", "/bus/version", "/a/b", "t", "slow")]
    messages, dropped = read_all(slow, sender)
    assert [int(m.body or b"") for m in messages if m.uri == "/a/b"] == list(range(accepted))
    assert dropped == 1  # the pub


@rule("W-UNDELIVERED-3", "W-SLOW-5", "W-DROPPED-1")
def test_a_command_that_another_client_is_handed_is_not_reported(limited_world):
    world = limited_world(**SMALL)
    sender = world.peer("sender", "/me")
    slow = lag(world, sender, "/a", verb="set")
    for _ in range(30):
        sender.message("set", "/a", b"x")
    assert sender.undelivered()
    other = world.peer("other", "/a")
    sender.message("set", "/a", b"1")
    assert sender.undelivered() == []
    assert other.bodies() == [b"1"]
    messages, dropped = read_all(slow, sender)
    assert b"1" not in [message.body for message in messages]
    assert dropped == 1


@rule("W-SLOW-6", "W-DROPPED-1")
def test_copies_for_a_listener_are_bounded_and_counted(limited_world):
    world = limited_world(**SMALL)
    sender, owner = world.peer("sender", "/me"), world.peer("owner", "/a")
    slow = lag(world, sender, "/a", mode=Mode.PASSIVE, verb="set")
    before = known(sender, "slow")
    for _ in range(100):
        sender.message("set", "/a", b"1")
        owner.sync()  # it reads, and is given each of them
    assert known(sender, "slow")["waiting"] <= 18
    assert sender.undelivered() == []
    assert owner.bodies()[-100:] == [b"1"] * 100
    messages, dropped = read_all(slow, sender)
    assert dropped > 50
    assert len(messages) + dropped == before["waiting"] + before["sent"] + 100


@rule("W-SLOW-8", "W-UNDELIVERED-4")
def test_who_takes_nothing_for_too_long_is_forgotten_and_what_waits_is_reported(limited_world):
    world = limited_world(**{**SMALL, "stalled_after_s": 1.0})
    sender = world.peer("sender", "/me")
    slow = lag(world, sender, "/a", verb="set")
    sender.message("set", "/a", b"waits", "/me", token="waits")
    sender.until(lambda: not known(sender, "slow"))
    lost = sender.undelivered()
    assert ("no_one_listening", "set", "/a", "/me", "waits", None) in lost
    sender.message("set", "/a", b"1")
    assert sender.undelivered()[0][0] == "no_one_listening"
    slow.say(Verb.PONG, 1)
    slow.control(Verb.WHO)
    slow.join("/a")
    sender.message("set", "/a", b"back")
    assert slow.bodies()[-1] == b"back"


@rule("W-LIMIT-1", "W-ERROR-2")
def test_a_message_of_the_largest_size_arrives_and_a_larger_one_is_not_sent(limited_world):
    world = limited_world(max_message=2000)
    peer = world.peer("peer", "/a")
    with world.bus(name="bus") as bus:
        bus.publish("/a", b"x" * 1000)
        bus.flush()
        peer.sync()
        overhead = len(peer.frames.pop()) - 1000
        bus.publish("/a", b"x" * (2000 - overhead))
        for send in (bus.publish, bus.set):
            with pytest.raises(TooLarge) as caught:
                send("/a", b"x" * (2001 - overhead))
            assert (caught.value.outcome, caught.value.limit) == ("not sent", 2000)
            assert caught.value.size >= 2001
        bus.flush()
        peer.sync()
        assert [len(frame) for frame in peer.frames] == [2000]
        assert bus.joins == 1


@rule("W-LIMIT-1")
def test_an_answer_that_is_too_large_is_replaced_by_an_error(limited_world):
    world = limited_world(max_message=2000)
    peer = world.peer("peer", "/me")
    with world.bus(name="bus") as bus:
        bus.serve("/a", lambda _: "x" * 2000)
        peer.message("get", "/a", None, "/me")
        bus.run(0)
        bus.flush()
    (reply,) = peer.take()
    assert reply.status == "refused"
    assert "2000" in reply.json()["error"]


@rule("W-LIMIT-2")
def test_a_frame_far_over_the_limit_hurts_nobody_else(limited_world):
    world = limited_world(max_message=2000)
    receiver, sender, rude = world.peer("receiver", "/a"), world.peer("sender"), world.peer("rude", "/rude")
    rude.send(encode(Message("pub", "/a", b"x" * Limits(max_message=2000).max_frame, None, "rude")))
    sender.message("pub", "/a", b"1")
    assert receiver.bodies() == [b"1"]
    joined = threading.Event()
    while not joined.is_set():  # over libzmq a hello may still go to the connection that is being closed
        rude.hello(("/rude", "all"))
        for _ in range(10):
            rude.look(0.02)
        if any(verb is Verb.WELCOME for verb, _ in rude.controls):
            joined.set()


@rule("W-LIMIT-2", "W-BATCH-4", "W-HELLO-2")
def test_however_small_messages_must_be_full_batches_and_long_lists_are_taken(limited_world):
    world = limited_world(max_message=1024)
    peer, receiver = world.stranger(), world.peer("receiver", "/a")
    listed = [(f"/{number:05d}/".ljust(255, "x"), "passive") for number in range(10_000)]
    peer.hello(*listed)
    peer.control(Verb.WELCOME)
    assert peer.change(Verb.REPLACE, tuple(listed)) is None
    frames = [encode(Message("pub", "/a", b"x" * 900, None, "p"))] * 120
    peer.send(
        control.encode(Verb.PING, 0),
        b"*\xdc" + len(frames).to_bytes(2) + b"".join(b"\xc5" + len(frame).to_bytes(2) + frame for frame in frames),
    )
    receiver.until(lambda: len(receiver.frames) == 120)


@rule("W-TRANSPORT-7", "W-ERROR-2")
def test_a_flood_is_slowed_down_and_nothing_of_it_is_lost(limited_world):
    world = limited_world()
    total = 30_000
    with world.bus(name="receiver") as receiver, world.bus(name="sender", timeouts=Timeouts(send=30)) as sender:
        messages = receiver.subscribe("/a")

        def flood() -> None:
            for number in range(total):
                sender.publish("/a", b"%d" % number)
            sender.flush(30)

        sending = threading.Thread(target=flood)
        sending.start()
        found: list[int] = []
        while len(found) < total:
            message = messages.receive(60)
            assert message is not None
            found.append(int(message.body or b""))
        sending.join()
    assert found == list(range(total))
