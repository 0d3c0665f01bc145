"""What happens to programs when the broker or another program dies or stops; every process here is a real one."""

import asyncio
import signal

import pytest

from ess_bus.client import AsyncBus, Bus, Timeouts
from ess_bus.errors import BusError, Busy, Disconnected, NoOneListening, RequestTimeout
from tests.integration.conftest import eventually, start_broker
from tests.integration.peers import Owner

ECHO = "tools.fims_echo"


def start_echo(start, bus: Bus, endpoint: str, uri: str):
    """Start fims_echo on a URI and return when it answers."""
    process = start(ECHO, "-u", uri, "-b", '"here"', "--bus", endpoint)
    eventually(lambda: bus.get(uri) == "here")
    return process


def is_nobodys(bus: Bus, uri: str) -> bool:
    try:
        bus.get(uri, timeout_s=1)
    except NoOneListening:
        return True
    return False


def test_the_uri_of_a_killed_program_is_nobodys(broker, start):
    with Bus(broker) as bus:
        process = start_echo(start, bus, broker, "/a")
        process.popen.kill()
        process.popen.wait()
        eventually(lambda: is_nobodys(bus, "/a"))
        assert "/a" not in bus.get("/bus/subscriptions")


def test_a_killed_program_is_noticed_even_if_nobody_talks_to_it(broker, start):
    with Bus(broker) as bus:
        process = start_echo(start, bus, broker, "/a")
        process.popen.kill()
        process.popen.wait()
        eventually(lambda: "/a" not in bus.get("/bus/subscriptions"))


@pytest.fixture
def endpoint(folder) -> str:
    return f"ipc://{folder}/broker.sock"


def test_after_a_restart_of_the_broker_everyone_is_back_without_doing_anything(start, endpoint):
    process = start_broker(start, endpoint)
    with Bus(endpoint, name="watcher") as bus:
        start_echo(start, bus, endpoint, "/a")
        with Owner(endpoint, "/b", lambda _message: "b"):
            process.stop(signal.SIGKILL)
            start_broker(start, endpoint)
            eventually(lambda: bus.get("/a", timeout_s=1) == "here")
            eventually(lambda: bus.get("/b", timeout_s=1) == "b")
            eventually(lambda: bus.get("/processes/owner", timeout_s=1)["name"] == "owner")


def test_a_request_during_which_the_broker_is_lost_is_never_ok(start, endpoint):
    process = start_broker(start, endpoint)
    with Bus(endpoint, name="mute") as mute, Bus(endpoint, timeouts=Timeouts(request=1000)) as bus:
        mute_inbox = mute.subscribe("/a")
        waiting, frame = bus._core.request("set", "/a", b"1")
        bus._link.send(frame)
        request = mute_inbox.receive(60)
        assert request is not None
        process.stop(signal.SIGKILL)
        start_broker(start, endpoint)
        with pytest.raises(Disconnected, match="the outcome of set /a is unknown"):
            bus._link.outcome(waiting, "/a", 1000)
        eventually(lambda: mute_inbox.receive(0.1) is None and mute.connected)
        mute.reply(request, "too late")
        mute.flush()
        eventually(lambda: bus.get("/bus/version", timeout_s=1))
        assert bus.statistics().waiting == 0


def test_requests_end_in_an_error_while_there_is_no_broker(start, endpoint):
    process = start_broker(start, endpoint)
    timeouts = Timeouts(connect=0.2, request=0.5, send=0.2)
    with Bus(endpoint, timeouts=timeouts) as bus:
        process.stop(signal.SIGKILL)
        with pytest.raises((Disconnected, RequestTimeout)):
            bus.get("/bus/version")
        with pytest.raises(BusError):
            bus.publish("/a", 1)
        start_broker(start, endpoint)
        eventually(lambda: bus.get("/bus/version", timeout_s=1))


