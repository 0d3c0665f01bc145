"""Programs and brokers that are killed or stopped in the middle of something."""

import asyncio
import signal
import sys
import threading

import pytest

from ess_bus.client import AsyncBus, Bus, Timeouts
from ess_bus.errors import BusError, NoOneListening, Outcome
from tests.integration.conftest import Process, Start, eventually, start_broker
from tests.integration.load import Listener, Publisher, RememberingOwner

SUBSCRIBER = "tests.integration.subscriber"
MUTE = """
import sys
from ess_bus.client import Bus
with Bus(sys.argv[1], name="mute") as bus:
    for message in bus.subscribe("/mute"):
        pass
"""
ASKER = """
import sys
from ess_bus.client import Bus
with Bus(sys.argv[1], name="asker") as bus:
    bus.set("/slow", "from the dead", timeout_s=60)
"""


@pytest.fixture
def endpoint(folder) -> str:
    return f"ipc://{folder}/broker.sock"


@pytest.fixture
def script(folder, environment):
    """Start a Python text as a process of its own."""
    started = []

    def start_script(text: str, *arguments: str) -> Process:
        started.append(Process([sys.executable, "-c", text, *arguments], folder, environment))
        return started[-1]

    yield start_script
    for process in started:
        process.end()


def names(bus: Bus) -> list[str]:
    return [client["name"] for client in bus.get("/bus/clients", timeout_s=30)]


# -- killed ------------------------------------------------------------------------------------------------------------


def test_requests_under_way_to_an_owner_that_is_killed_end_as_unknown_and_later_ones_at_once(broker, script):
    mute = script(MUTE, broker)

    async def main() -> list[str]:
        async with AsyncBus(broker, name="asker", timeouts=Timeouts(request=1)) as bus:

            async def ask(number: int) -> str:
                try:
                    await bus.set(f"/mute/{number}", number)
                except BusError as error:
                    return str(error.outcome)
                return "ok"

            asking = [asyncio.create_task(ask(number)) for number in range(20)]
            with Bus(broker, name="watcher") as watcher:
                await asyncio.to_thread(eventually, lambda: watcher.get("/bus/stats")["deliveries"] >= 20)
            mute.popen.kill()
            mute.popen.wait()
            outcomes = await asyncio.gather(*asking)
            with pytest.raises(NoOneListening):
                await bus.set("/mute", 1, timeout_s=30)
            return outcomes

    with Bus(broker) as bus:
        eventually(lambda: "/mute" in bus.get("/bus/subscriptions"))
    assert asyncio.run(main()) == ["unknown"] * 20


def test_requests_that_waited_in_the_broker_for_an_owner_that_is_killed_come_back(start, folder, script):
    endpoint = f"ipc://{folder}/b"
    limits = ("--window-bytes", 20_000)
    broker = start("ess_bus.broker.command", "--bus", endpoint, *limits)
    eventually(lambda: "listening" in broker.output)
    mute = script(MUTE, endpoint)
    with Bus(endpoint, timeouts=Timeouts(connect=20)) as bus:
        eventually(lambda: "/mute" in bus.get("/bus/subscriptions"))
        mute.popen.send_signal(signal.SIGSTOP)
        sent = 0

        def waiting() -> int:
            (owner,) = [client for client in bus.get("/bus/clients") if client["name"] == "mute"]
            return int(owner["waiting"])

        def is_kept_back() -> bool:
            nonlocal sent
            for _ in range(100):
                bus.send("set", "/mute", b"x" * 1000)
                sent += 1
            return waiting() >= 100

        eventually(is_kept_back)
        kept = waiting()
        mute.popen.kill()
        mute.popen.wait()
        eventually(lambda: "mute" not in names(bus))
        with pytest.raises(NoOneListening):
            bus.flush()
        eventually(lambda: bus.statistics().undelivered >= kept)
        assert kept <= bus.statistics().undelivered < sent


def test_a_subscriber_that_is_killed_costs_the_others_nothing(broker, start):
    with Listener(broker, "/news") as listener, Bus(broker) as bus:
        victim = start(SUBSCRIBER, broker, "victim", "/news", "Bus")
        eventually(lambda: "victim" in names(bus))
        with Publisher(broker, "/news/1") as publisher:
            eventually(lambda: publisher.sent > 1000)
            victim.popen.kill()
            victim.popen.wait()
            killed_at = publisher.sent
            eventually(lambda: publisher.sent > killed_at + 1000)
            eventually(lambda: "victim" not in names(bus))
        eventually(lambda: len(listener.received.get("/news/1", [])) >= publisher.sent)
    assert listener.received["/news/1"] == list(range(publisher.sent))


