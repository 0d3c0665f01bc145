"""The server's file: ``system`` and ``registers`` (format S of modbus.md 2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ess_bus import uri as uris
from ess_bus.configuration import read_json
from ess_bus.errors import Problem, UriError
from modbus_bridge.config import keys
from modbus_bridge.config.entries import ServedEntry, SystemEntry, register_type
from modbus_bridge.config.findings import Findings, join
from modbus_bridge.config.model import Kind, RegisterType, ServedPoint, ServedUnit, ServerConfiguration, Tcp
from modbus_bridge.config.points import Inherited, is_usable, kind_of, note_overlaps, to_point


def load_server(path: Path) -> tuple[ServerConfiguration, list[Problem]]:
    """Return what a server's file means, and a few lines about what in it has no effect.

    Raises:
        ConfigurationError: with every problem of the file.
    """
    findings = Findings(path)
    data = read_json(path)
    if not isinstance(data, dict) or "system" not in data or "registers" not in data:
        findings.problem("", 'expected an object with "system" and "registers"')
        findings.refuse()
    findings.note_foreign(data, keys.SERVER_FILE)
    system = findings.validate(SystemEntry, data["system"], "system")
    if system is not None:
        findings.note_keys(system, keys.SYSTEM_UNSUPPORTED, keys.SYSTEM_METADATA)
        if system.ip_address is None:
            wanted = "serial lines are not supported yet; expected ip_address" if system.serial_device else "missing"
            findings.problem("system.ip_address", wanted)
    points = _tables(data["registers"], bool(system and system.byte_swap), findings)
    if not points and not findings.problems:
        findings.problem("registers", "nothing in it can be used")
    if findings.problems or system is None or system.ip_address is None:
        findings.refuse()
    device_id = None if system.device_id == -1 else system.device_id
    served = ServerConfiguration(
        system.id, Tcp(system.ip_address, system.port), (ServedUnit(device_id, tuple(points)),)
    )
    return served, findings.warnings()


def _tables(data: Any, byte_swap: bool, findings: Findings) -> list[ServedPoint]:
    if isinstance(data, list):
        findings.problem("registers", "several device ids (an array) are not supported yet; expected an object")
        return []
    if not isinstance(data, dict):
        findings.problem("registers", 'expected an object such as {"holding_registers": [...]}')
        return []
    points: list[ServedPoint] = []
    for name, entries in data.items():
        where = join("registers", name)
        table = register_type(name)
        if table is None:
            if not name.startswith(("x", "X")):
                findings.problem(where, "expected coils, discrete_inputs, input_registers or holding_registers")
        elif not isinstance(entries, list):
            findings.problem(where, "expected an array of register entries")
        else:
            points += _table(entries, Inherited(table, 0, byte_swap=byte_swap), where, findings)
    return points


def _table(entries: list[Any], inherited: Inherited, where: str, findings: Findings) -> list[ServedPoint]:
    found: list[tuple[str, ServedPoint]] = []
    seen: dict[tuple[str, str], str] = {}
    for index, data in enumerate(entries):
        place = join(where, index)
        served = _served_point(data, inherited, place, findings)
        if served is None:
            continue
        # Owner and name say which variable it is; one register table has each variable once (modbus.md 2.2).
        variable = (served.uri, served.point.id)
        if variable in seen:
            findings.problem(place, f"{served.point.id!r} of {served.uri} is used already at {seen[variable]}")
        seen.setdefault(variable, place)
        found.append((place, served))
    note_overlaps([(place, served.point) for place, served in found], findings)
    return [served for _, served in found]


def _served_point(data: Any, inherited: Inherited, where: str, findings: Findings) -> ServedPoint | None:
    if not is_usable(data, where, findings):
        return None
    entry = findings.validate(ServedEntry, data, where)
    if entry is None:
        return None
    try:
        uris.check(f"{entry.uri}/{entry.id}")
    except UriError as error:
        findings.problem(join(where, "uri"), str(error))
        return None
    point = to_point(entry, _kind(entry, inherited.type), inherited, where, findings)
    # Slashes that do not count are dropped, so that equal owners have equal texts.
    return None if point is None else ServedPoint(uris.normal(entry.uri), point)


def _kind(entry: ServedEntry, table: RegisterType) -> Kind:
    kind = Kind.BOOL if entry.is_bool else kind_of(entry, table)
    # A server gets the register's number from its owner; the names of its bits are only for people (modbus.md 2.2).
    return Kind.NUMBER if kind is Kind.INDIVIDUAL_BITS else kind
