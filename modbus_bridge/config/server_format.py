"""The server's files: ``system`` and ``registers`` (formats S and S[]; modbus.md 2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ess_bus.configuration import read_json
from ess_bus.errors import Problem
from modbus_bridge.config import keys
from modbus_bridge.config.addresses import address_of
from modbus_bridge.config.document import examine, kind_of_file, refused
from modbus_bridge.config.findings import Findings
from modbus_bridge.config.model import ANY_UNIT, Serial, ServedUnit, ServerConfiguration, Tcp
from modbus_bridge.config.place import Place
from modbus_bridge.config.served_entries import SystemEntry
from modbus_bridge.config.tables import TableReader

_WANTED = {
    "C": "this is a client's file; expected system and registers",
    "C0": "this is a client's file; a server has an object of tables as registers, such as holding_registers",
    "dnp3": "this is a DNP3 file; only Modbus is spoken here",
    "": 'expected an object with "system" and "registers"',
}


def load_server(path: Path, *, strict: bool = False) -> tuple[ServerConfiguration, list[Problem]]:
    """Return what a server's file means, and the warnings about it.

    With `strict`, what would be left out makes the file unusable, as in the original (modbus.md 2.2).

    Raises:
        ConfigurationError: with every problem of the file.
    """
    return server_from(read_json(path), path, strict=strict)


def server_from(data: Any, source: object, *, strict: bool = False) -> tuple[ServerConfiguration, list[Problem]]:
    """Return what the content of a server's file means, and the warnings about it; `source` is for the messages.

    Raises:
        ConfigurationError: with every problem.
    """
    kind = kind_of_file(data)
    if kind not in ("S", "S[]"):
        raise refused(source, _WANTED[kind])
    findings = Findings(source, strict=strict)
    examine(data, findings)
    findings.note_foreign(data, keys.SYSTEM_FILE)
    system = findings.validate(SystemEntry, data["system"], Place("system"), needed=True)
    address = None if system is None else _address(system, is_list=kind == "S[]", findings=findings)
    reader = TableReader(system or SystemEntry(id="?"), findings)
    units = _units(data["registers"], reader, findings) if kind == "S[]" else [_unit(data["registers"], system, reader)]
    if not any(unit.points for unit in units):
        findings.nothing_left(Place("registers"))
    findings.refuse_if_problems()
    if system is None or address is None:
        findings.refuse()
    return ServerConfiguration(system.id, address, tuple(units)), findings.warnings()


def _address(system: SystemEntry, *, is_list: bool, findings: Findings) -> Tcp | Serial | None:
    findings.note_keys(system, keys.SYSTEM_IGNORED, keys.SYSTEM_SILENT)
    address = address_of(system, Place("system"), findings)
    if isinstance(address, Serial) and not is_list and system.device_id in (None, -1):
        # Others may be on the same line: who answers for all unit ids talks over them.
        findings.problem(Place("system.device_id"), "missing: on a serial line a server has a unit id")
    return address


def _unit(registers: dict[str, Any], system: SystemEntry | None, reader: TableReader) -> ServedUnit:
    device_id = None if system is None or system.device_id == -1 else system.device_id
    return reader.unit(device_id, registers, Place("registers"))


def _units(blocks: list[Any], reader: TableReader, findings: Findings) -> list[ServedUnit]:
    found: dict[int | None, ServedUnit] = {}
    for index, block in enumerate(blocks):
        place = Place("registers").at(index)
        if not isinstance(block, dict):
            findings.leave_out(place, "expected an object with device_id and tables")
            continue
        device_id = block.get("device_id", ANY_UNIT)
        if isinstance(device_id, bool) or not isinstance(device_id, int) or not 0 <= device_id <= 255:
            findings.leave_out(place.at("device_id"), f"expected 0 to 255, got {str(device_id)[:60]}")
            continue
        unit = None if device_id == ANY_UNIT else device_id
        if unit in found:
            findings.problem(place.at("device_id"), f"there is a block for {device_id} already")
            continue
        tables = {name: entries for name, entries in block.items() if name != "device_id"}
        found[unit] = reader.unit(unit, tables, place)
    return list(found.values())
