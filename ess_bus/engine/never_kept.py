"""Which variables are commands: what a restart must never carry out again by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ess_bus.engine.actions.item import Item
from ess_bus.engine.datamap import DataMap
from ess_bus.engine.target import Target
from ess_bus.engine.variable import Variable
from ess_bus.reference import Reference
from ess_bus.uri import segments

# What is in these tables is a command to a device, a request of the site, or starts something by itself.
_TABLES: Final = frozenset(
    {"components", "controls", "control", "site", "sched", "schedule", "system", "reload", "states"}
)
# The records of what has been loaded are about this run.
_RECORDS: Final = frozenset({("config", "load"), ("config", "cfile")})
# Parameters that only let people do something.
_SWITCHES: Final = frozenset({"enabled", "enable", "lock"})
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_COMMANDING: Final = frozenset(
    {"set", "start", "stop", "standby", "run", "on", "off", "open", "close"}
    | {"trip", "shutdown", "clear", "reset", "life"}
)
_ANYWHERE: Final = re.compile("cmd|command|contactor|breaker|set_?point|e_?stop|heart_?beat", re.IGNORECASE)
# All other functions may begin something.
_HARMLESS: Final = frozenset({"CalculateVar", "LogDebug", "LogInfo", "LogIt", "LogWarn", "LogError"})
# As deep as actions may go.
_MAX_DEPTH: Final = 128


def why_command(datamap: DataMap, place: Reference) -> str | None:
    """Return why a variable is a command, or may cause one; ``None`` if it is a mere setting.

    Everything that its actions can reach is looked at, whatever their conditions.
    """
    seen: set[Reference] = set()
    waiting = [(place, 0)]
    while waiting:
        here, depth = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        variable = datamap.find(here.table, here.name)
        reason = _why(here, variable)
        items = list(_items(variable))
        reason = reason or next((why for item in items if (why := _why_item(item)) is not None), None)
        if reason is not None:
            return reason if here == place else f"it sets {here}, and {reason}"
        if depth >= _MAX_DEPTH:
            return f"its actions are more than {_MAX_DEPTH} deep"
        targets = [target.place for item in items for target in _targets(item)]
        waiting += [(target, depth + 1) for target in targets if target.parameter is None]
    return None


def _why(place: Reference, variable: Variable | None) -> str | None:
    shown = [(place.table, place.name), *(variable.shown_at() if variable is not None else ())]
    for table, name in shown:
        parts = segments(table)
        if parts[0] in _TABLES or parts[:2] in _RECORDS:
            return f"{table}:{name} is in a table of commands or device values"
        words = (word.lower() for word in _WORD.findall(name))
        if _ANYWHERE.search(name) or any(word in _COMMANDING for word in words):
            return f"{table}:{name} has the name of a command"
    if variable is not None and variable.parameters.get("type") == "enum_button":
        return "it is a button"
    return None


def _why_item(item: Item) -> str | None:
    if item.message is not None and item.message.method != "get":
        return f"its actions send a {item.message.method}"
    if item.function is not None and item.function not in _HARMLESS:
        return f"its actions call {item.function}"
    for target in _targets(item):
        parameter, root = target.place.parameter, segments(target.place.table)[0]
        if parameter is not None and (root in _TABLES and parameter not in _SWITCHES):
            return f"its actions set {target}"
    return None


def _items(variable: Variable | None) -> Iterator[Item]:
    for step in variable.program if variable is not None else ():
        yield from step.items


def _targets(item: Item) -> Iterator[Target]:
    for target in (item.target, item.default):
        if target is not None:
            yield target
