"""A random walk of commands, devices that fail, trip and recover, and of time: some things must never happen."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.states_plant import Plant

_COMMANDS = (
    *("OnCmd", "OffCmd", "StandbyCmd", "ClearFaultsCmd", "AcContactorOpenCmd", "AcContactorCloseCmd"),
    *("DcContactorOpenCmd", "DcContactorCloseCmd"),
)
_SWITCHES = ("EStop", "ContactorControl")
_BUTTONS = (
    ("bms", "close_contactors"),
    ("bms", "open_contactors"),
    ("pcs", "start"),
    ("pcs", "stop"),
    ("pcs", "standby"),
)
_VALUES = (
    *(("bms", name, value) for name in ("CommsOK", "IsFaulted", "DCClosed") for value in (True, False, None)),
    *(("pcs", name, value) for name in ("CommsOK", "IsFaulted", "AcContactor") for value in (True, False, None)),
    *(("pcs", "DeviceState", value) for value in ("Off", "Running", "Standby", "Fault", "Starting", "odd", None)),
)
_DEVICE_COMMANDS = (("bms", "CloseContactors"), ("bms", "OpenContactors"), ("pcs", "Start"), ("pcs", "Stop"))
_UPWARD = ("CloseContactors", "Start", "Standby", "AcContactorClose")

_step = st.one_of(
    st.tuples(st.just("command"), st.sampled_from(_COMMANDS)),
    st.tuples(st.just("switch"), st.tuples(st.sampled_from(_SWITCHES), st.sampled_from((True, False, None)))),
    st.tuples(st.just("maintenance"), st.booleans()),
    st.tuples(st.just("press"), st.sampled_from(_BUTTONS)),
    st.tuples(st.just("value"), st.sampled_from(_VALUES)),
    st.tuples(st.just("stuck"), st.sampled_from(_DEVICE_COMMANDS)),
    st.tuples(st.just("well"), st.none()),
    st.tuples(st.just("time"), st.sampled_from((0.2, 0.6, 1.1, 6.0, 40.0))),
)
# Most walks would stay in Fault or Off; these get into operation.
_walk = st.tuples(st.sampled_from((None, "OnCmd")), st.lists(_step, max_size=12))


class _Rules:
    """What must hold after each turn of the engine."""

    def __init__(self, plant) -> None:
        self.plant = plant
        self.turns = 0

    def check(self) -> None:
        """Look at everything."""
        plant, value = self.plant, self.plant.value
        running = value("status/ess/SystemState") == "Running"
        assert running or value("status/ess/PowerAllowed") is False
        assert value("status/ess/PowerAllowed") or value("controls/pcs/ActivePowerSetpoint") == 0
        if value("status/ess/PowerAllowed"):
            assert (value("status/bms/DCClosed"), value("status/pcs/DeviceState")) == (True, "Running")
            assert not value("assets/ess/summary/maint_mode")
        commanded = {(asset, name) for asset, name in plant.commands() if name in _UPWARD}
        if value("controls/ess/EStop") is True:
            assert not commanded
        for asset, _ in commanded:
            assert value(f"status/{asset}/IsFaulted") is not True
            assert value(f"status/{asset}/CommsOK") is not False
        opposite = {("bms", "CloseContactors"), ("bms", "OpenContactors")}
        assert not opposite <= set(plant.commands())
        assert not {("pcs", "Start"), ("pcs", "Stop")} <= set(plant.commands())

    def turn(self) -> None:
        """Look at everything after a turn."""
        self.turns += 1
        self.new_commands()
        self.check()

    def new_commands(self) -> None:
        """Look at what was commanded just now: upward only where everything is known and well."""
        plant, value = self.plant, self.plant.value
        for asset, name in plant.sent:
            if name in _UPWARD:
                known = (
                    value(f"status/{asset}/CommsOK"),
                    value(f"status/{asset}/IsFaulted"),
                    value("controls/ess/EStop"),
                )
                assert known == (True, False, False), (asset, name, known)
        plant.sent.clear()


def _do(plant, rules, step) -> None:
    kind, what = step
    match kind:
        case "command":
            plant.tell(what)
        case "switch":
            plant.tell(what[0], what[1])
        case "maintenance":
            plant.engine.set("/assets/ess/summary", {"maint_mode": what})
        case "press":
            plant.engine.set(f"/assets/{what[0]}/summary", {what[1]: True})
        case "value":
            plant.report(what[0], **{what[1]: what[2]})
        case "stuck":
            plant.stuck.add(what)
        case "well":
            plant.stuck.clear()
            for asset in ("bms", "pcs"):
                plant.report(asset, CommsOK=True, IsFaulted=False)
            plant.tell("EStop", False)
    plant.engine.tick()
    rules.turn()
    if kind == "time":
        plant.run(what, each=rules.turn)


@settings(max_examples=150, deadline=None)
@given(_walk)
def test_no_walk_leads_to_power_or_commands_where_there_must_be_none(walk):
    first, steps = walk
    plant = Plant()
    rules = _Rules(plant)
    plant.tell("ActivePowerSetpoint", 100)
    if first is not None:
        plant.tell(first)
        plant.run(5)
        plant.sent.clear()
    for step in steps:
        _do(plant, rules, step)
    # Whatever has happened: off leads to a state in which nothing runs, and nothing goes on for ever.
    plant.stuck.clear()
    plant.tell("OffCmd")
    rules.turns = 0
    plant.run(300, each=rules.turn)
    assert rules.turns < 500
    assert plant.value("controls/pcs/ActivePowerSetpoint") == 0
    assert plant.engine.due_s() > plant.clock_s
