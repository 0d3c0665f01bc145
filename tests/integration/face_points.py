"""The component that the tests of a client on the bus speak to, and how they run it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from fractions import Fraction
from typing import Any

from modbus_bridge.config.model import (
    Component,
    Format,
    Kind,
    Point,
    RegisterType,
)
from tests.integration.modbus_site import Site, site

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


async def stats(site: Site, **expected: Any) -> bool:
    found = (await site.bus.get(f"{URI}/_stats"))["component"]
    return all(found[key] == value for key, value in expected.items())
