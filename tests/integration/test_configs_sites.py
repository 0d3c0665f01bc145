"""The CATL and the Power Electronics client, each against its server over TCP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.conftest import eventually
from tests.integration.loopback import Loopback, running


@pytest.fixture(scope="module")
def catl() -> Iterator[Loopback]:
    with running("catl") as found:
        yield found


@pytest.fixture(scope="module")
def pe_pcs() -> Iterator[Loopback]:
    with running("pe_pcs") as found:
        yield found


class TestCatl:
    def test_client_and_outside_master_read_what_the_owners_have(self, catl: Loopback) -> None:
        eventually(lambda: catl.differences() == {})
        assert catl.wrong_blocks() == []

    def test_a_command_is_written_by_its_name(self, catl: Loopback) -> None:
        uri = "/components/catl_ems_bms_rw"
        catl.owner.sets.clear()
        catl.bus.set(f"{uri}/ems_cmd", "Power on cmd", timeout_s=10)
        assert catl.owner.sets == [(uri, "ems_cmd", 2)]
        shown = [{"value": 2, "string": "Power on cmd"}]
        eventually(lambda: catl.bus.get(f"{uri}/ems_cmd") == shown)

    def test_a_contactor_that_opens_is_seen_in_its_own_rack_only(self, catl: Loopback) -> None:
        for rack in range(1, 10):
            uri = f"/components/catl_sbmu_{rack}"
            catl.owner.values[uri]["sbmu_master_positive"] = 1
            catl.plant.publish(uri, {"sbmu_master_positive": 1})
        eventually(lambda: catl.differences() == {})
        catl.owner.values["/components/catl_sbmu_9"]["sbmu_master_positive"] = 0
        catl.plant.publish("/components/catl_sbmu_9/sbmu_master_positive", 0)
        eventually(lambda: catl.differences() == {})
        assert catl.bus.get("/components/catl_sbmu_8/sbmu_master_positive") == 1
        assert catl.bus.get("/components/catl_sbmu_9/sbmu_master_positive") == 0


class TestPePcs:
    def test_client_and_outside_master_read_what_the_owners_have(self, pe_pcs: Loopback) -> None:
        eventually(lambda: pe_pcs.differences() == {})
        assert pe_pcs.wrong_blocks() == []

    def test_a_reference_travels_to_the_pcs(self, pe_pcs: Loopback) -> None:
        uri = "/components/pcs_registers_fast"
        pe_pcs.owner.sets.clear()
        pe_pcs.bus.set(f"{uri}/p_p_reference", -55.5, timeout_s=10)
        assert pe_pcs.owner.sets == [(uri, "p_p_reference", -55.5)]
        assert pe_pcs.read(pe_pcs.point("p_p_reference")) == [65536 - 5550]
        eventually(lambda: pe_pcs.bus.get(f"{uri}/p_p_reference") == -55.5)

    def test_another_unit_than_98_is_not_there(self, pe_pcs: Loopback) -> None:
        answer = pe_pcs.master.read_holding_registers(100, count=1, device_id=1)
        assert answer.isError()
