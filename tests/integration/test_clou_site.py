"""The whole site through its real chain: a Modbus master that is not ours, server, engine, bridges, devices, plant."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ess_bus.client.subscription import Subscription
from ess_bus.errors import Refused
from tests.integration.clou_site import Site, commanded, watched
from tests.integration.conftest import ROOT

# Sequences of devices take seconds, and there are ten processes beside the test.
pytestmark = pytest.mark.timeout(240)

STOP, RUN, FAULT = 1, 2, 4
ON, OFF, CLEAR = 1, 2, 4
OPENED, CLOSED = 0, 1
PCS_LOST, BMS_LOST = 1, 2


@pytest.fixture
def commands(site: Site) -> Iterator[Subscription]:
    """What is written to the devices."""
    with watched(site) as found:
        yield found


def fims_send(site: Site, *arguments: str) -> str:
    command = [sys.executable, "-m", "tools.fims_send", *arguments]
    done = subprocess.run(
        command, env=site.environment, cwd=ROOT, capture_output=True, text=True, timeout=40, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_master_turns_it_on_asks_for_power_and_turns_it_off(site: Site, commands: Subscription) -> None:
    assert (site.bms.read("bms_poweron"), site.clou.read("bms_power")) == (OPENED, 0)
    assert site.clou.write("control_command", ON) == 0
    site.until(lambda: site.reads("system_state", RUN))
    site.until(lambda: (site.bms.read("bms_poweron"), site.bms.read("sbmu_master_positive")) == (CLOSED, 1))
    begun = commanded(commands, "ems_cmd", "start")
    assert begun[0] == ("ems_cmd", 2)
    assert ("start", 1) in begun
    assert site.clou.write("power_set_ac", 250) == 0
    site.until(lambda: site.reads("p", 250) and site.pcs.read("active_power") == 250)
    assert site.clou.write("power_set_ac", -800) == 0
    site.until(lambda: site.reads("p", -500) and site.reads("pcs_under_power", 1))
    site.until(lambda: site.clou.read("bms_power") < -450)
    commanded(commands)
    assert site.clou.write("control_command", OFF) == 0
    site.until(lambda: site.reads("system_state", STOP) and site.bms.read("bms_poweron") == OPENED)
    assert commanded(commands, "ems_cmd", "stop") == [("stop", 1), ("ems_cmd", 3)]
    site.until(lambda: site.reads("p", 0) and site.reads("main_circuit_breaker_status", 0))


def test_a_fault_of_the_pcs_and_its_end(site: Site) -> None:
    site.clou.write("control_command", ON)
    site.clou.write("power_set_ac", 100)
    site.until(lambda: site.reads("p", 100))
    site.plant.set("/components/pcs_1", {"overtemperature": True})
    site.until(lambda: site.pcs.read("current_fault") != 0)
    site.until(lambda: site.reads("system_state", FAULT) and site.reads("p", 0))
    site.until(lambda: site.messages("pcs", "faults") == ["[current_fault] 3"])
    assert site.messages("ess", "faults") != []
    site.until(lambda: site.reads("overall_fault", 1 << 2 | 1 << 4) and site.bms.read("bms_poweron") == OPENED)
    site.plant.set("/components/pcs_1", {"overtemperature": False})
    site.until(lambda: site.clou.write("control_command", CLEAR) == 0 and site.state == "Off")
    assert (site.messages("pcs", "faults"), site.messages("ess", "faults")) == ([], [])
    site.clou.write("control_command", ON)
    site.until(lambda: site.reads("p", 100))


def test_a_person_does_the_same_with_fims_send(site: Site) -> None:
    assert fims_send(site, "-m", "set", "-u", "/controls/ess/OnCmd", "-r", "/me", "true") == "true"
    site.until(lambda: site.state == "Running")
    fims_send(site, "-m", "set", "-u", "/controls/ess", "-r", "/me", '{"ActivePowerSetpoint": 120}')
    site.until(lambda: site.pcs.read("active_power") == 120)
    shown = json.loads(fims_send(site, "-m", "get", "-u", "/ess/status/ess", "-r", "/me"))
    assert {name: shown[name]["value"] for name in ("StandBy", "AcContactor", "PowerAllowed")} == {
        "StandBy": False, "AcContactor": True, "PowerAllowed": True,
    }  # fmt: skip
    fims_send(site, "-m", "set", "-u", "/controls/ess/OffCmd", "-r", "/me", "true")
    site.until(lambda: site.state == "Off" and site.bms.read("bms_poweron") == OPENED)


def test_a_person_sees_a_fault_and_clears_it_with_fims_send(site: Site) -> None:
    fims_send(site, "-m", "set", "-u", "/controls/ess", "-r", "/me", '{"OnCmd": true, "ActivePowerSetpoint": 80}')
    site.until(lambda: site.pcs.read("active_power") == 80)
    site.plant.set("/components/pcs_1", {"overtemperature": True})
    site.until(lambda: site.state == "Fault" and site.bms.read("bms_poweron") == OPENED)
    site.until(lambda: site.bus.get("/ess/states")["ess"].get("request") is None)
    cause = "expected: the PCS reports no fault; found: IsFaulted of pcs is true"
    assert fims_send(site, "-m", "get", "-u", "/ess/status/ess/LastResult", "-r", "/me") == f'"{cause}"'
    # On is refused, says why, and does not hide the cause from whoever asks next.
    refused = f"start refused: it is in Fault ({cause}); possible in Off, Ready, Standby"
    for _ in range(2):
        fims_send(site, "-m", "set", "-u", "/controls/ess/OnCmd", "-r", "/me", "true")
        site.until(lambda: site.bus.get("/ess/status/ess/LastResult") == refused)
    # No more can anybody start a device past the machines.
    with pytest.raises(Refused, match="is commanded by the state machine of bms"):
        site.bus.set("/controls/bms/CloseContactors", True)
    site.plant.set("/components/pcs_1", {"overtemperature": False})
    site.until(
        lambda: (
            fims_send(site, "-m", "set", "-u", "/controls/ess/ClearFaultsCmd", "-r", "/me", "true") == "true"
            and site.state == "Off"
        )
    )
    assert site.bus.get("/ess/status/ess/LastResult") == "clear: done"
    assert (site.messages("pcs", "faults"), site.messages("ess", "faults")) == ([], [])
    fims_send(site, "-m", "set", "-u", "/controls/ess/OnCmd", "-r", "/me", "true")
    site.until(lambda: site.pcs.read("active_power") == 80)


def test_a_suspended_bridge_leaves_no_value_standing(site: Site) -> None:
    site.clou.write("control_command", ON)
    site.clou.write("power_set_ac", 100)
    site.until(lambda: site.reads("p", 100))
    bridge = site.child("pcs_bridge")
    bridge.suspend()
    try:
        site.until(lambda: site.reads("system_state", FAULT) and site.reads("p", None))
        site.until(lambda: site.reads("com_status", PCS_LOST) and site.bms.read("bms_poweron") == OPENED)
    finally:
        bridge.resume()
    site.until(lambda: site.reads("com_status", 0) and site.reads("p", 0))


def test_what_this_site_cannot_do_is_refused_to_both(site: Site) -> None:
    assert site.clou.write("on_off_grid_mode_setting", 2) == 3
    assert site.clou.write("on_off_grid_mode_setting", 0) == 0
    with pytest.raises(Refused, match="locked"):
        site.bus.set("/components/clou_ess_controller_hr/run_mode", 1)


def test_the_engine_is_killed_while_it_runs_and_no_contactor_moves(site: Site, commands: Subscription) -> None:
    site.clou.write("control_command", ON)
    site.clou.write("power_set_ac", 100)
    site.until(lambda: site.reads("p", 100))
    commanded(commands)
    engine = site.child("ess_controller")
    engine.kill()
    site.until(lambda: site.child("ess_controller").pid != engine.pid)
    # Nobody has asked the new one for power.
    site.until(lambda: site.reads("system_state", RUN) and site.reads("p", 0))
    assert commanded(commands, "ems_cmd", "start", "stop", "e_stop") == []


def kept(site: Site) -> dict[str, str]:
    """Return what the engine has kept so far."""
    (file,) = Path(site.environment["XDG_STATE_HOME"]).glob("ess-bus/*/ess.sqlite")
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return dict(connection.execute("SELECT place, value FROM settings"))


def test_the_engine_is_killed_during_a_shutdown_which_goes_on(site: Site) -> None:
    site.clou.write("control_command", ON)
    site.until(lambda: site.reads("system_state", RUN) and site.bms.read("bms_poweron") == CLOSED)
    engine = site.child("ess_controller")
    site.clou.write("control_command", OFF)
    site.until(lambda: "stop" in kept(site).get("/states/ess:request", ""))
    engine.kill()
    site.until(lambda: site.child("ess_controller").pid != engine.pid)
    site.until(lambda: site.state == "Off" and site.bms.read("bms_poweron") == OPENED)
    site.until(lambda: "/states/ess:request" not in kept(site))


def test_the_bridge_of_the_bms_is_killed_while_it_runs(site: Site) -> None:
    site.clou.write("control_command", ON)
    site.clou.write("power_set_ac", 100)
    site.until(lambda: site.reads("p", 100))
    file = site.folder / "catl" / "catl_client.json"
    text = file.read_text()
    file.write_text("what cannot be read does not come back")
    site.child("bms_bridge").kill()
    site.until(lambda: site.reads("system_state", FAULT) and site.reads("com_status", BMS_LOST))
    shown = ("bms_soc", "bms_power", "q_charge", "main_circuit_breaker_status", "cluster_no_1_max_cell_voltage")
    site.until(lambda: all(site.reads(name, None) for name in shown))
    assert site.reads("w_discharge", 0)
    site.until(lambda: site.reads("p", 0) and site.pcs.read("current_status") != 6)
    file.write_text(text)
    site.until(lambda: site.reads("com_status", 0) and site.clou.read("bms_soc") > 0)
    assert site.reads("system_state", FAULT)
    site.until(lambda: site.clou.write("control_command", CLEAR) == 0 and site.state == "Off")
    assert site.bms.read("bms_poweron") == OPENED


def test_no_process_has_said_that_something_is_wrong_with_it(whole: Site) -> None:
    assert whole.process.popen.poll() is None
    assert "Traceback" not in whole.process.output
    assert "run in a circle" not in whole.process.output
