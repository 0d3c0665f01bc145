"""`Calculator`: operand values in, results to be set out. No I/O; the time is passed in."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from calculator.configuration import Calculation
from calculator.operations import NotValid, calculate
from ess_bus.expression import EvaluationError, Expression
from ess_bus.reference import Reference

log = logging.getLogger(__name__)

# Results closer than this are the same (the engine's own deadband).
DEADBAND: Final = 1e-8

# Integers beyond it cannot travel as JSON numbers exactly.
_EXACT: Final = 2**53

Values = dict[str, dict[str, Any]]


@dataclass(slots=True, eq=False)
class _State:
    calculation: Calculation
    due: float = 0.0
    stale: bool = True
    result: Any = None
    complaint: str | None = None


class Calculator:
    """All calculations of a process and the last known values of the engine's variables."""

    def __init__(self, calculations: Iterable[Calculation]) -> None:
        self._states = [_State(calculation) for calculation in calculations]
        self._values: Values = {}
        self._users: dict[tuple[str, str], list[_State]] = {}
        for state in self._states:
            for operand in state.calculation.operands:
                self._users.setdefault((operand.table, operand.name), []).append(state)

    @property
    def tables(self) -> list[str]:
        """The tables of all operands and results."""
        places = [place for state in self._states for place in (state.calculation.result, *state.calculation.operands)]
        return sorted({place.table for place in places})

    def update(self, table: str, values: dict[str, Any]) -> None:
        """Take values of the engine; calculations that use one that changed become due."""
        known = self._values.setdefault(table, {})
        for name, value in values.items():
            if name not in known or known[name] != value or type(known[name]) is not type(value):
                known[name] = value
                for state in self._users.get((table, name), ()):
                    state.stale = True

    def forget(self) -> None:
        """Drop all values: the engine was lost, and what it holds now must be asked for."""
        self._values.clear()

    def missing(self) -> Values:
        """Return the operands that the engine does not have yet, with the value to create them with (engine.md 1.2).

        What only expressions use may be a text or a bool; it is created without a value, so that its first one decides.
        """
        absent: Values = {}
        for state in self._states:
            value = None if isinstance(state.calculation.operation, Expression) else 0.0
            for operand in state.calculation.operands:
                if operand.name not in self._values.get(operand.table, {}):
                    wanted = absent.setdefault(operand.table, {})
                    if wanted.get(operand.name) is None:
                        wanted[operand.name] = value
        return absent

    def results(self, now: float) -> Values:
        """Calculate what is due; return every result that differs from what the engine holds."""
        changed: Values = {}
        for state in self._states:
            if state.stale and now >= state.due:
                state.stale = False
                state.due = now + state.calculation.rate_s
                state.result = self._calculate(state)
            elif state.stale:
                continue
            place = state.calculation.result
            held = self._values.get(place.table, {})
            if place.name not in held or _differ(held[place.name], state.result):
                changed.setdefault(place.table, {})[place.name] = state.result
        return changed

    def _calculate(self, state: _State) -> Any:
        calculation = state.calculation
        operands = [self._values.get(operand.table, {}).get(operand.name) for operand in calculation.operands]
        try:
            result = _result(calculation, operands)
        except NotValid as error:
            reason = _named(str(error), calculation.operands)
            if state.complaint != reason:
                log.warning("%s is not valid: %s", calculation.result, reason)
            state.complaint = reason
            return None
        if state.complaint is not None:
            log.info("%s is valid again", calculation.result)
        state.complaint = None
        return result


def _result(calculation: Calculation, operands: list[Any]) -> Any:
    """Calculate.

    Raises:
        NotValid: there is no right result.
    """
    if not isinstance(calculation.operation, Expression):
        return calculate(calculation.operation, operands, calculation.scale)
    try:
        result = calculation.operation.evaluate(operands)
        # As with operations: an integer may be longer than a message can carry.
        return float(result) if isinstance(result, int) and abs(result) > _EXACT else result
    except EvaluationError as error:
        if error.operand is not None:
            raise NotValid(f"variable{error.operand} {error.fault}") from None
        raise NotValid(f"{error} of {error.excerpt}") from None


def _named(reason: str, operands: tuple[Reference, ...]) -> str:
    """Say which variable ``variable2`` is."""
    word, _, rest = reason.partition(" ")
    number = word.removeprefix("variable")
    return f"{word} ({operands[int(number) - 1]}) {rest}" if number.isdigit() else reason


def _differ(held: Any, result: Any) -> bool:
    if held is None or result is None:
        return held is not result
    if isinstance(held, str) or isinstance(result, str):
        return bool(held != result)
    return not isinstance(held, int | float) or bool(abs(held - result) > DEADBAND)
