"""State machines under an injected clock: on, off, standby, contactors, faults."""

from __future__ import annotations

from tests.unit.states_plant import Plant


def test_on_and_off_in_order():
    plant = Plant()
    assert plant.state == "Off"
    plant.engine.set("/controls/ess/ActivePowerSetpoint", 100)
    plant.tell("OnCmd")
    assert plant.state == "Starting"
    assert plant.value("controls/ess/OnCmd") is False
    plant.until("Running")
    assert plant.sent == [("bms", "CloseContactors"), ("pcs", "Start")]
    assert plant.value("controls/pcs/ActivePowerSetpoint") == 100
    assert plant.value("status/ess/PowerAllowed") is True
    plant.run(3600)
    plant.sent.clear()
    plant.tell("OffCmd")
    assert plant.state == "Shutdown"
    assert plant.value("controls/pcs/ActivePowerSetpoint") == 0
    plant.until("Off")
    assert plant.sent == [("pcs", "Stop"), ("pcs", "AcContactorOpen"), ("bms", "OpenContactors")]
    assert plant.value("status/ess/LastResult") == "stop: done"
    assert not any(plant.value(f"controls/{device}/{command}") for device, command in plant.sent)
