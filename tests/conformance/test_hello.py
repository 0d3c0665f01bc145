"""Sections 4.1 to 4.3 and 11: who joins, who leaves, and who is still there."""

from __future__ import annotations

import pytest

from ess_bus import control
from ess_bus.control import Verb
from ess_bus.message import Message, encode
from tests.conformance.peer import Peer
from tests.conformance.rules import rule


def names(peer: Peer, at: str) -> list[str]:
    peer.message("get", "/bus/clients", None, at)
    return [client["name"] for client in peer.take()[-1].json()]


@rule("W-HELLO-2", "W-VERSION-1", "W-CTRL-1")
def test_a_hello_is_answered_with_welcome_first_and_its_subscriptions_are_in_force(world, at):
    peer, sender = world.stranger(), world.peer("sender")
    peer.hello((at, "all"), (f"{at}/b", "pub"))
    verb, (version, broker, largest) = next(iter(peer.told()))
    assert verb is Verb.WELCOME
    assert (version, largest) == (2, 16 << 20)
    assert isinstance(broker, str)
    assert broker
    sender.message("set", at, b"1")
    assert peer.bodies() == [b"1"]


@rule("W-HELLO-7")
def test_all_clients_of_a_broker_are_told_the_same_id(world):
    assert world.peer().id == world.peer().id


@rule("W-HELLO-3", "W-VERSION-2")
@pytest.mark.parametrize(
    "fields",
    [
        (1, "n", "", 1, "", ()),
        (3, "n", "", 1, "", (), "more"),
        (3, {"quite": "different"}),
        ("2", "n", "", 1, "", ()),
        (),
        (2, "n", "", 1, ""),
        (2, 7, "", 1, "", ()),
        (2, "n", None, 1, "", ()),
        (2, "n", "", "1", "", ()),
        (2, "n", "", 1, None, ()),
        (2, "n", "", 1, "", ("/a",)),
        (2, "n", "", 1, "", (("/a", "everything"),)),
        (2, "n", "", 1, "", (("a", "all"),)),
        (2, "n", "", 1, "", (("/" + "x" * 255, "all"),)),
        (2, "n", "", 1, "", tuple((f"/{number}", "all") for number in range(10_001))),
    ],
    ids=lambda fields: repr(fields)[:40],
)
def test_a_wrong_hello_is_answered_with_an_error_and_the_connection_stays_unknown(world, fields):
    peer = world.stranger("wrong")
    peer.say(Verb.HELLO, *fields)
    (text,) = peer.control(Verb.ERROR)
    if fields and fields[0] in (1, 3):
        assert text == f"this broker speaks version 2, not {fields[0]}"
    peer.say(Verb.PING, 1)
    peer.control(Verb.WHO)
    peer.join()


@rule("W-HELLO-4", "W-SUB-3")
def test_a_second_hello_replaces_all_that_was_known(world, at):
    peer, sender = world.peer("first", f"{at}/a"), world.peer("sender", f"{at}/me")
    sender.message("set", f"{at}/a", b"0")
    peer.name = "second"
    peer.join(f"{at}/b")
    sender.message("pub", f"{at}/a", b"1")
    sender.message("pub", f"{at}/b", b"2")
    assert peer.bodies() == [b"0", b"2"]
    found = names(sender, f"{at}/me")
    assert "first" not in found
    assert found.count("second") == 1


@rule("W-HELLO-3", "W-HELLO-4")
def test_a_wrong_second_hello_leaves_nothing_of_the_first(world, at):
    peer, sender = world.peer("peer", at), world.peer("sender")
    peer.hello(version=3)
    peer.control(Verb.ERROR)
    sender.message("set", at, b"1")
    assert sender.control(Verb.UNDELIVERED)[0] == "no_one_listening"


