"""What a Modbus client is on the bus: gets, sets, decisions, heartbeats, events, reloads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from ess_bus.client import AsyncBus, AsyncSubscription
from ess_bus.errors import BusError, ConfigurationError, Disconnected, Problem
from modbus_bridge.config.model import (
    ClientConfiguration,
    Component,
    Format,
    Heartbeat,
    Kind,
    Point,
    RegisterType,
    Watchdog,
)
from modbus_bridge.face.bridge import Bridge
from modbus_bridge.polling.reader import Reader
from tests.integration.modbus_site import Site, site, until

HOLDING = RegisterType.HOLDING
PLAIN = Point("plain", HOLDING, 0, 1, name="A plain one", unit="kW")
SCALED = Point("scaled", HOLDING, 1, 1, scale=Fraction(10), format=Format.CLOTHED)
FLAGS = Point("flags", HOLDING, 2, 1, kind=Kind.INDIVIDUAL_BITS, strings={0: "on", 1: "hot"})
POWER = Point("power", RegisterType.INPUT, 0, 1)
PCS = Component("pcs", 0.05, 0.0, (PLAIN, SCALED, FLAGS, POWER))
SLOW = replace(PCS, period_s=60.0)
LIFE = Point("life", HOLDING, 10, 1)
BEAT = Point("beat", HOLDING, 11, 1)
URI = "/components/pcs"
NOTHING = {
    "component_connected": False,
    "plain": None,
    "scaled": {"value": None},
    "on": None,
    "hot": None,
    "power": None,
}

Body = Callable[[Site], Coroutine[Any, Any, None]]


def run(endpoint: str, body: Body, *components: Component, **connection: Any) -> None:
    async def main() -> None:
        async with site(endpoint, *components, **connection) as found:
            await body(found)

    asyncio.run(main())


class TestGet:
    def test_values_in_their_format(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            assert await site.bus.get(URI) == {
                "component_connected": True,
                "plain": 5,
                "scaled": {"value": 1.5},
                "on": False,
                "hot": True,
                "power": 0,
            }
            assert await site.bus.get(f"{URI}/scaled") == {"value": 1.5}
            assert await site.bus.get(f"{URI}/flags") == {"on": False, "hot": True}
            assert await site.bus.get(f"{URI}/plain/_local") == 5

        run(shared_broker, body, SLOW, holding=[5, 15, 0b10])

    def test_raw_and_full(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            raw = {"value": 15, "binary": f"{15:016b}", "hex": "000F"}
            assert await site.bus.get(f"{URI}/scaled/_raw") == raw
            assert await site.bus.get(f"{URI}/_raw/scaled") == raw
            assert (await site.bus.get(f"{URI}/_raw"))["scaled"] == raw
            full = await site.bus.get(f"{URI}/scaled/_full")
            expected = {
                "id": "scaled",
                "component": "pcs",
                "register_type": "holding",
                "offset": 1,
                "size": 1,
                "scale": 10,
                "value": 1.5,
                "raw_val": 15,
                "enabled": True,
                "disconnected": False,
                "is_forced": False,
                "forced_val": None,
            }
            assert {key: full[key] for key in expected} == expected
            assert 0 <= full["age_s"] < 20
            assert full["update_time"].endswith("+00:00")
            everything = await site.bus.get(f"{URI}/_full")
            assert list(everything) == ["plain", "scaled", "flags", "power"]
            assert everything["flags"]["value"] == {"on": False, "hot": True}
            assert everything["plain"]["unit"] == "kW"

        run(shared_broker, body, SLOW, holding=[5, 15, 0b10])

    def test_what_the_process_says_of_itself(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            await site.listen(URI)
            for _ in range(3):
                await site.published()
            await site.bus.set(f"{URI}/plain", 1)
            stats = await site.bus.get(f"{URI}/_stats")
            component = stats["component"]
            assert component["polls"] >= 3
            assert component["pubs"] >= 3
            assert component["sets"] == 1
            assert component["tick_lateness_ms"]["count"] >= 3
            assert 0 <= component["tick_lateness_ms"]["p50"] <= component["tick_lateness_ms"]["max"]
            assert stats["connection"]["connected"] is True
            assert stats["connection"]["write_time_ms"]["count"] == 1
            assert stats["bus"]["connected"] is True
            assert stats["process"]["rss_bytes"] > 1 << 20
            whole = await site.bus.get("/modbus_client/pcs_1/_stats")
            assert whole["components"]["pcs"]["points"] == 4
            timings = await site.bus.get(f"{URI}/_timings")
            assert timings["num_timings_recorded"] >= 3
            assert timings["conn_get_time"]["max"] >= 0
            assert timings["response_time"]["min"] <= timings["response_time"]["avg"] <= timings["response_time"]["max"]
            assert await site.bus.get(f"{URI}/_reset_timings") == "Modbus Client -> timings reset"
            assert (await site.bus.get(f"{URI}/_timings"))["num_timings_recorded"] < timings["num_timings_recorded"]
            points = await site.bus.get(f"{URI}/_points")
            assert [point["id"] for point in points] == ["plain", "scaled", "flags", "power"]
            (channel,) = stats["connection"]["connections"]
            assert channel["num_jobs"] >= channel["modbus_read_times"]["Count"] >= 3
            assert (channel["connects"], channel["num_fails"]) == (1, 0)
            assert (await site.bus.get(f"{URI}/_config"))["components"][0]["id"] == "pcs"
            simulator = await site.bus.get(f"{URI}/_server")
            assert simulator["registers"]["input_registers"][0]["uri"] == URI
            assert "_force, _unforce" in (await site.bus.get("/modbus_client/pcs_1/_help"))["set"]

        run(shared_broker, body, PCS)

    def test_what_cannot_be_asked(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            assert await site.refusal("get", f"{URI}/plian/_full") == "plian: unknown register; did you mean plain?"
            assert await site.refusal("get", f"{URI}/_ful") == "_ful: unknown request; did you mean _full?"
            assert await site.refusal("get", f"{URI}/plain/_timings") == "_timings are those of a whole component"
            assert await site.refusal("get", f"{URI}/_force/plain") == "_force needs a set"
            assert "unknown request; did you mean _stats" in await site.refusal("get", "/modbus_client/pcs_1/_stat")
            assert await site.refusal("set", "/modbus_client/pcs_1/_stats", 1) == (
                "set is not supported here; expected get"
            )

        run(shared_broker, body, SLOW)

    def test_statistics_are_published_where_the_file_says(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            await site.listen("/stats/pcs")
            assert (await site.published(lambda stats: stats["components"]["pcs"]["polls"] > 0))["process"]["pid"] > 0

        run(shared_broker, body, PCS, stats_uri="/stats/pcs", stats_period_s=0.05)


class TestPublishing:
    def test_full_and_clothed(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            await site.listen(URI)
            pub = await site.published()
            assert (pub["plain"]["value"], pub["plain"]["unit"], pub["plain"]["is_forced"]) == (5, "kW", False)
            assert pub["on"] == {"value": True}
            assert await site.bus.get(f"{URI}/flags") == {"on": {"value": True}, "hot": {"value": False}}
            assert (await site.bus.get(f"{URI}/plain"))["raw_val"] == 5

        points = (replace(PLAIN, format=Format.FULL), replace(FLAGS, format=Format.FULL))
        run(shared_broker, body, replace(PCS, points=points), holding=[5, 0, 1])

    def test_only_what_has_changed(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            await site.listen(URI)
            site.plant.holding[0] = 7
            first = await site.published(lambda body: body.get("plain") == 7)
            site.plant.holding[1] = 20
            second = await site.published()
            assert second.keys() == {"component_connected", "scaled", "Timestamp"}
            assert "Timestamp" in first
            # Some polls without a pub, then the connection: everything.
            reads = len(site.plant.reads)
            await until(lambda: len(site.plant.reads) > reads + 6)
            assert site.waiting() == 0
            site.plant.stop()
            silent = await site.published()
            del silent["Timestamp"]
            assert silent == NOTHING

        run(shared_broker, body, replace(PCS, on_change=True, refresh_s=3600.0))

    def test_a_poll_is_under_way_while_the_one_before_is_published(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            await site.listen(URI)
            numbers = []
            for number in range(200):
                site.plant.holding[0] = number
                numbers.append((await site.published())["plain"])
            # In order, however much of it overlaps.
            assert numbers == sorted(numbers)
            assert numbers[-1] > 150

        run(shared_broker, body, replace(PCS, period_s=0.0001))

    def test_events_tell_of_the_connection(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            await site.listen("/events")
            await site.bus.get(URI)
            site.plant.stop()
            address = f"127.0.0.1:{site.plant.port}"
            lost = await site.published()
            assert lost == {
                "source": "modbus_client@pcs_1",
                "message": f"{address} does not answer (device id 1)",
                "severity": 4,
            }
            await site.plant.start()
            assert (await site.published())["message"] == f"{address} answers again (device id 1)"

        run(shared_broker, body, PCS)

    def test_an_error_in_one_component_is_one_line_and_null(
        self, shared_broker: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        failing = [True]
        read = Reader.read

        async def broken(reader: Any, *arguments: Any) -> Any:
            answers = await read(reader, *arguments)
            if failing and reader._name == URI:
                failing.clear()
                raise KeyError("a bug")
            return answers

        monkeypatch.setattr(Reader, "read", broken)

        async def body(site: Site) -> None:
            site.plant.holding[0] = 3
            await site.listen("/components")
            assert (await site.published(lambda body: "plain" in body and not body["component_connected"]))[
                "plain"
            ] is None
            assert (await site.published(lambda body: "plain" in body and body["component_connected"]))["plain"] == 3
            assert (await site.bus.get(f"{URI}/_stats"))["component"]["poll_errors"] == 1

        run(shared_broker, body, PCS, replace(PCS, id="other", points=(POWER,)))
        assert sum("not read: KeyError" in line for line in caplog.messages) == 1

    def test_an_error_in_what_the_process_is_asked_is_an_answer(
        self, shared_broker: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def body(site: Site) -> None:
            monkeypatch.setattr(Bridge, "stats", lambda *_: 1 << 70)
            assert await site.refusal("get", "/modbus_client/pcs_1/_stats") == "internal error: TypeError"

        run(shared_broker, body, PCS)

    def test_how_long_each_table_took(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            await site.listen(URI)
            timed = await site.published()
            assert timed["holding_00_time_ms"] > 0
            assert timed["input_01_time_ms"] > 0
            site.plant.stop()
            assert "holding_00_time_ms" not in await site.published(lambda body: not body["component_connected"])

        run(shared_broker, body, replace(PCS, add_timings=True))


class TestDecisions:
    def test_forced_values_are_published_and_marked(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            await site.listen(URI)
            success = {"gcom": "Modbus Point Force", "status": "Success"}
            assert (await site.bus.set(f"{URI}/power/_force", 42)).json() == success
            forced = await site.published(lambda body: body["power"] == 42)
            assert forced["forced"] == ["power"]
            assert await site.bus.get(f"{URI}/power") == 42
            full = await site.bus.get(f"{URI}/power/_full")
            assert (full["is_forced"], full["forced_val"], full["raw_val"]) == (True, 42, 0)
            # It stands, and says that it is forced, also when the device is silent.
            site.plant.stop()
            silent = await site.published(lambda body: not body["component_connected"])
            assert (silent["power"], silent["plain"], silent["forced"]) == (42, None, ["power"])
            assert await site.bus.get(f"{URI}/power") == 42
            await site.plant.start()
            assert (await site.bus.set(f"{URI}/_unforce", None)).json()["gcom"] == "Modbus Point Unforce"
            free = await site.published(lambda body: body["component_connected"])
            assert free["power"] == 0
            assert "forced" not in free

        run(shared_broker, body, PCS)

    def test_a_forced_point_is_not_written(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            await site.bus.set(f"{URI}/plain/_force", 1)
            assert await site.refusal("set", f"{URI}/plain", 2) == "plain: forced; set .../_unforce first"
            assert "plain: forced" in await site.refusal("set", URI, {"plain": 2, "scaled": 3})
            assert site.plant.writes == []
            assert await site.refusal("set", f"{URI}/plain/_force", "x") == 'plain: expected a number, got "x"'
            assert "no body" in await site.refusal("set", f"{URI}/plain/_force")

        run(shared_broker, body, PCS)

    def test_a_disabled_point_is_not_polled(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            await site.listen(URI)
            await site.bus.set(f"{URI}/_disable/plain", None)
            assert "plain" not in await site.published(lambda body: "plain" not in body)
            site.plant.reads.clear()
            await until(lambda: len(site.plant.reads) > 4)
            assert not any(start == 0 and count > 1 for start, count in site.plant.reads)
            assert await site.refusal("get", f"{URI}/plain") == "plain: disabled; it is not polled"
            assert "disabled" in await site.refusal("set", f"{URI}/plain", 1)
            await site.bus.set(f"{URI}/plain/_enable", None)
            assert await site.bus.get(f"{URI}/plain") == 0

        run(shared_broker, body, PCS)

    def test_a_component_of_which_nothing_is_polled_is_not_connected(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            await site.bus.get(URI)
            await site.bus.set(f"{URI}/_disable", None)
            assert await site.bus.get(URI) == {"component_connected": False}
            await site.bus.set(f"{URI}/_enable", None)
            await site.bus.set(f"{URI}/_disconnect", None)
            assert await site.bus.get(URI) == NOTHING
            assert "disconnected by hand" in await site.refusal("get", f"{URI}/plain")
            await site.bus.set(f"{URI}/_connect", None)
            assert (await site.bus.get(URI))["component_connected"] is True

        run(shared_broker, body, SLOW)


class TestSets:
    def test_a_set_that_waited_too_long_is_not_carried_out(
        self, shared_broker: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from modbus_bridge.face import sets

        monkeypatch.setattr(sets, "PATIENCE_S", 0.2)

        async def body(site: Site) -> None:
            await site.bus.get(URI)
            site.plant.asked.clear()
            site.plant.answers.clear()
            await site.plant.asked.wait()  # a poll holds the line
            refused = asyncio.create_task(site.refusal("set", f"{URI}/plain", 5))
            await asyncio.sleep(0.3)  # longer than its asker is said to wait
            site.plant.answers.set()
            assert (await refused).startswith("expired: it had waited for 0.")
            assert site.plant.writes == []
            await site.bus.set(f"{URI}/plain", 6)
            assert site.plant.writes == [(0, 6)]

        run(shared_broker, body, PCS, request_timeout_s=5.0)

    def test_nothing_is_written_late_because_the_device_was_slow_to_be_read(
        self, shared_broker: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from modbus_bridge.face import sets

        monkeypatch.setattr(sets, "PATIENCE_S", 0.2)

        async def body(site: Site) -> None:
            await site.bus.get(URI)
            # A bit is read, changed and written: the reading takes longer than its asker waits.
            site.plant.asked.clear()
            site.plant.answers.clear()
            refused = asyncio.create_task(site.refusal("set", f"{URI}/hot", True))
            await site.plant.asked.wait()
            await asyncio.sleep(0.3)
            site.plant.answers.set()
            assert (await refused).startswith("expired: it had waited for 0.")
            assert site.plant.writes == []
            assert (await site.bus.set(f"{URI}/plain", 6)).json() == 6

        run(shared_broker, body, SLOW, request_timeout_s=5.0)

    def test_a_set_to_a_silent_device_is_refused_at_once(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            await site.bus.get(URI)
            site.plant.stop()
            await site.listen(URI)
            await site.published(lambda body: not body["component_connected"])
            async with asyncio.timeout(0.4):  # less than any time-out of the device
                reason = await site.refusal("set", f"{URI}/plain", 5)
            assert reason == f"device at 127.0.0.1:{site.plant.port} does not answer"

        run(shared_broker, body, PCS, request_timeout_s=5.0)

    def test_debounced_sets_the_latest_wins_and_each_asker_is_told(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            await site.bus.set(f"{URI}/slow", 1)
            second = asyncio.create_task(site.refusal("set", f"{URI}/slow", 2))
            await asyncio.sleep(0)
            third = asyncio.create_task(site.refusal("set", URI, {"plain": 3, "slow": 3}))
            await until(lambda: site.plant.writes == [(5, 1), (0, 3)])
            fourth = asyncio.create_task(site.bus.set(f"{URI}/slow", 4))
            assert await second == "slow: superseded by a later set"
            assert await third == "slow: superseded by a later set; written: plain"
            assert (await fourth).json() == 4
            assert site.plant.writes == [(5, 1), (0, 3), (5, 4)]

        slow = Point("slow", HOLDING, 5, 1, debounce_s=0.6)
        run(shared_broker, body, replace(SLOW, points=(PLAIN, slow)))

    def test_what_is_forced_meanwhile_is_not_written(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            await site.bus.set(f"{URI}/slow", 1)
            held = asyncio.create_task(site.refusal("set", f"{URI}/slow", 2))
            await asyncio.sleep(0)
            await site.bus.set(f"{URI}/slow/_force", 9)
            assert await held == "slow: forced; set .../_unforce first"
            assert site.plant.writes == [(5, 1)]

        slow = Point("slow", HOLDING, 5, 1, debounce_s=0.3)
        run(shared_broker, body, replace(SLOW, points=(slow,)))

    def test_the_rest_of_a_set_is_dropped_when_the_device_refuses(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            await site.bus.set(f"{URI}/slow", 1)
            site.plant.refused.add(0)
            reason = await site.refusal("set", URI, {"plain": 3, "slow": 3})
            assert "device failure (exception 4)" in reason
            site.plant.refused.clear()
            assert (await site.bus.set(f"{URI}/slow", 4)).json() == 4
            assert site.plant.writes == [(5, 1), (5, 4)]

        slow = Point("slow", HOLDING, 5, 1, debounce_s=0.3)
        run(shared_broker, body, replace(SLOW, points=(PLAIN, slow)))


class TestWritingTogether:
    points = (PLAIN, replace(PLAIN, id="next", offset=1), replace(PLAIN, id="far", offset=9))

    def test_neighbours_of_one_set_are_one_request(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            values = {"plain": 1, "next": 2, "far": 3}
            assert (await site.bus.set(URI, values)).json() == values
            assert site.plant.writes == [(0, 1, 2), (9, 3)]
            site.plant.refused.add(9)
            reason = await site.refusal("set", URI, values)
            assert reason.startswith("far: the device refuses")
            assert reason.endswith("written before: plain, next")

        run(shared_broker, body, replace(SLOW, points=self.points), write_together=True)


class TestHeartbeats:
    component = replace(PCS, points=(PLAIN, LIFE, BEAT))

    def test_a_frozen_heartbeat_disconnects_the_component(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            await site.listen(URI)
            assert (await site.published())["heartbeat_state"] == "INIT"
            site.plant.holding[10] = 5
            alive = await site.published(lambda body: body["heartbeat_state"] == "NORMAL")
            assert (alive["modbus_heartbeat"], alive["component_connected"]) == (5, True)
            frozen = await site.published(lambda body: body["heartbeat_state"] == "FROZEN")
            # What the device tells is shown all the same.
            assert (frozen["component_connected"], frozen["life"]) == (False, 5)
            site.plant.holding[10] = 6
            assert (await site.published(lambda body: body["heartbeat_state"] == "NORMAL"))["component_connected"]
            site.plant.stop()
            fault = await site.published(lambda body: body["heartbeat_state"] == "FAULT")
            assert (fault["component_connected"], fault["modbus_heartbeat"]) == (False, None)

        run(shared_broker, body, replace(self.component, heartbeat=Heartbeat("life", None, 0, 0.3, 1.0)))

    def test_a_heartbeat_is_written_only_on_behalf_of_a_process_that_is_there(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            await site.bus.get(URI)
            stopped = "the_controller is not on the bus"
            await until(lambda: stats(site, heartbeat_stopped=stopped))
            assert site.plant.writes == []
            async with AsyncBus(shared_broker, name="the_controller") as controller:
                await controller.announce()
                await until(lambda: len(site.plant.writes) >= 4)
                assert site.plant.writes[:4] == [(11, 1), (11, 2), (11, 0), (11, 1)]
            # The broker says that it is gone.
            await until(lambda: stats(site, heartbeat_stopped=stopped))
            written = len(site.plant.writes)
            polls = len(site.plant.reads)
            await until(lambda: len(site.plant.reads) > polls + 6)
            assert len(site.plant.writes) == written

        heartbeat = Heartbeat(None, "beat", 2, 0.3, 0.05, control="the_controller")
        run(shared_broker, body, replace(self.component, heartbeat=heartbeat))

    def test_a_heartbeat_answers_the_one_of_the_device(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            site.plant.holding[10] = 100
            await until(lambda: site.plant.holding[11] == 101)
            site.plant.holding[10] = 65535
            await until(lambda: site.plant.holding[11] == 0)
            await site.bus.set(f"{URI}/beat/_disable", None)
            stopped = "beat is disabled; set .../_enable first"
            await until(lambda: stats(site, heartbeat_stopped=stopped))

        run(shared_broker, body, replace(self.component, heartbeat=Heartbeat("life", "beat", 0, 9.0, 0.05)))

    def test_a_watchdog_posts_events(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            await site.listen("/events")
            expected = [("ALARM", 3), ("FAULT", 4)]
            for state, severity in expected:
                event = await site.published()
                assert event["message"].startswith(f"{URI}: watchdog {state}: life ")
                assert event["severity"] == severity
            site.plant.holding[10] += 1
            assert "RECOVERY" in (await site.published())["message"]

            async def live() -> None:
                while True:
                    site.plant.holding[10] += 1
                    await asyncio.sleep(0.02)

            living = asyncio.create_task(live())
            assert "NORMAL" in (await site.published())["message"]
            assert (await site.bus.get(URI))["watchdog_state"] == "NORMAL"
            living.cancel()

        watchdog = Watchdog("life", 0.2, 0.4, 10.0, 0.2, 0.02)
        run(shared_broker, body, replace(self.component, watchdog=watchdog))


async def stats(site: Site, **expected: Any) -> bool:
    found = (await site.bus.get(f"{URI}/_stats"))["component"]
    return all(found[key] == value for key, value in expected.items())


async def taken(site: Site) -> bool:
    """Tell whether the component has begun with all that was sent to it."""
    component = (await site.bus.get("/modbus_client/pcs_1/_stats"))["components"]["pcs"]
    return bool(component["requests_waiting"] == 0)


class TestReload:
    def test_what_is_equal_goes_on_and_the_rest_is_replaced(self, shared_broker: str) -> None:
        other, gone = replace(PCS, id="other", points=(POWER,)), replace(PCS, id="gone", points=(POWER,))
        new = replace(PCS, id="new", points=(POWER,))

        async def body(site: Site) -> None:
            await site.bus.set(f"{URI}/plain/_force", 9)
            await site.bus.get("/components/gone")
            await site.listen("/components/gone")
            connection = replace(site.configuration.connection, name="renamed")
            changed = replace(other, points=(PLAIN,))
            site.configuration = ClientConfiguration(connection, (PCS, changed, new))
            answer = (await site.bus.set("/modbus_client/pcs_1/_reload", None)).json()
            assert answer == {
                "gcom": "Modbus Reload",
                "status": "Success",
                "kept": ["pcs"],
                "replaced": ["other"],
                "added": ["new"],
                "removed": ["gone"],
            }
            assert await site.bus.get(f"{URI}/plain") == 9  # kept as it was
            assert (await site.bus.get("/components/other")).keys() == {"component_connected", "plain"}
            assert (await site.bus.get("/components/new"))["power"] == 0
            last = await site.published(lambda body: not body["component_connected"])
            assert last["power"] is None
            assert "components" in await site.bus.get("/modbus_client/renamed/_stats")
            for uri in ("/components/gone", "/modbus_client/pcs_1/_stats"):
                with pytest.raises(Exception, match="no one is listening"):
                    await site.bus.get(uri)

        run(shared_broker, body, PCS, other, gone)

    def test_another_connection_replaces_everything(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            await site.bus.get(URI)
            connection = replace(site.configuration.connection, request_timeout_s=0.4)
            site.configuration = replace(site.configuration, connection=connection)
            answer = (await site.bus.set(f"{URI}/_reload", None)).json()
            assert (answer["kept"], answer["replaced"]) == ([], ["pcs"])
            await until(lambda: site.bus.get(f"{URI}/component_connected"))

        run(shared_broker, body, PCS)

    def test_what_still_waits_is_refused(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            await site.bus.set(f"{URI}/slow", 1)
            held = asyncio.create_task(site.refusal("set", f"{URI}/slow", 2))
            await until(lambda: stats(site, requests_waiting=0))
            site.configuration = replace(site.configuration, components=(PCS,))
            await site.bus.set(f"{URI}/_reload", None)
            assert await held == "the configuration was read again; try once more"
            # A write that is under way may or may not have had its effect.
            await site.bus.get(URI)
            site.plant.answers.clear()
            running = asyncio.create_task(site.refusal("set", f"{URI}/plain", 5))
            await asyncio.sleep(0)
            await until(lambda: taken(site))
            site.configuration = replace(site.configuration, components=(replace(PCS, period_s=0.06),))
            await site.bus.set(f"{URI}/_reload", None)
            assert (await running).endswith("try once more; whether it was carried out is unknown")
            # So is a get that waits for the device.
            running = asyncio.create_task(site.refusal("get", URI))
            await asyncio.sleep(0)
            await until(lambda: taken(site))
            site.configuration = replace(site.configuration, components=(replace(PCS, period_s=0.07),))
            await site.bus.set(f"{URI}/_reload", None)
            assert await running == "the configuration was read again; try once more"

        slow = Point("slow", HOLDING, 5, 1, debounce_s=60.0)
        run(shared_broker, body, replace(SLOW, points=(PLAIN, slow)), request_timeout_s=5.0)

    def test_whoever_asks_meanwhile_is_answered(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            await site.bus.get(URI)
            others = tuple(replace(PCS, id=f"other{index}", points=(POWER,)) for index in range(20))

            async def asked(uri: str) -> str:
                try:
                    return str((await site.bus.get(uri, timeout_s=2.0))["component_connected"])
                except BusError as error:
                    return str(error)

            answers: list[str] = []
            for round_ in range(4):
                changed = replace(PCS, period_s=0.06 + round_ / 100)
                site.configuration = replace(site.configuration, components=(changed, *(others if round_ % 2 else ())))
                reload = asyncio.create_task(site.bus.set("/modbus_client/pcs_1/_reload", None))
                while not reload.done():
                    answers += await asyncio.gather(*(asked(URI) for _ in range(2)))
                await reload
            assert {text for text in answers if "no answer" in text or "within" in text} == set()
            assert await site.bus.get(f"{URI}/plain") == 0

        run(shared_broker, body, PCS)

    def test_subscriptions_that_the_broker_refuses_change_nothing(
        self, shared_broker: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def body(site: Site) -> None:
            await site.bus.get(URI)
            site.configuration = replace(site.configuration, components=(replace(PCS, id="x" * 255),))
            assert "over the limit" in await site.refusal("set", "/modbus_client/pcs_1/_reload")
            assert await site.bus.get(f"{URI}/plain") == 0
            # What cannot be taken back from a broker that went away is no reason to say that nothing was done.
            site.configuration = replace(site.configuration, components=(PCS, replace(PCS, id="more")))
            change = AsyncSubscription.replace

            async def lost_at_last(subscription: AsyncSubscription, *uris: str) -> None:
                await change(subscription, *uris)
                calls.append(uris)
                if len(calls) == 2:
                    raise Disconnected("lost")

            calls: list[tuple[str, ...]] = []
            monkeypatch.setattr(AsyncSubscription, "replace", lost_at_last)
            assert (await site.bus.set(f"{URI}/_reload", None)).json()["added"] == ["more"]
            assert await site.bus.get("/components/more/plain") == 0
            # Nobody can make reloads pile up.

            def slowly() -> ClientConfiguration:
                time.sleep(0.05)
                return site.configuration

            site.load = slowly
            asked = (site.bus.set("/modbus_client/pcs_1/_reload", None) for _ in range(20))
            answers = await asyncio.gather(*asked, return_exceptions=True)
            assert sum("8 reloads are waiting already" in str(answer) for answer in answers) == 12

        run(shared_broker, body, PCS)

    def test_a_broken_file_is_refused_with_its_problems_and_changes_nothing(self, shared_broker: str) -> None:
        async def body(site: Site) -> None:
            def broken() -> ClientConfiguration:
                raise ConfigurationError("pcs.json", [Problem("components.0.id", "missing"), Problem("", "no")])

            site.load = broken
            reason = await site.refusal("set", f"{URI}/_reload")
            assert reason == "nothing was changed: pcs.json: components.0.id: missing; no"
            assert await site.refusal("get", f"{URI}/_reload") == "_reload needs a set"
            assert await site.bus.get(f"{URI}/plain") == 0

        run(shared_broker, body, PCS)
