"""The Clou controller's client against its server over TCP, and a master that is not ours as HybridOS would be."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ess_bus.errors import BusError
from tests.integration.conftest import eventually
from tests.integration.loopback import Loopback, running

COMMANDS = "/components/clou_ess_controller_hr"
SETPOINT = f"{COMMANDS}/power_set_ac"
ILLEGAL_VALUE = 3


@pytest.fixture(scope="module")
def site() -> Iterator[Loopback]:
    with running("clou") as found:
        yield found


def test_all_points_are_equal_after_a_random_fill_and_after_another(site: Loopback) -> None:
    assert sum(len(component.points) for component in site.client.components) == 568
    for seed in (3, 4):
        site.fill(seed)
        eventually(lambda: site.differences() == {})


def test_an_outside_master_reads_the_same_registers(site: Loopback) -> None:
    site.fill(5)
    eventually(lambda: not site.wrong_blocks())
    assert sum(count for _, _, count in site.blocks()) == 543 + 2 * 22 + 4 * 3


def test_what_a_master_writes_is_set_at_the_owner_and_read_back(site: Loopback) -> None:
    site.owner.sets.clear()
    assert site.write(site.point("power_set_ac"), 65536 - 1234) == 0
    assert site.write(site.point("control_command"), 2) == 0
    assert site.write(site.point("life"), 1, 5) == 0
    assert site.owner.sets == [
        (COMMANDS, "power_set_ac", -123.4),
        (COMMANDS, "control_command", 2),
        (COMMANDS, "life", 65541),
    ]
    eventually(lambda: site.bus.get(SETPOINT) == -123.4 and site.bus.get(f"{COMMANDS}/life") == 65541)


def test_half_of_a_variable_is_not_written(site: Loopback) -> None:
    site.owner.sets.clear()
    life = site.read(site.point("life"))
    assert site.write(site.point("life"), 7) == ILLEGAL_VALUE
    assert site.owner.sets == []
    assert site.read(site.point("life")) == life


def test_a_set_of_the_client_travels_to_the_owner(site: Loopback) -> None:
    site.owner.sets.clear()
    site.bus.set(SETPOINT, -250.5, timeout_s=10)
    assert site.owner.sets == [(COMMANDS, "power_set_ac", -250.5)]
    assert site.read(site.point("power_set_ac")) == [65536 - 2505]
    eventually(lambda: site.bus.get(SETPOINT) == -250.5)


def test_what_the_owner_refuses_is_refused_to_the_master_and_to_the_client(site: Loopback) -> None:
    before = site.read(site.point("run_mode"))
    site.owner.refused.add("run_mode")
    assert site.write(site.point("run_mode"), 1) == ILLEGAL_VALUE
    with pytest.raises(BusError):
        site.bus.set(f"{COMMANDS}/run_mode", 1, timeout_s=10)
    assert site.read(site.point("run_mode")) == before


def test_a_measurement_cannot_be_set(site: Loopback) -> None:
    with pytest.raises(BusError):
        site.bus.set("/components/clou_ess_controller/bms_soc", 50, timeout_s=10)
