"""The first look at a whole file: what it is, whether it can be walked through, whether it was filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ess_bus.errors import ConfigurationError, Problem
from modbus_bridge.config.findings import Findings
from modbus_bridge.config.place import Place

# Real files have 9 levels; what walks through them need not fear more than this.
_MAX_DEPTH: Final = 32
_MAX_INT: Final = 1 << 64
_BLANK: Final = re.compile(r"\{\{\s*[^{}]*\}\}")
# The types of groups in DNP3 files, whose shape is that of the oldest Modbus files.
_DNP3: Final = re.compile(r"anop|crob|analog|binary|counter", re.IGNORECASE)


def examine(data: Any, findings: Findings) -> None:
    """Check that a document holds only what JSON can, is not too deep, and has no blanks ``{{...}}`` left.

    Raises:
        ConfigurationError: it cannot be walked through.
    """
    for place, value in _suspicious(data, findings):
        if isinstance(value, str):
            for blank in dict.fromkeys(_BLANK.findall(value)):
                findings.problem(place, f"this is a template: fill in {blank[:60]}")
        elif isinstance(value, int):
            findings.problem(place, "this number is too large")
        else:
            findings.problem(place, f"{type(value).__name__} is not a value of JSON")


def is_dnp3(data: dict[str, Any]) -> bool:
    """Tell whether a file with ``system`` and ``registers`` is one of the original's DNP3 programs."""
    system, groups = data.get("system"), data.get("registers")
    if isinstance(system, dict) and "dnp3" in str(system.get("protocol", "")).lower():
        return True
    types = [group.get("type") for group in groups if isinstance(group, dict)] if isinstance(groups, list) else []
    return any(isinstance(text, str) and _DNP3.match(text) for text in types)


def kind_of_file(data: Any) -> str:
    """Return ``C``, ``C0``, ``S``, ``S[]`` (modbus.md 0), ``dnp3``, or an empty text for anything else."""
    if not isinstance(data, dict):
        return ""
    if isinstance(data.get("components"), list) and "connection" in data:
        return "C"
    if "system" not in data or "registers" not in data:
        return ""
    registers = data["registers"]
    if is_dnp3(data):
        return "dnp3"
    if isinstance(registers, dict):
        return "S"
    if not isinstance(registers, list):
        return ""
    groups = [group for group in registers if isinstance(group, dict)]
    return "C0" if any("map" in group or "type" in group for group in groups) else "S[]"


def refused(source: object, message: str) -> ConfigurationError:
    """Return the error of a file that is not of the kind that is wanted."""
    return ConfigurationError(source, [Problem("", message)])


def _suspicious(data: Any, findings: Findings) -> Iterator[tuple[Place, Any]]:
    """Yield what may be wrong in a document: texts with blanks, numbers that are too large, and what is no JSON."""
    # Without recursion: what is too deep must not end in a RecursionError. Paths are only made where one is needed.
    levels: list[Iterator[tuple[Any, Any]]] = [iter([("", data)])]
    keys: list[Any] = [""]
    while levels:
        for keys[-1], value in levels[-1]:
            if isinstance(value, dict | list):
                break
            if not _is_plain(value):
                yield Place().at(*keys), value
        else:
            levels.pop()
            keys.pop()
            continue
        if len(levels) > _MAX_DEPTH:
            findings.give_up(Place().at(*keys[:6], "..."), f"deeper than {_MAX_DEPTH} levels")
        if isinstance(value, dict) and not all(isinstance(key, str) for key in value):
            findings.give_up(Place().at(*keys), "it has keys that are no texts")
        levels.append(iter(value.items() if isinstance(value, dict) else enumerate(value)))
        keys.append("")


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return "{{" not in value
    if isinstance(value, int):
        return abs(value) < _MAX_INT
    return value is None or isinstance(value, float)
