"""What a Modbus client publishes, and what people decide about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modbus_bridge.config.model import (
    Format,
)
from modbus_bridge.face.bridge import Bridge
from modbus_bridge.polling.reader import Reader
from tests.integration.face_points import FLAGS, NOTHING, PCS, PLAIN, POWER, SLOW, URI, run
from tests.integration.modbus_site import Site, until


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
