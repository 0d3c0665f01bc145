"""The plant of the configurations: it has every register of its devices, and behaves as they do."""

from __future__ import annotations

import pytest

from modbus_bridge.config import load_server
from modbus_bridge.config.model import Kind
from modbus_bridge.values.bits import bits_of
from tests.unit.site_files import CONFIGS
from tools.twins.configuration import load

PLANT = CONFIGS / "plant"
SERVERS = ("catl/catl_server.json", "pe_pcs/pe_pcs_server.json", "meter/meter_server.json")
CATL, PCS = "catl_ems_bms_rw", "pcs_registers_fast"


@pytest.fixture(scope="module")
def configuration():
    return load(PLANT)


@pytest.fixture
def plant(configuration):
    made = configuration.plant()
    made.tick(0.1)
    return made


def run(plant, seconds, step_s=0.5):
    for _ in range(round(seconds / step_s)):
        plant.tick(step_s)


def on(plant):
    plant.set(CATL, ("ems_cmd",), 2)
    run(plant, 3)
    plant.set(PCS, ("start",), 1)
    run(plant, 3)


def test_nothing_of_it_is_left_out(configuration):
    assert configuration.warnings == ()
    assert not configuration.manual_tick


def summary(plant):
    return plant.get("catl_mbmu_summary_r")


def test_on_power_and_off_by_registers_alone(plant):
    assert plant.get("catl_bms_ems_r", ("bms_poweron",)) == 0
    assert plant.get(PCS, ("current_status",)) == 2
    plant.set(CATL, ("ems_cmd",), 2)
    run(plant, 1)
    assert plant.get("catl_sbmu_4", ("sbmu_precharge_status",)) == 1
    run(plant, 2)
    assert plant.get("catl_bms_ems_r", ("bms_poweron",)) == 1
    assert plant.get("catl_bms_ems_r", ("num_hv_subsystem",)) == 9
    assert plant.get(PCS, ("current_status",)) == 4
    plant.set(PCS, ("start",), 1)
    run(plant, 1)
    assert plant.get(PCS, ("current_status",)) == 3
    run(plant, 2)
    assert plant.get(PCS, ("current_status",)) == 6
    plant.set(PCS, ("p_p_reference",), 50)
    run(plant, 1)
    assert plant.get(PCS, ("active_power",)) == 250
    assert summary(plant)["mbmu_current"] == pytest.approx(20000 + 252e3 / summary(plant)["mbmu_voltage"], abs=2)
    losses = plant.get("transformer_1", ("losses",))
    assert plant.get("meter", ("active_power",)) == pytest.approx(250 - losses, abs=0.1)
    plant.set(PCS, ("stop",), 1)
    run(plant, 1)
    assert (plant.get(PCS, ("active_power",)), plant.get(PCS, ("current_status",))) == (0, 4)
    plant.set(CATL, ("ems_cmd",), 3)
    run(plant, 1)
    assert plant.get("catl_bms_ems_r", ("bms_poweron",)) == 0
    assert summary(plant)["mbmu_current"] == 20000


def test_half_of_it_is_an_hour_of_full_power(plant):
    on(plant)
    plant.set("bms_1", (), {"soc": 100})
    plant.set(PCS, ("p_p_reference",), 100)
    run(plant, 3600, 60)
    assert summary(plant)["mbmu_soc"] == pytest.approx(50, abs=0.5)
    plant.set(PCS, ("p_p_reference",), -100)
    run(plant, 2 * 3600, 60)
    assert summary(plant)["mbmu_soc"] == pytest.approx(100)
    assert plant.get("catl_mbmu_stat_r", ("mbmu_status",)) == 2
    assert plant.get("catl_bms_ems_r", ("bms_max_charge_allowed",)) < 1


