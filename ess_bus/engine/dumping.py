"""`Dumps`: the map of an engine as a file of tables, which loads to the same map (engine.md 8.2)."""

from __future__ import annotations

from typing import Any, Final, Protocol

import orjson

from ess_bus.engine.cell import Kind
from ess_bus.engine.datamap import DataMap
from ess_bus.engine.links import LINKS
from ess_bus.engine.meaning import ACT
from ess_bus.engine.timing import NEVER
from ess_bus.engine.variable import Variable
from ess_bus.engine.views import ASSETS
from ess_bus.reference import Reference
from ess_bus.uri import is_under, segments

# How often it is asked whether the file is written.
LOOK_S: Final = 0.1


class Writer(Protocol):
    """Writes a file, by itself and in its own time."""

    def begin(self, content: bytes) -> None:
        """Write it in the place of the last one.

        Raises:
            ValueError: the last one is still being written.
        """

    def outcome(self) -> tuple[bool, str] | None:
        """Return whether it was written, and where or why not; ``None`` while it is being written."""


class Host(Protocol):
    """What dumps need of their engine."""

    steady_s: float
    datamap: DataMap

    def warn(self, mistake: str, text: str) -> None:
        """Log a mistake of the configuration, once."""


class Dumps:
    """Writes dumps of one engine; one of its `Timed` parts.

    Args:
        host: the engine.
        writer: puts it into a file.
    """

    def __init__(self, host: Host, writer: Writer) -> None:
        self._host, self._writer = host, writer
        self._asked: list[Variable] = []
        self._due_s = NEVER

    def begin(self, asked: Variable) -> None:
        """Begin to write the map as it is now; the variable that asked for it tells how it went, in ``result``.

        Raises:
            ValueError: the last one is still being written.
        """
        self._writer.begin(dump(self._host.datamap))
        self._asked.append(asked)
        asked.parameters["result"] = "being written"
        self._due_s = self._host.steady_s + LOOK_S

    def due_s(self) -> float:
        """Return when to ask how it went."""
        return self._due_s

    def run(self) -> None:
        """Ask how it went."""
        outcome = self._writer.outcome()
        self._due_s = self._host.steady_s + LOOK_S if outcome is None else NEVER
        if outcome is None:
            return
        for variable in self._asked:
            variable.parameters["result"] = f"ok: {outcome[1]}" if outcome[0] else outcome[1]
        self._asked.clear()
        if not outcome[0]:
            self._host.warn(f"dump {outcome[1]}", f"the map was not written: {outcome[1]}")


def dump(datamap: DataMap) -> bytes:
    """Return the whole map as the JSON text of a configuration.

    Tables come in alphabetical order, those below ``/assets`` in the order in which they were made. A value that is not
    valid has no type when it is loaded again, and loading it runs no actions.
    """
    assets = [table for table in datamap.tables if is_under(table, ASSETS)]
    others = sorted(datamap.tables.keys() - set(assets))
    tables = {table: _table(datamap, table) for table in (*others, *assets)}
    return orjson.dumps({"_dump": True, **tables}, option=orjson.OPT_INDENT_2)


def _table(datamap: DataMap, table: str) -> dict[str, Any]:
    variables = datamap.tables[table]
    names = variables if is_under(table, ASSETS) else sorted(variables)
    return {name: _definition(variables[name]) for name in names if not _is_link(datamap, Reference(table, name))}


def _is_link(datamap: DataMap, place: Reference) -> bool:
    """Tell whether a variable is here only because of a link, which is made again."""
    variable = datamap.tables[place.table][place.name]
    if len(variable.places) < 2 or variable.places[0] == (place.table, place.name):
        return False
    parts = segments(place.table)
    return parts[0] == "status" and datamap.find(f"{LINKS}/{'/'.join(parts[1:])}", place.name) is not None


def _definition(variable: Variable) -> dict[str, Any]:
    parameters = variable.parameters
    found: dict[str, Any] = {name: parameters[name] for name in sorted(parameters)}
    if variable.actions:
        found["actions"] = variable.actions
    if variable.value is False and variable.cell.kind is Kind.UNKNOWN:
        return found  # defined without a value; its first one says of what type it is
    return {"value": variable.value, **found, ACT: False}
