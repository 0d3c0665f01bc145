"""The site behind the Clou registers, engine, calculators and plant on one clock: what a master asks for, and gets."""

from __future__ import annotations

import pytest

from ess_bus.engine import views
from modbus_bridge.config.model import RegisterType
from modbus_bridge.values import codec
from tests.closed_loop import ClosedLoop, Store
from tests.unit import site_files

STOP, RUN, FAULT, STANDBY = 1, 2, 4, 8
ON, OFF, TO_STANDBY, CLEAR, EMERGENCY, RELEASE = 1, 2, 3, 4, 5, 6
PCS_LOST, BMS_LOST, MASTER_LOST = 1, 2, 4


@pytest.fixture
def site() -> ClosedLoop:
    """A site that has heard of its devices, and is off."""
    loop = ClosedLoop()
    loop.until_state("Off")
    return loop


@pytest.fixture
def running(site: ClosedLoop) -> ClosedLoop:
    """A site that runs with a set point of 200 kW."""
    site.life = 1
    site.write(control_command=ON, power_set_ac=200)
    site.until_state("Running")
    site.until(lambda: site.register("p") == 200, 5)
    return site


def written(site: ClosedLoop, *registers: str) -> list[tuple[str, object]]:
    """Return what was written to some registers of the devices, in order."""
    return [(name, value) for _, name, value in site.commands if name in registers]


def listed(site: ClosedLoop, asset: str, kind: str) -> list[str]:
    """Return the messages in a list of alarms or faults, as user interfaces show them."""
    return [one["name"] for one in site.get(f"/assets/{asset}/summary:{kind}@options")]


# The README names these; a master that reads in blocks needs each of them whole.
COMPLETE = (
    *(range(1000, 1011), range(2000, 2010), range(2030, 2052), range(2070, 2084), range(2085, 2091)),
    *(range(2130, 2147), range(2149, 2153), range(2157, 2159), range(2163, 2171)),
    *(range(2200, 2209), range(2220, 2229), range(2560, 2569)),
)


class TestMap:
    def test_the_registers_that_devices_fill_hold_what_they_say(self, running: ClosedLoop) -> None:
        running.run(12)
        known: set[int] = set()
        for served in (one for unit in site_files.server("clou").units for one in unit.points):
            point = served.point
            variable = running.engine.find(served.uri, point.id)
            if variable is None or variable.value is None:
                continue
            # What does not fit into its register is not served.
            value = codec.decode(point, codec.encode(point, variable.value))
            if isinstance(value, float | int):
                assert value == pytest.approx(variable.value, abs=0.51 / site_files.divisor(point)), point.id
            known |= set(range(point.offset, point.end))
        assert [block for block in COMPLETE if not known.issuperset(block)] == []
        assert len(known) == 167
        assert 2241 not in known  # no device says in which pack the cell is

    def test_every_register_that_a_master_may_write_is_the_engine_s(self, site: ClosedLoop) -> None:
        for served in (one for unit in site_files.server("clou").units for one in unit.points):
            if served.point.type is RegisterType.HOLDING:
                assert site.engine.find(served.uri, served.point.id) is not None, served.point.id

    def test_clusters_and_the_one_with_the_highest_cell(self, running: ClosedLoop) -> None:
        running.run(5)
        assert running.register("cluster_no_9_battery_cluster_current") > 0
        highest = [running.register(f"cluster_no_{number}_max_cell_voltage") for number in range(1, 10)]
        cluster = running.register("cluster_index_of_the_bms_maximum_cell_voltage")
        assert highest[cluster - 1] == max(highest)
        assert running.register("stackindex_of_the_bms_maximum_cell_voltage") == 1


