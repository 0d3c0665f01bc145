"""`fims_top` on a real bus: what it shows, and that nobody else notices it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from ess_bus.client import Bus
from ess_bus.errors import NoOneListening
from tests.integration.conftest import eventually, start_broker
from tests.integration.view_site import until
from tools.top.app import Top
from tools.top.lines import Lines
from tools.top.rows import Choice, Sort


@pytest.fixture
def bus(broker):
    with Bus(broker, name="test") as found:
        yield found


def drive(top, script):
    async def run():
        async with top.run_test(size=(80, 24)) as pilot:
            await until(lambda: top.listener.trouble == "")
            await script(top, pilot)

    asyncio.run(run())


def shown(top):
    return {row.uri: row for row in top.query_one(Lines).rows}


def test_values_appear_filter_drill_sort_and_pause(broker, bus):
    async def script(top, pilot):
        bus.publish("/components/bms_1", {"soc": 50, "bad": None})
        bus.publish("/components/pcs_1/p", 5)
        await until(lambda: "/components/pcs_1/p" in shown(top))
        assert shown(top)["/components/bms_1/soc"].value == "50"
        assert not shown(top)["/components/bms_1/bad"].is_valid
        await pilot.press("slash", *"soc", "enter")
        assert "/components/pcs_1" not in shown(top)
        await pilot.press("escape", "down", "enter")
        assert list(shown(top)) == ["/", "/components"]
        await pilot.press("enter", "right")
        assert next(iter(shown(top))) == "/components"
        await pilot.press("left", "s", "s", "p")
        assert top.choice == Choice(sort=Sort.AGE)
        bus.publish("/components/late", {"x": 1})
        await until(lambda: "late" in top.tree_of_uris.root.children["components"].children)
        await asyncio.sleep(0)
        assert "/components/late" not in shown(top)
        await pilot.press("p")
        await until(lambda: "/components/late" in shown(top))

    drive(Top(broker, ("/",), Choice()), script)


def test_it_is_no_audience(broker, bus):
    async def script(top, pilot):
        with pytest.raises(NoOneListening):
            bus.get("/components/bms_1")

    drive(Top(broker, ("/",), Choice()), script)


def test_what_a_process_said_is_old_when_it_has_ended(broker, bus):
    async def script(top, pilot):
        with Bus(broker, name="bridge") as bridge:
            bridge.announce()
            bridge.publish("/components/x", {"v": 1})
            bridge.flush()
            await until(lambda: "/components/x/v" in shown(top))
            assert not shown(top)["/components/x/v"].is_old
        await until(lambda: shown(top)["/components/x/v"].is_old)

    drive(Top(broker, ("/components", "/processes"), Choice()), script)


def test_it_says_that_the_broker_is_gone_and_comes_back(start, folder):
    endpoint = f"ipc://{folder}/b.sock"
    process = start_broker(start, endpoint)

    async def script(top, pilot):
        with Bus(endpoint, name="test") as bus:
            bus.publish("/x", 1)
            await until(lambda: "/x" in shown(top))
        process.stop()
        await until(lambda: top.listener.trouble and shown(top)["/x"].is_old)
        start_broker(start, endpoint)
        with Bus(endpoint, name="test") as bus:
            await until(lambda: top.listener.trouble == "")
            bus.publish("/x", 2)
            await until(lambda: shown(top)["/x"].value == "2")

    drive(Top(endpoint, ("/",), Choice()), script)


def test_once_prints_a_table(broker, bus, run):
    ended = threading.Event()

    def publish():
        with Bus(broker, name="device") as device:
            while not ended.wait(0.05):
                device.publish("/components/bms_1", {"soc": 50, "bad": None, "name": "rack 1"})

    publishing = threading.Thread(target=publish)
    publishing.start()
    try:
        result = run("tools.top.command", "--once", "--for", "1", "--filter", "bms_1/", bus=broker)
    finally:
        ended.set()
        publishing.join()
    heading, *lines = result.stdout.splitlines()
    assert (result.returncode, heading.split()) == (0, ["URI", "RATE/S", "AGE", "S", "VALUE"])
    cells = {line.split(maxsplit=3)[0]: line.split(maxsplit=3)[3] for line in lines}
    assert cells == {
        "/components/bms_1/bad": "null (not valid)",
        "/components/bms_1/name": "rack 1",
        "/components/bms_1/soc": "50",
    }


def test_once_without_a_broker_fails(run, folder):
    result = run("tools.top.command", "--once", bus=f"ipc://{folder}/none")
    assert result.returncode == 1
    assert "no broker on" in result.stderr


def test_two_thousand_variables_ten_times_a_second_are_neither_lost_nor_late(broker, bus):
    uris = [f"/components/device_{number}" for number in range(20)]
    bodies = {f"variable_{number}": number for number in range(100)}

    async def script(top, pilot):
        with Bus(broker, name="other") as somebody, somebody.subscribe("/components", pub_only=True) as other:
            for step in range(20):
                for uri in uris:
                    bus.publish(uri, {**bodies, "variable_0": step})
                await asyncio.sleep(0.1)
            bus.flush()
            received = sum(1 for _ in other.burst(2, 400))
        await until(lambda: top.tree_of_uris.messages >= 400)
        await until(lambda: shown(top).get(f"{uris[-1]}/variable_0", None) is not None)
        await until(lambda: shown(top)[f"{uris[-1]}/variable_0"].value == "19")
        assert (received, top.listener.lost, bus.statistics().dropped) == (400, 0, 0)
        assert len(shown(top)) > 2000

    drive(Top(broker, ("/components",), Choice()), script)
    assert eventually(lambda: bus.connected)
