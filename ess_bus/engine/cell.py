"""`Cell`: what holds a value: its type, and of a word which of its bits are known (engine.md 2.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from ess_bus.engine.numbers import is_number, number
from ess_bus.engine.target import BITS

if TYPE_CHECKING:
    from ess_bus.engine.variable import Variable

# Changes smaller than this are noise (the original's DEF_DEADBAND).
DEADBAND: Final = 1e-8
# Longer than any message of the original; who publishes or keeps more holds everybody up.
MAX_TEXT: Final = 2**20
_ALL_BITS: Final = 2**BITS - 1


class Kind(StrEnum):
    """A value's type. It is fixed by the first value, and only an action may change it later."""

    UNKNOWN = "unknown"
    NUMBER = "number"
    BOOL = "bool"
    TEXT = "text"


# What nearly all values are.
_KINDS: Final[dict[type, Kind]] = {float: Kind.NUMBER, int: Kind.NUMBER, bool: Kind.BOOL, str: Kind.TEXT}


@dataclass(slots=True, eq=False)
class Cell:
    """One value. Variables that a vlink ties together share it.

    Attributes:
        kind: the type of `value`.
        value: a number, bool, text, list (several set bits of a bit field), or ``None``: not valid now.
        variables: those that show it.
        owner: whose result it is, as a verb says it; only that one sets it then, neither the bus nor an action.
        heard: called after each write, changed or not.
    """

    kind: Kind = Kind.UNKNOWN
    value: Any = None
    variables: list[Variable] = field(default_factory=list)
    owner: str = ""
    heard: Callable[[], None] | None = None
    # Where single bits are set and some of them are not known: the word, and a mask of the latter.
    _word: int = 0
    _unknown_bits: int = 0

    def hold(self, value: Any, deadband: float = DEADBAND) -> bool:
        """Take a value that `accept` has returned; tell whether it is a change."""
        if value is not None:
            # Since it was accepted, an action may have made it one of another type.
            self.kind = _KINDS.get(type(value)) or kind_of(value)
        self._unknown_bits = 0
        changed = self.value is not value and _differ(self.value, value, deadband)
        if changed:
            self.value = value
        if self.heard is not None:
            self.heard()
        return changed

    def become(self, value: Any, deadband: float = DEADBAND) -> bool:
        """Take a value of whatever type, as actions may; tell whether it is a change.

        Raises:
            ValueError: it is an object.
        """
        try:
            accepted = self.accept(value)
        except ValueError:
            accepted = plain(value)
        return self.hold(accepted, deadband)

    def hold_bit(self, bit: int, on: bool | None) -> bool:
        """Set or clear a bit (from 0); with ``None`` it is not known, and then neither is the number.

        Raises:
            ValueError: it is not a whole number.
        """
        word, unknown = self._bits()
        word = word | 1 << bit if on else word & ~(1 << bit)
        unknown = unknown | 1 << bit if on is None else unknown & ~(1 << bit)
        self.kind = Kind.NUMBER
        changed = self.hold(None if unknown else word)
        self._word, self._unknown_bits = word, unknown
        return changed

    def bit(self, bit: int) -> bool | None:
        """Return a bit (from 0), ``None`` if it is not known.

        Raises:
            ValueError: it is not a whole number.
        """
        word, unknown = self._bits()
        return None if unknown >> bit & 1 else bool(word >> bit & 1)

    def accept(self, value: Any) -> Any:
        """Return `value` as it would be held, without holding it.

        Raises:
            ValueError: it is not of this type; the text says what was expected.
        """
        kind = self.kind
        if _KINDS.get(type(value)) is kind:
            # Nearly every value is of the type that it was before.
            return number(value) if kind is Kind.NUMBER else value
        value = plain(value)
        if value is None or kind is Kind.UNKNOWN or kind_of(value) is kind:
            return value
        if kind is Kind.NUMBER and isinstance(value, bool):
            return int(value)
        if kind is Kind.BOOL and not isinstance(value, bool) and value in (0, 1):
            return bool(value)
        shown = repr(value)
        raise ValueError(f"expected a {kind}, got {shown if len(shown) <= 40 else shown[:37] + '...'}")

    def _bits(self) -> tuple[int, int]:
        """Return (word, mask of the bits that are not known)."""
        value = self.value
        if self._unknown_bits:
            return self._word, self._unknown_bits
        if self.kind is Kind.UNKNOWN:
            return 0, 0  # a word that was never set
        if value is None:
            return 0, _ALL_BITS
        if not is_number(value) or value != int(value):
            raise ValueError(f"expected a whole number to have bits, it holds {str(value)[:40]!r}")
        return int(value), 0


def plain(value: Any) -> Any:
    """Bring a JSON value into the form in which variables hold it.

    Raises:
        ValueError: it is an object, or too long a text.
    """
    kind = type(value)
    if kind is str:
        if len(value) > MAX_TEXT:
            raise ValueError(f"a text of {len(value)} characters; expected {MAX_TEXT} at most")
        return value
    if value is None or kind is bool:
        return value
    if kind is float or kind is int:
        return number(value)
    if isinstance(value, list):
        match value:
            # One entry of an enum or a bit field, as modbus_client publishes it, is its text.
            case [{"value": _, "string": str() as text}]:
                return text
        return value
    raise ValueError('expected a value or {"value": ...}, got an object without "value"')


def kind_of(value: Any) -> Kind:
    """Return the type of a plain value."""
    known = _KINDS.get(type(value))
    if known is not None:
        return known
    if value is None:
        return Kind.UNKNOWN
    return Kind.NUMBER if isinstance(value, int | float) else Kind.TEXT


def _differ(old: Any, new: Any, deadband: float) -> bool:
    if is_number(old) and is_number(new):
        return abs(old - new) > deadband
    return type(old) is not type(new) or bool(old != new)
