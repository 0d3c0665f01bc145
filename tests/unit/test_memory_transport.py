"""The broker inside this process: what `Bus` and `AsyncBus` make of it, and what is its own."""

from __future__ import annotations

import asyncio
import select
import threading
import time
from contextlib import ExitStack, closing
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from ess_bus import control
from ess_bus.broker.limits import Limits
from ess_bus.client import AsyncBus, Bus, Timeouts
from ess_bus.control import Verb
from ess_bus.errors import Disconnected, NoOneListening, Refused
from ess_bus.message import Message, encode
from ess_bus.transport import memory
from ess_bus.transport.base import Transport
from ess_bus.transport.memory import Hub

HELLO = control.encode(Verb.HELLO, control.VERSION, "raw", "", 1, "", (("/a", "all"),))


def is_readable(transport: Transport) -> bool:
    return bool(select.select([transport.fileno()], [], [], 0)[0])


def drain(transport: Transport) -> list[bytes]:
    return list(iter(transport.receive, None))


def test_the_example_in_its_description_works():
    text = memory.__doc__ or ""
    lines = text.partition("::\n\n")[2].partition("\n\nWhat is sent")[0].splitlines()
    code = "\n".join(line.removeprefix("    ") for line in lines)
    assert "assert" in code
    exec(compile(code, "example", "exec"), {"Hub": Hub, "Bus": Bus})


def test_two_buses_in_one_thread_and_an_owner_in_another():
    hub = Hub()
    ready, done = threading.Event(), threading.Event()

    def own() -> None:
        with Bus(name="owner", transport=hub.connect) as bus:
            bus.serve("/a", lambda message: {"asked": message.uri})
            ready.set()
            while not done.is_set():
                bus.run(0.05)

    owner = threading.Thread(target=own)
    owner.start()
    try:
        assert ready.wait(60)
        with Bus(name="one", transport=hub.connect) as one, Bus(name="two", transport=hub.connect) as two:
            assert one.get("/a/b") == {"asked": "/a/b"}
            assert two.get("/a/c") == {"asked": "/a/c"}
            with pytest.raises(NoOneListening):
                two.get("/nobody")
    finally:
        done.set()
        owner.join(10)


def test_the_asynchronous_client_is_woken_by_the_descriptor():
    async def main() -> None:
        hub = Hub()
        async with AsyncBus(name="owner", transport=hub.connect) as owner, AsyncBus(transport=hub.connect) as asker:

            async def answer(message: Message) -> str:
                if message.method == "set":
                    raise Refused(message.uri, "read only")
                return message.uri

            await owner.serve("/a", answer)
            assert await asyncio.gather(*(asker.get(f"/a/{number}") for number in range(100))) == [
                f"/a/{number}" for number in range(100)
            ]
            with pytest.raises(Refused, match="read only"):
                await asker.set("/a", 1)

    asyncio.run(main())


def test_a_flood_between_threads_arrives_complete_and_in_order():
    hub, total = Hub(), 20_000
    subscribed = threading.Event()
    found: list[Message | None] = []

    def receive() -> None:
        with Bus(name="receiver", transport=hub.connect) as bus, bus.subscribe("/a", size=total) as messages:
            subscribed.set()
            found.extend(messages.receive(60) for _ in range(total))

    receiver = threading.Thread(target=receive)
    receiver.start()
    assert subscribed.wait(10)
    with Bus(name="sender", transport=hub.connect) as bus:
        for number in range(total):
            bus.publish("/a", number)
        receiver.join(30)
    assert [message.json() for message in found if message] == list(range(total))


def test_a_connection_that_nobody_reads_is_full_and_gets_the_rest_when_it_is_read():
    hub = Hub(queue_length=5)
    with Bus(transport=hub.connect) as bus, closing(hub.connect()) as raw:
        raw.send(HELLO)
        for number in range(20):
            bus.publish("/a", number)
            bus.flush()  # each on its own: what is published in a row arrives as one frame
        first = [raw.receive() for _ in range(5)]
        assert None not in first
        assert hub.is_holding
        drain(raw)
        assert not hub.is_holding
        assert bus.get("/bus/stats")["dropped"] == 0


