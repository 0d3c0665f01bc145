"""Answers of a client that has stood still, or whose broker has: whoever waits for them gets them."""

from __future__ import annotations

import asyncio

import pytest

from ess_bus import control
from ess_bus.client import AsyncBus, Bus
from ess_bus.client.core import ClientCore
from ess_bus.client.inbox import Inbox
from ess_bus.client.late import MOST, MOST_BYTES, PATIENCE_S, LateAnswers
from ess_bus.control import Mode, Verb
from ess_bus.errors import Disconnected
from ess_bus.message import Message, Status, encode
from ess_bus.transport.memory import Hub


def welcome(broker="broker"):
    return control.encode(Verb.WELCOME, control.VERSION, broker, 1 << 20)


def joined():
    core = ClientCore("test", None, 0.0)
    core.tick(0.0)
    core.feed(welcome(), 0.0)
    core.outgoing.clear()
    return core


def answer(number=1):
    return encode(Message("set", f"/me/{number}", b"1", None, "test", None, Status.OK))


def one(message: Message | None) -> Message:
    assert message is not None
    return message


def verbs(core):
    found = [control.decode(frame)[0] if frame[:1] == b"!" else frame for frame in core.outgoing]
    core.outgoing.clear()
    return found


def test_who_has_stood_still_asks_before_it_takes_the_broker_for_lost():
    core = joined()
    waiting, _ = core.request("get", "/a", None)
    assert core.tick(60.0) == 61.0
    assert (core.joined, waiting.done) == (True, False)
    assert verbs(core) == [Verb.PING]
    core.tick(60.9)
    assert core.joined
    core.tick(61.0)
    assert not core.joined
    with pytest.raises(Disconnected, match="stopped answering"):
        waiting.result()


def test_who_has_stood_still_with_a_ping_out_takes_a_word_that_came_meanwhile():
    core = joined()
    core.tick(1.0)
    core.feed(control.encode(Verb.PONG, 0), 60.0)
    core.tick(60.0)
    assert core.joined


def test_who_looks_seldom_still_notices_that_the_broker_is_lost():
    core = joined()
    for now_s in (10.0, 20.0):
        core.tick(now_s)
    assert not core.joined


def test_answers_wait_for_the_welcome_of_the_same_broker_and_leave_in_order():
    core = joined()
    core.lose("the broker stopped answering")
    frames = [answer(number) for number in range(3)]
    assert all(core.late.keep(frame, 1.0) for frame in frames)
    core.tick(1.0)
    assert verbs(core) == [Verb.HELLO]
    core.feed(welcome(), 2.0)
    assert verbs(core) == frames
    core.feed(welcome(), 2.0)
    assert verbs(core) == []


def test_another_broker_is_not_given_them():
    core = joined()
    core.lose("the broker stopped answering")
    core.late.keep(answer(), 1.0)
    core.feed(welcome("another"), 1.0)
    assert verbs(core) == []
    core.lose("the broker stopped answering")
    core.feed(welcome("another"), 1.0)
    assert verbs(core) == []


def test_of_what_was_due_answers_are_kept_and_commands_are_not():
    core = joined()
    core.outgoing += [encode(Message("set", "/a", b"1")), answer(), encode(Message("pub", "/b", b"1"))]
    core.lose("the broker stopped answering")
    core.tick(1.0)
    assert verbs(core) == [Verb.HELLO]
    core.feed(welcome(), 1.0)
    assert verbs(core) == [answer()]


def test_old_answers_are_forgotten_and_no_more_are_kept_than_there_is_room_for():
    late = LateAnswers()
    late.keep(answer(1), 0.0)
    late.keep(answer(2), PATIENCE_S)
    assert late.take(PATIENCE_S + 0.1) == [answer(2)]
    assert [late.keep(b"", 0.0) for _ in range(MOST + 1)] == [True] * MOST + [False]
    assert late.keep(b"", PATIENCE_S + 0.1)
    late = LateAnswers()
    assert late.keep(bytes(MOST_BYTES), 0.0)
    assert not late.keep(b"1", 0.0)
    assert late.take(0.0) == [bytes(MOST_BYTES)]
    assert late.keep(b"1", 0.0)


def test_a_bus_that_took_its_broker_for_lost_answers_what_it_has_read():
    hub = Hub()
    with Bus(name="owner", transport=hub.connect) as owner, Bus(name="asker", transport=hub.connect) as asker:
        requests, answers = owner.subscribe("/a"), asker.subscribe("/me")
        for value in ("answer", None):
            asker.send("get", "/a", None, "/me", "token")
            request = one(requests.receive(60))
            owner._core.lose("the broker stopped answering")
            if value is None:
                owner.refuse(request, "no")
            else:
                owner.reply(request, value)
            with pytest.raises(Disconnected):
                owner.publish("/b", 1)
            while not owner.connected:
                owner.run(0.01)
            reply = one(answers.receive(60))
            assert (reply.status, reply.token) == (Status.OK if value else Status.REFUSED, "token")
    with pytest.raises(Disconnected, match="closed"):
        owner.reply(request, 1)


def test_what_a_bus_holds_back_for_a_moment_is_not_lost_with_the_broker_if_it_is_an_answer():
    hub = Hub()
    with Bus(name="owner", transport=hub.connect) as owner, Bus(name="asker", transport=hub.connect) as asker:
        answers = asker.subscribe("/me", "/b")
        with owner._link._lock:  # the helper may not send them yet
            owner._link._hold(owner._core.compose(owner._core.message("pub", "/b", b"1")))
            owner._link._hold(answer())
            owner._core.lose("the broker stopped answering")
            while not owner.connected:
                owner.run(0.01)
        assert one(answers.receive(60)).uri == "/me/1"
        assert answers.receive(0) is None


def test_an_asynchronous_bus_that_took_its_broker_for_lost_answers_what_it_has_read():
    async def main():
        hub = Hub()
        async with (
            asyncio.timeout(60),
            AsyncBus(name="owner", transport=hub.connect) as owner,
            AsyncBus(name="asker", transport=hub.connect) as asker,
        ):
            requests = await owner.subscribe("/a")
            asking = asyncio.create_task(asker.get("/a", timeout_s=60))
            request = one(await requests.receive())
            owner._core.lose("the broker stopped answering")
            await owner.reply(request, 1)
            with pytest.raises(Disconnected):
                await owner.publish("/b", 1)
            assert await asking == 1
            asking = asyncio.create_task(asker.get("/a", timeout_s=60))
            request = one(await requests.receive())
            await owner.reply(request, 2)  # it leaves with this turn of the loop, if nothing comes between
            owner._core.lose("the broker stopped answering")
            assert await asking == 2
        with pytest.raises(Disconnected, match="closed"):
            await owner.reply(request, 1)

    asyncio.run(main())


def test_a_request_that_comes_before_the_welcome_is_taken():
    core, inbox = joined(), Inbox()
    core.subscribe(inbox, {"/a": Mode.ALL})
    core.lose("the broker stopped answering")
    core.feed(encode(Message("get", "/a", None, "/me")), 1.0)
    assert len(inbox.messages) == 1