class TestPages:
    def shown(self, site: ClosedLoop, asset: str) -> dict[str, dict[str, object]]:
        """Return a page as user interfaces get it."""
        tree = views.get(site.engine.datamap, f"/assets/{asset}/summary", views.View.UI)
        found: dict[str, dict[str, object]] = tree["assets"][asset]["summary"] if "assets" in tree else tree
        return found

    def test_what_people_see_while_it_runs(self, running: ClosedLoop) -> None:
        page = self.shown(running, "ess")
        assert (next(iter(page)), views.get(running.engine.datamap, "/assets/ess/summary/name")) == ("name", "ESS")
        assert page["status"] == {"value": "Running", "enabled": True}
        assert page["active_power"]["value"] == 200
        assert page["alarms"] == {"value": 0, "options": []}

    def test_buttons_do_what_they_say(self, site: ClosedLoop) -> None:
        site.set("/assets/ess/summary/start", True)
        site.until_state("Running")
        assert site.get("/assets/ess/summary:start") is False
        site.set("/assets/ess/summary/stop", True)
        site.until_state("Off")

    def test_the_emergency_stop_shows_whether_it_holds(self, running: ClosedLoop) -> None:
        running.set("/assets/ess/summary/e_stop", True)
        running.until_state("Fault", 2)
        assert running.get("/controls/ess:EStop") is True
        assert running.get("/assets/ess/summary:e_stop_held_by") == "people"
        assert running.register("overall_fault") & (7 << 5) == 1 << 6
        running.set("/assets/ess/summary/e_stop", False)
        running.run(0.1)
        assert running.get("/assets/ess/summary:e_stop_held_by") == ""

    def test_nobody_releases_the_emergency_stop_of_another_one(self, running: ClosedLoop) -> None:
        running.set("/controls/ess/EStop", True)
        running.write(control_command=EMERGENCY)
        running.until_state("Fault", 2)
        assert running.get("/assets/ess/summary:e_stop_held_by") == "people, the site controller"
        running.write(control_command=RELEASE)
        running.run(20)
        running.write(control_command=CLEAR)
        running.run(5)
        assert (running.state, running.register("overall_fault") & (7 << 5)) == ("Fault", 1 << 6)
        assert "no emergency stop by people" in running.get("/status/ess:LastResult")
        running.write(control_command=EMERGENCY)
        running.set("/controls/ess/EStop", False)
        running.run(5)
        running.write(control_command=CLEAR)
        running.run(5)
        assert (running.state, running.register("overall_fault") & (7 << 5)) == ("Fault", 1 << 5)
        running.write(control_command=RELEASE)
        running.run(1)
        running.write(control_command=CLEAR)
        running.until_state("Off", 60)
        assert "ess: the emergency stop is released by all" in running.events

    def test_devices_by_hand_in_maintenance_only(self, site: ClosedLoop) -> None:
        assert self.shown(site, "bms")["close_contactors"]["enabled"] is False
        site.set("/assets/ess/summary/maint_mode", True)
        site.run(1)
        assert self.shown(site, "bms")["close_contactors"]["enabled"] is True
        site.set("/assets/bms/summary/close_contactors", True)
        site.until(lambda: site.register("main_circuit_breaker_status") == 1, 10)
        site.write(control_command=ON)
        site.run(5)
        assert site.state != "Running"


class TestAnHour:
    def test_from_on_to_off_with_all_that_happens_between(self, site: ClosedLoop) -> None:
        site.life = 4
        site.write(active_power_rising_slope=2, control_command=ON)
        site.until_state("Running")
        assert (site.register("system_state"), site.register("com_status")) == (RUN, 0)
        begin = site.plant.get("bms_1", ("soc",))
        site.write(power_set_ac=450)
        # 2 % of 500 kW a second.
        assert 44 <= site.until(lambda: site.register("p") == 450, 60, step_s=0.5) <= 46
        site.run(1200, 60)
        taken = begin - site.plant.get("bms_1", ("soc",))
        assert taken == pytest.approx(100 * 450 * 1200 / 3600 / 1000, rel=0.08)
        assert site.register("bms_soc") == pytest.approx(begin - taken, abs=0.1)
        site.write(power_set_ac=-300)
        site.until(lambda: site.register("p") == -300, 60, step_s=0.5)
        assert (site.register("pcs_state2"), site.register("bms_bus_current") < -200) == (1, True)
        site.run(600, 60)
        site.write(control_command=TO_STANDBY)
        site.until_state("Standby")
        assert (site.register("system_state"), site.register("p")) == (STANDBY, 0)
        assert site.register("main_circuit_breaker_status") == 1
        site.run(300, 60)
        site.write(control_command=ON)
        site.until(lambda: site.register("p") == -300, 60, step_s=0.5)
        site.plant.set("pcs_1", ("tripcmd",), True)
        site.until_state("Fault")
        site.run(60, 5)
        assert (site.register("system_state"), site.register("p")) == (FAULT, 0)
        site.write(control_command=CLEAR)
        site.until_state("Off", 60)
        site.write(control_command=ON)
        site.until_state("Running")
        site.run(300, 60)
        site.write(control_command=OFF)
        site.until_state("Off")
        site.run(3600 - site.now_s, 60)
        assert (site.state, site.register("system_state"), site.register("overall_fault")) == ("Off", STOP, 0)
        assert [listed(site, asset, "faults") for asset in ("ess", "bms", "pcs")] == [[], [], []]


