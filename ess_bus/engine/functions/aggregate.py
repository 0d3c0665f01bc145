"""AggregateManager: smallest and largest value among the instances of a manager (engine.md 3.6)."""

from __future__ import annotations

from ess_bus.engine import assets
from ess_bus.engine.functions.registry import Call, Engine, function
from ess_bus.engine.inputs import as_number, is_enabled, usual, value_of


@function("AggregateManager", takes_invalid=True)
def aggregate_manager(call: Call) -> None:
    """Show in parameters which instance has the smallest and the largest value of ``selectVal``, and how many count.

    Those count that have a value above 0 and whose variable ``Enable_<selectVal>``, if there is one, is true.
    ``NumInvalid_<selectVal>`` says how many are not valid.
    """
    if not is_enabled(call):
        return
    name = call.parameter("selectVal", call.variable.value)
    if not isinstance(name, str) or not name or "/" in name:
        raise ValueError(f"selectVal: expected the name of a variable, got {str(name)[:40]!r}")
    known = assets.managers(call.engine.datamap, call.engine.name)
    children = known.get(call.asset, [])
    if call.asset == call.engine.name:
        children = [*children, *(manager for manager in known if manager != call.asset)]
    found: dict[str, float] = {}
    invalid = 0
    for child in children:
        value = value_of(call.engine, usual(call.engine, "status", child, name), 0)
        if not _counts(call.engine, child, name):
            continue
        number = as_number(value)
        invalid += number is None
        if number is not None and number > 0:
            found[child] = number
    smallest, largest = min(found, key=found.__getitem__, default=None), max(found, key=found.__getitem__, default=None)
    call.keep(
        **{
            f"MinVal_{name}": None if smallest is None else found[smallest],
            f"MinName_{name}": smallest,
            f"MaxVal_{name}": None if largest is None else found[largest],
            f"MaxName_{name}": largest,
            f"Num_{name}": len(found),
            f"NumInvalid_{name}": invalid,
        }
    )


def _counts(engine: Engine, child: str, name: str) -> bool:
    return bool(value_of(engine, usual(engine, "status", child, f"Enable_{name}"), True))
