"""What a restart of the engine must not forget: what takes the plant down; and what it must never take up."""

from __future__ import annotations

from typing import Any

import pytest

from ess_bus.engine.settings import LOOK_S
from tests.unit.states_plant import Plant

DEVICES = ("CommsOK", "IsFaulted", "DCClosed", "DeviceState", "AcContactor", "ActivePower")


class Rows(dict[str, Any]):
    """A store that outlives its engine."""

    def write(self, rows):
        for place, value in rows.items():
            if value is None:
                self.pop(place, None)
            else:
                self[place] = value

    def trouble(self):
        return None


def restarted(plant, rows, known=True, **options):
    """Return the same devices with an engine that has just been started."""
    new = Plant(known=False, **options)
    new.engine.keep(rows).restore(dict(rows))
    if known:
        report(new, plant)
    new.engine.tick()
    return new


def report(new, plant):
    for asset in (*plant.bms, *plant.pcs):
        told = {name: plant.value(f"status/{asset}/{name}") for name in DEVICES}
        new.report(asset, **{name: value for name, value in told.items() if value is not None})


def running(rows, **options):
    plant = Plant(**options)
    plant.engine.keep(rows)
    return plant.running()


KEY = "/states/ess:request"


def test_a_shutdown_that_was_under_way_goes_on_and_then_nothing_is_kept():
    rows = Rows()
    plant = running(rows)
    plant.tell("OffCmd")
    assert rows[KEY] == "stop: stop: under way"
    plant = restarted(plant, rows)
    assert plant.state == "Shutdown"
    assert "stop: taken up again after a restart" in plant.value("status/ess/LastResult")
    plant.until("Off")
    assert (plant.value("status/bms/DCClosed"), plant.value("status/pcs/DeviceState")) == (False, "Off")
    assert KEY not in rows
    plant = restarted(plant, rows)
    assert (plant.state, plant.sent) == ("Off", [])


def test_it_waits_until_the_devices_are_known_but_not_for_ever():
    rows = Rows()
    plant = running(rows)
    plant.tell("OffCmd")
    new = restarted(plant, rows, known=False)
    new.run(3)
    assert (new.state, new.sent, new.value("status/ess/PowerAllowed")) == ("Init", [], False)
    assert "to take up stop again" in new.value("status/ess/Step")
    assert rows[KEY] == "stop: stop: under way"
    report(new, plant)
    new.engine.tick()
    assert new.state == "Shutdown"
    new.until("Off")
    # Nobody reports: it is done all the same.
    rows = Rows({KEY: "stop: why"})
    silent = restarted(plant, rows, known=False)
    silent.run(60)
    assert silent.state == "Fault"
    assert {("pcs", "Stop"), ("bms", "OpenContactors")} <= set(silent.sent)


@pytest.mark.parametrize("command", ["AcContactorOpenCmd", "DcContactorOpenCmd"])
def test_an_opening_that_was_under_way_goes_on(command):
    rows = Rows()
    plant = running(rows)
    plant.tell("ContactorControl")
    plant.tell(command)
    plant = restarted(plant, rows)
    plant.run(60)
    place = "status/pcs/AcContactor" if command.startswith("Ac") else "status/bms/DCClosed"
    assert plant.value(place) is False
    assert KEY not in rows


def test_an_emergency_stop_and_a_fault_outlive_the_engine():
    rows = Rows()
    plant = running(rows)
    plant.tell("SiteEStop")
    assert rows["/controls/ess:SiteEStop"] is True
    assert rows[KEY].startswith("emergency: ")
    plant = restarted(plant, rows)
    assert (plant.state, plant.value("status/ess/EStopHeldBy")) == ("Fault", "the site controller")
    plant.run(30)
    assert (plant.value("status/bms/DCClosed"), plant.value("status/pcs/DeviceState")) == (False, "Off")
    plant.tell("SiteEStop", False)
    plant = restarted(plant, rows)
    plant.run(5)
    assert plant.state == "Fault"
    assert "taken up again after a restart" in plant.value("status/ess/LastResult")
    again = restarted(plant, rows)
    assert again.value("status/ess/LastResult").count("taken up again") == 1
    again.run(5)
    again.tell("OnCmd")
    assert again.state == "Fault"
    again.tell("ClearFaultsCmd")
    again.until("Off")
    assert KEY not in rows


@pytest.mark.parametrize("command", ["OnCmd", "StandbyCmd", "DcContactorCloseCmd"])
def test_nothing_that_leads_to_power_is_taken_up(command):
    rows = Rows()
    plant = Plant() if command != "StandbyCmd" else Plant().running()
    plant.engine.keep(rows)
    plant.tell("ContactorControl", command.startswith("Dc"))
    plant.tell("ActivePowerSetpoint", 100)
    plant.tell(command)
    assert plant.value("states/ess/request") != ""
    assert [place for place in rows if place.startswith("/states")] == []
    before = plant.state
    plant = restarted(plant, rows)
    plant.run(30)
    assert plant.sent == []
    assert plant.value("controls/pcs/ActivePowerSetpoint") == 0, before


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ("start: why", "brings the plant closer to power"),
        ("stop, start: why", "brings the plant closer to power"),
        ("nonsense", "has no request"),
        ("", "has no request"),
    ],
)
def test_what_nobody_wrote_is_not_taken_up(kept, words, caplog):
    plant = restarted(Plant(), Rows({KEY: kept}))
    assert words in caplog.text
    plant.run(30)
    assert (plant.state, plant.sent) == ("Off", [])


def test_a_set_point_from_a_file_is_no_wish_after_a_restart():
    tables = {"/controls/ess": {"ActivePowerSetpoint": 100}}
    plant = restarted(Plant().running(), Rows(), tables=tables)
    plant.run(10)
    assert (plant.state, plant.value("controls/pcs/ActivePowerSetpoint")) == ("Running", 0)
    plant.engine.set("/controls/ess", {"ActivePowerSetpoint": 100})
    plant.engine.tick()
    assert plant.value("controls/pcs/ActivePowerSetpoint") == 100


def test_contactors_that_a_person_opens_go_on_being_opened_only_while_he_may():
    rows = Rows({"/states/bms:request": "open: open: under way"})
    plant = restarted(Plant().running(), rows)
    plant.run(60)
    # Maintenance mode is off, and the PCS runs on them.
    assert (plant.state, plant.sent) == ("Running", [])
    assert "refused" in plant.value("status/bms/LastResult")


def test_off_follows_an_opening_that_is_under_way_also_after_a_restart():
    rows = Rows()
    plant = running(rows)
    plant.tell("ContactorControl")
    plant.tell("AcContactorOpenCmd")
    plant.tell("ContactorControl", False)
    plant.tell("OffCmd")
    assert "stop: follows open_ac" in plant.value("status/ess/LastResult")
    assert rows[KEY].startswith("open_ac, stop: ")
    new = restarted(plant, rows)
    for one in (plant, new):
        one.run(60)
        assert (one.state, one.value("status/bms/DCClosed")) == ("Off", False)
    new.run(LOOK_S)
    assert KEY not in rows
