"""Heartbeats, watchdogs and events of a Modbus client."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from ess_bus.client import AsyncBus
from modbus_bridge.config.model import (
    Heartbeat,
    Watchdog,
)
from tests.integration.face_points import BEAT, LIFE, PCS, PLAIN, URI, run, stats
from tests.integration.modbus_site import Site, until


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
