"""What a Modbus client does with sets."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from modbus_bridge.config.model import (
    Point,
)
from tests.integration.face_points import HOLDING, PCS, PLAIN, SLOW, URI, run
from tests.integration.modbus_site import Site, until


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
            async with asyncio.timeout(4.0):  # less than any time-out of the device
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
