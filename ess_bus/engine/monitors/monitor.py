"""`Monitor`: the trips of one variable for one asset, and what follows when they raise or clear (engine.md 3.7)."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ess_bus.engine.alarms import SHUTDOWN, ListKind, clear_messages, end_shutdown, put, raise_message
from ess_bus.engine.monitors.finding import Finding, lasting
from ess_bus.engine.monitors.settings import AssetSettings, comms_delays
from ess_bus.engine.monitors.still import Still
from ess_bus.engine.monitors.trip import Delays, Happening, Trip, What
from ess_bus.engine.numbers import number
from ess_bus.engine.timing import NEVER
from ess_bus.reference import Reference

# The data map reads actions, and these name functions.
if TYPE_CHECKING:
    from ess_bus.engine.functions.registry import Engine
    from ess_bus.engine.monitors.limits import Limits
    from ess_bus.engine.variable import Variable

# The check that the others have an answer.
INVALID: Final = "invalid"
# What configurations hang actions on: it becomes the name of the variable and of its check.
_SIGNALS: Final[dict[ListKind, tuple[str, str]]] = {
    "alarms": ("/alarms", "MonitorVarAlarm"),
    "faults": ("/faults", "MonitorVarFault"),
}
# Timers are never fuller than the time-outs of the next look say.
_FULL: Final = Delays(NEVER, NEVER, NEVER)


@dataclass(frozen=True, slots=True)
class Watched:
    """What a monitor looks at.

    Attributes:
        engine: in which it happens.
        asset: whose lists tell of it.
        name: what messages call it.
        source: what the lists know its messages by; unique to the monitor.
        variable: whose parameters show the timers.
        again: looks at it again.
        alert: whether messages are raised; what is seen is shown in any case.
        reset_shutdown: whether a fault that has recovered takes its shutdown back.
    """

    engine: Engine
    asset: str
    name: str
    source: str
    variable: Variable
    again: Callable[[], None]
    alert: bool = True
    reset_shutdown: bool = False


@dataclass(slots=True, eq=False)
class Monitor:
    """Watches one variable for one asset.

    Attributes:
        trips: by their checks.
        still: when its value has changed, where that is checked.
        limits: the settings of checks, as they were read last.
        settings: those of a check of assets; ``None`` if they have to be read.
        watched: what it looked at last.
    """

    trips: dict[str, Trip] = field(default_factory=dict)
    still: Still | None = None
    limits: dict[str, Limits] = field(default_factory=dict)
    settings: AssetSettings | None = None
    watched: Watched | None = None
    _unknown_since_s: float | None = None
    # What people were shown last.
    _shown: list[tuple[object, ...]] = field(default_factory=list)

    def look(self, watched: Watched, findings: Sequence[Finding], problem: str = "") -> list[tuple[str, What]]:
        """Take what the checks say; return what happened, (check, what).

        Args:
            watched: the variable.
            findings: one of each check that is enabled.
            problem: why one of them is missing; what it has raised stands.
        """
        engine, self.watched = watched.engine, watched
        found = [*findings, *self._validity(watched, findings, problem)]
        if len(self.trips) > len(found) and not problem:
            self._drop(watched, {finding.check for finding in found})
        happened: list[tuple[Finding, Happening]] = []
        due_s = NEVER
        for finding in found:
            trip = self.trips.get(finding.check)
            if trip is None:
                trip = self.trips[finding.check] = Trip.begin(finding.delays)
            happened += [(finding, one) for one in trip.look(engine.steady_s, finding.judgement, finding.delays)]
            due_s = min(due_s, trip.due_s(), finding.wake_s)
        engine.wakes.at(self, due_s, watched.again)
        # People and actions see all of it before anything follows from it.
        self._show(watched, found)
        if happened:
            engine.mark(watched.variable)
        for finding, happening in happened:
            self._carry_out(watched, finding, happening)
        return [(finding.check, happening.what) for finding, happening in happened]

    def is_seen(self, *checks: str) -> bool:
        """Tell whether one of these checks has raised anything."""
        return any(self.trips[check].seen for check in checks if check in self.trips)

    def is_well(self, check: str) -> bool:
        """Tell whether a check has an answer, and raises and counts nothing."""
        return check in self.trips and self.trips[check].is_well

    def arm(self, kind: ListKind) -> None:
        """Begin again with all alarms, or faults, as if nothing had been seen yet; what is still so is seen anew."""
        for trip in self.trips.values():
            trip.arm_alarm(_FULL) if kind == "alarms" else trip.arm_fault(_FULL)
        if self.watched is not None:
            self.watched.again()

    def forget(self) -> None:
        """Begin anew: clear what was raised; nothing has been seen yet, and nothing is due."""
        if self.watched is not None:
            self.look(self.watched, ())
        self.still = self._unknown_since_s = None

    def _drop(self, watched: Watched, kept: Container[str]) -> None:
        """Forget the checks that are not made any more: they would never clear what they have raised."""
        for check in [check for check in self.trips if check not in kept]:
            del self.trips[check]
            self._clear(watched, check)

    def _validity(self, watched: Watched, findings: Sequence[Finding], problem: str) -> list[Finding]:
        """Return the finding that the checks have no answer: a value that is not valid has not recovered.

        That may last as long as what is checked may, and at least as long as any device may be silent. While all is
        known, and nothing has to be cleared, there is none.
        """
        unknown = [one for one in findings if one.judgement.alarm is None or one.judgement.fault is None]
        if unknown or problem:
            if self._unknown_since_s is None:
                self._unknown_since_s = watched.engine.steady_s
        else:
            self._unknown_since_s = None
            if not findings or not self.is_seen(INVALID):
                return []
        comms = comms_delays(watched.engine, watched.asset)
        patience = Delays(
            max(comms.alarm_s, min((one.patience.alarm_s for one in unknown), default=0)),
            max(comms.fault_s, min((one.patience.fault_s for one in unknown if one.with_fault), default=0)),
            comms.recover_s,
        )
        with_fault = any(one.with_fault for one in unknown)
        text = f"cannot be checked ({problem})" if problem else "value is not valid"
        now_s, since_s = watched.engine.steady_s, self._unknown_since_s
        return [lasting(INVALID, None, now_s, since_s, patience, lambda *_: text, with_fault=with_fault, shown=None)]

    def _show(self, watched: Watched, found: Iterable[Finding]) -> None:
        """Let people see timers and flags, if they have changed: what stands still is no news."""
        state: list[tuple[object, ...]] = [
            (one.check, one.shown_left, self.trips[one.check].shown) for one in found if one.names
        ]
        if not state and not self._shown:
            return
        if state == self._shown and self._is_shown(watched, found):
            return
        self._shown = state
        shown: dict[str, Any] = {}
        for finding in found:
            trip, names = self.trips[finding.check], finding.names
            if names is None:
                continue
            alarm_s, fault_s = finding.shown_left or (trip.alarm_left_s, trip.fault_left_s)
            times = {names.alarm_time: alarm_s, names.fault_time: fault_s, names.recover_time: trip.recover_left_s}
            seen = {names.seen_alarm: trip.seen_alarm, names.seen_fault: trip.seen_fault}
            # Two checks may share their names: what any of them has seen, and what is over first, counts.
            shown |= {name: number(round(min(one, shown.get(name, one)), 6)) for name, one in times.items()}
            shown |= {name: one or shown.get(name, False) for name, one in seen.items()}
            shown[names.seen_reset] = trip.seen_reset
        if shown:
            watched.variable.parameters.update(shown, tLast=number(round(watched.engine.now_s, 6)))

    def _is_shown(self, watched: Watched, found: Iterable[Finding]) -> bool:
        """Tell whether flags are still as they were shown: others may have written there."""
        parameters = watched.variable.parameters
        return all(
            parameters.get(one.names.seen_alarm) is self.trips[one.check].seen_alarm
            and parameters.get(one.names.seen_fault) is self.trips[one.check].seen_fault
            for one in found
            if one.names
        )

    def _carry_out(self, watched: Watched, finding: Finding, happening: Happening) -> None:
        match happening.what:
            case What.ALARM:
                self._raise(watched, finding, happening, "alarms")
            case What.FAULT:
                self._raise(watched, finding, happening, "faults")
            case What.CLEARED:
                self._clear(watched, finding.check)
                if watched.reset_shutdown:
                    end_shutdown(watched.engine, watched.asset)

    def _raise(self, watched: Watched, finding: Finding, happening: Happening, kind: ListKind) -> None:
        engine, asset, check = watched.engine, watched.asset, finding.check
        text = finding.text(happening.judgement, happening.what.value, watched.name, engine.now_s)

        def cleared() -> None:
            trip = self.trips.get(check)
            if trip is not None:
                trip.arm_alarm(_FULL) if kind == "alarms" else trip.arm_fault(_FULL)
                watched.again()

        if watched.alert:
            raise_message(engine, asset, kind, f"{watched.source} {check}", text, cleared)
        elif kind == "faults":
            put(engine, Reference(f"/status/{asset}", SHUTDOWN), True)
        table, name = _SIGNALS[kind]
        if engine.find(f"{table}/{asset}", name) is not None:
            put(engine, Reference(f"{table}/{asset}", name), f"{watched.name}_{check}")

    def _clear(self, watched: Watched, check: str) -> None:
        for kind in _SIGNALS:
            clear_messages(watched.engine, watched.asset, kind, f"{watched.source} {check}")
