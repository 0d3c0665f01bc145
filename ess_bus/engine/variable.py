"""`Variable`: one value of the data map with its type, parameters and actions (engine.md 2.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from ess_bus.engine.actions import Remap
from ess_bus.engine.numbers import number

# Changes smaller than this are noise (the original's DEF_DEADBAND).
DEADBAND: Final = 1e-8


class Kind(StrEnum):
    """A variable's type; it is fixed by the first value and never changes."""

    UNKNOWN = "unknown"
    NUMBER = "number"
    BOOL = "bool"
    TEXT = "text"


@dataclass(slots=True, eq=False)
class Variable:
    """One object, which links may show in several tables.

    Attributes:
        value: a number, bool, text, list (several set bits of a bit field), or ``None``: not valid now.
        parameters: everything of its definition but ``value`` and ``actions``.
        actions: its definition's ``actions``, as configured.
        remaps: what of them is carried out.
        places: the (table, name) pairs under which it is found.
    """

    kind: Kind = Kind.UNKNOWN
    value: Any = None
    parameters: dict[str, Any] = field(default_factory=dict)
    actions: dict[str, Any] = field(default_factory=dict)
    remaps: tuple[Remap, ...] = ()
    places: list[tuple[str, str]] = field(default_factory=list)

    def set(self, value: Any) -> bool:
        """Take a value that `accept` has returned; tell whether it is a change."""
        if self.kind is Kind.UNKNOWN:
            self.kind = _kind_of(value)
        changed = _differ(self.value, value)
        if changed:
            self.value = value
        return changed

    def accept(self, value: Any) -> Any:
        """Return `value` as this variable would hold it, without setting it.

        Raises:
            ValueError: it is not of this variable's type; the text says what was expected.
        """
        value = _plain(value)
        if value is None or self.kind is Kind.UNKNOWN:
            return value
        if self.kind is Kind.NUMBER and isinstance(value, bool):
            return int(value)
        if self.kind is Kind.BOOL and not isinstance(value, bool) and value in (0, 1):
            return bool(value)
        if _kind_of(value) is not self.kind:
            shown = repr(value)
            raise ValueError(f"expected a {self.kind}, got {shown if len(shown) <= 40 else shown[:37] + '...'}")
        return value


def _plain(value: Any) -> Any:
    """Bring a JSON value into the form in which variables hold it."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return number(value)
    if isinstance(value, list):
        match value:
            # One entry of an enum or a bit field, as modbus_client publishes it, is its text.
            case [{"value": _, "string": str() as text}]:
                return text
        return value
    raise ValueError('expected a value or {"value": ...}, got an object without "value"')


def _kind_of(value: Any) -> Kind:
    if value is None:
        return Kind.UNKNOWN
    if isinstance(value, bool):
        return Kind.BOOL
    return Kind.NUMBER if isinstance(value, int | float) else Kind.TEXT


def _differ(old: Any, new: Any) -> bool:
    numeric = isinstance(old, int | float) and isinstance(new, int | float)
    return abs(old - new) > DEADBAND if numeric else type(old) is not type(new) or old != new
