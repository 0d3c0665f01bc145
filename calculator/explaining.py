"""How a result came about, for people: what ``get /calculator/ess/status/bms/BMSPower`` answers, and as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from calculator.calculation import Calculation
from calculator.core import Calculator
from calculator.operations import NotValid
from calculator.slots import MISSING, Slot
from calculator.state import State
from ess_bus.reference import Reference

# Below it, and the engine's name, a calculator answers.
SERVED: Final = "/calculator"


def listed(calculator: Calculator) -> dict[str, Any]:
    """Return result -> value of all calculators, alphabetically; those without a value with the reason."""
    states = sorted(calculator.states, key=lambda state: state.calculation.result)
    return {str(state.calculation.result): _outcome(state) for state in states}


def explained(state: State, now_s: float) -> dict[str, Any]:
    """Return all that is known of one calculation; ages are in seconds."""
    calculation = state.calculation
    try:
        is_on: bool | None = state.is_on()
    except NotValid:
        is_on = None
    names = [one.name for one in calculation.inputs]
    return {
        "result": str(calculation.result),
        "calculates": calculation.text,
        **_outcome(state),
        "on": is_on,
        "operands": [{"name": name, **_shown(slot, now_s)} for name, slot in zip(names, state.inputs, strict=True)],
        "switches": [_shown(switch, now_s) for switch in state.switches if isinstance(switch, Slot)],
        "when": when(calculation),
        "runs": state.runs,
        "age_s": None if state.ran_s is None else round(now_s - state.ran_s, 3),
    }


def when(calculation: Calculation) -> str:
    """Say when a calculation runs."""
    by = f" ({calculation.listed})" if calculation.listed else ""
    if calculation.periodic:
        return f"every {calculation.every_s:g} s{by}"
    what = "its own value or an operand" if calculation.of_itself else "an operand"
    return f"when {what} has changed, every {calculation.rate_s:g} s at most{by}"


def text(answer: Mapping[str, Any]) -> str:
    """Return an explanation as lines of text."""
    value, reason = answer["value"], answer["reason"]
    lines = [
        f"{answer['result']} = {answer['calculates']}",
        f"  = {_json(value)}" + (f"    not valid: {reason}" if reason else "") + _off(answer["on"]),
    ]
    rows = [(f"{{{number}}}", one) for number, one in enumerate(answer["operands"], 1)]
    rows += [("on if", {"name": "", **one}) for one in answer["switches"] if one["value"] is not None]
    width = max((len(one["place"]) for _, one in rows), default=0)
    for mark, one in rows:
        age = "" if one["age_s"] is None else f"  {one['age_s']:.1f} s ago"
        lines.append(f"  {mark:5} {one['place']:{width}}  {one['name']:13} {_json(one['value'])}{age}")
    ran = (
        "not yet calculated"
        if answer["age_s"] is None
        else f"calculated {answer['runs']} times, {answer['age_s']:.1f} s ago"
    )
    return "\n".join([*lines, f"  {ran}; {answer['when']}"])


def _outcome(state: State) -> dict[str, Any]:
    held = None if state.told.held is MISSING else state.told.held
    return {"value": held, "reason": state.reason}


def _shown(slot: Slot, now_s: float) -> dict[str, Any]:
    place: Reference = slot.place
    if slot.value is MISSING:
        return {"place": str(place), "value": None, "age_s": None}
    return {"place": str(place), "value": slot.value, "age_s": round(now_s - slot.at_s, 3)}


def _off(is_on: bool | None) -> str:
    return "" if is_on is not False else "    switched off"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
