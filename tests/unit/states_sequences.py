"""Every sequence of the state machines, in the plant of `states_plant`: how to get there, and what to ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.unit.states_plant import Plant

_COMMAND = {"pcs": {"ac_contactor": "command"}}


@dataclass(frozen=True)
class Sequence:
    """One sequence.

    Attributes:
        name: as in the table: ``ess start``.
        begin: asks for it.
        prepare: what must be before.
        options: of the machines.
    """

    name: str
    begin: Callable[[Plant], None]
    prepare: Callable[[Plant], object] = lambda _: None
    options: Mapping[str, Mapping[str, object]] | None = None

    def started(self) -> Plant:
        """Return a plant in which it has just begun."""
        plant = Plant(options=self.options)
        plant.tell("ActivePowerSetpoint", 100)
        self.prepare(plant)
        plant.run(0)
        plant.sent.clear()
        self.begin(plant)
        return plant


def command(name):
    """Return what sets a command of the ESS."""
    return lambda plant: plant.tell(name)


def press(asset, button):
    """Return what presses a button of a user interface."""

    def pressing(plant) -> None:
        plant.engine.set(f"/assets/{asset}/summary", {button: True})
        plant.engine.tick()

    return pressing


def _standing_by(plant) -> None:
    plant.running()
    plant.tell("StandbyCmd")
    plant.until("Standby")


def _by_hand(plant) -> None:
    plant.engine.set("/assets/ess/summary", {"maint_mode": True})
    plant.engine.set("/assets/bms/summary", {"close_contactors": False, "open_contactors": False})
    plant.engine.set("/assets/pcs/summary", {"start": False, "stop": False, "standby": False})
    plant.engine.tick()


def _closed_by_hand(plant) -> None:
    _by_hand(plant)
    press("bms", "close_contactors")(plant)
    plant.run(5)


def _running_by_hand(plant) -> None:
    _closed_by_hand(plant)
    press("pcs", "start")(plant)
    plant.run(5)


def _controlled(*commands):
    def prepare(plant) -> None:
        plant.tell("ContactorControl")
        for one in commands:
            plant.tell(one)
            plant.run(10)

    return prepare


def _tripped(plant) -> None:
    plant.running()
    plant.report("bms", IsFaulted=True)
    plant.run(20)
    assert plant.state == "Fault"


def _pcs_tripped(plant) -> None:
    plant.running()
    plant.report("pcs", IsFaulted=True)
    plant.run(20)


def _fault(plant) -> None:
    plant.report("bms", IsFaulted=True)
    plant.engine.tick()


SEQUENCES = [
    Sequence("start", command("OnCmd")),
    Sequence("start with its own AC command", command("OnCmd"), options=_COMMAND),
    Sequence("start out of standby", command("OnCmd"), _standing_by),
    Sequence("stop", command("OffCmd"), Plant.running),
    Sequence("stop out of standby", command("OffCmd"), _standing_by),
    Sequence("standby", command("StandbyCmd"), Plant.running),
    Sequence("close DC", command("DcContactorCloseCmd"), _controlled()),
    Sequence("close AC", command("AcContactorCloseCmd"), _controlled(), _COMMAND),
    Sequence("open DC", command("DcContactorOpenCmd"), _controlled("DcContactorCloseCmd", "OnCmd")),
    Sequence("open AC", command("AcContactorOpenCmd"), _controlled("DcContactorCloseCmd", "OnCmd")),
    Sequence("clear", command("ClearFaultsCmd"), _tripped),
    Sequence("clear a PCS", command("ClearFaultsCmd"), _pcs_tripped),
    Sequence("make safe again", command("OffCmd"), _tripped),
    Sequence("trip", _fault, Plant.running),
    Sequence("close by hand", press("bms", "close_contactors"), _by_hand),
    Sequence("open by hand", press("bms", "open_contactors"), _closed_by_hand),
    Sequence("start by hand", press("pcs", "start"), _closed_by_hand),
    Sequence("standby by hand", press("pcs", "standby"), _running_by_hand),
    Sequence("stop by hand", press("pcs", "stop"), _running_by_hand),
]
