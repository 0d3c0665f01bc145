"""The CATL BMS files against what is known of its registers, written down once more here."""

from __future__ import annotations

import pytest

from modbus_bridge.config.model import Kind, RegisterType
from tests.unit.site_files import by_place, client, component, divisor, points

SITE = "catl"

# Component -> registers, `offset id scale`; the racks are below.
MASTER = {
    "catl_mbmu_sum_r": "0 mbmu_warning_1 1, 1 mbmu_warning_21 1, 2 mbmu_warning_22 1",
    "catl_mbmu_stat_r": "16 mbmu_status 1",
    "catl_mbmu_summary_r": """32 mbmu_voltage 10, 33 mbmu_current 1, 34 mbmu_soc 10, 35 mbmu_soh 10,
        36 mbmu_max_cell_voltage 1000, 37 mbmu_min_cell_voltage 1000, 38 mbmu_avg_cell_voltage 1000,
        39 mbmu_max_cell_temperature 1, 40 mbmu_min_cell_temperature 1, 41 mbmu_avg_cell_temperature 1,
        42 mbmu_max_charge_current 1, 43 mbmu_max_discharge_current 1""",
    "catl_bms_ems_r": """768 bms_heartbeat 1, 769 bms_poweron 1, 770 bms_status 1, 772 num_hv_subsystem 1,
        775 bms_remain_charge_energy 10, 776 bms_remain_discharge_energy 10, 783 bms_max_discharge_allowed 1,
        784 bms_max_charge_allowed 1, 785 bms_limit_charge_hv 1, 786 bms_limit_discharge_hv 1""",
    "catl_ems_bms_rw": """896 ems_heartbeat 1, 897 ems_cmd 1, 898 ems_status 1, 900 ems_rtc_year 1,
        901 ems_rtc_month 1, 902 ems_rtc_day 1, 903 ems_rtc_hour 1, 904 ems_rtc_minute 1, 905 ems_rtc_second 1,
        908 fault_clear_cmd 1""",
}
# Registers of rack n, counted from 1024 * n.
RACK = """0 warning_1 1, 1 warning_21 1, 2 warning_22 1, 3 warning_23 1, 16 precharge_status 1, 17 master_positive 1,
    18 master_negative 1, 20 balance_status 1, 32 voltage 10, 34 current 10, 35 soc 10, 36 soh 10,
    37 max_cell_voltage 1000, 38 min_cell_voltage 1000, 39 avg_cell_voltage 1000, 40 max_cell_temp 1,
    41 min_cell_temp 1, 42 avg_cell_temp 1, 43 max_charge_current 10, 44 max_discharge_current 10,
    48 max_cell_voltage_position 1, 49 min_cell_voltage_position 1, 50 max_cell_temp_position 1,
    51 min_cell_temp_position 1, 55 sum_cells 1, 74 tms_mode_command 1, 75 tms_temp_setting 1, 76 tms_real_mode 1,
    77 ambient_temp 1, 78 tms_demand_power 1, 79 tms_fault_code 1, 80 door_state 1, 81 fan_in_box 1"""
RACKS = range(1, 10)


def registers(text: str) -> list[tuple[int, str, int]]:
    entries = (entry.split() for entry in text.split(","))
    return [(int(offset), name, int(scale)) for offset, name, scale in entries]


def described(name: str) -> list[tuple[int, str, int]]:
    return [(point.offset, point.id, int(divisor(point))) for point in component(SITE, name).points]


class TestRegisters:
    @pytest.mark.parametrize("name", MASTER)
    def test_the_master_unit_is_as_known(self, name: str) -> None:
        assert described(name) == registers(MASTER[name])

    @pytest.mark.parametrize("rack", RACKS)
    def test_each_rack_is_1024_registers_after_the_one_before_it(self, rack: int) -> None:
        expected = [(1024 * rack + offset, f"sbmu_{name}", scale) for offset, name, scale in registers(RACK)]
        assert described(f"catl_sbmu_{rack}") == expected

    def test_there_is_nothing_else(self) -> None:
        assert {found.id for found in client(SITE).components} == {*MASTER, *(f"catl_sbmu_{rack}" for rack in RACKS)}
        assert {point.type for point in points(SITE)} == {RegisterType.HOLDING}
        assert {point.size for point in points(SITE)} == {1}

    def test_offset_binary_is_unsigned(self) -> None:
        assert {point.id for point in points(SITE) if point.signed} == {
            f"mbmu_{x}_cell_voltage" for x in ("max", "min", "avg")
        }


class TestStrings:
    def test_states_and_commands_are_read_by_name(self) -> None:
        enums = {point.id: point.strings for point in points(SITE) if point.kind is Kind.ENUM}
        assert enums["ems_cmd"] == {0: "Initial", 1: "Stay Status", 2: "Power on cmd", 3: "Power off cmd"}
        assert enums["bms_poweron"][1] == "Power on Ready"
        assert enums["mbmu_status"] == enums["bms_status"]
        assert enums["bms_status"][5] == "Fault"
        assert enums["sbmu_tms_real_mode"][3] == "Self Circulating Mode"

    def test_a_warning_with_levels_names_both_of_its_bits(self) -> None:
        strings = by_place(SITE)[RegisterType.HOLDING, 0].strings
        assert len(strings) == 10
        assert (strings[4], strings[5]) == (
            "Cell over temperature: level 1 or 3",
            "Cell over temperature: level 2 or 3",
        )

    def test_warnings_without_levels_are_where_their_reserved_neighbours_say(self) -> None:
        first, second = (by_place(SITE)[RegisterType.HOLDING, offset].strings for offset in (1, 2))
        assert (first[0], first[8], len(first)) == ("Current over limit", "EMS heartbeat fault", 9)
        assert second == {10: "SOC difference", 11: "Fire fault level 2"}


class TestTiming:
    def test_what_the_engine_calculates_with_is_read_ten_times_a_second(self) -> None:
        periods = {found.id: found.period_s for found in client(SITE).components}
        assert periods.pop("catl_mbmu_summary_r") == periods.pop("catl_mbmu_stat_r") == 0.1
        assert {periods.pop(name) for name in ("catl_mbmu_sum_r", "catl_bms_ems_r", "catl_ems_bms_rw")} == {1.0}
        assert set(periods.values()) == {2.0}

    def test_the_bms_is_watched_and_the_ems_shows_that_it_lives(self) -> None:
        watched = component(SITE, "catl_bms_ems_r").heartbeat
        shown = component(SITE, "catl_ems_bms_rw").heartbeat
        assert watched is not None
        assert shown is not None
        assert (watched.read_id, watched.write_id, watched.timeout_s) == ("bms_heartbeat", None, 3.0)
        assert (shown.read_id, shown.write_id, shown.period_s) == (None, "ems_heartbeat", 1.0)
