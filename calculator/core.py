"""`Calculator`: values of the engine in, results to be set out. No I/O; the time is passed in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from calculator.calculation import Calculation
from calculator.complaints import Complaints
from calculator.discovery import Found
from calculator.operations import NotValid
from calculator.slots import MISSING, Slots
from calculator.state import State
from ess_bus.expression import Expression
from ess_bus.reference import Reference

REASON: Final = "reason"
# Takes a parameter away, in a definition that is set on the engine.
_REMOVE: Final = "$$remove"
# Sets nothing: it lets the engine know whose result a variable is, which already has the right value.
CLAIM: Final = {"value": "$$"}

# Ten times 0.1 s must not be a moment less than a second.
_ROUNDING_S: Final = 1e-9

Values = dict[str, dict[str, Any]]


class Calculator:
    """All calculations of an engine and the last known values of what they use.

    Args:
        found: the calculations and the links between variables.
        zero_on_failure: whether what has no result is 0, as in the original, where all its operands are valid.
        complaints: where failures are logged; those of the calculator before this one know what was said.
    """

    def __init__(self, found: Found, *, zero_on_failure: bool = False, complaints: Complaints | None = None) -> None:
        self._slots = Slots()
        # Found anew once something has come in or out.
        self._due_s: float | None = None
        self._zero_on_failure = zero_on_failure
        self._complaints = complaints or Complaints()
        shown: dict[Reference, list[Reference]] = {}
        for place, end in found.aliases.items():
            shown.setdefault(end, []).append(place)
        self.states = [State.of(one, self._slots, _alike(one, found.aliases, shown)) for one in found.calculations]
        self._by_place = {state.calculation.result: state for state in self.states}
        for place, state in self._by_place.items():
            self._slots.of(place).sets = state
            self._slots.of(place._replace(parameter=REASON)).explains = state

    # -- what the engine has -----------------------------------------------------------------------------------------

    def uses(self, table: str) -> bool:
        """Tell whether anything of a table counts here."""
        return bool(self._slots.find(table))

    def state(self, place: Reference) -> State | None:
        """Return the state of the calculation of a variable."""
        return self._by_place.get(place)

    def update(self, table: str, values: Mapping[str, Any], now_s: float) -> None:
        """Take values of the engine; calculations that use one that changed become due.

        Args:
            table: where they are.
            values: name -> value; a parameter's name is ``name@parameter``.
            now_s: the time, on a clock that nobody sets.
        """
        slots = self._slots.find(table)
        for name, value in values.items():
            slot = slots.get(name)
            if slot is None:
                continue
            self._due_s = None
            slot.stands_in = False
            if slot.explains is not None:
                slot.explains.told.reason, slot.explains.alert = value, True
            state = slot.sets
            if state is None:
                slot.take(value, now_s)
                continue
            state.alert = True
            if not state.told.shows(value, now_s):
                slot.take(state.told.held, now_s)
            elif state.of_itself or state.result is MISSING:
                state.stale |= slot.take(value, now_s) and state.of_itself
            # Else somebody has set what is not his; it is set right again before anything is calculated from it.

    def missing(self) -> Values:
        """Return the operands that the engine does not have, with the value to create them with (engine.md 1.1).

        What only expressions use may be a text or a bool; it is created without a value, so that its first one decides.
        """
        absent: Values = {}
        for state in self.states:
            number = None if isinstance(state.calculation.operation, Expression) and not self._zero_on_failure else 0.0
            for slot in state.inputs:
                place = slot.place._replace(parameter=None)
                if self._slots.of(place).value is MISSING:
                    wanted = absent.setdefault(place.table, {})
                    if wanted.get(place.name) is None:
                        wanted[place.name] = number
        return absent

    def begin(self) -> None:
        """Count changes from here: what the engine had at the beginning is none."""
        self._due_s = None
        for state in self.states:
            state.changed.clear()
            # Nobody knows whether it has run with the value that is there: to count twice is worse.
            state.stale = not state.of_itself

    # -- results -----------------------------------------------------------------------------------------------------

    def results(self, now_s: float) -> Values:
        """Calculate what is due, each after what it uses; return what is to be set, table by table.

        A result is repeated until `has_set` tells that the engine has taken it.
        """
        wanted: Values = {}
        self._due_s = None
        for state in self.states:
            if not state.alert:
                continue
            if now_s >= state.due_s and (state.stale or state.periodic):
                self._run(state, now_s)
            change = self._change(state)
            if change is not MISSING:
                place = state.calculation.result
                wanted.setdefault(place.table, {})[place.name] = change
                continue
            if state.of_changes:
                state.result = MISSING
            state.alert = state.stale or state.periodic
        self._complaints.say()
        return wanted

    def due_s(self) -> float:
        """Return when something can be calculated next; infinity if nothing is to be."""
        if self._due_s is None:
            waiting = [state.due_s for state in self.states if state.stale or state.periodic]
            self._due_s = min(waiting, default=float("inf"))
        return self._due_s

    def has_set(self, table: str, results: Mapping[str, Any], now_s: float) -> None:
        """Note that the engine has taken results."""
        for name, change in results.items():
            state = self._by_place[Reference(table, name)]
            if state.of_changes:
                state.result = MISSING  # said once; whoever has seen it clears it
            state.told.is_claimed = True
            if change is CLAIM:
                continue
            if not isinstance(change, Mapping):
                state.told.has_taken(change, now_s)
                continue
            if "value" in change:
                state.told.has_taken(change["value"], now_s)
            state.told.reason = change.get(REASON)

    def _show(self, state: State, now_s: float) -> None:
        """Let those that use a result go on with it, unless the engine may make something else of it."""
        if not state.told.adapts:
            for slot in state.shown:
                slot.take(state.result, now_s)

    def _run(self, state: State, now_s: float) -> None:
        calculation = state.calculation
        state.stale = False
        # In step with the clock where it runs by itself; a late run is not made up for.
        is_in_step = state.periodic and now_s - state.due_s <= state.every_s
        state.due_s = (state.due_s if is_in_step else now_s) + state.every_s - _ROUNDING_S
        state.ran_s, state.runs = now_s, state.runs + 1
        reason = ""
        try:
            if not state.is_on():
                state.result, state.reason = MISSING, ""
                self._complaints.drop(calculation.result)
                return
            result = state.computed()
        except NotValid as error:
            reason = error.reason
            result = 0 if self._zero_on_failure and error.computed else None
        self._complaints.note(calculation.result, reason, now_s)
        state.result, state.reason = result, reason
        if result is not MISSING:
            self._show(state, now_s)

    def _change(self, state: State) -> Any:
        """Return what is to be set so that the engine shows a result, `MISSING` if it does already."""
        if state.result is MISSING:
            # What somebody has set in its place is as good as he says.
            is_over = state.told.reason and state.told.held is not None and not state.of_changes
            return {_REMOVE: [REASON]} if is_over and state.ran_s is not None else MISSING
        needs, is_claimed = state.told.needs(state.result), state.told.is_claimed
        if (state.told.reason or "") == state.reason:
            return state.result if needs else MISSING if is_claimed else CLAIM
        change: dict[str, Any] = {"value": state.result} if needs else {}
        return change | ({REASON: state.reason} if state.reason else {_REMOVE: [REASON]})


def _alike(
    one: Calculation, aliases: Mapping[Reference, Reference], shown: Mapping[Reference, Iterable[Reference]]
) -> list[Reference]:
    end = aliases.get(one.result, one.result)
    return [place for place in (end, *shown.get(end, ())) if place != one.result]
