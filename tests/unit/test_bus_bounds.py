"""Broker core and client cores together: what must not grow without bound, be shown twice, or go untold."""

import pytest

from ess_bus import batch, control
from ess_bus.broker.limits import Limits
from ess_bus.broker.returning import GRACE_S
from ess_bus.client.core import ClientCore
from ess_bus.control import Mode, Verb
from ess_bus.message import Message, encode
from ess_bus.uri import MAX_LENGTH
from tests.wire import End, Wire

LIMITS = Limits(queue_messages=8, queue_bytes=4000, max_message=2000)


@pytest.fixture
def wire() -> Wire:
    """A broker that keeps little for a client that lags."""
    return Wire(LIMITS)


def stop_reading(end: End) -> None:
    end.reads, end.room = False, 0


def read_again(wire: Wire, end: End) -> None:
    end.reads, end.room = True, 1000
    wire.broker.retry(wire.now)
    wire.settle()


def waiting(wire: Wire, name: str) -> tuple[int, int]:
    (client,) = (client for client in wire.broker.clients.values() if client.name == name)
    return client.outbox.depth


def test_commands_shown_to_a_listener_that_does_not_read_are_bounded_and_counted(wire):
    owner, listener, sender = wire.client("owner", "/a"), wire.client("look", "/", mode=Mode.PASSIVE), wire.client("s")
    stop_reading(listener)
    for number in range(100):
        sender.send("set", "/a", number)
    assert len(owner.take()) == 100
    assert waiting(wire, "look")[0] <= 2 * LIMITS.queue_messages
    read_again(wire, listener)
    assert len(listener.take()) + listener.core.dropped == 100
    assert listener.core.dropped > 0


def test_answers_of_the_broker_to_a_client_that_does_not_read_are_bounded_and_counted(wire):
    asker = wire.client("asker", "/me")
    stop_reading(asker)
    question = encode(Message("get", "/bus/clients", None, "/me", "asker"))
    for _ in range(100):
        wire.carry(asker, question)
    assert waiting(wire, "asker")[0] <= 2 * LIMITS.queue_messages
    read_again(wire, asker)
    assert len(asker.take()) + asker.core.dropped == 100


def test_a_burst_of_questions_to_the_broker_does_not_take_memory_for_all_answers_at_once(wire):
    asker = wire.client("asker", "/me")
    stop_reading(asker)
    question = encode(Message("get", "/bus/clients", None, "/me", "asker"))
    wire.broker.receive(asker.peer, batch.pack([question] * 1000), wire.now)
    assert waiting(wire, "asker")[0] <= 2 * LIMITS.queue_messages


def test_a_message_that_alone_is_too_much_for_the_queue_is_told_as_lost():
    wire = Wire(Limits(queue_messages=8, queue_bytes=1000, max_message=2000))
    slow, sender = wire.client("slow", "/a"), wire.client("sender")
    stop_reading(slow)
    sender.send("pub", "/a", b"1")  # waits, packed already
    for _ in range(2):
        sender.send("pub", "/a", b"x" * 1700)
    read_again(wire, slow)
    assert len(slow.take()) == 1
    assert slow.core.dropped == 2


def test_a_command_that_waits_for_its_owner_after_a_restart_is_shown_to_a_listener_once(wire):
    owner, listener = wire.client("owner", "/a"), wire.client("look", "/a", mode=Mode.PASSIVE)
    sender = wire.client("sender")
    owner.silent = True  # it is away for longer than the others
    wire.restart_broker()
    wire.advance(2)
    wire.settle()
    assert sender.core.joined
    sender.send("set", "/a", 1)
    for number in range(3):
        wire.client(f"newcomer {number}", f"/b/{number}")
    assert listener.take() == []
    owner.silent = False
    wire.advance(2)
    assert owner.bodies() == [b"1"]
    assert listener.bodies() == [b"1"]


def test_a_listener_sees_a_command_once_whose_owner_does_not_come_back(wire):
    listener, sender = wire.client("look", "/a", mode=Mode.PASSIVE), wire.client("sender")
    wire.restart_broker()
    wire.advance(2)
    sender.send("set", "/a", 1)
    wire.advance(GRACE_S + 2)
    assert listener.bodies() == [b"1"]
    (failure,) = sender.core.failures
    assert failure.outcome == "not delivered"


def test_a_second_hello_of_another_version_is_answered(wire):
    end = wire.client("a")
    wire.carry(end, control.encode(Verb.HELLO, 3, "a", "", 1, "", ()))
    assert wire.control_verbs(end) == [Verb.ERROR]
    assert not wire.broker.clients


@pytest.mark.parametrize("limits", [Limits(max_message=1024), Limits(max_message=1024, subscriptions=10)])
def test_however_small_messages_must_be_a_full_batch_and_a_full_hello_fit_into_a_frame(limits):
    small = encode(Message("pub", "/a", b"x" * 10))
    frame, count = batch.take([small] * 100_000)
    assert count < 100_000
    assert len(frame) <= limits.max_frame
    uris = {f"/{number:05d}/".ljust(MAX_LENGTH, "x"): Mode.PASSIVE for number in range(limits.subscriptions)}
    core = ClientCore("n" * 255, "u" * 255, 0.0)
    hello = control.encode(Verb.HELLO, 2, core.name, core.username, 1, "f" * 16, control.pack_subscriptions(uris))
    assert len(hello) <= limits.max_frame


def test_who_watches_a_process_hears_that_it_is_gone(wire):
    watching, process = wire.client("watching", "/processes/engine"), wire.client("engine")
    process.core.announce({"name": "engine"})
    wire.settle()
    watching.take()
    process.gone = True
    wire.advance(3)
    (gone,) = watching.take()
    assert gone.json() == {"name": "engine", "gone": True}
