"""Several variables in one register: `packed_register` with `bit_ranges`, and the older `individual_enums`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from modbus_bridge.config import keys
from modbus_bridge.config.fields import bits_of
from modbus_bridge.config.findings import Findings
from modbus_bridge.config.place import Place
from modbus_bridge.config.templates import Copy, unfilled

# What a part does not take from the register that it lies in.
_OWN: Final = frozenset(
    {"id", "name", "packed_register", "bit_ranges", "bit_strings", "bit_field", "individual_bits", "enum"}
    | {"random_enum", "enum_field", "individual_enums", "starting_bit_pos", "number_of_bits"}
)


def entries_of(copy: Copy, findings: Findings) -> list[tuple[Any, Place]]:
    """Return the entries that one stands for: none if it is switched off, itself, or one for each part of its register.

    What cannot be used is noted.
    """
    data, place = copy.data, copy.place
    if keys.is_disabled(data):
        findings.disabled(place)
        return []
    if left := unfilled(data):
        findings.leave_out(place, f"nothing counts in {left!r}; expected a repeat with this counter")
        return []
    if not isinstance(data, dict):
        return [(data, place)]
    if data.get("enum_field"):
        findings.leave_out(place, "enum_field: the parts of the register have no names")
        return []
    if data.get("individual_enums"):
        parts = _enums(data.get("bit_strings"), place.at("bit_strings"), findings)
    elif data.get("packed_register"):
        parts = _ranges(data.get("bit_ranges"), place.at("bit_ranges"), findings)
    else:
        return [(data, place)]
    shared = {key: value for key, value in data.items() if key not in _OWN}
    return [(shared | {"size": data.get("size", 1)} | part, where) for part, where in parts]


def _ranges(ranges: Any, place: Place, findings: Findings) -> list[tuple[dict[str, Any], Place]]:
    if not isinstance(ranges, list) or not ranges:
        findings.leave_out(place, "expected a list of the parts of the register")
        return []
    found: list[tuple[dict[str, Any], Place]] = []
    for index, part in enumerate(ranges):
        where = place.at(index)
        if not isinstance(part, dict):
            findings.leave_out(where, "expected an object")
        elif "number_of_bits" not in part:
            findings.leave_out(where.at("number_of_bits"), "missing")
        else:
            # All parts lie in the registers of the whole, wherever they say that they are.
            found.append(({key: value for key, value in part.items() if key not in ("offset", "size")}, where))
    return found


def _enums(parts: Any, place: Place, findings: Findings) -> list[tuple[dict[str, Any], Place]]:
    found: list[tuple[dict[str, Any], Place]] = []
    if not isinstance(parts, list) or not parts:
        findings.leave_out(place, "expected a list of the enums in the register")
        return []
    for index, part in enumerate(parts):
        where = place.at(index)
        try:
            found.append((_enum(part), where))
        except (ValueError, TypeError, KeyError):
            expected = "an object with id, begin_bit, end_bit and enum_strings; a mask must leave its lowest bits"
            findings.leave_out(where, f"expected {expected}")
    return found


def _enum(part: Mapping[str, Any]) -> dict[str, Any]:
    first, last = part["begin_bit"], part["end_bit"]
    width = last - first + 1
    cared = (1 << min(max(width, 0), 64)) - 1
    if "care_mask" in part:
        cared &= bits_of(part["care_mask"])
    if "ignore_mask" in part:
        cared &= ~bits_of(part["ignore_mask"])
    # Only what is one run of bits from the first one on is a part of a register.
    if not 0 <= first <= last <= 63 or not cared or cared & cared + 1:
        raise ValueError
    return {
        "id": part["id"],
        "enum": True,
        "bit_strings": part["enum_strings"],
        "starting_bit_pos": first,
        "number_of_bits": cared.bit_length(),
    }
