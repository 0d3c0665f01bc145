"""The monitors of a real site: what its registers say is in the lists of its assets."""

from __future__ import annotations

import pytest

from ess_bus.engine.configuration import load
from ess_bus.engine.engine import Engine
from tests.real_files import ENGINE as REAL
from tests.unit.monitor_desk import MonitorDesk

WATCHDOG = "[sys_fault] (WD) Watchdog - Fault in DSP has occurred"
SILENT = "[bms_heartbeat] BMS Communication Failure"


@pytest.fixture
def desk():
    if not REAL.is_dir():
        pytest.skip("the folder of real configurations is not here")
    desk = MonitorDesk()
    desk.engine = Engine()
    desk.pass_time(0)
    desk.engine.load(load(REAL).assignments)
    return desk


def test_registers_raise_and_clear_what_they_say(desk):
    desk.engine.report("/components/catl_mbmu_sum_r", {"mbmu_warning_1": 2 + 4})
    assert desk.texts() == ["[single_cell_overvoltage] Warn 2", "[single_cell_undervoltage] Warn 1"]
    desk.engine.report("/components/catl_mbmu_sum_r", {"mbmu_warning_1": 3})
    assert desk.texts() == ["[single_cell_overvoltage] Warn 3"]
    desk.engine.report("/components/pcsm_internal_visualization", {"current_fault": 1})
    assert (desk.texts("faults", "pcs"), desk.status("FaultShutdown", "pcs")) == ([WATCHDOG], True)
    desk.engine.report("/components/pcsm_internal_visualization", {"current_fault": 0})
    assert desk.texts("faults", "pcs") == []


def test_a_bms_that_falls_silent_stops_the_site_and_a_person_clears_it(desk):
    for beat in range(20):
        desk.engine.report("/components/catl_bms_ems_r", {"bms_heartbeat": beat})
        desk.pass_time(1)
    assert SILENT not in desk.texts()
    assert desk.status("CommsOK") is True
    desk.pass_time(10)
    assert SILENT in desk.texts()
    assert desk.texts("faults") == [SILENT]
    # The fault of the BMS asks the whole site to stop, by a remap of the configuration.
    assert (desk.status("FaultShutdown"), desk.status("FaultShutdown", "ess"), desk.status("CommsOK")) == (
        *(True, True),
        False,
    )
    desk.engine.report("/components/catl_bms_ems_r", {"bms_heartbeat": 99})
    desk.engine.set("/status/bms/SystemFaultCleared", True)
    assert (desk.texts("faults"), desk.status("FaultCnt"), desk.status("FaultShutdown")) == ([], 0, False)
