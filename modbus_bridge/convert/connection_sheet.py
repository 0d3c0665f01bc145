"""The optional sheet ``connection``: keys of the connection and their values, one a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ess_bus.errors import Problem
from modbus_bridge.convert import cells
from modbus_bridge.convert.workbook import Cell, Sheet

NAME: Final = "connection"

_TEXTS: Final = ("name", "ip_address", "serial_device", "parity", "format", "publish", "stats_pub_uri")
_NUMBERS: Final = (
    *("port", "baud_rate", "data_bits", "stop_bits", "device_id", "max_num_connections"),
    *("frequency", "debounce", "refresh", "stats_pub_frequency", "inter_message_delay_ms"),
    *("connection_timeout", "transfer_timeout", "max_register_group_size", "max_bit_size"),
)
_TRUTHS: Final = (
    *("off_by_one", "byte_swap", "multi_write_op_code", "allow_gaps"),
    *("allow_multi_sets", "force_multi_sets"),
)
_KINDS: Final[Mapping[str, Callable[[Cell], Any]]] = {
    **dict.fromkeys(_TEXTS, cells.text),
    **dict.fromkeys(_NUMBERS, cells.number),
    **dict.fromkeys(_TRUTHS, cells.truth),
}
_KEYS: Final = {cells.plain(key): key for key in _KINDS} | {
    "ip": "ip_address",
    "host": "ip_address",
    "address": "ip_address",
    "tcpport": "port",
    "unitid": "device_id",
    "slaveid": "device_id",
    "baud": "baud_rate",
    "pollinterval": "frequency",
}


def is_connection(sheet: Sheet) -> bool:
    """Tell whether a sheet is about the connection."""
    return cells.plain(sheet.name) == NAME


def read_connection(sheet: Sheet, problems: list[Problem]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the keys of the connection, and for each the cell that it comes from."""
    found: dict[str, Any] = {}
    where: dict[str, str] = {}
    for row in range(len(sheet.rows)):
        name, value = sheet.cell(row, 0), sheet.cell(row, 1)
        place = sheet.named(row, 1)
        if (row, 1) in sheet.broken:
            problems.append(Problem(place, sheet.broken[row, 1]))
        # A title, or the names of the two columns.
        elif name is None or value is None or cells.plain(str(name)) in ("key", "setting", "parameter"):
            continue
        elif (key := _KEYS.get(cells.plain(str(name)))) is None:
            problems.append(Problem(sheet.named(row, 0), f"unknown: {cells.shown(name)}; expected a key such as port"))
        elif key in found:
            problems.append(Problem(sheet.named(row, 0), f"{key} is said already at {where[key]}"))
        else:
            try:
                found[key] = _KINDS[key](value)
                where[key] = place
            except ValueError as error:
                problems.append(Problem(place, str(error)))
    return found, where
