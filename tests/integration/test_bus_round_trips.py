"""`Bus` and `AsyncBus` against a real broker, over ipc and over TCP."""

import asyncio
import threading
from typing import Any

import pytest

from ess_bus.client import AsyncBus, AsyncSubscription, Bus, Timeouts
from ess_bus.errors import (
    Disconnected,
    EssError,
    NoOneListening,
    ProtocolError,
    Refused,
    RequestTimeout,
    TooLarge,
    UriError,
)
from ess_bus.message import Message, Status
from tests.integration.conftest import eventually, free_port, start_broker
from tests.integration.peers import Owner


def echo(message: Message) -> bytes | None:
    """Answer with the body of the request, or with its URI if it has none."""
    if message.uri.endswith("/bad"):
        raise ValueError("not this one")
    return message.uri.encode() if message.body is None else message.body


@pytest.mark.parametrize("kind", ["ipc", "tcp"])
def test_every_verb_makes_the_round_trip(kind, start, folder):
    endpoint = f"ipc://{folder}/b" if kind == "ipc" else f"tcp://127.0.0.1:{free_port()}"
    start_broker(start, endpoint)
    with Owner(endpoint, "/a", echo) as owner, Bus(endpoint, name="asker", username="me") as bus:
        assert bus.request("get", "/a/x").body == b"/a/x"
        assert bus.set("/a", {"soc": 50.5}).json() == {"soc": 50.5}
        assert bus.request("post", "/a", [1, 2]).json() == [1, 2]
        assert bus.request("del", "/a/y", None).body == b"/a/y"
        bus.publish("/a", "news")
        bus.flush()
        eventually(lambda: len(owner.received) == 5)
        assert [message.method for message in owner.received] == ["get", "set", "post", "del", "pub"]
        assert {(message.process_name, message.username) for message in owner.received} == {("asker", "me")}


@pytest.mark.parametrize("body", [b"", b"\0", b"\xff\xfe not text", bytes(range(256)), b"x" * 1_000_000, b"null"])
def test_any_bytes_are_a_body(broker, body):
    with Owner(broker, "/a", echo), Bus(broker, name="asker") as bus:
        assert bus.request("set", "/a", body).body == body


def test_values_travel_as_json(broker):
    with Owner(broker, "/a", echo), Bus(broker) as bus:
        values: list[Any] = [{"a": [1, 2.5, None, "ü"]}, 0, False, "text", []]
        for value in values:
            assert bus.set("/a", value).json() == value


def test_a_refusal_carries_the_owners_reason(broker):
    with Owner(broker, "/a", echo), Bus(broker) as bus:
        with pytest.raises(Refused, match="not this one") as caught:
            bus.get("/a/bad")
        assert (caught.value.uri, caught.value.reason) == ("/a/bad", "not this one")


def test_several_sets_are_under_way_at_once_and_each_has_its_own_outcome(broker):
    values = [("/a/1", 1), ("/a/bad", 2), ("/nobody", 3), ("/a\n", 4), ("/a/large", "x" * (16 << 20)), ("/a/1", 5)]
    with Bus(broker, name="owner") as owner, owner.subscribe("/a") as asked, Bus(broker, name="asker") as bus:
        answers: list[Message | EssError] = []
        asker = threading.Thread(target=lambda: answers.extend(bus.set_all(values, 10)), daemon=True)
        asker.start()
        # Nobody is answered until all have arrived, and then the last first.
        requests = [asked.receive(60) for _ in range(3)]
        for request in reversed(requests):
            assert request is not None
            if request.uri.endswith("/bad"):
                owner.refuse(request, "not this one")
            else:
                owner.reply(request, request.json())
        asker.join(10)
        assert [answer.json() for answer in answers if isinstance(answer, Message)] == [1, 5]
        assert [type(answers[index]) for index in range(1, 5)] == [Refused, NoOneListening, UriError, TooLarge]
        assert bus.set_all([("/a/1", 1)], 0.05)[0].__class__ is RequestTimeout
        assert bus.set_all([]) == []


