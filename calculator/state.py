"""`State`: one calculation at work: its slots, when it is due, and what came out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from calculator.calculation import OWN, Calculation
from calculator.operations import NotValid, Operation, calculate
from calculator.slots import MISSING, Slot, Slots
from calculator.told import Told
from ess_bus.expression import EvaluationError, Expression
from ess_bus.reference import Reference

# Integers beyond it cannot travel as JSON numbers exactly.
_EXACT: Final = 2**53
_SWITCH: Final = -1


@dataclass(slots=True, eq=False)
class State:
    """One calculation and its slots.

    Attributes:
        calculation: what is calculated.
        inputs: the slots of its inputs.
        values: what they hold; what the engine does not have is ``None``. Its own value is not kept up to date here.
        switches: its switches: fixed, or the slots where they are.
        shown: the slots that show the result: its own, and those of links to it.
        told: what the engine has of it.
        alert: whether it has to be looked at: something about it may have changed.
        stale: it has to be calculated anew.
        due_s: not before this time.
        result: what came out; `MISSING` while nothing is to be set.
        reason: why there is no result; empty if there is one.
        changed: which inputs have changed, for operations on changes.
        ran_s: when it was calculated last.
        runs: how often it was.
    """

    calculation: Calculation
    inputs: list[Slot]
    values: list[Any]
    switches: list[bool | Slot]
    shown: list[Slot]
    # These are the calculation's; they are asked for with each change of a value.
    of_itself: bool
    of_changes: bool
    periodic: bool
    every_s: float
    told: Told = field(default_factory=Told)
    alert: bool = True
    stale: bool = True
    due_s: float = 0.0
    result: Any = MISSING
    reason: str = ""
    changed: set[int] = field(default_factory=set)
    ran_s: float | None = None
    runs: int = 0

    @classmethod
    def of(cls, calculation: Calculation, slots: Slots, links: Sequence[Reference]) -> State:
        """Return the state of a calculation that has not run yet, known to the slots that it uses.

        Args:
            calculation: what is calculated.
            slots: all slots.
            links: the other places that show its result.
        """
        inputs = [slots.operand(one.place) for one in calculation.inputs]
        switches = [one if isinstance(one, bool) else slots.of(one) for one in calculation.switches]
        state = cls(
            calculation,
            inputs,
            [_known(slot) for slot in inputs],
            switches,
            [slots.of(one) for one in (calculation.result, *links)],
            calculation.of_itself,
            calculation.of_changes,
            calculation.periodic,
            calculation.every_s,
        )
        for index, slot in enumerate(inputs):
            # A change of its own value calls for a run only if somebody else has made it; that is `Told`'s business.
            if calculation.inputs[index].name != OWN:
                slot.users.append((state, index))
        for switch in switches:
            if isinstance(switch, Slot):
                switch.users.append((state, _SWITCH))
        return state

    def note(self, index: int, value: Any) -> None:
        """Note that an input, or a switch, has changed."""
        self.alert = self.stale = True
        if index == _SWITCH:
            self.due_s = 0.0  # whoever switches does not wait: the value may be his from now on
            return
        self.values[index] = value
        if value is not None:
            self.changed.add(index)

    def is_on(self) -> bool:
        """Tell whether all switches are on.

        Raises:
            NotValid: nobody knows, because one of them is not valid.
        """
        for switch in self.switches:
            if isinstance(switch, bool):
                if not switch:
                    return False
                continue
            value = switch.value
            if value is MISSING and switch.place.parameter in ("enabled", "enable"):
                continue
            if value is MISSING or not isinstance(value, bool | int | float):
                fault = "not valid" if value in (None, MISSING) else f"not true or false: {str(value)[:40]!r}"
                raise NotValid(f"its switch {switch.place} is {fault}", computed=False)
            if not value:
                return False
        return True

    def computed(self) -> Any:
        """Return the result of the inputs' values; `MISSING` where nothing is to be set.

        Raises:
            NotValid: there is no right result.
        """
        operation = self.calculation.operation
        if operation is None:
            raise NotValid(self.calculation.problem, computed=self.calculation.is_senseless)
        if isinstance(operation, Operation) and operation.of_changes:
            return self._whether_changed(operation)
        values = self._current() if self.of_itself else self.values
        if isinstance(operation, Expression):
            return self._evaluated(operation, values)
        if operation.of_itself:
            # Whatever else is named: the own value stands first or last.
            first = next(index for index, one in enumerate(self.calculation.inputs) if one.name == OWN)
            values = [values[first]]
        else:
            first = 0
        try:
            return calculate(operation.name, values, self.calculation.scale)
        except NotValid as error:
            if error.operand is None:
                raise
            name = self.calculation.inputs[first + error.operand]
            raise NotValid(f"{name} {error.reason}", computed=error.computed) from None

    def _current(self) -> list[Any]:
        """Return all values, its own among them."""
        inputs = zip(self.calculation.inputs, self.inputs, self.values, strict=True)
        return [_known(slot) if one.name == OWN else value for one, slot, value in inputs]

    def _evaluated(self, expression: Expression, values: list[Any]) -> Any:
        try:
            result = expression.evaluate(values)
        except EvaluationError as error:
            if error.operand is None:
                raise NotValid(f"{error} of {error.excerpt}") from None
            index = error.operand - 1
            is_valid = values[index] is not None
            raise NotValid(f"{self.calculation.inputs[index]} {error.fault}", computed=is_valid) from None
        # As with operations: an integer may be longer than a message can carry.
        return float(result) if isinstance(result, int) and abs(result) > _EXACT else result

    def _whether_changed(self, operation: Operation) -> Any:
        if not operation.compute([index in self.changed for index in range(len(self.inputs))]):
            return MISSING
        self.changed.clear()
        return True


def _known(slot: Slot) -> Any:
    return None if slot.value is MISSING else slot.value
