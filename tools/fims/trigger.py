"""What ``fims_trigger`` measures: the time from one message to another (fims.md A6, B6). No socket, no clock."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal, DecimalException
from typing import Any, Final

from ess_bus.message import Message
from ess_bus.uri import check, join, relative, segments
from ess_bus.values import assignments, naked

# The original compares what is left of a value after three decimals. The precision holds the largest float.
_THOUSANDTH: Final = Decimal("0.001")
_EXACT: Final = Context(prec=400, rounding=ROUND_DOWN)
_METHODS: Final = {"-p": "pub", "-s": "set"}
COMPARISONS: Final[dict[str, tuple[str, Callable[[Decimal, Decimal], bool]]]] = {
    "-e": ("=", operator.eq),
    "-g": (">=", operator.ge),
    "-l": ("<=", operator.le),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A pub or set of one variable whose value compares as wanted.

    Attributes:
        method: ``pub`` or ``set``.
        uri: the variable.
        comparison: ``-e``, ``-g`` or ``-l``.
        value: what to compare with, truncated to three decimals.
    """

    method: str
    uri: str
    comparison: str
    value: Decimal

    @property
    def target(self) -> str:
        """Where its messages are sent: a variable is set by itself, and published with its neighbours, one level up."""
        return join(segments(self.uri)[:-1]) if self.method == "pub" else self.uri

    def __str__(self) -> str:
        return f"{self.method} of {self.uri} {COMPARISONS[self.comparison][0]} {self.value.normalize():f}"

    def is_met_by(self, message: Message) -> bool:
        """Tell whether this message is it."""
        if message.method != self.method:
            return False
        found = _value_in(message, self)
        return found is not None and COMPARISONS[self.comparison][1](found, self.value)


def condition(flag: str, uri: str, comparison: str, value: str) -> Condition:
    """Return the condition that was typed as ``-p URI -e VALUE``.

    Raises:
        ValueError: the URI cannot be routed or names no variable, or the value is no number.
    """
    if not segments(check(uri)):
        raise ValueError(f"{flag} {uri}: expected the URI of a variable")
    try:
        limit = _truncated(Decimal(value))
    except DecimalException:
        limit = Decimal("nan")
    if not limit.is_finite():
        raise ValueError(f"{comparison} {value!r}: expected a number")
    return Condition(_METHODS[flag], uri, comparison, limit)


class Measurement:
    """Waits for the first condition, then for the second.

    Attributes:
        elapsed_s: the time between them, once both were met.
        awaited: the condition that is waited for.
    """

    def __init__(self, first: Condition, second: Condition) -> None:
        self.awaited = first
        self.elapsed_s: float | None = None
        self._second = second
        self._started: float | None = None

    def feed(self, message: Message, now: float) -> str | None:
        """Take a message that arrived `now`; return the line to print if it was what we waited for."""
        if self.elapsed_s is not None or not self.awaited.is_met_by(message):
            return None
        if self._started is None:
            self._started, self.awaited = now, self._second
            return "URI 1 received - START TIMER "
        self.elapsed_s = now - self._started
        return "URI 2 received - STOP TIMER "


def _value_in(message: Message, wanted: Condition) -> Decimal | None:
    try:
        value = _value_of(message, wanted)
        # A truth is 1 or 0, as it is to every comparison of numbers.
        return _truncated(Decimal(str(+value))) if isinstance(value, int | float) else None
    except (ValueError, DecimalException):
        return None


def _value_of(message: Message, wanted: Condition) -> Any:
    """Return the value that a message gives to the variable, naked, or ``None``."""
    if wanted.method == "set":
        return naked(message.json()) if relative(message.uri, wanted.uri) == () else None
    path = relative(message.uri, wanted.target)
    name = segments(wanted.uri)[-1]
    return assignments(path, message.json()).get(name) if path in ((), (name,)) else None


def _truncated(value: Decimal) -> Decimal:
    return value.quantize(_THOUSANDTH, context=_EXACT)
