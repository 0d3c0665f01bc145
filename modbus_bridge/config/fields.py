"""The kinds of values in configuration files, each with its check and what editors are told of it."""

from __future__ import annotations

import math
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, FiniteFloat, WithJsonSchema

from modbus_bridge.config.model import Format, RegisterType
from modbus_bridge.config.order import ranks_of

MAX_ADDRESS: Final = 65535
DAY_MS: Final = 86_400_000
# Less than what a request takes: as often as possible. Still shorter ones are mistakes, and overflow counters.
SHORTEST_MS: Final = 0.01

_FORBIDDEN = frozenset('{}\\/"%')
_TYPES = {
    "holding": RegisterType.HOLDING,
    "holdingregister": RegisterType.HOLDING,
    "input": RegisterType.INPUT,
    "inputregister": RegisterType.INPUT,
    "coil": RegisterType.COIL,
    "discreteinput": RegisterType.DISCRETE,
}


def checked_name(text: str) -> str:
    """Return `text` if it can be a URI segment; unlike the original, spaces are allowed (real maps have them).

    Raises:
        ValueError: it is empty, too long or holds a forbidden character (modbus.md 1.1).
    """
    if not text.strip() or len(text) > 255:
        raise ValueError("expected 1 to 255 characters")
    for character in text:
        if character in _FORBIDDEN or not character.isprintable():
            raise ValueError(f"{text[:60]!r} must not contain {character!r}")
    return text


def _host(value: str) -> str:
    """Return a host; in those of IPv6 there are colons and a percent sign."""
    return checked_name(value.strip().replace("%", "", 1)) and value.strip()


def register_type(text: str) -> RegisterType | None:
    """Return the table that `text` names, in any of the spellings of modbus.md 1.3."""
    return _TYPES.get(text.lower().replace(" ", "").replace("_", "").removesuffix("s"))


def bits_of(text: str) -> int:
    """Return the number that ``0x...`` or ``0b...`` means.

    Raises:
        ValueError: it does not begin so, or is no such number.
    """
    if text[:2].lower() not in ("0x", "0b"):
        raise ValueError(f"{text[:60]!r} must begin with 0x or 0b")
    try:
        return int(text, 0)
    except ValueError:
        raise ValueError(f"{text[:60]!r} is not a hexadecimal or binary number") from None


def _mask(value: object) -> object:
    return bits_of(value) if isinstance(value, str) else value


def _raw_values(value: Any) -> tuple[int, ...]:
    found = value if isinstance(value, list) else [value]
    numbers = tuple(bits_of(item) if isinstance(item, str) else item for item in found)
    if not all(isinstance(item, int) and not isinstance(item, bool) for item in numbers):
        raise ValueError(f"expected whole numbers or texts such as 0xFFFF, got {str(value)[:60]}")
    return numbers


def _bearable(period_ms: float) -> float:
    if period_ms < SHORTEST_MS:
        raise ValueError(f"expected at least {SHORTEST_MS:g} ms, got {period_ms:g}")
    return period_ms


def _words(value: object) -> str:
    """Return what people may read; what is no text helps nobody, and is no reason to lose a register."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return str(value)[:255]
    return value if isinstance(value, str) else ""


def _without_slashes(text: str) -> str:
    return checked_name(text.strip("/"))


def _blank(value: object) -> object:
    return None if value == "" else value


def _format(value: object) -> object:
    try:
        return Format(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError(f"expected naked, clothed or full, got {str(value)[:60]!r}") from None


Name = Annotated[str, AfterValidator(checked_name)]
SystemId = Annotated[str, AfterValidator(_without_slashes)]
# Converters write "" where a cell was empty.
Host = Annotated[Annotated[str, AfterValidator(_host)] | None, BeforeValidator(_blank)]
Text = Annotated[str, BeforeValidator(_words), WithJsonSchema({"type": "string"})]
Mask = Annotated[int, BeforeValidator(_mask), WithJsonSchema({"type": "string", "pattern": "^0[xXbB][0-9a-fA-F]+$"})]
DeviceId = Annotated[int, Field(ge=0, le=255)]
# A day: nothing is polled more seldom, and larger numbers are mistakes.
Milliseconds = Annotated[FiniteFloat, Field(ge=0, le=DAY_MS)]
Period = Annotated[FiniteFloat, Field(gt=0, le=DAY_MS), AfterValidator(_bearable)]
Seconds = Annotated[FiniteFloat, Field(ge=0, le=DAY_MS / 1000)]
Port = Annotated[int, Field(ge=0, le=65535)]
Order = Annotated[
    tuple[int, ...] | None,
    BeforeValidator(ranks_of),
    WithJsonSchema({"type": ["integer", "string"], "examples": [4321, 2143, "21"]}),
]
Shown = Annotated[
    Format | None,
    BeforeValidator(_format),
    WithJsonSchema({"type": "string", "enum": [str(known) for known in Format]}),
]
RawValues = Annotated[
    tuple[int, ...],
    BeforeValidator(_raw_values),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": ["integer", "string"]},
                {"type": "array", "items": {"type": ["integer", "string"]}},
            ],
            "examples": ["0xFFFF", -32768, ["0x7FFF", "0xFFFF"]],
        }
    ),
]