class TestPower:
    def test_a_set_point_above_the_limit_is_cut_and_told(self, running: ClosedLoop) -> None:
        assert running.register("pcs_under_power") == 0
        running.write(power_set_ac=900)
        running.until(lambda: running.register("p") == 500, 5)
        assert (running.register("pcs_under_power"), running.register("pcs_over_power")) == (1, 0)
        assert any("900 kW is limited to 500 kW" in event for event in running.events)

    def test_the_battery_s_own_limit_counts_at_once(self, running: ClosedLoop) -> None:
        running.plant.set("bms_1", ("pmax",), 120.0)
        running.until(lambda: 115 < running.register("p") <= 120, 5)
        running.until(lambda: running.register("overall_maximum_discharging_power_limit") == 120, 2)
        assert running.register("bms_maximum_discharging_power_limit") == 120

    def test_a_limit_that_its_register_cannot_hold_is_the_most_that_it_can(self, running: ClosedLoop) -> None:
        assert running.get("/limits/bms:DischargePowerLimit") == 1000
        assert running.register("bms_maximum_discharging_power_limit") == 655.35

    def test_reactive_power_is_what_active_power_leaves(self, running: ClosedLoop) -> None:
        running.write(power_set_ac=400, active_set_ac=-400)
        running.until(lambda: running.register("q") == -300, 5)
        assert running.register("p") == 400

    def test_a_set_point_given_while_it_is_off_waits_for_on(self, site: ClosedLoop) -> None:
        site.write(power_set_ac=100)
        site.run(3)
        assert site.plant.get("pcs_1", ("pcmd",)) == 0
        site.write(control_command=ON)
        site.until(lambda: site.register("p") == 100, 20)

    def test_a_reference_that_was_lost_on_its_way_is_sent_again(self, running: ClosedLoop) -> None:
        running.plant.set("pcs_registers_fast", ("p_p_reference",), 80.0)
        running.until(lambda: running.plant.get("pcs_1", ("p",)) == 400, 3, step_s=0.1)
        running.until(lambda: running.plant.get("pcs_1", ("p",)) == 200, 5)


class TestMaintenance:
    def test_a_set_point_from_before_its_end_waits_until_it_is_written_anew(self, running: ClosedLoop) -> None:
        running.set("/assets/ess/summary/maint_mode", True)
        running.until(lambda: running.register("p") == 0, 5)
        running.write(power_set_ac=150)
        running.set("/assets/ess/summary/maint_mode", False)
        running.run(30)
        assert (running.state, running.register("p"), running.get("/controls/pcs:ActivePowerCmdReal")) == (
            "Running",
            0,
            0,
        )
        assert "ActivePowerSetpoint 150 does not count" in running.get("/status/ess:Step")
        assert "set points from before the end of maintenance mode" in running.get("/status/ess:LastResult")
        assert any("set points from before the end of maintenance mode" in event for event in running.events)
        running.write(power_set_ac=150)
        running.until(lambda: running.register("p") == 150, 5)
        assert running.get("/status/ess:Step") == ""

    def test_a_start_makes_it_count_too(self, running: ClosedLoop) -> None:
        running.set("/assets/ess/summary/maint_mode", True)
        running.run(3)
        running.set("/assets/ess/summary/maint_mode", False)
        running.write(control_command=OFF)
        running.until_state("Off", 60)
        running.write(control_command=ON)
        running.until(lambda: running.register("p") == 200, 60)


