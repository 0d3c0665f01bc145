"""`bit_strings`: the names of values and bits, in every form of element (modbus.md 1.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modbus_bridge.config.entries import PointEntry
from modbus_bridge.config.fields import checked_name
from modbus_bridge.config.findings import Findings
from modbus_bridge.config.model import Kind
from modbus_bridge.config.place import Place

_MAX_ENUMS = 255


class StringsError(ValueError):
    """An element of `bit_strings` cannot be used; `index` is its place, ``None`` is all of them."""

    def __init__(self, index: int | None, reason: str) -> None:
        super().__init__(reason)
        self.index = index


def strings_of(entry: PointEntry, kind: Kind, width: int, place: Place, findings: Findings) -> Mapping[int, str] | None:
    """Return value or bit number -> text, or ``None`` after noting why the entry cannot be used.

    A text counts on from the element before it, ``{"value": n, "string": s}`` names its number, ``null`` skips one and
    ``{"IGNORE": n}`` skips n.
    """
    place = place.at("bit_strings")
    try:
        strings = numbered(entry.bit_strings, kind, width)
        if not strings:
            raise StringsError(None, f"{kind} needs at least one string")
        _check_names(strings, kind)
    except StringsError as error:
        # Said by name: the place alone reads as if one string were missing, and the rest were read.
        reason = f"{error}, so {entry.id!r} is not read at all"
        findings.leave_out(place if error.index is None else place.at(error.index), reason)
        return None
    for index, message, instead in _original(entry.bit_strings, kind):
        findings.tolerate(place.at(index), message, instead)
    if kind is Kind.ENUM and len(strings) > _MAX_ENUMS:
        findings.strictly(place, f"{len(strings)} strings are more than {_MAX_ENUMS}")
    return strings


def known_strings(entry: PointEntry, kind: Kind, width: int, place: Place, findings: Findings) -> Mapping[int, str]:
    """Return value or bit number -> text for a server, which can do without (modbus.md 2.2)."""
    try:
        strings = numbered(entry.bit_strings, kind, width)
        _check_names(strings, kind)
    except StringsError as error:
        where = place.at("bit_strings")
        findings.warn(where if error.index is None else where.at(error.index), f"not used: {error}")
        return {}
    return strings


def numbered(elements: list[Any], kind: Kind, width: int) -> dict[int, str]:
    """Return number -> text.

    Raises:
        StringsError: an element is of no known form, or its number cannot be.
    """
    strings: dict[int, str] = {}
    number = 0
    for index, element in enumerate(elements):
        match element:
            case str():
                text: str | None = element
            case {"value": bool()}:
                raise StringsError(index, "expected a number as value")
            case {"value": int(number), "string": str(text)}:
                pass
            case None:
                text = None
            case {"IGNORE": int(skipped)} if not isinstance(skipped, bool) and 0 <= skipped <= 65536:
                number += skipped
                continue
            case _:
                raise StringsError(index, "expected a string, null or a value with a string")
        if text is not None:
            if problem := _number_problem(number, kind, width, strings):
                raise StringsError(index, problem)
            strings[number] = text
        number += 1
    return strings


def _number_problem(number: int, kind: Kind, width: int, strings: Mapping[int, str]) -> str | None:
    if number in strings:
        return f"the number {number} has a string already"
    if kind is not Kind.ENUM and not 0 <= number < width:
        return f"bit {number} is outside of {width} bits"
    return None


def _check_names(strings: Mapping[int, str], kind: Kind) -> None:
    if kind is not Kind.INDIVIDUAL_BITS:
        return
    for name in strings.values():
        try:
            checked_name(name)
        except ValueError as error:
            raise StringsError(None, str(error)) from None
    if len(set(strings.values())) < len(strings):
        raise StringsError(None, "two bits have the same name")


def _original(elements: list[Any], kind: Kind) -> Iterator[tuple[int, str, str]]:
    """Yield what the original refuses though it can be understood."""
    for index, element in enumerate(elements):
        if element is None and kind is Kind.ENUM:
            yield index, "null in an enum", "taken as a value without a string"
        elif isinstance(element, dict) and "IGNORE" in element:
            yield index, "IGNORE is not known to the original", "skipped"