def test_a_closed_connection_is_gone():
    hub = Hub()
    with Bus(transport=hub.connect) as bus:
        raw = hub.connect()
        raw.send(HELLO)
        bus.send("set", "/a", 1)
        bus.flush()
        raw.close()
        with pytest.raises(NoOneListening):
            bus.set("/a", 2)
        assert (raw.send(HELLO), raw.receive()) == (False, None)
        raw.close()


def test_the_descriptor_is_readable_exactly_while_there_is_something_to_look_at():
    hub = Hub()
    with closing(hub.connect()) as raw:
        assert not is_readable(raw)
        raw.send(HELLO)
        assert is_readable(raw)
        drain(raw)
        assert not is_readable(raw)
        hub.stop()
        assert is_readable(raw)
        assert drain(raw) == []
        assert not is_readable(raw)


def test_waiting_ends_with_what_another_thread_sends_and_does_not_spin(monkeypatch):
    hub = Hub()
    with closing(hub.connect()) as raw, Bus(transport=hub.connect) as bus:
        raw.send(HELLO)
        drain(raw)
        looks = count()
        is_ready = hub.is_ready
        monkeypatch.setattr(hub, "is_ready", lambda *args, **more: next(looks) >= 0 and is_ready(*args, **more))
        timer = threading.Timer(0.3, lambda: bus.publish("/a", 1))
        timer.start()
        raw.wait(20)
        timer.join()
        assert drain(raw)
        assert next(looks) < 10


def test_waiting_ends_in_time():
    with closing(Hub().connect()) as raw:
        began = time.monotonic()
        raw.wait(0.05)
        assert time.monotonic() - began >= 0.05
        raw.wait(20, writable=True)  # at once: it always is


def test_clients_notice_at_once_that_the_broker_is_gone_and_come_back_by_themselves():
    hub = Hub()
    with ExitStack() as stack:
        one, two = (stack.enter_context(Bus(transport=hub.connect, timeouts=Timeouts(send=0.1))) for _ in range(2))
        messages = two.subscribe("/a")
        hub.stop()
        assert messages.receive(0) is None
        assert not two.connected
        with pytest.raises(Disconnected) as caught:
            one.publish("/a", 1)
        assert caught.value.outcome == "not sent"
        hub.start()
        assert two.get("/bus/stats")["clients"] >= 1
        one.get("/bus/version")
        one.publish("/a", 2)
        message = messages.receive(60)
        assert message is not None
        assert message.body == b"2"
        assert two.joins == 2


def test_a_frame_over_the_limit_costs_its_sender_the_connection():
    hub = Hub(Limits(max_message=2000))
    with closing(hub.connect()) as raw, Bus(transport=hub.connect) as bus:
        raw.send(HELLO)
        assert raw.send(encode(Message("pub", "/b", b"x" * hub.limits.max_frame)))
        assert raw.losses == 1
        with pytest.raises(NoOneListening):
            bus.set("/a", 1)


def test_a_test_can_say_who_is_proven_to_be_behind_a_connection():
    hub = Hub()
    with (
        Bus(name="a", username="claimed", transport=partial(hub.connect, "alice")) as bus,
        Bus(name="b", username="claimed", transport=hub.connect),
    ):
        known = {client["name"]: (client["user"], client["user_is_proven"]) for client in bus.get("/bus/clients")}
    assert known == {"a": ("alice", True), "b": ("claimed", False)}


def test_no_descriptor_is_left_open():
    before = len(list(Path("/proc/self/fd").iterdir()))
    hub = Hub()
    for _ in range(10):
        with Bus(transport=hub.connect):
            pass
    assert len(list(Path("/proc/self/fd").iterdir())) <= before