class TestRestart:
    def test_standby_is_standby_afterwards(self, site: ClosedLoop) -> None:
        store = Store()
        site.restart(store)
        site.until_state("Off")
        site.write(control_command=ON, power_set_ac=200)
        site.until(lambda: site.register("p") == 200, 60)
        site.write(control_command=TO_STANDBY)
        site.until_state("Standby")
        site.run(1)
        site.restart(store)
        site.commands.clear()
        site.until_state("Standby")
        site.run(10)
        assert (site.state, site.register("p"), site.get("/status/ess:PowerAllowed")) == ("Standby", 0, False)
        assert written(site, "start", "stop", "ems_cmd") == []
        site.write(control_command=ON)
        site.until_state("Running")
        site.run(1)
        site.restart(store)
        site.until_state("Running")

    def test_a_shutdown_goes_on_from_wherever_it_was(self, site: ClosedLoop) -> None:
        for moment in (0.1, 0.5, 1.0, 2.0, 4.0):
            store = Store()
            site.restart(store)
            site.until_state("Off")
            site.write(control_command=ON)
            site.until_state("Running", 60)
            site.write(control_command=OFF)
            site.run(moment)
            site.restart(store)
            site.until_state("Off", 60)
            assert site.plant.get("bms_1", ("dccontactor",)) is False


class TestOwnership:
    @pytest.mark.parametrize(
        ("uri", "name"),
        [
            ("/controls/pcs", "ActivePowerCmdReal"),
            ("/controls/pcs", "ActivePowerSetpoint"),
            ("/assets/pcs/summary", "active_power_command"),
            ("/status/ess", "SystemState"),
            ("/assets/ess/summary", "status"),
            ("/status/ess", "PowerAllowed"),
            ("/status/ess", "MaxDischargePower"),
            ("/states/ess", "request"),
        ],
    )
    @pytest.mark.parametrize("way", ["variable", "table", "root"])
    def test_nothing_passes_the_limits_or_says_what_is_not(
        self, running: ClosedLoop, uri: str, name: str, way: str
    ) -> None:
        before = running.get(f"{uri}:{name}")
        running.commands.clear()
        value = "Off" if isinstance(before, str) else not before if isinstance(before, bool) else 900
        uri, body = {
            "variable": (f"{uri}/{name}", value),
            "table": (uri, {name: {"value": value}}),
            "root": ("/", {uri: {name: value}}),
        }[way]
        with pytest.raises(ValueError, match="not set from outside"):
            running.set(uri, body)
        running.run(5)
        assert {value for _, register, value in running.commands if register == "p_p_reference"} <= {40}


