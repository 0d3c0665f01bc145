"""The components of a client's file, their groups and their entries (modbus.md 1.2 to 1.4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, TypeVar

from ess_bus import uri as uris
from ess_bus.errors import UriError
from modbus_bridge.config import keys
from modbus_bridge.config.claims import Claims
from modbus_bridge.config.entries import ComponentEntry, ConnectionEntry, GroupEntry, PointEntry
from modbus_bridge.config.fields import register_type
from modbus_bridge.config.findings import Findings
from modbus_bridge.config.heartbeats import heartbeat_of, watchdog_of
from modbus_bridge.config.model import Component, Point, RegisterType
from modbus_bridge.config.packed import entries_of
from modbus_bridge.config.place import Place
from modbus_bridge.config.points import Inherited, kind_of, note_point_keys, to_point
from modbus_bridge.config.strict import check_component, check_entry, check_group
from modbus_bridge.config.templates import Copy, Templates

DEFAULT_PERIOD_MS = 1000
DEFAULT_REFRESH_MS = 10_000

T = TypeVar("T")


class ComponentReader:
    """Reads the components of one file, which inherit from its connection."""

    def __init__(self, connection: ConnectionEntry, place: Place, findings: Findings) -> None:
        self._connection = connection
        self._findings = findings
        self._templates = Templates(findings)
        self._inherited = Inherited().under(connection, place, findings, connection.debounce)

    def all(self, items: list[Any], place: Place) -> list[Component]:
        """Return the components that can be used; of two with the same id the first one."""
        found: dict[str, Component] = {}
        for copy in self._templates.copies(items, place):
            component = self._component(copy)
            if component is None:
                continue
            if component.id in found:
                self._findings.leave_out(copy.place, f"there is a component {component.id!r} already")
            else:
                found[component.id] = component
        return list(found.values())

    def one(self, data: Any, place: Place) -> Component | None:
        """Return a component, or ``None`` after noting why it cannot be used."""
        return self._component(Copy(data, place))

    def _component(self, copy: Copy) -> Component | None:
        data, place, findings = copy.data, copy.place, self._findings
        if keys.is_disabled(data):
            findings.disabled(place)
            return None
        entry = findings.validate(ComponentEntry, data, place)
        if entry is None or not _is_routable(f"/components/{entry.id}", place, findings):
            return None
        findings.note_keys(entry, keys.COMPONENT_IGNORED, keys.COMPONENT_SILENT)
        check_component(entry, place, findings)
        inherited = self._inherited.under(entry, place, findings, entry.debounce)
        points = self._points(entry, _shifted(inherited, copy), place)
        if not points:
            findings.leave_out(place, "none of its registers can be used")
            return None
        return self._made(entry, points, place)

    def _made(self, entry: ComponentEntry, points: tuple[Point, ...], place: Place) -> Component:
        findings, connection = self._findings, self._connection
        period_ms = _first(entry.frequency, connection.frequency)
        if period_ms is None:
            message = f"no frequency in {entry.id!r} nor in connection"
            findings.tolerate(place, message, f"using {DEFAULT_PERIOD_MS} ms")
            period_ms = DEFAULT_PERIOD_MS
        if entry.offset is not None:
            taken = "taken for offset_time" if entry.offset_time is None else "not used: there is an offset_time"
            findings.warn(place.at("offset"), taken)
        return Component(
            id=entry.id,
            period_s=period_ms / 1000,
            phase_s=(_first(entry.offset_time, entry.offset) or 0) / 1000,
            points=points,
            heartbeat=heartbeat_of(entry, period_ms, points, place, findings),
            watchdog=watchdog_of(entry, period_ms, points, place, findings),
            on_change=_first(entry.publish, connection.publish) == "on_change",
            refresh_s=(_first(entry.refresh, connection.refresh) or DEFAULT_REFRESH_MS) / 1000,
            add_timings=entry.add_timings,
        )

    def _points(self, entry: ComponentEntry, inherited: Inherited, place: Place) -> tuple[Point, ...]:
        found: list[Point] = []
        seen: dict[str, str] = {}
        for copy in self._templates.copies(entry.registers, place.at("registers")):
            for where, point in self._group(copy, inherited):
                if self._is_new(entry.id, point, where, seen):
                    found.append(point)
        return tuple(found)

    def _is_new(self, component_id: str, point: Point, place: Place, seen: dict[str, str]) -> bool:
        """Tell whether the names of a point are new and can be part of a URI, and note them."""
        names = dict.fromkeys((point.id, *point.keys))
        for name in names:
            if name in seen:
                self._findings.leave_out(place, f"{name!r} is used already at {seen[name]}")
                return False
            if not _is_routable(f"/components/{component_id}/{name}", place, self._findings):
                return False
        seen.update(dict.fromkeys(names, place.path))
        return True

    def _group(self, copy: Copy, inherited: Inherited) -> Iterator[tuple[Place, Point]]:
        findings, place = self._findings, copy.place
        entry = findings.validate(GroupEntry, copy.data, place)
        if entry is None:
            return
        findings.note_keys(entry, keys.GROUP_IGNORED, keys.GROUP_SILENT)
        table = register_type(entry.type)
        if table is None:
            message = f"{entry.type[:60]!r} must be Holding, Input, Coil or Discrete Input"
            findings.leave_out(place.at("type"), message)
            return
        shared = _shifted(inherited.under(entry, place, findings), copy)
        claims = Claims()
        found: list[Point] = []
        for item in self._templates.copies(entry.map, place.at("map"), is_entry=True):
            for where, point in self._entry(item, table, shared):
                if overlap := claims.add(point):
                    findings.tolerate(where, overlap)
                found.append(point)
                yield where, point
        check_group(entry, found, place, findings)

    def _entry(self, copy: Copy, table: RegisterType, inherited: Inherited) -> Iterator[tuple[Place, Point]]:
        findings = self._findings
        for data, where in entries_of(copy, findings):
            entry = findings.validate(PointEntry, data, where)
            if entry is None:
                continue
            note_point_keys(entry, findings)
            check_entry(entry, where, findings)
            point = to_point(entry, table, kind_of(entry, table), _shifted(inherited, copy), where, findings)
            if point is not None:
                yield where, point


def _is_routable(uri: str, place: Place, findings: Findings) -> bool:
    try:
        uris.check(uri)
    except UriError as error:
        findings.leave_out(place, str(error))
        return False
    return True


def _shifted(inherited: Inherited, copy: Copy) -> Inherited:
    """Return what the inside of a copy of a template inherits."""
    if copy.device_id is not None:
        inherited = replace(inherited, device_id=copy.device_id)
    return replace(inherited, added=inherited.added + copy.added) if copy.added else inherited


def _first(*values: T | None) -> T | None:
    return next((value for value in values if value is not None), None)
