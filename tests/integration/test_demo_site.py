"""The demo as a whole: hours of operation through the real chain in seconds, HybridOS, every process killed once."""

from __future__ import annotations

import signal

import psutil
import pytest

from ess_bus.errors import Refused
from tests.integration.clou_site import PATIENCE_S, Site, running
from tests.integration.conftest import eventually

# Sequences of devices take seconds, and there are 13 processes beside the test.
pytestmark = pytest.mark.timeout(240)

HOUR_S = 3600
BMS_SOC = 2144
STOP, RUN, FAULT, STANDBY = 1, 2, 4, 8
ON, OFF, TO_STANDBY, CLEAR = 1, 2, 3, 4
OPEN_CONTACTORS = 3
MASTER_LOST = 4
OPENED = 0


@pytest.fixture
def site(whole: Site) -> Site:
    whole.plant.set("/hybridos/beats", True)
    whole.rest()
    return whole


@pytest.fixture
def running_site(site: Site) -> Site:
    """A site that runs, without power."""
    assert site.clou.write("control_command", ON) == 0
    site.until(lambda: site.reads("system_state", RUN))
    return site


def ask(site: Site, power_kw: float) -> None:
    assert site.clou.write("power_set_ac", power_kw) == 0


def hurry(site: Site, seconds: float) -> int:
    """Let time pass, an hour in a second; return what the register of the state of charge reads then."""
    site.plant.set("/twins/timemultiplier", {"value": 3600, "for": seconds})
    site.until(lambda: site.plant.get("/twins/timemultiplier") == 1)
    # The last that was read may be what was before.
    site.until(lambda: abs(site.clou.input_register(BMS_SOC) - 10 * site.plant.get("/components/bms_1/soc")) < 1)
    return site.clou.input_register(BMS_SOC)


def charge(site: Site, soc: float) -> None:
    def is_charged() -> bool:
        # Again and again: while it gives power, it is so only for a moment.
        site.plant.set("/components/bms_1", {"soc": soc})
        return abs(site.clou.read("bms_soc") - soc) <= 0.1

    site.until(is_charged)


def idles(site: Site) -> bool:
    """Tell whether the grid gives nothing but what PCS and battery lose; the PCS tells whole kW."""
    return site.clou.read("p") in (0, -1)


def test_an_hour_of_500_kw_takes_half_of_the_battery_and_another_one_brings_it_back(running_site: Site) -> None:
    site = running_site
    charge(site, 100)
    ask(site, 500)
    site.until(lambda: site.reads("p", 500))
    charge(site, 100)
    assert abs(hurry(site, HOUR_S) - 500) <= 5
    assert site.reads("p", 500)
    ask(site, -500)
    site.until(lambda: site.reads("p", -500))
    # What the way through the PCS and back costs.
    assert 490 <= hurry(site, HOUR_S) - 500 <= 500


def test_a_full_battery_takes_nothing_and_gives(running_site: Site) -> None:
    site = running_site
    charge(site, 99)
    ask(site, -500)
    site.until(lambda: site.reads("p", -500))
    assert hurry(site, HOUR_S / 2) == 1000
    site.until(lambda: idles(site) and site.reads("w_charge", 0) and site.reads("pcs_under_power", 1))
    assert site.reads("system_state", RUN)
    ask(site, 500)
    site.until(lambda: site.reads("p", 500))


def test_an_empty_battery_gives_nothing_and_takes(running_site: Site) -> None:
    site = running_site
    charge(site, 1)
    ask(site, 500)
    site.until(lambda: site.reads("p", 500))
    assert hurry(site, HOUR_S / 2) == 0
    site.until(lambda: idles(site) and site.reads("w_discharge", 0) and site.reads("pcs_under_power", 1))
    assert site.reads("system_state", RUN)
    ask(site, -500)
    site.until(lambda: site.reads("p", -500))


def test_standby_holds_the_power_at_0_until_it_is_on_again(running_site: Site) -> None:
    site = running_site
    charge(site, 50)
    ask(site, 300)
    site.until(lambda: site.reads("p", 300))
    assert site.clou.write("control_command", TO_STANDBY) == 0
    site.until(lambda: site.reads("system_state", STANDBY) and site.reads("p", 0))
    ask(site, 400)
    before = site.clou.input_register(BMS_SOC)
    assert abs(hurry(site, 600) - before) <= 1
    assert site.reads("p", 0)
    assert site.clou.write("control_command", ON) == 0
    site.until(lambda: site.reads("system_state", RUN) and site.reads("p", 400))


