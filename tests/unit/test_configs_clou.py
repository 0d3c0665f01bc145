"""The Clou controller's files against the register map of the brp 10 MW document, written down once more here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import pytest

from modbus_bridge.config.model import Kind, RegisterType
from tests.unit.site_files import by_place, client, component, divisor, points

SITE = "clou"
HOLDING, INPUT = RegisterType.HOLDING, RegisterType.INPUT

# Register, id, scale, size; with `NxS` a series of N whose registers are S apart and whose # counts from 1.
HOLDING_MAP = """
1000 life 1 2
1002 control_command 1 1
1003 run_mode 1 1
1004 on_off_grid_mode_setting 1 1
1005 power_set_ac 10 1
1006 active_set_ac 10 1
1007 active_power_rising_slope 10 1
1008 active_power_droop_slope 10 1
1009 reactive_power_rising_slope 10 1
1010 reactive_power_droop_slope 10 1
"""
INPUT_MAP = """
2000 life_signal 10 2
2002 q_charge 10 1
2003 q_discharge 10 1
2004 w_charge 10 1
2005 w_discharge 10 1
2006 system_state 1 1
2007 com_status 1 1
2008 pcs_under_power 1 1
2009 pcs_over_power 1 1
2030 uinab_rms 10 1
2031 uinbc_rms 10 1
2032 uinca_rms 10 1
2033 iina_rms 10 1
2034 iinb_rms 10 1
2035 iinc_rms 10 1
2036 w 100 1
2037 p 10 1
2038 q 10 1
2039 pf 1000 1
2040 ubtra_ever 10 1
2041 ibtra_ever 10 1
2042 pbtra 10 1
2043 pcs_mode 1 1
2044 pcs_state1 1 2
2046 pcs_state2 1 1
2047 overall_fault 1 1
2048 overall_alarm 1 2
2050 overall_maximum_charging_power_limit 10 1
2051 overall_maximum_discharging_power_limit 10 1
2070 unit1_uinab_rms 10 1
2071 unit1_uinbc_rms 10 1
2072 unit1_uinca_rms 10 1
2073 unit1_iina_rms 10 1
2074 unit1_iinb_rms 10 1
2075 unit1_iinc_rms 10 1
2076 unit1_p 10 2
2078 unit1_q 10 2
2080 unit1_ubtra_ever 10 1
2081 unit1_ibtra_ever 10 1
2082 unit1_pbtra 10 1
2083 unit1_alarm_state1 1 1
2084 unit1_alarm_state2 1 1
2085 unit1_fault_state1 1 2
2087 unit1_fault_state2 1 2
2089 maximum_charging_power_limit_unit1 10 1
2090 maximum_discharging_power_limit_unit1 10 1
2100 unit2_uinab_rms 10 1
2101 unit2_uinbc_rms 10 1
2102 unit2_uinca_rms 10 1
2103 unit2_iina_rms 10 1
2104 unit2_iinb_rms 10 1
2105 unit2_iinc_rms 10 1
2106 unit2_p 10 2
2108 unit2_q 10 2
2110 unit2_ubtra_ever 10 1
2111 unit2_ibtra_ever 10 1
2112 unit2_pbtra 10 1
2113 unit2_alarm_state1 1 1
2114 unit2_alarm_state2 1 1
2115 unit2_fault_state1 1 2
2117 unit2_fault_state2 1 2
2119 maximum_charging_power_limit_unit2 10 1
2120 maximum_discharging_power_limit_unit2 10 1
2130 bms_maximum_cell_voltage 10000 1
2131 stackindex_of_the_bms_maximum_cell_voltage 1 1
2132 cluster_index_of_the_bms_maximum_cell_voltage 1 1
2133 bms_minimum_cell_voltage 10000 1
2134 stackindex_of_the_bms_minimum_cell_voltage 1 1
2135 cluster_index_of_the_bms_minimum_cell_voltage 1 1
2136 bms_maximum_cell_temperature 100 1
2137 stackindex_of_the_bms_maximum_cell_temperature 1 1
2138 cluster_index_of_the_bms_maximum_cell_temperature 1 1
2139 bms_minimum_cell_temperature 100 1
2140 stackindex_of_the_bms_minimum_cell_temperature 1 1
2141 cluster_index_of_the_bms_minimum_cell_temperature 1 1
2142 bms_bus_voltage 10 1
2143 bms_bus_current 10 1
2144 bms_soc 10 1
2145 bms_power 10 1
2146 operation_status 1 1
2149 bms_current_rechargeable_capacity 1000 2
2151 bms_current_dischargeable_capacity 1000 2
2153 circuit_breaker_control_word 1 2
2155 main_circuit_breaker_status 1 1
2156 control_circuit_breaker 1 1
2157 bms_maximum_charging_power_limit 100 1
2158 bms_maximum_discharging_power_limit 100 1
2159 power_limit_state 1 4
2163 bma_alarm_state 1 4
2167 bma_fault_state 1 4
2200 cluster_no_#_battery_cluster_voltage 10 1 20x1
2220 cluster_no_#_battery_cluster_current 10 1 20x1
2240 cluster_no_#_max_cell_voltage 10000 1 20x2
2241 cluster_no_#_max_cell_voltage_pack_num 1 1 20x2
2280 cluster_no_#_second_max_cell_voltage 10000 1 20x2
2281 cluster_no_#_second_max_cell_voltage_pack_num 1 1 20x2
2320 cluster_no_#_min_cell_voltage 10000 1 20x2
2321 cluster_no_#_min_cell_voltage_pack_num 1 1 20x2
2360 cluster_no_#_second_min_cell_voltage 10000 1 20x2
2361 cluster_no_#_second_min_cell_voltage_pack_num 1 1 20x2
2400 cluster_no_#_max_cell_temperature 100 1 20x2
2401 cluster_no_#_max_cell_temperature_pack_num 1 1 20x2
2440 cluster_no_#_second_max_cell_temperature 100 1 20x2
2441 cluster_no_#_second_max_cell_temperature_pack_num 1 1 20x2
2480 cluster_no_#_min_cell_temperature 100 1 20x2
2481 cluster_no_#_min_cell_temperature_pack_num 1 1 20x2
2520 cluster_no_#_second_min_cell_temperature 100 1 20x2
2521 cluster_no_#_second_min_cell_temperature_pack_num 1 1 20x2
2560 cluster_no_#_battery_cluster_average_voltage 1000 1 20x1
2800 stack_overall_average_cell_temperature 100 1
2801 average_ambient_temperature_inside_the_container 100 1
2802 average_ambient_humidity_inside_the_container 100 1
2803 maximum_cell_temperature 100 1
2804 stack_index_of_maximum_cell_temperature 1 1
2805 cluster_index_of_maximum_cell_temperature 1 1
2806 pack_index_of_maximum_cell_temperature 1 1
2807 minimum_cell_temperature 100 1
2808 stack_index_of_minimum_cell_temperature 1 1
2809 cluster_index_of_minimum_cell_temperature 1 1
2810 pack_index_of_minimum_cell_temperature 1 1
2811 bams_online_status 1 1
2812 air_conditioner_online_status 1 1
2813 temperature_and_humidity_sensor_online_status 1 1
2814 meter_online_status 1 1
2815 gas_sensor_online_status 1 1
2816 number_of_online_bams 1 1
2817 number_of_online_air_conditioners 1 1
2818 number_of_online_temperature_and_humidity 1 1
2819 number_of_online_meters 1 1
2820 number_of_online_gas_sensors 1 1
2821 environmental_alarm_status_1 1 2
2823 didevice_alarm_status_2 1 2
2825 environmental_fault_status_1 1 2
2827 didevice_fault_status_2 1 2
2900 carbon_monoxide_concentration 100 2
2902 hydrogen_concentration 100 2
2904 oxygen_concentration 100 2
2906 carbon_monoxide_alarm_status 1 1
2907 hydrogen_alarm_status 1 1
2908 oxygen_alarm_status 1 1
2930 temperature_reading_of_temperature_and_humidty_sensor_no_# 100 1 3x1
2933 humidity_reading_of_temperature_and_humidty_sensor_no_# 100 1 3x1
3000 undocumented_3000 100 1
3001 undocumented_3001 100 1
3002 undocumented_3002 100 1
3003 air_conditioner_#_current_mode 1 1 16x3
3004 air_conditioner_#_temperature 100 1 16x3
3005 air_conditioner_#_humidity 100 1 16x3
"""


@dataclass(frozen=True)
class Documented:
    type: RegisterType
    offset: int
    id: str
    scale: int
    size: int


def documented() -> Iterator[Documented]:
    for table, text in ((HOLDING, HOLDING_MAP), (INPUT, INPUT_MAP)):
        for line in text.split("\n")[1:-1]:
            offset, name, scale, size, *series = line.split()
            count, step = map(int, series[0].split("x")) if series else (1, 0)
            for index in range(count):
                yield Documented(
                    table, int(offset) + index * step, name.replace("#", str(index + 1)), int(scale), int(size)
                )


DOCUMENTED = list(documented())


def names(text: str) -> list[str]:
    return text.split()


# As many as the site's own file has: 76.
SIGNED = [
    *names("life power_set_ac active_set_ac life_signal iina_rms iinb_rms iinc_rms p q pf ibtra_ever pbtra"),
    *names("bms_maximum_cell_temperature bms_minimum_cell_temperature bms_bus_current bms_power"),
    *names("stack_overall_average_cell_temperature average_ambient_temperature_inside_the_container"),
    *names("maximum_cell_temperature minimum_cell_temperature undocumented_3000 undocumented_3001 undocumented_3002"),
    *(f"unit{n}_{name}" for n in (1, 2) for name in names("iina_rms iinb_rms iinc_rms p q ibtra_ever pbtra")),
    *(f"cluster_no_{n}_battery_cluster_current" for n in range(1, 21)),
    *(f"temperature_reading_of_temperature_and_humidty_sensor_no_{n}" for n in (1, 2, 3)),
    *(f"air_conditioner_{n}_temperature" for n in range(1, 17)),
]
# Physics makes these signed too, which the site's own file leaves unsigned.
CLUSTER_TEMPERATURES = [
    f"cluster_no_{number}_{name}_cell_temperature"
    for number in range(1, 21)
    for name in ("max", "second_max", "min", "second_min")
]


class TestTheDocumentItself:
    """Its counts are known, so a slip in the copy above shows."""

    def test_it_has_568_entries_in_the_known_groups(self) -> None:
        starts = (2000, 2130, 2200, 2320, 2440, 2560, 2800, 2900, 3000, 4000)
        inputs = [entry.offset for entry in DOCUMENTED if entry.type is INPUT]
        counts = [sum(start <= offset < end for offset in inputs) for start, end in pairwise(starts)]
        assert counts == [63, 27, 120, 120, 120, 20, 25, 12, 51]
        assert len(DOCUMENTED) - len(inputs) == 10

    def test_its_scales_and_sizes_add_up(self) -> None:
        assert Counter(entry.scale for entry in DOCUMENTED) == {1: 235, 10: 94, 100: 134, 1000: 23, 10000: 82}
        assert Counter(entry.size for entry in DOCUMENTED) == {1: 543, 2: 22, 4: 3}
        assert len(SIGNED) == len(set(SIGNED)) == 76


class TestRegisters:
    def test_every_documented_register_is_there_and_no_other(self) -> None:
        found = by_place(SITE)
        assert sorted(found) == sorted((entry.type, entry.offset) for entry in DOCUMENTED)
        for entry in DOCUMENTED:
            point = found[entry.type, entry.offset]
            assert (point.id, divisor(point), point.size) == (entry.id, Fraction(entry.scale), entry.size), entry

    def test_what_can_be_negative_is_signed(self) -> None:
        signed = {point.id for point in points(SITE) if point.signed}
        assert signed == {*SIGNED, *CLUSTER_TEMPERATURES}

    @pytest.mark.parametrize(
        ("offset", "name", "scale"),
        [
            (2144, "bms_soc", 10),
            (2219, "cluster_no_20_battery_cluster_voltage", 10),
            (2239, "cluster_no_20_battery_cluster_current", 10),
            (2278, "cluster_no_20_max_cell_voltage", 10000),
            (2559, "cluster_no_20_second_min_cell_temperature_pack_num", 1),
            (2560, "cluster_no_1_battery_cluster_average_voltage", 1000),
            (2579, "cluster_no_20_battery_cluster_average_voltage", 1000),
            (2935, "humidity_reading_of_temperature_and_humidty_sensor_no_3", 100),
            (3000, "undocumented_3000", 100),
            (3048, "air_conditioner_16_current_mode", 1),
            (3050, "air_conditioner_16_humidity", 100),
        ],
    )
    def test_the_ends_of_the_series_are_where_the_document_has_them(self, offset: int, name: str, scale: int) -> None:
        point = by_place(SITE)[INPUT, offset]
        assert (point.id, divisor(point)) == (name, Fraction(scale))

    def test_the_three_bit_fields_have_the_documented_strings(self) -> None:
        fields = {point.id: list(point.strings.values()) for point in points(SITE) if point.kind is Kind.BIT_FIELD}
        assert fields == {
            "pcs_state2": ["Charging", "Discharging", "Non-operating mode"],
            "overall_fault": ["Smoke Alarm", "Door Open Protection"],
            "overall_alarm": [
                "Temperature & Humidity Board Communication Error",
                "Switch Board Communication Error",
                "Tributary Board Communication Error",
            ],
        }
        assert all(list(point.strings) == list(range(len(point.strings))) for point in points(SITE))
        assert {point.kind for point in points(SITE)} == {Kind.NUMBER, Kind.BIT_FIELD}


class TestComponents:
    def test_commands_and_the_state_of_the_plant_are_fast_and_the_rest_is_slow(self) -> None:
        spans = {
            found.id: (found.period_s, min(point.offset for point in found.points), found.points[-1].offset)
            for found in client(SITE).components
        }
        assert spans == {
            "clou_ess_controller_hr": (0.1, 1000, 1010),
            "clou_ess_controller_hs": (0.1, 2000, 2051),
            "clou_ess_controller": (1.0, 2070, 3050),
        }

    def test_the_controller_is_watched_and_the_engine_shows_that_it_lives(self) -> None:
        watched = component(SITE, "clou_ess_controller_hs").heartbeat
        shown = component(SITE, "clou_ess_controller_hr").heartbeat
        assert watched is not None
        assert shown is not None
        assert (watched.read_id, watched.write_id, watched.timeout_s) == ("life_signal", None, 1.0)
        assert (shown.read_id, shown.write_id, shown.period_s) == (None, "life", 0.1)
