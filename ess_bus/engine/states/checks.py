"""Looking at what a check says: true, false or not known, and what was found, in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Protocol

from ess_bus.engine.states.model import Check, Of
from ess_bus.expression import EvaluationError, Expression
from ess_bus.reference import Reference

_OPERAND: Final = re.compile(r"\{([^{}]*)\}")
_TABLES: Final = {
    "": "/status/{}",
    "controls": "/controls/{}",
    "ui": "/assets/{}/summary",
    "option": "/states/{}",
}
_ANY: Final = frozenset({Of.ANY_BMS, Of.ANY_PCS})


@dataclass(frozen=True, slots=True)
class Operand:
    """One variable of a check, whatever the asset.

    Attributes:
        table: with ``{}`` for the asset.
        name: the variable.
        of_ess: it is one of the ESS to which the asset belongs.
        optional: what is not there or not valid counts as false.
        or_absent: what is not there counts as false.
    """

    table: str
    name: str
    of_ess: bool
    optional: bool
    or_absent: bool = False

    @property
    def is_option(self) -> bool:
        """Whether it is an option of the machine."""
        return self.table == _TABLES["option"]

    def place(self, asset: str) -> Reference:
        """Return where it is for an asset."""
        return _place(self.table, self.name, asset)


@dataclass(frozen=True, slots=True)
class Finding:
    """What came out: `truth` is ``None`` if it is not known; `found` says why it is not true."""

    truth: bool | None
    found: str = ""


_GOOD: Final = Finding(True)


class World(Protocol):
    """What checks look at: one machine's view of the variables."""

    def assets(self, of: Of) -> tuple[str, ...]:
        """Return the assets that a check is about."""

    def ess_of(self, asset: str) -> str | None:
        """Return the ESS that an asset belongs to."""

    def value(self, asset: str, operand: Operand) -> Any:
        """Return a value; ``None`` if it is not valid or not there."""


def look(check: Check, world: World) -> Finding:
    """Return whether a check holds now."""
    assets = world.assets(check.of)
    if len(assets) == 1:
        return _look_at(check, assets[0], world)
    findings = [_look_at(check, asset, world) for asset in assets]
    # One that is false decides for all of "every", one that is true for all of "any".
    decisive = check.of in _ANY
    for truth in (decisive, None, not decisive):
        found = [finding.found for finding in findings if finding.truth is truth]
        if found:
            return Finding(truth, "; ".join(found))
    return Finding(not decisive)


def first_failing(checks: Iterable[Check], world: World) -> tuple[Check, Finding] | None:
    """Return the first check that does not hold, or is not known, and what was found."""
    for check in checks:
        finding = look(check, world)
        if finding.truth is not True:
            return check, finding
    return None


def complaint(check: Check, finding: Finding) -> str:
    """Say in words what was expected and what was found."""
    return f"expected: {check.words}; found: {finding.found}" if finding.found else f"expected: {check.words}"


def places(check: Check, world: World) -> Iterator[Reference]:
    """Yield the variables that a check looks at."""
    for asset in world.assets(check.of):
        for operand in compiled(check.expression)[1]:
            owner = world.ess_of(asset) if operand.of_ess else asset
            if owner is not None:
                yield operand.place(owner)


@lru_cache(maxsize=1024)
def compiled(text: str) -> tuple[Expression, tuple[Operand, ...]]:
    """Return the expression of a check with numbered operands, and what these are."""
    operands: list[Operand] = []

    def numbered(found: re.Match[str]) -> str:
        operand = _operand(found[1])
        if operand not in operands:
            operands.append(operand)
        return f"{{{operands.index(operand) + 1}}}"

    return Expression.parse(_OPERAND.sub(numbered, text), None), tuple(operands)


def _operand(text: str) -> Operand:
    of_ess = text.startswith("ess ")
    table, _, name = text.removeprefix("ess ").rpartition(":")
    return Operand(_TABLES[table], name.rstrip("?!"), of_ess, name.endswith("?"), name.endswith("!"))


# Machines ask for the same few places over and over.
@lru_cache(maxsize=4096)
def _place(table: str, name: str, asset: str) -> Reference:
    return Reference(table.format(asset), name)


def _look_at(check: Check, asset: str, world: World) -> Finding:
    expression, operands = compiled(check.expression)
    values: list[Any] = []
    for operand in operands:
        owner = world.ess_of(asset) if operand.of_ess else asset
        value = None if owner is None else world.value(owner, operand)
        values.append(False if value is None and operand.optional else value)
    try:
        result = expression.evaluate(values)
        truth = bool(result) if result in (0, 1) else None
    except EvaluationError:
        truth = None
    # What is as it should be, as nearly everything is, needs no words.
    return _GOOD if truth is True and check.of not in _ANY else Finding(truth, _found(operands, values, asset, world))


def _found(operands: Iterable[Operand], values: Iterable[Any], asset: str, world: World) -> str:
    named: list[str] = []
    for operand, value in zip(operands, values, strict=True):
        if not operand.is_option:
            owner = world.ess_of(asset) if operand.of_ess else asset
            named.append(f"{operand.name} of {owner or 'no ESS'} is {_shown(value)}")
    return ", ".join(named)


def _shown(value: Any) -> str:
    if value is None:
        return "not valid"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:40]