def test_the_answer_for_an_asker_that_was_killed_reaches_nobody(broker, script):
    with Bus(broker, name="owner") as owner, Bus(broker, name="watcher") as watcher:
        inbox = owner.subscribe("/slow")
        asker = script(ASKER, broker)
        request = inbox.receive(60)
        assert request is not None
        asker.popen.kill()
        asker.popen.wait()
        eventually(lambda: "asker" not in names(watcher))
        before = watcher.get("/bus/stats")
        owner.reply(request, "too late")
        owner.flush()
        after = watcher.get("/bus/stats")
        assert after["replies_unclaimed"] == before["replies_unclaimed"] + 1
        assert watcher.statistics().waiting == 0


# -- stopped -----------------------------------------------------------------------------------------------------------


def test_a_broker_that_is_stopped_is_noticed_and_afterwards_nothing_was_carried_out_twice(start, endpoint):
    broker = start_broker(start, endpoint)
    timeouts = Timeouts(connect=30, request=30, send=30)
    with RememberingOwner(endpoint, "/a") as owner, Bus(endpoint, name="asker", timeouts=timeouts) as bus:
        assert bus.set("/a", b"before").body == b"before"
        broker.popen.send_signal(signal.SIGSTOP)
        errors: list[BusError] = []

        def ask() -> None:
            try:
                bus.set("/a", b"during")
            except BusError as error:
                errors.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        asking.join(40)
        # Long before its time was over.
        assert [error.outcome for error in errors] == [Outcome.UNKNOWN]
        assert "within 30 s" not in str(errors[0])
        assert not bus.connected
        eventually(lambda: not owner.bus.connected)
        with pytest.raises(BusError):
            bus.publish("/a", 1)
        broker.popen.send_signal(signal.SIGCONT)
        assert eventually(lambda: bus.set("/a", b"after")).body == b"after"
        eventually(lambda: owner.bus.connected)
        assert len(bus.get("/bus/clients")) == 2
        assert bus.get("/bus/subscriptions")["/a"] == [owner.bus.name]
    assert set(owner.seen.values()) == {1}
    assert set(owner.seen) >= {b"before", b"after"}


@pytest.mark.parametrize("client", ["Bus", "AsyncBus"])
def test_a_stopped_subscriber_has_the_newest_value_of_every_uri_and_its_losses_add_up(start: Start, folder, client):
    endpoint = f"ipc://{folder}/b"
    limits = ("--window-bytes", 50_000, "--queue-messages", 300)
    broker = start("ess_bus.broker.command", "--bus", endpoint, *limits)
    eventually(lambda: "listening" in broker.output)
    slow = start(SUBSCRIBER, endpoint, "slow", "/s", client)
    start(SUBSCRIBER, endpoint, "quick", "/s", client)
    with Bus(endpoint, name="publisher", timeouts=Timeouts(connect=30, request=30, send=30)) as bus:
        eventually(lambda: {"slow", "quick"} <= set(names(bus)) and len(bus.get("/bus/subscriptions")["/s"]) == 2)
        sent, newest = 0, {}

        def publish(count: int) -> None:
            nonlocal sent
            for _ in range(count):
                uri = f"/s/{sent % 50}"
                bus.publish(uri, b"%d " % sent + b"x" * 200)
                newest[uri] = sent
                sent += 1
                if not sent % 200:
                    # No faster than the one that runs, so that all that is lost is lost by the one that does not.
                    eventually(lambda: report("quick")["received"] == sent)  # noqa: B023 - it is what it means

        def report(name: str):
            return bus.get(f"/report/{name}", timeout_s=30)

        def facts(name: str):
            return next(one for one in bus.get("/bus/clients") if one["name"] == name)

        for _ in range(2):
            publish(1000)
            slow.popen.send_signal(signal.SIGSTOP)

            def loses(before: int = facts("slow")["dropped"]) -> bool:
                publish(1000)
                return bool(facts("slow")["dropped"] > before + 1000)

            eventually(loses, timeout_s=40)
            slow.popen.send_signal(signal.SIGCONT)
            eventually(lambda: report("slow")["received"] + report("slow")["dropped"] >= sent)
            found = report("slow")
            assert found["received"] + found["dropped"] == sent
            assert found["newest"] == newest
            assert found["ordered"]
            assert facts("slow")["dropped"] == found["dropped"] > 1000
        found = report("quick")
        assert (found["received"], found["dropped"], found["newest"]) == (sent, 0, newest)
        assert found["ordered"]
        assert found["gaps"] == 1