def test_an_answer_that_is_not_json_is_said_to_be_so(broker):
    with Owner(broker, "/a", echo), Bus(broker) as bus, pytest.raises(ProtocolError, match="the body is not JSON"):
        bus.get("/a/x")


def test_a_uri_that_nobody_has_is_known_at_once(broker):
    with Bus(broker, timeouts=Timeouts(request=1000)) as bus:
        with pytest.raises(NoOneListening):
            bus.get("/a")
        bus.send("set", "/b", 1)
        with pytest.raises(NoOneListening, match="/b"):
            bus.flush()
        bus.flush()


def test_an_owner_that_does_not_answer_is_a_timeout(broker):
    with Bus(broker, name="mute") as mute, Bus(broker) as bus:
        mute_inbox = mute.subscribe("/a")
        with pytest.raises(RequestTimeout, match=r"no answer from /a within 0.1 s") as caught:
            bus.get("/a", timeout_s=0.1)
        assert isinstance(caught.value, TimeoutError)
        request = mute_inbox.receive(60)
        assert request is not None
        mute.reply(request, "late")
        mute.flush()
        bus.flush()
        assert bus.statistics().waiting == 0


def test_a_message_over_the_limit_is_refused_at_the_sender_and_the_connection_lives_on(start, folder):
    endpoint = f"ipc://{folder}/b"
    start("ess_bus.broker.command", "--bus", endpoint, "--max-message", 2000)
    with Owner(endpoint, "/a", echo), Bus(endpoint) as bus:
        with pytest.raises(TooLarge):
            bus.set("/a", b"x" * 2000)
        assert bus.request("set", "/a", b"x" * 1500).body == b"x" * 1500
        assert bus.get("/bus/stats")["protocol_errors"] == 0


def test_what_arrives_during_a_request_is_kept_in_order(broker):
    with Bus(broker, name="publisher") as publisher, Bus(broker, name="asker") as bus:
        bus_inbox = bus.subscribe("/news")

        def answer(message: Message) -> bytes:
            for number in range(10):
                publisher.publish("/news", [message.uri, number])
            publisher.flush()
            return b"1"

        with Owner(broker, "/a", answer):
            bus.get("/a/1")
            bus.get("/a/2")
        expected = [[uri, number] for uri in ("/a/1", "/a/2") for number in range(10)]
        found = [bus_inbox.receive(60) for _ in expected]
        assert [message.json() for message in found if message] == expected
        assert bus_inbox.receive(0) is None


def test_the_sender_is_excluded_but_not_its_process(broker):
    with Bus(broker, name="same") as one, Bus(broker, name="same") as two:
        one_inbox = one.subscribe("/a")
        two_inbox = two.subscribe("/a")
        one.publish("/a", 1)
        message = two_inbox.receive(60)
        assert message is not None
        assert message.json() == 1
        one.flush()
        assert one_inbox.receive(0) is None


def test_overlapping_subscriptions_bring_one_copy_and_unsubscribe_ends_them(broker):
    with Bus(broker) as bus, Bus(broker) as sender:
        bus_inbox = bus.subscribe("/", "/a", "/a/b")
        sender.publish("/a/b", 1)
        sender.flush()
        bus.flush()
        assert bus_inbox.receive(0) is not None
        assert bus_inbox.receive(0) is None
        bus_inbox.remove("/", "/a/", "/a//b")
        with pytest.raises(NoOneListening):
            sender.set("/a/b", 1)


def test_ten_thousand_pubs_arrive_complete_and_in_order(broker):
    with Bus(broker) as receiver, Bus(broker) as sender:
        receiver_inbox = receiver.subscribe("/a", pub_only=True)

        def publish() -> None:
            for number in range(10_000):
                sender.publish("/a", number)

        thread = threading.Thread(target=publish)
        thread.start()
        found = [receiver_inbox.receive(60) for _ in range(10_000)]
        thread.join()
        assert [int(message.body or b"") for message in found if message] == list(range(10_000))
        assert receiver.statistics().dropped == 0


