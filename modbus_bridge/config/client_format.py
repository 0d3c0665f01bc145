"""The client's file: ``connection`` and ``components`` (format C of modbus.md 1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from ess_bus import uri as uris
from ess_bus.configuration import read_json
from ess_bus.errors import Problem, UriError
from modbus_bridge.config import keys
from modbus_bridge.config.entries import (
    ComponentEntry,
    ConnectionEntry,
    GroupEntry,
    PointEntry,
    checked_name,
    register_type,
)
from modbus_bridge.config.findings import Findings, join
from modbus_bridge.config.model import ClientConfiguration, Component, Connection, Kind, Point, Tcp
from modbus_bridge.config.points import Inherited, is_usable, kind_of, note_overlaps, to_point

DEFAULT_PERIOD_MS = 1000
DEFAULT_TIMEOUT_S = 1.0
# The reference's default (modbus.md 1.1); on TCP it addresses the device itself (Modbus over TCP, 4.4.2).
DEFAULT_DEVICE_ID = 255


T = TypeVar("T")


def load_client(path: Path) -> tuple[ClientConfiguration, list[Problem]]:
    """Return what a client's file means, and a few lines about what in it has no effect.

    Raises:
        ConfigurationError: with every problem of the file.
    """
    findings = Findings(path)
    data = read_json(path)
    if not isinstance(data, dict) or "connection" not in data or not isinstance(data.get("components"), list):
        findings.problem("", 'expected an object with "connection" and an array "components"')
        findings.refuse()
    findings.note_foreign(data, keys.CLIENT_FILE)
    entry = findings.validate(ConnectionEntry, data["connection"], "connection")
    connection = None if entry is None else _connection(entry, findings)
    # With a broken connection the components are still read, so that one run shows every problem.
    parent = entry or ConnectionEntry(name="?")
    components = [
        component
        for index, component_data in enumerate(data["components"])
        if (component := _component(component_data, parent, join("components", index), findings)) is not None
    ]
    _note_duplicate_components(components, findings)
    if not components and not findings.problems:
        findings.problem("components", "nothing in it can be used")
    if findings.problems or connection is None:
        findings.refuse()
    return ClientConfiguration(connection, tuple(components)), findings.warnings()


def _connection(entry: ConnectionEntry, findings: Findings) -> Connection | None:
    findings.note_keys(entry, keys.CONNECTION_UNSUPPORTED, keys.CONNECTION_METADATA)
    if entry.ip_address is None:
        if entry.serial_device is not None:
            findings.problem("connection.serial_device", "serial lines are not supported yet; expected ip_address")
        else:
            findings.problem("connection.ip_address", "missing")
        return None
    if entry.serial_device is not None:
        findings.problem("connection.serial_device", "excludes ip_address")
    timeout_s = DEFAULT_TIMEOUT_S if entry.connection_timeout is None else entry.connection_timeout
    if not 0 < timeout_s <= 10:
        findings.warn("connection.connection_timeout", f"{timeout_s:g} s is not in 0 to 10, using {DEFAULT_TIMEOUT_S}")
        timeout_s = DEFAULT_TIMEOUT_S
    return Connection(
        entry.name,
        Tcp(entry.ip_address.strip(), entry.port),
        connect_timeout_s=timeout_s,
        request_timeout_s=timeout_s,
    )


def _component(data: Any, parent: ConnectionEntry, where: str, findings: Findings) -> Component | None:
    if isinstance(data, dict) and "id" not in data and any(key.lower() in ("xid", "xxid") for key in data):
        findings.leave_out(where, "its id is disabled")
        return None
    entry = findings.validate(ComponentEntry, data, where)
    if entry is None:
        return None
    findings.note_keys(entry, keys.COMPONENT_UNSUPPORTED, keys.COMPONENT_METADATA)
    if entry.frequency is None and parent.frequency is None:
        findings.warn(where, f"no frequency in {entry.id!r} nor in connection, using {DEFAULT_PERIOD_MS} ms")
    points: list[tuple[str, Point]] = []
    for index, group in enumerate(entry.registers):
        points += _group(group, parent, entry, join(where, "registers", index), findings)
    _note_key_problems(entry.id, points, findings)
    if not points:
        findings.leave_out(where, "none of its registers can be used")
        return None
    period_ms = _first(entry.frequency, parent.frequency, DEFAULT_PERIOD_MS)
    return Component(entry.id, period_ms / 1000, entry.offset_time / 1000, tuple(point for _, point in points))


def _group(
    data: Any, connection: ConnectionEntry, component: ComponentEntry, where: str, findings: Findings
) -> list[tuple[str, Point]]:
    entry = findings.validate(GroupEntry, data, where)
    if entry is None:
        return []
    findings.note_keys(entry, keys.GROUP_UNSUPPORTED, keys.GROUP_METADATA)
    table = register_type(entry.type)
    if table is None:
        findings.problem(join(where, "type"), f"{entry.type!r} must be Holding, Input, Coil or Discrete Input")
        return []
    inherited = Inherited(
        type=table,
        device_id=_first(entry.device_id, component.device_id, connection.device_id, DEFAULT_DEVICE_ID),
        off_by_one=_first(entry.off_by_one, component.off_by_one, connection.off_by_one, False),
        byte_swap=_first(entry.byte_swap, component.byte_swap, connection.byte_swap, False),
        word_order=_first(entry.word_order, component.word_order) is not None,
    )
    points: list[tuple[str, Point]] = []
    for index, item in enumerate(entry.map):
        place = join(where, "map", index)
        if (point := _point(item, inherited, place, findings)) is not None:
            points.append((place, point))
    note_overlaps(points, findings)
    return points


def _point(data: Any, inherited: Inherited, where: str, findings: Findings) -> Point | None:
    if not is_usable(data, where, findings):
        return None
    entry = findings.validate(PointEntry, data, where)
    if entry is None:
        return None
    point = to_point(entry, kind_of(entry, inherited.type), inherited, where, findings)
    if point is None or point.kind in (Kind.NUMBER, Kind.BOOL):
        return point
    if not point.strings:
        findings.problem(join(where, "bit_strings"), f"{point.kind} needs at least one string")
    if point.kind is Kind.INDIVIDUAL_BITS:
        for name in point.strings.values():
            try:
                checked_name(name)
            except ValueError as error:
                findings.problem(join(where, "bit_strings"), str(error))
    return point


def _note_key_problems(component_id: str, points: list[tuple[str, Point]], findings: Findings) -> None:
    seen: dict[str, str] = {}
    for where, point in points:
        for key in dict.fromkeys((point.id, *point.keys)):
            if key in seen:
                findings.problem(where, f"{key!r} is used already at {seen[key]}")
            seen.setdefault(key, where)
            _check_uri(f"/components/{component_id}/{key}", where, findings)
        if len(set(point.keys)) < len(point.keys):
            findings.problem(where, f"two bits of {point.id!r} have the same name")


def _check_uri(text: str, where: str, findings: Findings) -> None:
    try:
        uris.check(text)
    except UriError as error:
        findings.problem(where, str(error))


def _note_duplicate_components(components: list[Component], findings: Findings) -> None:
    seen: set[str] = set()
    for component in components:
        if component.id in seen:
            findings.problem("components", f"two components have the id {component.id!r}")
        seen.add(component.id)


def _first(*values: T | None) -> Any:
    return next((value for value in values if value is not None), None)