def test_a_subscription_made_without_a_broker_is_in_force_when_it_is_back(start, endpoint):
    process = start_broker(start, endpoint)
    with Bus(endpoint) as bus:
        bus_inbox = bus.subscribe("/old")
        process.stop(signal.SIGKILL)
        eventually(lambda: bus_inbox.receive(0.1) is None and not bus.connected)
        bus_inbox.add("/new")
        start_broker(start, endpoint)
        with Bus(endpoint) as other:

            def received() -> bool:
                bus_inbox.receive(0)
                other.publish("/new", 1)
                message = bus_inbox.receive(0.1)
                return message is not None and message.uri == "/new"

            eventually(received)


def test_the_asynchronous_client_comes_back_too(start, endpoint):
    async def main() -> None:
        async with AsyncBus(endpoint, name="async") as bus:
            bus_inbox = await bus.subscribe("/a")
            await bus.announce()
            asking = asyncio.create_task(mute_request(bus))
            await asyncio.sleep(0)
            broker.stop(signal.SIGKILL)
            await asyncio.to_thread(start_broker, start, endpoint)
            with pytest.raises((Disconnected, RequestTimeout)):
                await asking
            await asyncio.to_thread(eventually, lambda: bus.connected)
            with Bus(endpoint) as other:
                facts = await asyncio.to_thread(lambda: eventually(lambda: other.get("/processes/async", timeout_s=1)))
                assert facts["name"] == "async"
                other.publish("/a", 7)
                async for message in bus_inbox:
                    assert message.json() == 7
                    break

    async def mute_request(bus: AsyncBus) -> None:
        with Bus(endpoint, name="mute") as mute:
            mute.subscribe("/mute")
            await bus.get("/mute", timeout_s=20)

    broker = start_broker(start, endpoint)
    asyncio.run(main())


def test_a_stopped_subscriber_delays_nobody_and_is_told_what_it_lost(broker, start):
    with Bus(broker, name="sender") as sender, Bus(broker, name="quick") as quick:
        quick_inbox = quick.subscribe("/flood", pub_only=True)
        slow = start("tools.fims_listen", "-u", "/flood", "--bus", broker)
        eventually(lambda: "fims_listen" in sender.get("/bus/subscriptions").get("/flood", []))
        slow.popen.send_signal(signal.SIGSTOP)

        def stats_of(name: str):
            return next(client for client in sender.get("/bus/clients") if client["name"] == name)

        sent = 0

        def lags() -> bool:
            nonlocal sent
            for _ in range(1000):
                sender.publish("/flood", b"x" * 1000)
                sent += 1
            sender.flush()
            return bool(stats_of("fims_listen")["dropped"])

        received = 0

        def drain() -> None:
            nonlocal received
            while quick_inbox.receive(0) is not None:
                received += 1

        while not lags():
            drain()
            assert sent < 200_000, "it never lagged"
        sender.flush()
        quick.flush()
        drain()
        assert received == sent
        assert stats_of("quick")["dropped"] == 0
        assert stats_of("fims_listen")["lagging"] is True
        slow.popen.send_signal(signal.SIGCONT)
        eventually(lambda: not stats_of("fims_listen")["lagging"])
        dropped = stats_of("fims_listen")["dropped"]
        eventually(lambda: f"the broker dropped {dropped} messages for it" in slow.output)


def test_a_set_for_a_stopped_owner_whose_queue_is_full_ends_busy(start, endpoint):
    start("ess_bus.broker.command", "--bus", endpoint, "--queue-messages", 100, "--window-bytes", 20_000)
    with Bus(endpoint, name="sender") as sender:
        stopped = start_echo(start, sender, endpoint, "/a")
        stopped.popen.send_signal(signal.SIGSTOP)

        def is_busy() -> bool:
            try:
                sender.send("set", "/a", b"x" * 1000)
                sender.flush()
            except Busy as error:
                return error.receiver == "fims_echo"
            return False

        eventually(is_busy, timeout_s=40)
        with pytest.raises(Busy):
            sender.set("/a", 1)
        stopped.popen.send_signal(signal.SIGCONT)
        eventually(lambda: sender.get("/a", timeout_s=1) == "here")
