"""The check of CheckMonitorVar that a value is one of those expected while conditions hold (engine.md 3.7).

``expectedVal1`` ... are expected while, for each ``conditionVarN``, its value is one of ``conditionVal1_N``,
``conditionVal2_N`` ... (as many as ``numConditionsN`` says). Where they do not hold, nothing is expected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ess_bus.engine.monitors.finding import NAMES, Finding, written
from ess_bus.engine.monitors.settings import MAX_NUMBERED, delays_of, numbered, operand
from ess_bus.engine.monitors.trip import Judgement
from ess_bus.engine.numbers import is_number, number

# The data map reads actions, and these name functions.
if TYPE_CHECKING:
    from ess_bus.engine.functions.registry import Call

# As actions compare numbers with `inValue`.
_TOLERANCE: Final = 0.001
_BOOLS: Final = {"true": True, "false": False}


def condition(call: Call, *, with_fault: bool) -> Finding:
    """Return what is said of the variable of a call.

    Raises:
        ValueError: a parameter is missing or of the wrong type.
    """
    expected = [_typed(one, call.parameter("Type")) for one in numbered(call, "numExpectedVals", "expectedVal")]
    if not expected:
        raise ValueError("expectedVal1 is missing")
    holds, why = _holds(call)
    bad: bool | None = False
    if holds is not False:
        bad = None if holds is None or call.variable.value is None else not _is_one_of(call.variable.value, expected)
    wanted = ", ".join(f"[{written(one)}]" for one in expected)
    patience = delays_of(call)

    def describe(judgement: Judgement, _severity: str) -> str:
        return f"value [{written(judgement.shown)}] is not {wanted}{why}"

    judgement = Judgement(bad, bad if with_fault else False, bad is False, call.variable.value)
    return Finding("condition", NAMES, judgement, patience, patience, describe, with_fault=with_fault)


def _holds(call: Call) -> tuple[bool | None, str]:
    """Return whether all conditions hold, ``None`` if that is not known, and how messages say that they do."""
    known, why = True, []
    for index, name in enumerate(numbered(call, "numConditionVars", "conditionVar"), start=1):
        kind = call.parameter(f"conditionType{index}")
        values = [_typed(one, kind) for one in _values(call, index)]
        value = operand(call, name)
        if value is None:
            known = False
        elif not _is_one_of(value, values):
            return False, ""
        why.append(f"{name} [{written(value)}]")
    return (True if known else None), f" while {' and '.join(why)}" if why else ""


def _values(call: Call, index: int) -> list[Any]:
    count = call.number(f"numConditions{index}", 1)
    if not 1 <= count <= MAX_NUMBERED or count != int(count):
        raise ValueError(f"numConditions{index}: expected a count, got {count}")
    names = [f"conditionVal{one}_{index}" for one in range(1, int(count) + 1)]
    for name in names:
        if call.parameter(name) is None:
            raise ValueError(f"{name} is missing")
    return [call.parameter(name) for name in names]


def _typed(value: Any, kind: Any) -> Any:
    """Return a configured value as its type says: files have texts for numbers and bools, too.

    Raises:
        ValueError: it is not of this type.
    """
    try:
        match kind:
            case "int" | "double" | "float" if not isinstance(value, bool):
                return number(float(value))
            case "bool" if isinstance(value, str):
                return _BOOLS[value.lower()]
    except (TypeError, ValueError, KeyError, OverflowError):
        raise ValueError(f"{str(value)[:40]!r} is not a value of the type {kind!r}") from None
    return value


def _is_one_of(value: Any, wanted: list[Any]) -> bool:
    return any(_is_same(value, one) for one in wanted)


def _is_same(value: Any, wanted: Any) -> bool:
    if is_number(value) and is_number(wanted):
        return abs(value - wanted) <= _TOLERANCE
    return bool(value == wanted)
