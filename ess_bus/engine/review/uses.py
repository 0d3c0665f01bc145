"""`Use`: one place of a configuration that names a variable, and what for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from ess_bus.engine.actions.item import Item
from ess_bus.engine.assets import asset_of
from ess_bus.engine.datamap import DataMap
from ess_bus.engine.links import LINKS, VLINKS, is_note, link, vlink
from ess_bus.engine.target import Target
from ess_bus.engine.variable import Variable
from ess_bus.reference import Reference
from ess_bus.uri import segments

READS: Final = "an action reads what no file defines"
SETS: Final = "an action sets what no file defines"
SWITCH: Final = "a switch (enable) that no file defines"
LINK: Final = "a link to what no file defines"
VLINK: Final = "a vlink to what no file defines"
OPERAND: Final = "an operand that no file defines"
SCHEDULE: Final = "a schedule of what no file defines"
# Parameters of functions that name a variable where their value is a reference.
_NAMING: Final = frozenset(
    {"enable", "targ", "targav", "vecAv", "cmdVar", "triggerCmd", "SlewedVal", "fromVar", "toVar"}
)


class Use(NamedTuple):
    """That `where` names `target`; `kind` says what for."""

    where: Reference
    kind: str
    target: Reference


def uses(datamap: DataMap, root: str) -> Iterator[Use]:
    """Yield what the variables of a map name.

    Args:
        datamap: with the definitions of a configuration.
        root: the engine's name.
    """
    for table, variables in datamap.tables.items():
        for name, variable in variables.items():
            where = Reference(table, name)
            yield from _of_actions(where, variable)
            yield from _of_parameters(where, variable, root)
            yield from _of_lists(where, variable)


def _of_actions(where: Reference, variable: Variable) -> Iterator[Use]:
    for step in variable.program:
        for item in step.items:
            for kind, target in _of_item(item):
                yield Use(where, kind, target.place._replace(parameter=None))


def _of_item(item: Item) -> Iterator[tuple[str, Target]]:
    condition, output = item.condition, item.output
    if isinstance(condition.enable, Target):
        yield SWITCH, condition.enable
    read = (condition.input, condition.value_at, condition.ignored_at, output.value_at, output.else_at)
    for target in (*read, item.low_at, item.high_at):
        if target is not None:
            yield READS, target
    for target in (item.target if item.message is None else None, item.default):
        if target is not None:
            yield SETS, target


def _of_parameters(where: Reference, variable: Variable, root: str) -> Iterator[Use]:
    parameters = variable.parameters
    for key in _NAMING & parameters.keys():
        if (found := _reference(parameters[key])) is not None:
            yield Use(where, SWITCH if key == "enable" else OPERAND, found)
    if "operation" in parameters or parameters.get("useExpr"):
        asset = asset_of(where.table, root)
        for key, value in parameters.items():
            if key.startswith("variable") and key[8:].isdigit() and (found := operand(value, asset)) is not None:
                yield Use(where, OPERAND, found)


def operand(given: Any, asset: str) -> Reference | None:
    """Return what a calculator's operand names; ``None`` for others (``bms:SOC``: of all racks)."""
    if not isinstance(given, str) or not given:
        return None
    if given.startswith("/"):
        return _reference(given)
    return None if ":" in given or "@" in given else Reference(f"/status/{asset}", given)


def _of_lists(where: Reference, variable: Variable) -> Iterator[Use]:
    root, *rest = segments(where.table)
    try:
        match root:
            case "links" if rest and not is_note(where.name):
                yield Use(where, LINK, link(variable.value, variable.parameters))
            case "vlinks" if rest and not is_note(where.name):
                for one in vlink(variable.value, variable.parameters):
                    yield Use(where, VLINK, one)
            case "schedule" if rest[:1] == ["wake_monitor"] and (found := _reference(where.name)) is not None:
                yield Use(where, SCHEDULE, found)
            case "sched" if (found := _reference(variable.parameters.get("uri"))) is not None:
                yield Use(where, SCHEDULE, found)
    except ValueError:
        return  # the reader has named it


def _reference(given: Any) -> Reference | None:
    if not isinstance(given, str) or not given.startswith("/"):
        return None
    try:
        return Target.parse(given).place._replace(parameter=None)
    except ValueError:
        return None


def follows_links(datamap: DataMap) -> set[Reference]:
    """Return the places that are there because of a link: ``/status/bms:SOC`` for ``/links/bms:SOC``."""
    return {
        Reference(f"/status/{table.removeprefix(LINKS + '/')}", name)
        for table, entries in datamap.tables.items()
        if table.startswith(LINKS + "/")
        for name in entries
    } | {
        use.target
        for table, entries in datamap.tables.items()
        if table.startswith(VLINKS + "/")
        for name, entry in entries.items()
        for use in list(_of_lists(Reference(table, name), entry))[:1]
    }
