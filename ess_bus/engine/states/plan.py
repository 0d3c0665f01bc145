"""Which machines a configuration asks for, which of them belong together, and what is wrong with that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ess_bus.engine.datamap import DataMap
from ess_bus.engine.states.bms import BMS
from ess_bus.engine.states.ess import ESS
from ess_bus.engine.states.group import Group
from ess_bus.engine.states.model import Table
from ess_bus.engine.states.options import KIND, STATES, listed, options_of, problems
from ess_bus.engine.states.pcs import PCS

TABLES: Final[dict[str, Table]] = {table.kind: table for table in (ESS, BMS, PCS)}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is wanted.

    Attributes:
        tables: asset -> what it obeys; an ESS before its devices, so that it has the first word in a turn.
        groups: which of them belong together.
        problems: what is wrong, one line each; what they are about is left out.
    """

    tables: Mapping[str, Table]
    groups: tuple[Group, ...]
    problems: tuple[str, ...]


def asked_of(datamap: DataMap) -> dict[str, dict[str, Any]]:
    """Return asset -> name -> value of the tables ``/states/<asset>`` that ask for a machine."""
    return {
        table.removeprefix(f"{STATES}/"): {name: variable.value for name, variable in variables.items()}
        for table, variables in datamap.below(STATES)
        if KIND in variables and table.count("/") == STATES.count("/") + 1
    }


def plan(asked: Mapping[str, Mapping[str, Any]], running: Sequence[Group] = ()) -> Plan:
    """Return what the tables ``/states/<asset>`` ask for.

    Args:
        asked: asset -> name -> value of its table.
        running: ESS with their devices that exist already, and stay as they are.
    """
    wrong: list[str] = []
    tables: dict[str, Table] = {}
    for asset, given in asked.items():
        table = TABLES.get(str(given.get(KIND)))
        if table is None:
            wrong.append(f"{STATES}/{asset}: {KIND}: expected {', '.join(TABLES)}, got {str(given.get(KIND))[:40]!r}")
            continue
        tables[asset] = table
        wrong += [f"{STATES}/{asset}:{problem}" for problem in problems(table, given)]
    taken = {asset for group in running for asset in group.members}
    free = {asset: table for asset, table in tables.items() if asset not in taken}
    groups = [*running, *_groups(free, asked, wrong)]
    wanted = [asset for group in groups for asset in group.members]
    return Plan({asset: tables[asset] for asset in wanted if asset in tables}, tuple(groups), tuple(wrong))


def _groups(tables: Mapping[str, Table], asked: Mapping[str, Mapping[str, Any]], wrong: list[str]) -> list[Group]:
    groups: list[Group] = []
    taken: set[str] = set()
    for asset in (asset for asset, table in tables.items() if table is ESS):
        group = _group(asset, tables, options_of(ESS, asked[asset]), wrong)
        twice = [] if group is None else sorted(taken & set(group.members))
        if twice:
            wrong.append(f"{STATES}/{asset}: {', '.join(twice)} belong to another ESS already; left out")
        elif group is not None:
            groups.append(group)
            taken.update(group.members)
    for asset, table in tables.items():
        if table is not ESS and asset not in taken:
            groups.append(Group(None, (asset,), ()) if table is BMS else Group(None, (), (asset,)))
    return groups


def _group(asset: str, tables: Mapping[str, Table], options: Mapping[str, Any], wrong: list[str]) -> Group | None:
    members: dict[str, tuple[str, ...]] = {}
    for table in (BMS, PCS):
        every = tuple(name for name, other in tables.items() if other is table)
        named = listed(options[table.kind]) or every
        unknown = [name for name in named if name not in every]
        if unknown or not named:
            missing = unknown[0] if unknown else f"<{table.kind}>"
            wrong.append(
                f'{STATES}/{asset}: expected a table {STATES}/{missing} with "{KIND}": "{table.kind}"; left out'
            )
            return None
        members[table.kind] = tuple(dict.fromkeys(named))
    return Group(asset, members[BMS.kind], members[PCS.kind])
