"""Section 4.4: subscriptions, and what changing them does to messages under way."""

from __future__ import annotations

import threading

import pytest

from ess_bus import batch, control
from ess_bus.control import Mode, Verb
from ess_bus.message import Message, encode
from tests.conformance.rules import rule


@rule("W-SUB-1", "W-SUB-2", "W-SUB-3")
def test_subscriptions_are_added_taken_back_and_replaced(world, at):
    peer, sender = world.peer("peer"), world.peer("sender")

    def covered() -> set[str]:
        for place in "abcd":
            sender.message("pub", f"{at}/{place}")
        return {message.uri[-1] for message in peer.take()}

    assert covered() == set()
    assert peer.change(Verb.SUBSCRIBE, ((f"{at}/a", "all"), (f"{at}/b", "all"))) is None
    assert peer.change(Verb.SUBSCRIBE, ((f"{at}/c", "all"),)) is None
    assert covered() == set("abc")
    assert peer.change(Verb.UNSUBSCRIBE, (f"{at}/b", f"{at}/never")) is None
    assert covered() == set("ac")
    assert peer.change(Verb.REPLACE, ((f"{at}/d", "all"), (f"{at}/a", "all"))) is None
    assert covered() == set("ad")
    assert peer.change(Verb.REPLACE, ()) is None
    assert covered() == set()
    assert peer.change(Verb.SUBSCRIBE, ()) is None


@rule("W-SUB-1", "W-ROUTE-5")
def test_the_mode_of_a_subscription_can_be_changed_both_ways(world, at):
    peer, sender = world.peer("peer", at), world.peer("sender")

    def verbs() -> list[str]:
        for verb in ("get", "set", "pub", "post", "del"):
            sender.message(verb, at)
        return [message.method for message in peer.take()]

    everything = ["get", "set", "pub", "post", "del"]
    assert verbs() == everything
    assert peer.change(Verb.SUBSCRIBE, ((at, "pub"),)) is None
    assert verbs() == ["pub"]
    assert len(sender.undelivered()) == 4
    assert peer.change(Verb.SUBSCRIBE, ((at, "passive"),)) is None
    assert verbs() == everything
    assert len(sender.undelivered()) == 4
    assert peer.change(Verb.SUBSCRIBE, ((at + "//", "all"),)) is None
    assert verbs() == everything
    assert sender.undelivered() == []


@rule("W-SUB-4")
@pytest.mark.parametrize("sequence", [0, 7, 2**40])
def test_the_answer_stands_where_the_change_comes_into_force(world, at, sequence):
    peer, sender = world.peer("peer"), world.peer("sender")
    # In one frame, so that they are handled without anything between them.
    frames = [
        control.encode(Verb.SUBSCRIBE, sequence, ((at, "all"),)),
        control.encode(Verb.PING, 1),
        control.encode(Verb.UNSUBSCRIBE, sequence + 1, (at,)),
        control.encode(Verb.PING, 2),
    ]
    peer.send(batch.pack(frames))
    told = list(peer.told())
    assert told == [
        (Verb.SUBSCRIBED, (sequence, None)),
        (Verb.PONG, (1,)),
        (Verb.SUBSCRIBED, (sequence + 1, None)),
        (Verb.PONG, (2,)),
    ]
    sender.message("pub", at)
    assert peer.take() == []


@rule("W-SUB-5")
def test_a_change_of_which_a_part_is_wrong_changes_nothing(world, at):
    peer, sender = world.peer("peer", f"{at}/a"), world.peer("sender")
    for verb in (Verb.SUBSCRIBE, Verb.REPLACE):
        reason = peer.change(verb, ((f"{at}/b", "all"), ("wrong", "all"), (f"{at}/a", "pub")))
        assert reason is not None
        assert "wrong" in reason
    sender.message("set", f"{at}/a", b"1")
    sender.message("pub", f"{at}/b", b"2")
    assert peer.bodies() == [b"1"]