def test_contactors_that_open_under_load_are_a_fault_until_it_is_cleared(running_site: Site) -> None:
    site = running_site
    charge(site, 50)
    ask(site, 500)
    site.until(lambda: site.reads("p", 500))
    # Another master commands the BMS past its engine.
    assert site.bms.write("ems_cmd", OPEN_CONTACTORS) == 0
    site.until(lambda: site.bms.read("bms_poweron") == OPENED and site.reads("p", 0))
    site.until(lambda: site.reads("system_state", FAULT) and int(site.clou.read("overall_fault")) & 1 << 2)
    site.until(lambda: site.reads("main_circuit_breaker_status", 0))
    assert site.messages("ess", "faults") != []
    assert site.clou.write("control_command", ON) == 0
    site.until(lambda: site.bus.get("/ess/status/ess/LastResult").startswith("start refused"))
    assert site.bms.read("bms_poweron") == OPENED
    site.until(lambda: site.clou.write("control_command", CLEAR) == 0 and site.state == "Off")
    assert (site.messages("ess", "faults"), site.messages("pcs", "faults")) == ([], [])
    site.clou.write("control_command", ON)
    site.until(lambda: site.reads("system_state", RUN) and site.reads("p", 500))


def test_hybridos_is_operated_from_its_bus_and_sees_what_the_registers_say(site: Site) -> None:
    site.plant.set("/hybridos", {"command": "on", "power": 150})
    site.until(lambda: site.plant.get("/hybridos/p") == 150)
    site.until(lambda: site.bus.get("/components/meter/active_power") > 140)
    site.until(lambda: (site.bus.get("/ess/status/feeder/ActivePower") or 0) > 140)
    feeder = site.bus.get("/ess/naked/status/feeder")["/status/feeder"]
    assert (feeder["BreakerClosed"], feeder["BreakerTripped"], feeder["CommsOK"]) == (True, False, True)
    assert feeder["Frequency"] == pytest.approx(60, abs=1)
    seen = site.plant.get("/hybridos")
    assert (seen["state"], seen["system_state"], seen["com_status"]) == ("run", RUN, 0)
    with pytest.raises(Refused, match="'of' is no command; expected on, off"):
        site.plant.set("/hybridos/command", "of")
    with pytest.raises(Refused, match="power_set_ac: 4000 does not fit"):
        site.plant.set("/hybridos", {"reactive": 10, "power": 4000})
    assert site.bus.get("/ess/controls/ess/ReactivePowerSetpoint") == 0


def test_a_hybridos_that_beats_no_more_is_missed_and_the_plant_is_shut_down_in_order(running_site: Site) -> None:
    site = running_site
    site.plant.set("/hybridos/beats", False)
    site.until(lambda: site.reads("system_state", STOP) and site.reads("com_status", MASTER_LOST))
    site.until(lambda: site.bms.read("bms_poweron") == OPENED)
    assert site.messages("site", "alarms") != []
    site.plant.set("/hybridos/beats", True)
    site.until(lambda: site.reads("com_status", 0) and site.state == "Off")


def test_whichever_process_is_killed_the_site_is_whole_again(site: Site) -> None:
    names = [one.environ()["ESS_PROCESS_NAME"] for one in psutil.Process(site.process.pid).children()]
    assert len(names) == 13
    for name in names:
        killed = site.child(name)
        killed.kill()
        site.until(lambda name=name, killed=killed: site.child(name).pid != killed.pid)  # type: ignore[misc]
        site.until(lambda: whole_again(site))
    assert site.process.popen.poll() is None, site.process.output
    assert "Traceback" not in site.process.output


def whole_again(site: Site) -> bool:
    """Clear what its loss was, and tell whether everybody knows everything."""
    if site.state == "Fault":
        site.clou.write("control_command", CLEAR)
    seen = site.plant.get("/hybridos", timeout_s=2)
    known = (*seen.values(), site.clou.read("bms_soc"), site.bus.get("/components/meter/frequency", timeout_s=2))
    return None not in known and seen["state"] == "stop" and site.state == "Off" and site.reads("com_status", 0)


def test_nothing_is_left_behind() -> None:
    with running() as site:
        children = psutil.Process(site.process.pid).children(recursive=True)
        assert len(children) == 13
        assert site.process.stop(signal.SIGINT, PATIENCE_S) == 0
        eventually(lambda: not [child for child in children if child.is_running()])
        assert list((site.folder.parent / "ess-bus").iterdir()) == []
        assert "Traceback" not in site.process.output