def test_what_is_published_in_a_row_arrives_though_the_program_does_nothing_more(broker):
    with Bus(broker) as receiver, Bus(broker) as sender:
        messages = receiver.subscribe("/a")
        for round_ in range(3):
            for number in range(50):
                sender.publish("/a", 100 * round_ + number)
            found = [messages.receive(60) for _ in range(50)]
            assert [message.json() for message in found if message] == [100 * round_ + n for n in range(50)]


def test_what_was_published_in_a_row_comes_before_what_is_sent_after_it(broker):
    with Owner(broker, "/a", echo) as owner, Bus(broker) as sender:
        for _ in range(20):
            for number in range(30):
                sender.publish("/a", number)
            sender.set("/a", "set")
        eventually(lambda: len(owner.received) == 20 * 31)
        bodies = [message.json() for message in owner.received]
        assert bodies == [*range(30), "set"] * 20


def test_what_was_published_in_a_row_leaves_before_the_connection_is_closed(broker):
    with Bus(broker) as receiver:
        messages = receiver.subscribe("/a")
        with Bus(broker) as sender:
            for number in range(50):
                sender.publish("/a", number)
        found = [messages.receive(60) for _ in range(50)]
        assert [message.json() for message in found if message] == list(range(50))


def test_the_statistics_of_a_connection_say_what_waits(broker):
    with Bus(broker) as receiver, Bus(broker) as sender:
        receiver.subscribe("/a")
        for _ in range(3):
            sender.publish("/a", 1)
        sender.flush()
        receiver.flush()
        statistics = receiver.statistics()
        assert (statistics.connected, statistics.waiting, statistics.dropped, statistics.garbage) == (True, 3, 0, 0)


def test_without_a_broker_entering_fails_with_the_place_and_a_hint(folder):
    with (
        pytest.raises(Disconnected, match=f"no broker on ipc://{folder}/none within 0.1 s; is fims_server running"),
        Bus(f"ipc://{folder}/none", timeouts=Timeouts(connect=0.1)),
    ):
        pass


def test_a_bus_that_was_closed_says_so_and_can_be_opened_again(broker):
    bus = Bus(broker, name="again")
    with pytest.raises(Disconnected, match="is closed"):
        bus.publish("/a", 1)
    with Owner(broker, "/a", echo):
        for _ in range(2):
            with bus:
                assert bus.connected
                assert bus.get("/bus/version")
                assert bus.request("set", "/a", b"1").body == b"1"
            assert not bus.connected
            with pytest.raises(Disconnected, match="is closed"):
                bus.get("/a")


def test_a_program_that_works_on_what_it_received_still_answers_for_itself(broker):
    with Bus(broker, name="worker") as worker, Bus(broker, name="asker") as asker:
        worker_inbox = worker.subscribe("/work")
        worker.announce()
        for _ in range(500):
            asker.publish("/work", 1)
        asker.flush()
        asked = threading.Thread(target=lambda: asker.get("/processes/worker", timeout_s=20))
        worker.flush()
        assert worker_inbox.waiting == 500
        asked.start()

        def answered() -> bool:
            assert worker.statistics().waiting > 0, "it was only answered when all the work was done"
            worker_inbox.receive(0)
            return not asked.is_alive()

        eventually(answered)
        asked.join()


def test_a_closed_bus_is_forgotten_by_the_broker_at_once(broker):
    with Bus(broker) as watcher:
        with Bus(broker, name="leaves"):
            assert "leaves" in [client["name"] for client in watcher.get("/bus/clients")]
        eventually(lambda: "leaves" not in [client["name"] for client in watcher.get("/bus/clients")])


# -- asyncio -----------------------------------------------------------------------------------------------------------


async def serve(bus: AsyncBus, messages: AsyncSubscription, count: int) -> None:
    async for message in messages:
        if message.uri.endswith("/bad"):
            await bus.refuse(message, "not this one")
        else:
            await bus.reply(message, message.body)
        count -= 1
        if not count:
            return


