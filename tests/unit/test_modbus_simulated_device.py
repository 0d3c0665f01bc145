"""The device that `modbus_server --simulate` serves."""

from __future__ import annotations

import asyncio
import json
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ess_bus.errors import ConfigurationError
from modbus_bridge.config.model import (
    ClientConfiguration,
    Component,
    Connection,
    Kind,
    Point,
    RegisterType,
    ServedPoint,
    ServedUnit,
    Tcp,
)
from modbus_bridge.serving.faults import Fault
from modbus_bridge.simulate import plausible
from modbus_bridge.simulate.device import SimulatedDevice
from modbus_bridge.simulate.sources import apply_values, device_of
from modbus_bridge.values import codec

HOLDING = RegisterType.HOLDING
INPUT = RegisterType.INPUT
URI = "/components/x"


def served(name: str, offset: int, table: RegisterType = HOLDING, **keys: Any) -> ServedPoint:
    return ServedPoint(URI, Point(name, table, offset, 1, **keys))


MIXED = (
    served("power", 0, signed=True, scale=Fraction(10)),
    served("energy", 1, size=2),
    served("ratio", 3, size=2, is_float=True),
    served("mode", 5, kind=Kind.ENUM, strings={2: "Stop", 7: "Run"}),
    served("alarms", 6, kind=Kind.BIT_FIELD, strings={0: "a", 9: "b"}),
    served("low", 7, first_bit=0, bits=4),
    served("high", 7, first_bit=8, bits=8, signed=True),
    served("name", 8, kind=Kind.TEXT, size=4),
    served("small", 12, scale=Fraction(-100)),
    served("power", 0, INPUT, signed=True, scale=Fraction(100)),
    served("on", 0, RegisterType.COIL, kind=Kind.BOOL),
)


def values(device: SimulatedDevice, points: tuple[ServedPoint, ...] = MIXED) -> list[Any]:
    return [codec.decode(point.point, device.units[None].words(point)) for point in points]


def mixed(seed: int = 1) -> SimulatedDevice:
    return SimulatedDevice([ServedUnit(None, MIXED)], seed)


@given(st.integers())
def test_values_are_plausible(seed: int) -> None:
    power, energy, ratio, mode, alarms, low, high, name, small, copy, on = values(mixed(seed))
    assert -1000 <= power <= 1000
    # The same value with one more digit.
    assert abs(copy - power) < 0.051
    assert 0 <= energy <= 1000
    assert -1000 <= ratio <= 1000
    assert mode[0]["string"] in ("Stop", "Run")
    assert {bit["value"] for bit in alarms} <= {0, 9}
    assert 0 <= low <= 15
    assert -128 <= high <= 127
    assert name.startswith("SIM ")
    assert -655.35 <= small <= 0
    assert on in (True, False)


def test_the_same_seed_gives_the_same_device_whatever_else_it_has() -> None:
    assert values(mixed(5)) == values(mixed(5))
    assert values(mixed(5)) != values(mixed(6))
    fewer = MIXED[1:9]
    assert values(SimulatedDevice([ServedUnit(None, fewer)], 5), fewer) == values(mixed(5))[1:9]


def test_a_value_that_means_not_available_is_not_chosen() -> None:
    point = served("a", 0, kind=Kind.ENUM, strings={3: "x"}, invalid=frozenset({3}))
    assert SimulatedDevice([ServedUnit(None, (point,))], 1).units[None].words(point) == (0,)


def test_what_masters_write_is_there_in_every_table() -> None:
    device = mixed()
    unit = device.units[None]

    async def main() -> None:
        await unit.write(HOLDING, 0, [65536 - 15, 1, 2])
        assert await unit.read(HOLDING, 0, 3) == [65536 - 15, 1, 2]
        assert await unit.read(INPUT, 0, 1) == [65536 - 150]
        # A device takes half a value, unlike a server with owners.
        await unit.write(HOLDING, 2, [9])
        assert await unit.read(HOLDING, 1, 2) == [1, 9]
        with pytest.raises(Fault):
            await unit.write(HOLDING, 12, [1, 2])

    asyncio.run(main())


@given(st.integers(), st.integers(1, 40))
def test_numbers_wander_within_bounds_and_what_was_written_stays(seed: int, steps: int) -> None:
    device = mixed(seed)
    asyncio.run(device.units[None].write(HOLDING, 1, [0, 77]))
    before = values(device)
    for step in range(steps):
        device.wander(step % 2, 2)
    after = values(device)
    assert after[1] == 77
    assert after[3:5] == before[3:5]
    assert -1000 <= after[0] <= 1000
    assert -128 <= after[6] <= 127
    assert steps < 20 or after != before


@given(st.floats(-1e6, 1e6), st.integers())
def test_a_step_is_small(current: float, seed: int) -> None:
    point = MIXED[0].point
    low, high = plausible.limits(point)
    wandered = plausible.wandered(point, current, Random(seed))
    assert abs(wandered - current) <= (max(high, current) - min(low, current)) * 0.01 + 0.1 + 0.001


def test_values_from_a_file(tmp_path: Path) -> None:
    device = mixed()
    file = tmp_path / "values.json"
    file.write_text(json.dumps({f"{URI}/": {"power": 12.5, "mode": "Run", "low": {"value": 3}, "on": True}}))
    apply_values(file, device)
    found = values(device)
    assert (found[0], found[9], found[3][0]["value"], found[5], found[10]) == (12.5, 12.5, 7, 3, True)


def test_every_problem_of_a_file_of_values_is_named(tmp_path: Path) -> None:
    file = tmp_path / "values.json"
    file.write_text(json.dumps({URI: {"powr": 1, "energy": -1}, "/components/y": {}, "/components/x/": 5}))
    with pytest.raises(ConfigurationError) as caught:
        apply_values(file, mixed())
    assert [str(problem) for problem in caught.value.problems] == [
        "/components/x.powr: it is not served; did you mean power?",
        "/components/x.energy: -1 does not fit; expected 0 to 4294967295",
        "/components/y: nothing of it is served; did you mean /components/x?",
        '/components/x/: expected an object such as {"id": value}',
    ]
    file.write_text("[]")
    with pytest.raises(ConfigurationError, match="expected an object"):
        apply_values(file, mixed())


def test_the_device_of_a_client() -> None:
    one, two = Point("a", HOLDING, 1, device_id=1), Point("b", INPUT, 2, device_id=2)
    again = Point("c", HOLDING, 1, device_id=1)
    connection = Connection("pcs", Tcp("127.0.0.1", 1502))
    components = (Component("x", 1, 0, (one, two)), Component("y", 1, 0, (again,)))
    configuration = device_of(ClientConfiguration(connection, components))
    assert (configuration.id, configuration.address) == ("pcs", connection.address)
    assert configuration.units == (
        ServedUnit(1, (ServedPoint("/components/x", one), ServedPoint("/components/y", again))),
        ServedUnit(2, (ServedPoint("/components/x", two),)),
    )
    single = device_of(ClientConfiguration(connection, components[1:]))
    assert [unit.device_id for unit in single.units] == [None]
