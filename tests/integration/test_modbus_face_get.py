"""What a Modbus client answers to gets."""

from __future__ import annotations

from tests.integration.face_points import PCS, SLOW, URI, run
from tests.integration.modbus_site import Site


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