@rule("W-SUB-5", "W-HELLO-3")
def test_there_is_a_limit_to_the_subscriptions_of_a_client(own_world):
    world = own_world(subscriptions=3)
    peer, sender = world.peer("peer", "/a", "/b"), world.peer("sender")
    assert peer.change(Verb.SUBSCRIBE, (("/c", "all"), ("/a//", "pub"))) is None
    reason = peer.change(Verb.SUBSCRIBE, (("/d", "all"),))
    assert reason is not None
    assert "3" in reason
    assert peer.change(Verb.REPLACE, tuple((f"/{number}", "all") for number in range(4))) is not None
    sender.message("pub", "/c", b"1")
    sender.message("pub", "/d", b"2")
    assert peer.bodies() == [b"1"]
    stranger = world.stranger()
    stranger.hello(*((f"/{number}", "all") for number in range(4)))
    stranger.control(Verb.ERROR)


@rule("W-SUB-6", "W-ORDER-1")
def test_changes_cost_and_double_nothing_that_is_covered_before_and_after(world, at):
    peer, total = world.peer("peer", f"{at}/x"), 3000
    sender = world.peer("sender")

    def flood() -> None:
        for number in range(total):
            sender.message("pub" if number % 3 else "set", f"{at}/x/{number % 5}", b"%d" % number, waits=False)

    sending = threading.Thread(target=flood)
    sending.start()
    changes = 0
    while sending.is_alive() or changes < 30:
        verb, listed = (
            (Verb.SUBSCRIBE, ((f"{at}/{changes}", "all"),)),
            (Verb.REPLACE, ((f"{at}/x", "all"), (f"{at}/x/1", "passive"))),
            (Verb.REPLACE, ((f"{at}", "all"),)),
            (Verb.SUBSCRIBE, ((f"{at}/x", "all"),)),
            (Verb.UNSUBSCRIBE, (f"{at}",)),
        )[changes % 5]
        assert peer.change(verb, listed) is None
        changes += 1
    sending.join()
    sender.sync()
    assert peer.bodies() == [b"%d" % number for number in range(total)]


@rule("W-SUB-4")
def test_through_a_client_a_subscription_is_in_force_when_it_returns(world, at):
    sender = world.peer("sender")
    with world.bus() as bus:
        one = bus.subscribe(f"{at}/a")
        sender.message("pub", f"{at}/a", b"1")
        one.add(f"{at}/b", pub_only=True)
        sender.message("set", f"{at}/b", b"2")
        sender.message("pub", f"{at}/b", b"3")
        one.remove(f"{at}//a/")
        sender.message("pub", f"{at}/a", b"4")
        one.replace(f"{at}/c")
        sender.message("pub", f"{at}/b", b"5")
        sender.message("pub", f"{at}/c", b"6")
        one.close()
        sender.message("pub", f"{at}/c", b"7")
        assert len(sender.undelivered()) == 1  # the set of 2
        two = bus.subscribe(f"{at}/a", f"{at}/b", f"{at}/c")
        sender.message("pub", f"{at}/c", b"8")
        assert [two.receive(60).body, two.receive(0)] == [b"8", None]


@rule("W-SUB-6")
def test_through_a_client_what_is_subscribed_twice_arrives_in_each_and_stays_when_one_ends(world, at):
    sender = world.peer("sender")
    with world.bus() as bus:
        one, two = bus.subscribe(at), bus.subscribe(at, pub_only=True)
        sender.message("pub", at, b"1")
        sender.message("set", at, b"2")
        bus.flush()
        assert [message.body for message in one.burst(0, 9)] == [b"1", b"2"]
        assert [message.body for message in two.burst(0, 9)] == [b"1"]
        one.close()
        sender.message("pub", at, b"3")
        bus.flush()
        assert [message.body for message in two.burst(0, 9)] == [b"3"]
        sender.message("set", at, b"4")
        assert len(sender.undelivered()) == 1


@rule("W-CTRL-3")
def test_a_change_that_is_no_change_at_all_is_an_error_and_nothing_is_changed(world, at):
    peer, sender = world.peer("peer", at), world.peer("sender")
    peer.send(b"!replace\0\x92\x01\x91\x92\xa1x\xa1y", control.encode(Verb.REPLACE, 1, ((at, "half"),)))
    assert len(peer.errors()) == 2
    sender.send(encode(Message("pub", at, b"1", None, "s")))
    sender.sync()
    assert peer.bodies() == [b"1"]


@rule("W-HELLO-2", "W-ROUTE-5")
def test_the_modes_of_a_hello_count_too(world, at):
    peer, sender = world.peer("peer", at, mode=Mode.PUB_ONLY), world.peer("sender")
    sender.message("set", at, b"1")
    sender.message("pub", at, b"2")
    assert peer.bodies() == [b"2"]