def test_the_asynchronous_client_makes_the_same_round_trips(broker):
    async def main() -> None:
        async with AsyncBus(broker, name="owner") as owner, AsyncBus(broker, name="asker") as bus:
            messages = await owner.subscribe("/a")
            await owner.announce(devices=2)
            serving = asyncio.create_task(serve(owner, messages, 6))
            for body in (b"", b"\xff\0", b"x" * 1_000_000):
                assert (await bus.request("set", "/a", body)).body == body
            assert (await bus.set("/a", {"soc": 5})).json() == {"soc": 5}
            with pytest.raises(Refused, match="not this one"):
                await bus.get("/a/bad")
            assert await bus.get("/a") is None
            await serving
            assert (await bus.get("/processes/owner"))["devices"] == 2
            with pytest.raises(NoOneListening):
                await bus.get("/b")
            with pytest.raises(UriError):
                await bus.get("b")

    asyncio.run(main())


def test_a_hundred_asynchronous_requests_at_once_find_their_own_answers(broker):
    async def main() -> None:
        async with AsyncBus(broker, name="asker") as bus:
            replies = await asyncio.gather(*(bus.request("set", f"/a/{n}", n, timeout_s=20) for n in range(100)))
            assert [reply.json() for reply in replies] == list(range(100))
            assert all(reply.status is Status.OK for reply in replies)

    with Owner(broker, "/a", echo):
        asyncio.run(main())


def test_asynchronous_pubs_arrive_complete_and_in_order(broker):
    async def main() -> None:
        async with AsyncBus(broker) as receiver, AsyncBus(broker) as sender:
            receiver_inbox = await receiver.subscribe("/a", pub_only=True)

            async def publish() -> None:
                for number in range(2000):
                    await sender.publish("/a", number)

            publishing = asyncio.create_task(publish())
            found: list[int] = []
            async with asyncio.timeout(60):
                async for message in receiver_inbox:
                    found.append(message.json())
                    if len(found) == 2000:
                        break
            await publishing
            assert found == list(range(2000))

    asyncio.run(main())


def test_an_asynchronous_request_can_be_cancelled_and_its_answer_is_discarded(broker):
    async def main() -> None:
        async with AsyncBus(broker, name="mute") as mute, AsyncBus(broker) as bus:
            mute_inbox = await mute.subscribe("/a")
            asking = asyncio.create_task(bus.get("/a"))
            async for request in mute_inbox:
                asking.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asking
                await mute.reply(request, "late")
                break
            with pytest.raises(RequestTimeout):
                await bus.get("/a", timeout_s=0.05)
            assert (await bus.get("/bus/stats"))["clients"] == 2
            assert bus.statistics().waiting == 0

    asyncio.run(main())


def test_an_asynchronous_client_outside_its_block_says_so(broker, folder):
    async def main() -> None:
        bus = AsyncBus(broker)
        for _ in range(2):
            with pytest.raises(Disconnected, match="is closed"):
                await bus.publish("/a", 1)
            with pytest.raises(Disconnected, match="is closed"):
                await bus.get("/a")
            async with bus:
                assert await bus.get("/bus/version")
        with pytest.raises(Disconnected, match="no broker"):
            async with AsyncBus(f"ipc://{folder}/none", timeouts=Timeouts(connect=0.1)):
                pass

    asyncio.run(main())


def test_closing_ends_the_requests_of_other_tasks(broker):
    async def main() -> None:
        async with AsyncBus(broker, name="mute") as mute:
            mute_inbox = await mute.subscribe("/a")
            async with AsyncBus(broker, timeouts=Timeouts(request=1000)) as bus:
                asking = asyncio.create_task(bus.get("/a"))
                async for _ in mute_inbox:
                    break
            with pytest.raises(Disconnected, match="closed"):
                await asking

    asyncio.run(main())