def test_faults_are_registers_and_registers_clear_them(plant):
    on(plant)
    plant.set(PCS, ("p_p_reference",), 20)
    plant.set("bms_1", (), {"overtemperature": True})
    run(plant, 1)
    assert plant.get("catl_mbmu_stat_r", ("mbmu_status",)) == 5
    assert plant.get("catl_mbmu_sum_r", ("mbmu_warning_1",)) == 48
    assert plant.get("catl_bms_ems_r", ("bms_poweron",)) == 3
    assert (plant.get(PCS, ("current_status",)), plant.get(PCS, ("current_fault",))) == (9, 2)
    plant.set("bms_1", (), {"overtemperature": False})
    run(plant, 1)
    plant.set(CATL, ("fault_clear_cmd",), 1)
    plant.set(PCS, ("reset",), 1)
    run(plant, 1)
    assert plant.get("catl_bms_ems_r", ("bms_poweron",)) == 0
    assert plant.get(PCS, ("current_fault",)) == 0
    on(plant)
    assert plant.get(PCS, ("active_power",)) == 100


def test_the_emergency_stop_is_a_register(plant):
    on(plant)
    plant.set(PCS, ("e_stop",), 1)
    plant.set(PCS, ("reset",), 1)
    run(plant, 1)
    assert (plant.get(PCS, ("current_status",)), plant.get(PCS, ("current_fault",))) == (9, 1)
    plant.set(PCS, ("e_stop",), 0)
    plant.set(PCS, ("reset",), 1)
    run(plant, 1)
    assert plant.get(PCS, ("current_status",)) == 4


def test_devices_whose_controller_is_gone_are_safe(plant):
    on(plant)
    plant.set(PCS, (), {"p_p_reference": 40, "ppc_watchdog_ref": 1})
    plant.set(CATL, ("ems_heartbeat",), 1)
    run(plant, 4)
    assert plant.get(PCS, ("active_power",)) == 200
    run(plant, 2)
    assert (plant.get(PCS, ("active_power",)), plant.get(PCS, ("p_p_reference",))) == (0, 0)
    assert plant.get(PCS, ("current_status",)) == 6
    run(plant, 10)
    assert plant.get(PCS, ("current_fault",)) == 4
    assert plant.get("catl_bms_ems_r", ("bms_max_discharge_allowed",)) == 0
    assert plant.get("catl_mbmu_sum_r", ("mbmu_warning_21",)) == 256
    plant.set(CATL, ("ems_heartbeat",), 2)
    run(plant, 1)
    assert plant.get("catl_bms_ems_r", ("bms_max_discharge_allowed",)) == 1000


def test_gradients_and_limits_of_the_converter_are_registers(plant):
    on(plant)
    plant.set("pcs_registers_slow", (), {"rise_grad_p_enable": 1, "rise_grad_p": 10})
    plant.set(PCS, ("p_p_reference",), 60)
    run(plant, 2)
    assert plant.get(PCS, ("active_power",)) == pytest.approx(100)
    plant.set(PCS, ("p_limit",), 30)
    run(plant, 10)
    assert plant.get(PCS, ("active_power",)) == 150
    assert plant.get("pcs_registers_slow", ("rise_grad_p_enable",)) == 1


@pytest.mark.parametrize("file", SERVERS)
@pytest.mark.parametrize("state", ["off", "discharge", "charge", "empty", "fault"])
def test_every_register_has_a_value_that_fits_in_every_state(plant, file, state):
    if state != "off":
        on(plant)
    if state == "fault":
        plant.set("bms_1", (), {"tripcmd": True})
    plant.set("bms_1", (), {"soc": 0 if state == "empty" else 50})
    plant.set(PCS, (), {"p_p_reference": -100 if state == "charge" else 100, "q_q_reference": -30})
    run(plant, 2)
    configuration, _ = load_server(CONFIGS / file)
    points = [(served.uri, served.point) for unit in configuration.units for served in unit.points]
    for uri, point in points:
        value = plant.get(uri.removeprefix("/components/"), (point.id,))
        assert value is not None, point.id
        bits_of(point, value)
    shown = {(uri, point.id) for uri, point in points}
    ours = {
        (f"/components/{name}", register)
        for name, output in plant.outputs.items()
        for register in output.registers
        if any(uri == f"/components/{name}" for uri, _ in points)
    }
    assert ours == shown
    assert all(point.kind is not Kind.TEXT for _, point in points)