@rule("W-HELLO-5", "W-ROUTE-4")
def test_two_clients_of_one_name_are_two(world, at):
    one, two = world.peer("same", at), world.peer("same", at)
    one.message("pub", at, b"1")
    two.message("set", at, b"2")
    assert (one.bodies(), two.bodies()) == ([b"2"], [b"1"])
    assert names(world.peer("looks", f"{at}-me"), f"{at}-me").count("same") == 2
    one.say(Verb.BYE)
    one.join()
    two.frames.clear()
    two.message("set", at, b"3")
    assert two.control(Verb.UNDELIVERED)[0] == "no_one_listening"
    one.message("set", at, b"4")
    assert two.bodies() == [b"4"]


@rule("W-HELLO-5")
@pytest.mark.parametrize("name", ["", "with / slash", "n" * 255, "n" * 300, "\u00e4\n"])
def test_any_text_is_a_name_and_a_long_one_is_cut(world, at, name):
    peer = world.peer(name, at)
    assert name[:255] in names(peer, at)


@rule("W-WHO-1")
def test_an_unknown_connection_is_asked_and_asked_again(world, at):
    peer = world.stranger()
    peer.message("pub", at, b"1", waits=False)
    assert peer.control(Verb.WHO) == ()
    assert peer.control(Verb.WHO) == ()  # a second later
    peer.join()


@rule("W-BYE-1", "W-UNDELIVERED-2")
def test_who_says_goodbye_is_forgotten_at_once(world, at):
    peer, sender = world.peer("leaves", at), world.peer("sender", f"{at}/me")
    peer.say(Verb.BYE)
    peer.say(Verb.PING, 1)
    peer.control(Verb.WHO)
    assert "leaves" not in names(sender, f"{at}/me")
    sender.message("set", at, b"1")
    assert sender.control(Verb.UNDELIVERED)[0] == "no_one_listening"


@rule("W-BYE-2")
def test_a_goodbye_before_the_hello_has_no_effect(world, at):
    peer, sender = world.stranger(), world.peer("sender")
    peer.say(Verb.BYE)
    peer.join(at)
    sender.message("pub", at, b"1")
    assert peer.bodies() == [b"1"]
    assert not list(peer.told(Verb.WHO, Verb.ERROR))


@rule("W-PING-1", "W-PING-2")
@pytest.mark.parametrize("number", [0, 1, 2**32, 2**63, -1])
def test_a_ping_is_answered_with_its_number_behind_all_that_was_before(world, at, number):
    peer, other = world.peer("peer"), world.peer("other", at)
    peer.send(
        encode(Message("set", at + "/x", b"1", None, "p")), encode(Message("set", "/nobody/here", b"2", None, "p"))
    )
    peer.say(Verb.PING, number)
    assert peer.control(Verb.PONG) == (number,)
    assert (Verb.UNDELIVERED, ("no_one_listening", "set", "/nobody/here", None, None, None)) in peer.controls
    assert other.bodies() == [b"1"]


@rule("W-PING-3", "W-PING-5")
def test_a_client_that_says_nothing_is_pinged_about_once_a_second_and_stays(world, at):
    peer, sender = world.peer("silent", at), world.peer("sender")
    peer.answers_pings = False
    peer.controls.clear()
    peer.control(Verb.PING)
    sender.message("set", at, b"1")
    assert sender.undelivered() == []
    assert peer.bodies() == [b"1"]


@rule("W-PING-6", "W-UNDELIVERED-2")
def test_a_client_whose_connection_is_closed_is_forgotten_without_a_goodbye(world, at):
    peer, sender = world.peer("killed", at), world.peer("sender", f"{at}/me")
    peer.cut()
    sender.until(lambda: "killed" not in names(sender, f"{at}/me"))
    sender.message("set", at, b"1")
    assert sender.control(Verb.UNDELIVERED)[0] == "no_one_listening"


@rule("W-CTRL-2")
def test_numbers_may_come_in_any_of_msgpacks_forms(world, at):
    peer = world.stranger()
    hello = (
        b"!hello\0\x96\xcd\x00\x02\xd9\x01n\xa0\xcf"
        + (7).to_bytes(8)
        + b"\xa0\xdc\x00\x01\x92"
        + control.encode(Verb.ERROR, at).partition(b"\0\x91")[2]
        + b"\xa3all"
    )
    peer.send(hello)
    assert peer.control(Verb.WELCOME)[0] == 2
