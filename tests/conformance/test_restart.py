"""Section 8: connections that the broker does not know, and brokers that were restarted."""

from __future__ import annotations

import threading
import time

import pytest

from ess_bus import batch
from ess_bus.client import Timeouts
from ess_bus.control import Mode, Verb
from ess_bus.errors import BusError, Disconnected
from ess_bus.message import Message, Status, encode
from tests.conformance.rules import rule


def pub(uri: str, number: int) -> bytes:
    return encode(Message("pub", uri, b"%d" % number, None, "p"))


@rule("W-RESTART-2", "W-WHO-1")
def test_what_comes_before_the_hello_is_handled_after_it_in_order(world, at):
    receiver, peer = world.peer("receiver", at), world.stranger()
    peer.send(pub(at, 0), batch.pack([pub(at, 1), pub(at, 2)]), pub(at, 3))
    peer.say(Verb.PING, 5)
    peer.control(Verb.WHO)
    assert receiver.take() == []
    peer.hello()
    peer.control(Verb.PONG)
    assert receiver.bodies() == [b"0", b"1", b"2", b"3"]


@rule("W-RESTART-3")
def test_of_an_unknown_connection_no_more_is_kept_than_the_limit(own_world):
    world = own_world()
    receiver, peer = world.peer("receiver", "/a"), world.stranger()
    peer.send(*(pub("/a", number) for number in range(1003)))
    peer.join()
    peer.sync()
    assert [int(body or b"") for body in receiver.bodies()] == list(range(1000))
    receiver.message("get", "/bus/stats", None, "/a")
    (reply,) = receiver.take()
    assert reply.json()["unknown_dropped"] == 3


@rule("W-RESTART-5", "W-HELLO-7")
def test_after_a_restart_a_command_waits_for_who_is_coming_back(own_world):
    world = own_world()
    sender, listener = world.stranger("sender"), world.peer("listener", "/", mode=Mode.PASSIVE)
    sender.join("/me", earlier="of another broker")
    sender.message("set", "/a", b"1", "/me")
    sender.message("set", "/b", b"2", "/me")
    sender.message("pub", "/a", b"not kept")
    sender.message("set", "/a", b"not kept", status=Status.OK)
    other = world.peer("somebody else", "/c")
    assert sender.undelivered() == []
    owner = world.peer("owner", "/a")
    assert owner.bodies() == [b"1"]
    assert other.change(Verb.SUBSCRIBE, (("/b", "all"),)) is None
    assert other.bodies() == [b"2"]
    assert [m.body for m in listener.take() if m.uri == "/a"] == [b"not kept", b"not kept", b"1"]


@rule("W-RESTART-5", "W-RESTART-6", "W-UNDELIVERED-2")
@pytest.mark.parametrize("own_world", ["memory"], indirect=True)
def test_when_the_time_is_over_it_is_reported(own_world):
    world = own_world()
    sender = world.stranger("sender")
    sender.join("/me", earlier="of another broker")
    sender.message("set", "/a", b"1", "/me", token="t")
    assert sender.undelivered() == []
    began = time.monotonic()
    assert sender.control(Verb.UNDELIVERED) == ("no_one_listening", "set", "/a", "/me", "t", None)
    assert time.monotonic() - began > 2
    sender.message("set", "/a", b"2")
    assert len(sender.undelivered()) == 1


@rule("W-RESTART-1", "W-HELLO-8", "W-TRANSPORT-5", "W-TRANSPORT-4", "W-HELLO-7")
def test_clients_come_back_with_their_subscriptions_and_know_that_they_may_have_missed_something(own_world):
    world = own_world()
    with world.bus(name="receiver") as receiver, world.bus(name="sender", timeouts=Timeouts(connect=20)) as sender:
        messages = receiver.subscribe("/a", "/b")
        receiver.serve("/own", lambda message: message.uri)
        assert (receiver.joins, receiver.gaps) == (1, 1)
        world.stop()
        world.start()
        stopped = threading.Event()

        def work() -> None:
            while not stopped.is_set():
                receiver.run(0.02)

        working = threading.Thread(target=work)
        working.start()
        try:
            answer = None
            while answer is None:
                try:
                    answer = sender.get("/own/x", timeout_s=20)
                except BusError:  # the first ones may meet the connection that was lost
                    continue
        finally:
            stopped.set()
            working.join()
        assert answer == "/own/x"
        sender.publish("/a", 1)
        sender.flush()
        assert [messages.receive(60).body, receiver.joins, receiver.gaps] == [b"1", 2, 2]


@rule("W-RESTART-4", "W-DELIVERY-2", "W-DELIVERY-4", "W-TRANSPORT-6", "W-ERROR-2")
def test_what_was_under_way_has_an_unknown_outcome_and_nothing_is_sent_later_that_was_given_up(own_world):
    world = own_world()
    owner = world.peer("owner", "/a")
    outcomes: list[object] = []

    def use() -> None:
        with world.bus(timeouts=Timeouts(send=0.2, connect=20)) as bus:
            for send in (
                lambda: bus.request("set", "/a", b"under way", timeout_s=30),
                lambda: bus.publish("/a", 1),
                lambda: bus.send("set", "/a", 1),
                lambda: bus.set("/a", 1, timeout_s=0.2),
            ):
                with pytest.raises(Disconnected) as caught:
                    send()
                outcomes.append(caught.value.outcome)
            lost.set()
            while not bus.connected:
                bus.run(0.05)
            bus.flush(20)

    lost = threading.Event()
    using = threading.Thread(target=use)
    using.start()
    owner.until(lambda: owner.frames)
    world.stop()
    assert lost.wait(20)
    assert outcomes == ["unknown", "not sent", "not sent", "not sent"]
    world.start()
    receiver = world.peer("receiver", "/")
    using.join(20)
    assert receiver.take() == []
