"""A server's configuration -> a file of format S, or S[] for several units (modbus.md 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from modbus_bridge.config.model import ANY_UNIT, RegisterType, ServedPoint, ServedUnit, ServerConfiguration
from modbus_bridge.convert.client_file import address_keys
from modbus_bridge.convert.entries import served_entry

_TABLES: Final = {
    RegisterType.COIL: "coils",
    RegisterType.DISCRETE: "discrete_inputs",
    RegisterType.INPUT: "input_registers",
    RegisterType.HOLDING: "holding_registers",
}

Document = dict[str, Any]


def server_document(configuration: ServerConfiguration, *, defaults: bool = False) -> Document:
    """Return the file, with every default written out or not; loading it gives an equal configuration.

    An object of tables is written for one unit, an array of such blocks for several.
    """
    system: Document = {"id": configuration.id} | address_keys(configuration.address)
    if len(configuration.units) != 1:
        return {"system": system, "registers": [_block(unit, defaults=defaults) for unit in configuration.units]}
    unit = configuration.units[0]
    if unit.device_id is not None:
        system["device_id"] = unit.device_id
    return {"system": system, "registers": _tables(unit.points, defaults=defaults)}


def _block(unit: ServedUnit, *, defaults: bool) -> Document:
    device_id = ANY_UNIT if unit.device_id is None else unit.device_id
    return {"device_id": device_id} | _tables(unit.points, defaults=defaults)


def _tables(points: Sequence[ServedPoint], *, defaults: bool) -> Document:
    # In the order that the points are in, so that they are in it again when the file is loaded.
    present = dict.fromkeys(served.point.type for served in points)
    return {
        _TABLES[table]: [
            served_entry(served.point, served.uri, last_bit=served.last_bit, defaults=defaults)
            for served in points
            if served.point.type is table
        ]
        for table in (*present, *(table for table in _TABLES if table not in present))
    }
