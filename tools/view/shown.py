"""How one value is shown: its text, and whether it can be relied on."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, NamedTuple

NOT_VALID: Final = "not valid"
# What a peer sends may be megabytes long.
_LONGEST: Final = 200
_PREFIXES: Final[dict[float, str]] = {1: "", 1000: "k", 1_000_000: "M"}
_SCALED: Final = frozenset({"W", "var", "VA", "Wh", "varh", "VAh", "A", "V"})


class Tone(StrEnum):
    """What a text means to whoever looks at it."""

    PLAIN = "plain"
    GOOD = "good"
    BUSY = "busy"
    BAD = "bad"
    INVALID = "invalid"
    SILENT = "silent"


class Shown(NamedTuple):
    """A line: what it is, what it shows, and how."""

    label: str
    text: str
    tone: Tone = Tone.PLAIN

    def silenced(self) -> Shown:
        """Return it as it is shown when nobody knows whether it still holds."""
        return self._replace(tone=Tone.SILENT)


def plain(value: object, most: int = _LONGEST) -> str:
    """Return a text that can do a terminal no harm: printable, on one line, `most` characters at most."""
    text = "".join(one if one.isprintable() else " " for one in str(value)[: most + 1])
    return text if len(text) <= most else f"{text[: most - 1]}…"


def text_of(value: Any, unit: str = "") -> str:
    """Return a value with its unit; ``null`` is not valid, and an object counts no more than it can be read."""
    if value is None:
        return NOT_VALID
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{number(value)} {unit}".rstrip()
    return plain(value)


def number(value: float) -> str:
    """Return a number as people read it: five digits are enough, and none is put behind the point for nothing."""
    if not isinstance(value, float):
        return plain(value, 24)
    rounded = float(f"{value:.5g}") + 0.0  # no -0
    return f"{rounded:.0f}" if rounded.is_integer() and abs(rounded) < 1e15 else f"{rounded:g}"


def shown(label: str, value: Any, unit: str = "") -> Shown:
    """Return the line of a value."""
    return Shown(label, text_of(value, unit), Tone.INVALID if value is None else Tone.PLAIN)


def unit_of(parameters: dict[str, Any], otherwise: str = "") -> str:
    """Return the unit that the parameters of a variable give its value.

    ``unit`` is that of the bare quantity and ``scaler`` what the value is multiplied with for it: 500 with ``W`` and
    1000 is 500 kW.
    """
    unit = parameters.get("unit")
    if not isinstance(unit, str) or not unit:
        return otherwise
    scaler = parameters.get("scaler", 1)
    prefix = _PREFIXES.get(scaler, "") if isinstance(scaler, int | float) and unit in _SCALED else ""
    return prefix + plain(unit, 12)


def ago(seconds: float) -> str:
    """Return how long something is ago: ``3 s``, ``12 min``, ``5 h``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
