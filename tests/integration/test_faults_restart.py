"""The broker is killed and comes back while everybody is busy."""

import asyncio
import signal
import threading
import time
from contextlib import ExitStack

import pytest

from ess_bus.client import AsyncBus, Bus, Timeouts
from ess_bus.errors import BusError, NoOneListening
from tests.integration.conftest import eventually, start_broker
from tests.integration.load import Listener, Publisher, RememberingOwner, Requester

URIS = ["/own/0", "/own/1"]


@pytest.fixture
def endpoint(folder) -> str:
    return f"ipc://{folder}/broker.sock"


def test_under_load_every_request_has_one_outcome_and_everybody_comes_back(start, endpoint):
    broker = start_broker(start, endpoint)
    with ExitStack() as stack:
        owners = [stack.enter_context(RememberingOwner(endpoint, uri)) for uri in URIS]
        listeners = [stack.enter_context(Listener(endpoint, "/news")) for _ in range(2)]
        publishers = [stack.enter_context(Publisher(endpoint, f"/news/{number}")) for number in range(2)]
        requesters = [stack.enter_context(Requester(endpoint, f"asker-{number}", URIS)) for number in range(3)]
        everybody = [*owners, *listeners, *publishers, *requesters]
        for _ in range(3):
            wait_for_more(requesters, publishers)
            broker.stop(signal.SIGKILL)
            broker = start_broker(start, endpoint)
        joins = 1 + 3
        eventually(lambda: all(one.bus.connected and one.bus.joins >= joins for one in everybody))
        with Bus(endpoint, name="watcher") as watcher:
            listed = watcher.get("/bus/subscriptions")
            assert [len(listed[uri]) for uri in [*URIS, "/news"]] == [1, 1, 2]
            stats = watcher.get("/bus/stats")
        wait_for_more(requesters, publishers)
        assert stats["protocol_errors"] == 0
    seen = owners[0].seen + owners[1].seen
    check_outcomes(requesters, seen)
    for listener in listeners:
        for publisher in publishers:
            numbers = listener.received[publisher.uri]
            assert numbers == sorted(set(numbers)), "twice, or out of order"
            assert numbers[-1] < publisher.next
        assert listener.bus.statistics().dropped == 0
    assert all(one.bus.statistics().garbage == 0 for one in everybody)


def wait_for_more(requesters: list[Requester], publishers: list[Publisher]) -> None:
    """Return when each has been served fifty more times."""
    asked, sent = [requester.ok for requester in requesters], [publisher.sent for publisher in publishers]

    def have_gone_on() -> bool:
        return all(one.ok > before + 50 for one, before in zip(requesters, asked, strict=True)) and all(
            one.sent > before + 50 for one, before in zip(publishers, sent, strict=True)
        )

    eventually(have_gone_on)


def check_outcomes(requesters: list[Requester], seen: dict[bytes, int]) -> None:
    """Every request has one outcome, and it is true."""
    assert set(seen.values()) == {1}, "a request was carried out twice"
    for requester in requesters:
        for body, outcomes in requester.outcomes.items():
            (outcome,) = outcomes
            if outcome == "ok":
                assert body in seen
            elif outcome in ("not sent", "not delivered"):
                assert body not in seen
            else:
                assert outcome == "unknown"
        # Its owner was there all along, or on its way back.
        assert [error for error in requester.errors if isinstance(error, NoOneListening)] == []


def test_a_command_just_after_a_restart_waits_for_an_owner_that_is_on_its_way(start, endpoint):
    broker = start_broker(start, endpoint)
    echo = start("tools.fims_echo", "-u", "/a", "-b", '"here"', "--bus", endpoint)
    with Bus(endpoint, name="asker", timeouts=Timeouts(connect=20, request=30)) as bus:
        eventually(lambda: bus.get("/a") == "here")
        echo.popen.send_signal(signal.SIGSTOP)
        broker.stop(signal.SIGKILL)
        start_broker(start, endpoint)
        # What was lost with the connection ends as unknown; what is sent on the new one counts.
        eventually(lambda: bus.get("/bus/version"))
        answers: list[object] = []

        def ask() -> None:
            try:
                answers.append(bus.get("/a"))
            except BusError as error:
                answers.append(error)

        with Bus(endpoint, name="watcher") as watcher:

            def heard() -> int:
                (asker,) = [client for client in watcher.get("/bus/clients") if client["name"] == "asker"]
                return int(asker["received"])

            before = heard()
            asking = threading.Thread(target=ask)
            asking.start()
            eventually(lambda: heard() > before)
            assert "/a" not in watcher.get("/bus/subscriptions")
        assert answers == []
        echo.popen.send_signal(signal.SIGCONT)
        asking.join(40)
    assert answers == ["here"]


def test_a_command_for_nobody_just_after_a_restart_ends_all_the_same(start, endpoint):
    broker = start_broker(start, endpoint)
    with Bus(endpoint, timeouts=Timeouts(connect=20, request=30)) as bus:
        broker.stop(signal.SIGKILL)
        start_broker(start, endpoint)
        eventually(lambda: bus.get("/bus/version"))
        with pytest.raises(NoOneListening):
            bus.get("/nobody")


def test_a_broker_that_is_killed_again_and_again_is_found_again_by_the_asynchronous_client(start, endpoint):

    async def main() -> None:
        broker = await asyncio.to_thread(start_broker, start, endpoint)
        async with (
            AsyncBus(endpoint, name="owner", timeouts=Timeouts(connect=20)) as owner,
            AsyncBus(endpoint, name="asker", timeouts=Timeouts(connect=20, request=3)) as asker,
        ):
            seen: list[int] = []

            async def note(message) -> int:
                seen.append(int(message.json()))
                return seen[-1]

            await owner.serve("/a", note)
            outcomes: dict[int, str] = {}

            async def ask(number: int) -> None:
                try:
                    reply = await asker.set("/a", number)
                    outcomes[number] = "ok" if reply.json() == number else "wrong"
                except BusError as error:
                    outcomes[number] = str(error.outcome)

            number = 0
            for _ in range(3):
                asking = [asyncio.create_task(ask(number + more)) for more in range(50)]
                number += 50
                await asyncio.sleep(0)
                broker.stop(signal.SIGKILL)
                broker = await asyncio.to_thread(start_broker, start, endpoint)
                await asyncio.gather(*asking)
                while await asker_is_lost(asker):
                    pass
            assert len(outcomes) == number
            assert set(outcomes.values()) <= {"ok", "unknown", "not sent"}
            assert len(seen) == len(set(seen))
            assert {n for n, outcome in outcomes.items() if outcome == "ok"} <= set(seen)
            assert not {n for n, outcome in outcomes.items() if outcome == "not sent"} & set(seen)

    async def asker_is_lost(asker: AsyncBus) -> bool:
        try:
            return (await asker.set("/a", -int(time.monotonic_ns()))) is None
        except BusError:
            return True

    asyncio.run(main())
