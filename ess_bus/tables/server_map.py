"""The tables that a Modbus server serves: each register's ``id`` in the table of its ``uri`` (engine.md 8.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ess_bus.uri import check, normal, segments


def is_modbus_file(content: Any) -> bool:
    """Tell whether a file is a Modbus client's or server's, and no file of tables."""
    return isinstance(content, dict) and "registers" in content and not any(key.startswith("/") for key in content)


def server_tables(content: Any) -> dict[str, dict[str, Any]]:
    """Return URI -> variable -> null: nobody has said yet what they are, and 0 would look like a value.

    Raises:
        ValueError: it is no Modbus server file.
    """
    if not is_modbus_file(content):
        raise ValueError("expected a Modbus server file with registers")
    tables: dict[str, dict[str, Any]] = {}
    for uri, name in _registers(content["registers"]):
        if len(segments(check(uri))) < 2 or any(character in name for character in "@:/["):
            raise ValueError(f"{uri[:80]} {name[:60]!r}: not a table and a variable's name")
        tables.setdefault(normal(uri), {})[name] = {"value": None}
    return tables


def _registers(found: Any) -> Iterator[tuple[str, str]]:
    if isinstance(found, list):
        for one in found:
            yield from _registers(one)
    elif isinstance(found, dict):
        if isinstance(found.get("uri"), str) and isinstance(found.get("id"), str) and found["id"]:
            yield found["uri"], found["id"]
        else:
            for one in found.values():
                yield from _registers(one)
