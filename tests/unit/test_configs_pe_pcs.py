"""The Power Electronics PCS files against what is known of its registers, written down once more here."""

from __future__ import annotations

from fractions import Fraction

from modbus_bridge.config.model import Kind, RegisterType
from tests.unit.site_files import client, component, divisor, points

SITE = "pe_pcs"

# `offset id scale`, with s for signed.
FAST_HOLDING = """5 seconds 1, 100 p_limit 100, 101 q_limit 100, 102 p_q_priority 1, 103 s_limit 100, 104 p_algo_pri 1,
    550 p_control_mode 1, 551 q_control_mode 1, 552 p_p_reference 100 s, 553 p_id_reference 100 s,
    555 q_cosphi_reference 1000 s, 556 q_iq_reference 100 s, 557 q_q_reference 100 s, 575 q_v_reference 100 s,
    3009 start 1, 3010 stop 1, 3011 reset 1, 3199 e_stop 1, 4251 ppc_watchdog_ref 1,
    4252 ppc_watchdog_refs_reset_time 1, 4253 ppc_watchdog_comms_fault_time 1, 4254 ppc_watchdog_home_p_ref 100 s,
    4255 ppc_watchdog_home_q_ref 100 s"""
FAST_INPUT = """1000 grid_voltage_rs 0.01, 1001 grid_voltage_st 0.01, 1002 grid_voltage_tr 0.01,
    1003 grid_current_1 1 s, 1004 grid_current_2 1 s, 1005 grid_current_3 1 s, 1007 active_power 1 s,
    1008 reactive_power 1 s, 1009 apparent_power 1 s, 1010 cosphi 1000 s, 1011 grid_frequency 100,
    1020 grid_voltage_rs_lv 1, 1021 grid_voltage_st_lv 1, 1022 grid_voltage_tr_lv 1, 1060 dc_p_input 1 s,
    1061 dc_total_i_input 1 s, 1120 current_fault 1, 1121 current_warning 1, 1122 current_status 1,
    1130 current_fault_module 1, 1391 num_running_modules 1, 7400 vdc_bus_1 1"""
# Registers of module n, counted from 5000 + 32 * (n - 1).
MODULE = """0 status 1, 1 current_r 10 s, 2 current_s 10 s, 3 current_t 10 s, 4 dc_current 10 s, 5 dc_voltage_p 1,
    6 dc_voltage_n 1, 7 dc_voltage 1, 8 p 10 s, 9 q 10 s, 10 ambient_temp 1 s, 11 max_temp 1 s, 12 i_o_status 1,
    22 temp_r1 1 s, 23 temp_r2 1 s, 24 temp_r3 1 s, 25 temp_s1 1 s, 26 temp_s2 1 s, 27 temp_s3 1 s, 28 temp_t1 1 s,
    29 temp_t2 1 s, 30 temp_t3 1 s"""
SLOW_HOLDING = """276 start_grad_p_enable 1, 277 start_grad_p 10, 278 start_grad_q_enable 1, 279 start_grad_q 10,
    280 rise_grad_p_enable 1, 281 rise_grad_p 10, 282 rise_grad_q_enable 1, 283 rise_grad_q 10,
    284 drop_grad_p_enable 1, 285 drop_grad_p 10, 286 drop_grad_q_enable 1, 287 drop_grad_q 10,
    288 stop_grad_p_enable 1, 289 stop_grad_p 10, 290 stop_grad_q_enable 1, 291 stop_grad_q 10,
    2013 selector_config 1, 2040 start_control_mode 1, 2041 selector_status 1"""
SLOW_INPUT = """1201 daily_energy_msb 1, 1202 daily_energy_lsb 1, 1209 total_energy_msb 1, 1210 total_energy_lsb 1,
    1230 consum_daily_energy_msb 1, 1231 consum_daily_energy_lsb 1, 1232 consum_total_energy_msb 1,
    1233 consum_total_energy_lsb 1"""
VERSIONS = "13 hw_version 1, 14 sw_version 1"
MODULES = range(1, 7)

Register = tuple[int, str, Fraction, bool]


def registers(text: str, first: int = 0, prefix: str = "") -> list[Register]:
    entries = (entry.split() for entry in text.split(","))
    return [
        (first + int(offset), prefix + name, Fraction(scale), flags == ["s"]) for offset, name, scale, *flags in entries
    ]


def of_modules(text: str) -> list[Register]:
    return [
        register for number in MODULES for register in registers(text, 5000 + 32 * (number - 1), f"module_{number}_")
    ]


def described(name: str, table: RegisterType) -> list[Register]:
    found = [point for point in component(SITE, name).points if point.type is table]
    return sorted((point.offset, point.id, divisor(point), point.signed) for point in found)


class TestRegisters:
    def test_the_fast_component_is_as_known(self) -> None:
        assert described("pcs_registers_fast", RegisterType.HOLDING) == registers(FAST_HOLDING)
        assert described("pcs_registers_fast", RegisterType.INPUT) == sorted(registers(FAST_INPUT) + of_modules(MODULE))

    def test_the_slow_component_is_as_known(self) -> None:
        assert described("pcs_registers_slow", RegisterType.HOLDING) == registers(SLOW_HOLDING)
        expected = sorted(registers(SLOW_INPUT) + of_modules(VERSIONS))
        assert described("pcs_registers_slow", RegisterType.INPUT) == expected

    def test_only_the_software_versions_have_two_words(self) -> None:
        assert {point.id for point in points(SITE) if point.size != 1} == {f"module_{n}_sw_version" for n in MODULES}
        assert {point.kind for point in points(SITE)} == {Kind.NUMBER}

    def test_everything_is_in_unit_98(self) -> None:
        assert {point.device_id for point in points(SITE)} == {98}


class TestTiming:
    def test_the_fast_component_is_read_five_times_a_second_and_the_slow_one_every_ten_seconds(self) -> None:
        assert {found.id: found.period_s for found in client(SITE).components} == {
            "pcs_registers_fast": 0.2,
            "pcs_registers_slow": 10.0,
        }

    def test_its_clock_shows_that_it_lives_and_its_watchdog_is_fed(self) -> None:
        heartbeat = component(SITE, "pcs_registers_fast").heartbeat
        assert heartbeat is not None
        assert (heartbeat.read_id, heartbeat.write_id) == ("seconds", "ppc_watchdog_ref")
        assert (heartbeat.timeout_s, heartbeat.period_s) == (3.0, 1.0)
