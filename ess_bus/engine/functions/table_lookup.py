"""CheckTableVar: a value out of a table by two others (engine.md 3.6)."""

from __future__ import annotations

from typing import Final

from ess_bus.engine.functions.registry import Call, Engine, function
from ess_bus.engine.inputs import as_number, is_enabled, put_if_changed, target_at
from ess_bus.engine.signals.lookup import LookupTable, from_cells
from ess_bus.reference import Reference

TABLES: Final = "/tables"
CELLS: Final = "cells"


@function("CheckTableVar", takes_invalid=True)
def check_table_var(call: Call) -> None:
    """Set the variable to what the table ``tableName`` holds for ``tableVar1`` (column) and ``tableVar2`` (row).

    The nearest keys that are not above count, outside the table it is 0; it is not valid where one of the two is not.
    """
    if not is_enabled(call):
        return
    result = None
    try:
        table = lookup_table(call.engine, call.parameter("tableName"))
        column, row = (_operand(call, key) for key in ("tableVar1", "tableVar2"))
        result = None if column is None or row is None else table.at(column, row)
    finally:
        put_if_changed(call.engine, call.place, result)


def _operand(call: Call, key: str) -> float | None:
    place = target_at(call, key)
    if place is None:
        raise ValueError(f"{key}: expected the text /table:name")
    return as_number(call.engine.read(place))


def lookup_table(engine: Engine, name: object) -> LookupTable:
    """Return the table of a file of the configuration, by its name; what is before the last ``/`` does not matter.

    Raises:
        ValueError: there is none, or it is no table.
    """
    if not isinstance(name, str) or not name:
        raise ValueError(f"expected the name of a table's file, got {str(name)[:40]!r}")
    place = Reference(f"{TABLES}/{name.rpartition('/')[2]}", CELLS)
    variable = engine.find(place.table, place.name)
    if variable is None:
        raise ValueError(f"{name[:80]!r}: no such table; expected a file of the configuration, or {str(place)[:80]!r}")
    known = variable.memory.get(CELLS)
    if known is not None and known[0] is variable.value:
        table: LookupTable = known[1]
        return table
    table = from_cells(variable.value)
    variable.memory[CELLS] = (variable.value, table)
    return table
