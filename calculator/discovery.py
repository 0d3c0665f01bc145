"""Finding the calculators among the tables of an engine: definitions, wake lists and links in, calculations out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from calculator.calculation import DEFAULT_RATE_S, Aliases, Calculation
from calculator.definition import PLACEHOLDER, Schedule, calculation, is_calculator, switch
from calculator.graph import ordered
from calculator.operands import Tree
from ess_bus.assets import asset_of
from ess_bus.errors import Problem
from ess_bus.reference import Reference
from ess_bus.uri import is_under, segments
from ess_bus.values import naked

Tables = Mapping[str, Mapping[str, Any]]

WAKE_MONITOR: Final = "/schedule/wake_monitor"
LINKS: Final = "/links"
VLINKS: Final = "/vlinks"
FUNCTION: Final = "CalculateVar"
COMMAND: Final = "HandleCmd"
# What is in these tables is about variables, and no calculator.
_ABOUT: Final = ("/schedule", "/sched", "/templates", "/config", LINKS, VLINKS)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found.

    Attributes:
        calculations: the calculators, also those with a problem, each behind those whose results it uses.
        templates: those of templates, as far as they can be understood before anything is put in.
        aliases: place -> the variable that it shows (links), to the end of each chain.
        warnings: what concerns no single calculator.
    """

    calculations: tuple[Calculation, ...] = ()
    templates: tuple[Calculation, ...] = ()
    aliases: Aliases = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()


def discover(tables: Tables, tree: Tree, engine: str = "ess", *, live: bool = False) -> Found:
    """Find the calculators.

    Args:
        tables: table -> variable -> its definition, or its bare value.
        tree: the assets.
        engine: the engine's name.
        live: whether the tables are what the engine shows, with its links made.
    """
    warnings: list[Problem] = []
    aliases, links = linked(tables, live=live)
    schedules = {aliases.get(place, place): found for place, found in _schedules(tables, warnings)}
    commands = {aliases.get(place, place) for place in _commands(tables)}
    calculations: list[Calculation] = []
    templates: list[Calculation] = []
    for table, members in sorted(tables.items()):
        if any(is_under(table, root) for root in _ABOUT):
            continue
        for name, definition in sorted(members.items()):
            place = Reference(table, name)
            if not isinstance(definition, Mapping) or not is_calculator(definition) or place in links:
                continue
            schedule, calls = schedules.pop(place, None), _calls(definition)
            if place in commands or COMMAND in calls:
                continue
            asset = calls.get(FUNCTION) or asset_of(table, engine)
            if _is_template(place, definition):
                filled = _filled_tree(tree, definition)
                templates.append(calculation(place, _filled(definition), asset, schedule, filled))
            else:
                calculations.append(calculation(place, definition, asset, schedule, tree))
    for place, schedule in sorted(schedules.items()):
        if not PLACEHOLDER.search(str(place)):
            warnings.append(Problem(f"{schedule.table}: {place}", "no such calculator"))
    return Found(tuple(ordered(calculations, aliases)), tuple(templates), aliases, tuple(warnings))


def linked(tables: Tables, *, live: bool) -> tuple[Aliases, set[Reference]]:
    """Return place -> variable of all links and vlinks, and which places are links, that is, no variables themselves.

    What runs in a circle is left out, as the engine does; what the engine does not show as linked is, too.
    """
    found = [(place, target, is_link) for place, target, is_link in _links(tables) if place != target]
    if live:
        found = [link for link in found if _is_shown(tables, *link)]
    targets = {place: target for place, target, _ in found}
    ends = _ends(targets)
    return ends, {place for place, _, is_link in found if is_link and place in ends}


def _ends(targets: Mapping[Reference, Reference]) -> Aliases:
    """Return where each chain ends; each step is made once, however long they are."""
    found: dict[Reference, Reference | None] = {}
    for place in targets:
        trail: dict[Reference, None] = {}
        here = place
        while here in targets and here not in found and here not in trail:
            trail[here] = None
            here = targets[here]
        end = None if here in trail else found.get(here, here)
        found.update(dict.fromkeys(trail, end))
    return {place: end for place, end in found.items() if end is not None}


