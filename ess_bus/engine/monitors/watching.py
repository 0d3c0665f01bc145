"""What the monitor functions share: their memory, checks that fail, looking again, ``CommsOK``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ess_bus.engine.alarms import put
from ess_bus.engine.monitors.finding import Finding
from ess_bus.engine.monitors.monitor import INVALID, Monitor, Watched
from ess_bus.engine.numbers import is_number
from ess_bus.reference import Reference

# The data map reads actions, and these name functions.
if TYPE_CHECKING:
    from ess_bus.engine.alarms import ListKind
    from ess_bus.engine.functions.registry import Call, Engine
    from ess_bus.engine.variable import Variable

log = logging.getLogger(__name__)

# The values of /reload/<asset>:<name>_reload that ask for something, and the one that says it was done.
_ANEW: Final = 0
_DONE: Final = 2
Check = Callable[[], Finding]


@dataclass(frozen=True, slots=True)
class Kind:
    """A monitor function.

    Attributes:
        name: as actions call it.
        checks: returns the checks that a variable asks for.
        run: the function.
        alert: the parameter that says whether messages are raised.
    """

    name: str
    checks: Callable[[Call, Monitor], Iterable[Check]]
    run: Callable[[Call], None]
    alert: str


def watch(call: Call, kind: Kind) -> Monitor:
    """Make the checks of the variable of a call; look again when something will have lasted too long."""
    variable, engine = call.variable, call.engine
    monitor = _monitor(call, kind.name)
    findings: list[Finding] = []
    problems: list[str] = []
    checks = list(kind.checks(call, monitor))
    if not checks and not monitor.trips:
        return monitor
    for check in checks:
        try:
            findings.append(check())
        except ValueError as error:
            if str(error) in problems:
                continue
            # Values may be part of the text, and each would be another line in the log.
            engine.fail(f"{call.place} {kind.name} {len(problems)}", f"{call.place}: {kind.name}: {error}")
            problems.append(str(error))

    def again() -> None:
        # A link may show another variable there by now.
        if engine.find(call.place.table, call.place.name) is variable:
            kind.run(call)

    table, name = home(call)
    alert, reset = bool(call.parameter(kind.alert, True)), bool(call.parameter("FaultShutdownReset"))
    source = f"{kind.name} {table}:{name}"
    monitor.look(
        Watched(engine, call.asset, name, source, variable, again, alert, reset), findings, "; ".join(problems)
    )
    _trace(call, monitor)
    return monitor


def home(call: Call) -> tuple[str, str]:
    """Return (table, name) under which a variable is known: where a link leads to, whichever way it was found."""
    places = call.variable.places
    return places[0] if places else (call.place.table, call.place.name)


def tell_comms(call: Call, monitor: Monitor, check: str, *, is_well: bool) -> None:
    """Keep ``CommsOK`` of the asset: false while the check, or that it has an answer, fails; true once it is well."""
    failed = monitor.is_seen(check, INVALID)
    if failed or is_well:
        ok, place = not failed, Reference(f"/status/{call.asset}", "CommsOK")
        call.keep(CommsOK=ok)
        known = call.engine.find(place.table, place.name)
        if known is None or known.value is not ok:
            put(call.engine, place, ok)


def arm(variable: Variable, kind: ListKind) -> None:
    """Let all monitors of a variable begin again with their alarms, or faults."""
    for monitors in list(variable.memory.values()):
        if isinstance(monitors, dict):
            for monitor in list(monitors.values()):
                if isinstance(monitor, Monitor):
                    monitor.arm(kind)


def _monitor(call: Call, function: str) -> Monitor:
    """Return the monitor of a variable for an asset; begin anew where people have asked for it."""
    monitors: dict[str, Monitor] = call.variable.memory.setdefault(function, {})
    monitor = monitors.get(call.asset)
    if monitor is None:
        monitor = monitors[call.asset] = Monitor()
    _reload(call.engine, Reference(f"/reload/{call.asset}", f"{home(call)[1]}_reload"), monitor)
    return monitor


def _reload(engine: Engine, place: Reference, monitor: Monitor) -> None:
    """Do what a reload variable asks for: 0 all anew, 1 find operands again, which is done each time anyway.

    Variables of the same name share it; what is asked for is done for all of them.
    """
    variable = engine.find(place.table, place.name)
    if variable is None:
        put(engine, place, _DONE)
        variable = engine.find(place.table, place.name)
    if variable is None:
        return
    sharing: dict[Monitor, None] = variable.memory.setdefault("monitors", {})
    sharing[monitor] = None
    if is_number(variable.value) and variable.value < _DONE:
        asked = variable.value
        put(engine, place, _DONE)
        # One that is locked would ask for it for ever, and nothing would be watched.
        if asked <= _ANEW and variable.value == _DONE:
            for one in list(sharing):
                one.forget()


def _trace(call: Call, monitor: Monitor) -> None:
    """Log what was seen as often as ``debug`` says; it counts down."""
    debug = call.parameter("debug")
    if not debug:
        return
    if is_number(debug):
        call.keep(debug=max(0, debug - 1))
    trips = {check: (trip.alarm_left_s, trip.fault_left_s, trip.seen_alarm) for check, trip in monitor.trips.items()}
    log.info("%s = %r: %s", call.place, call.variable.value, trips)