class TestCommands:
    def test_the_pcs_stops_before_the_contactors_open(self, running: ClosedLoop) -> None:
        running.commands.clear()
        running.write(control_command=OFF)
        running.until_state("Shutdown", 1)
        assert running.register("system_state") == STOP
        running.until_state("Off")
        assert written(running, "stop", "ems_cmd") == [("stop", 1), ("ems_cmd", 3)]
        assert written(running, "p_p_reference")[0] == ("p_p_reference", 0)
        assert running.plant.get("bms_1", ("dccontactor",)) is False

    @pytest.mark.parametrize(("code", "state"), [(206, "Off"), (205, "Standby")])
    def test_the_codes_of_later_files(self, site: ClosedLoop, code: int, state: str) -> None:
        site.write(control_command=207)
        site.until_state("Running")
        site.write(control_command=code)
        site.until_state(state)

    def test_a_code_that_means_nothing_does_nothing(self, running: ClosedLoop) -> None:
        running.commands.clear()
        running.write(control_command=0)
        running.write(control_command=99)
        running.run(3)
        assert running.state == "Running"
        assert written(running, "start", "stop", "ems_cmd", "e_stop", "reset") == []

    def test_an_emergency_stop_holds_until_it_is_released_and_cleared(self, running: ClosedLoop) -> None:
        running.write(control_command=EMERGENCY)
        running.until(lambda: running.state == "Fault" and running.register("p") == 0, 10)
        running.until(lambda: running.plant.get("bms_1", ("dccontactor",)) is False, 20)
        assert ("e_stop", 1) in written(running, "e_stop")
        running.write(control_command=CLEAR)
        running.write(control_command=ON)
        running.run(10)
        assert running.state == "Fault"
        running.write(control_command=RELEASE)
        running.run(1)
        running.write(control_command=CLEAR)
        running.until_state("Off", 60)

    @pytest.mark.parametrize("register", ["run_mode", "on_off_grid_mode_setting"])
    def test_a_mode_that_this_site_does_not_have_is_refused(self, site: ClosedLoop, register: str) -> None:
        with pytest.raises(ValueError, match="locked"):
            site.write(**{register: 1})
        # A master that writes the whole block writes these as they are, too.
        site.write(**{register: 0}, control_command=EMERGENCY)
        site.until_state("Fault")

    def test_contactors_by_their_own_commands(self, site: ClosedLoop) -> None:
        site.set("/controls/ess", {"ContactorControl": True, "DcContactorCloseCmd": True})
        site.until_state("Ready")
        assert (site.register("system_state"), site.register("main_circuit_breaker_status")) == (STANDBY, 1)
        site.set("/controls/ess/DcContactorOpenCmd", True)
        site.until_state("Off")

    def test_slopes_are_written_into_the_pcs(self, site: ClosedLoop) -> None:
        site.write(active_power_rising_slope=5, active_power_droop_slope=10, reactive_power_rising_slope=0)
        assert dict(written(site, "rise_grad_p", "start_grad_p", "drop_grad_p", "stop_grad_p")) == {
            "rise_grad_p": 5, "start_grad_p": 5, "drop_grad_p": 10, "stop_grad_p": 10,
        }  # fmt: skip
        assert dict(written(site, "rise_grad_p_enable", "drop_grad_p_enable", "rise_grad_q_enable")) == {
            "rise_grad_p_enable": 1, "drop_grad_p_enable": 1, "rise_grad_q_enable": 0,
        }  # fmt: skip


class TestFaults:
    @pytest.mark.parametrize(("component", "asset", "bit"), [("bms_1", "bms", 3), ("pcs_1", "pcs", 4)])
    def test_a_fault_of_a_device(self, running: ClosedLoop, component: str, asset: str, bit: int) -> None:
        running.plant.set(component, ("overtemperature",), True)
        running.until_state("Fault")
        running.until(lambda: running.register("p") == 0, 2)
        running.until(lambda: running.plant.get("bms_1", ("dccontactor",)) is False, 20)
        # A BMS that opens its contactors under load takes the PCS with it.
        running.until(lambda: running.register("overall_fault") & (1 << 2 | 1 << bit) == (1 << 2 | 1 << bit), 3)
        running.until(lambda: listed(running, asset, "faults") != [], 3)
        assert listed(running, "ess", "faults")
        running.write(control_command=CLEAR)
        running.run(60)
        assert running.state == "Fault"  # the reason is still there
        running.plant.set(component, ("overtemperature",), False)
        running.write(control_command=CLEAR)
        running.until_state("Off", 60)
        assert (listed(running, asset, "faults"), listed(running, "ess", "faults")) == ([], [])
        assert running.register("overall_fault") == 0

    def test_contactors_that_open_under_load(self, running: ClosedLoop) -> None:
        running.plant.set("bms_1", ("offcmd",), True)
        running.until_state("Fault", 5)
        running.run(20)
        assert (running.register("p"), running.plant.get("pcs_1", ("on",))) == (0, False)

    def test_a_warning_of_the_bms_is_an_alarm_and_nothing_stops(self, running: ClosedLoop) -> None:
        running.plant.set("catl_mbmu_sum_r", ("mbmu_warning_22",), 1 << 11)
        running.until(lambda: running.register("bma_alarm_state") == 4, 3)
        assert listed(running, "bms", "alarms") == ["[mbmu_warning_22] Fire fault level 2"]
        assert (running.register("overall_alarm"), running.state) == (1 << 3, "Running")
        running.plant.set("catl_mbmu_sum_r", ("mbmu_warning_22",), 0)
        running.until(lambda: running.register("overall_alarm") == 0, 3)