def concerns_all(table: str) -> bool:
    """Tell whether what is in a table says how variables are named or when they are calculated."""
    return any(is_under(table, root) for root in (WAKE_MONITOR, LINKS, VLINKS))


def _is_shown(tables: Tables, place: Reference, target: Reference, is_link: bool) -> bool:
    here, there = (tables.get(one.table, {}).get(one.name) for one in (place, target))
    return here is not None and (here == there if is_link else naked(here) == naked(there))


def _links(tables: Tables) -> Iterator[tuple[Reference, Reference, bool]]:
    for table, members in tables.items():
        if not is_under(table, LINKS) and not is_under(table, VLINKS):
            continue
        for name, entry in members.items():
            shown = entry if isinstance(entry, Mapping) else {}
            value = naked(entry)
            other = next((shown[key] for key in ("linkvar", "lval", "vlink") if key in shown), value)
            try:
                if is_under(table, VLINKS):
                    yield Reference.parse(str(value)), Reference.parse(str(other)), False
                else:
                    target = value if isinstance(value, str) and value.startswith("/") else other
                    place = Reference(f"/status/{'/'.join(segments(table)[1:])}", name)
                    yield place, Reference.parse(str(target)), True
            except ValueError:
                continue  # the engine names it


def _schedules(tables: Tables, warnings: list[Problem]) -> Iterator[tuple[Reference, Schedule]]:
    for table, members in sorted(tables.items()):
        if not is_under(table, WAKE_MONITOR) or table == WAKE_MONITOR:
            continue
        for text, entry in sorted(members.items()):
            if not isinstance(entry, Mapping) or entry.get("func") != FUNCTION:
                continue
            try:
                yield Reference.parse(text), _schedule(table, entry)
            except ValueError as error:
                warnings.append(Problem(f"{table}: {text}", f"{error}; passed over"))


def _schedule(table: str, entry: Mapping[str, Any]) -> Schedule:
    rate = entry.get("rate", DEFAULT_RATE_S)
    if not isinstance(rate, int | float) or isinstance(rate, bool) or not 0 <= rate < 1e9:
        raise ValueError(f"rate: expected seconds, got {str(rate)[:40]!r}")
    return Schedule(table, segments(table)[-1], switch(entry.get("enable", True), "enable"), float(rate))


def _calls(definition: Mapping[str, Any]) -> dict[str, str]:
    """Return function -> asset of all functions that a variable's own actions call."""
    found: dict[str, str] = {}
    waiting = [definition.get("actions")]
    while waiting:
        here = waiting.pop()
        if isinstance(here, list):
            waiting += here
        elif isinstance(here, Mapping):
            function, asset = here.get("func"), here.get("amap")
            if isinstance(function, str):
                found[function] = asset if isinstance(asset, str) else ""
            waiting += [inner for inner in here.values() if isinstance(inner, list | dict)]
    return found


def _commands(tables: Tables) -> Iterator[Reference]:
    """Yield the commands that lists and schedules name: they have a condition of their own, and are no results."""
    for table, members in tables.items():
        if not is_under(table, "/schedule") and not is_under(table, "/sched"):
            continue
        for name, entry in members.items():
            if isinstance(entry, Mapping) and COMMAND in (entry.get("func"), entry.get("fcn")):
                try:
                    yield Reference.parse(str(entry.get("targ", name)))
                except ValueError:
                    continue  # the engine names it


def _is_template(place: Reference, definition: Mapping[str, Any]) -> bool:
    if PLACEHOLDER.search(str(place)):
        return True
    return any(isinstance(text, str) and PLACEHOLDER.search(text) for text in definition.values())


def _filled(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Put something into an expression, so that the rest of it can be checked."""
    expression = definition.get("expression")
    if not isinstance(expression, str):
        return dict(definition)
    return {**definition, "expression": PLACEHOLDER.sub("1", expression)}


def _filled_tree(tree: Tree, definition: Mapping[str, Any]) -> Tree:
    """Let managers that a template has still to name have one asset, so that the operands can be counted."""
    texts = [text for text in definition.values() if isinstance(text, str)]
    missing = {found[0] for text in texts for found in [re.match(rf"(?:{PLACEHOLDER.pattern})(?=:)", text)] if found}
    return Tree({**tree.children, **{name: (name,) for name in missing}})
