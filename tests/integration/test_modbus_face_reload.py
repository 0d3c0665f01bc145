"""A Modbus client reads its configuration again."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from ess_bus.client import AsyncSubscription
from ess_bus.errors import BusError, ConfigurationError, Disconnected, Problem
from modbus_bridge.config.model import (
    ClientConfiguration,
    Point,
)
from tests.integration.face_points import HOLDING, PCS, PLAIN, POWER, SLOW, URI, run, stats
from tests.integration.modbus_site import Site, until


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