class TestSilence:
    @pytest.mark.parametrize(
        ("device", "lost", "shown"),
        [("catl", BMS_LOST, ("bms_soc", "bms_power", "q_charge")), ("pe_pcs", PCS_LOST, ("p", "pf", "unit1_p"))],
    )
    def test_a_device_that_is_lost(self, running: ClosedLoop, device: str, lost: int, shown: tuple[str, ...]) -> None:
        running.lose(device)
        running.until_state("Fault", 5)
        assert running.register("com_status") == lost
        assert [running.register(name) for name in shown] == [None] * len(shown)
        running.until(lambda: not running.get("/states/ess:request"), 120, 1)  # everything was tried
        assert running.plant.get("pcs_1", ("p",)) == 0
        running.find(device)
        running.until(lambda: running.register("com_status") == 0, 10)
        running.run(5)  # it gets all that was lost on its way
        assert running.state == "Fault"  # what was lost must be looked at by somebody
        running.write(control_command=CLEAR)
        running.until_state("Off", 60)

    @pytest.mark.parametrize(("device", "lost"), [("catl", BMS_LOST), ("pe_pcs", PCS_LOST)])
    def test_a_bridge_that_hangs(self, running: ClosedLoop, device: str, lost: int) -> None:
        running.hang(device)
        running.until_state("Fault", 5)
        assert running.register("com_status") == lost
        running.bury(device)
        running.run(3)
        assert running.register("com_status") == lost
        assert running.register("bms_soc" if device == "catl" else "p") is None

    def test_a_master_that_falls_silent(self, running: ClosedLoop) -> None:
        running.commands.clear()
        running.life = None
        running.until_state("Off", 60)
        assert written(running, "stop", "ems_cmd") == [("stop", 1), ("ems_cmd", 3)]
        assert running.register("com_status") == MASTER_LOST
        assert len(listed(running, "site", "alarms")) == 1
        running.write(control_command=ON)
        running.run(5)
        assert running.state == "Off"
        running.life = 1
        running.until(lambda: running.register("com_status") == 0, 10)
        running.write(control_command=ON)
        running.until_state("Running")

    def test_a_person_who_never_beats_is_not_missed(self, site: ClosedLoop) -> None:
        site.set("/controls/ess/OnCmd", True)
        site.until_state("Running")
        site.run(30)
        assert (site.state, site.register("com_status")) == ("Running", 0)

    def test_a_master_that_must_beat_first(self, site: ClosedLoop) -> None:
        site.set("/status/site/CommsOK", None)  # as a site may have it in its file
        site.write(control_command=ON)
        site.run(3)
        assert site.state == "Off"
        assert "the site controller communicates" in site.get("/status/ess:LastResult")
        site.life = 1
        site.until(lambda: site.get("/status/ess:SiteCommsOK") is True, 10)
        site.write(control_command=ON)
        site.until_state("Running")

    def test_before_a_device_was_heard_nothing_of_it_is_known(self) -> None:
        site = ClosedLoop()
        site.lose("catl")
        site.lose("pe_pcs")
        site.run(1)
        for name in ("bms_soc", "p", "overall_fault", "bma_fault_state", "bma_alarm_state", "w_charge", "pcs_state2"):
            assert site.register(name) is None or (name, site.register(name)) == ("w_charge", 0), name
        assert site.register("com_status") == BMS_LOST | PCS_LOST
        site.write(control_command=ON)
        site.run(5)
        assert site.commands == []
