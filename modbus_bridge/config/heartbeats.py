"""Heartbeats and watchdogs of a component: which points they name, and their times (modbus.md 1.2 and 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modbus_bridge.config.entries import ComponentEntry
from modbus_bridge.config.findings import Findings
from modbus_bridge.config.model import Heartbeat, Kind, Point, RegisterType, Watchdog
from modbus_bridge.config.place import Place

_READABLE = (RegisterType.HOLDING, RegisterType.INPUT)
_WRITABLE = (RegisterType.HOLDING,)


def heartbeat_of(
    entry: ComponentEntry, period_ms: float, points: Sequence[Point], place: Place, findings: Findings
) -> Heartbeat | None:
    """Return the heartbeat of a component, or ``None`` if it has none or names what is not there."""
    if not entry.heartbeat_enabled:
        return None
    named = {point.id: point for point in points}
    read_id = _last_segment(entry.component_heartbeat_read_uri)
    write_id = _last_segment(entry.component_heartbeat_write_uri)
    if read_id is None:
        findings.strictly(place.at("component_heartbeat_read_uri"), "missing")
    problems = [
        (key, problem)
        for key, point_id, tables in (
            ("component_heartbeat_read_uri", read_id, _READABLE),
            ("component_heartbeat_write_uri", write_id, _WRITABLE),
        )
        if point_id is not None and (problem := _problem(point_id, named, tables))
    ]
    if read_id is None and write_id is None:
        problems = [("heartbeat_enabled", "no register to read or to write is named")]
    for key, problem in problems:
        findings.tolerate(place.at(key), problem, "so there is no heartbeat")
    if problems:
        return None
    timeout_ms = entry.component_heartbeat_timeout_ms or 2 * period_ms
    if timeout_ms < period_ms:
        message = f"{timeout_ms:g} ms is less than the frequency of {period_ms:g} ms"
        findings.tolerate(place.at("component_heartbeat_timeout_ms"), message, f"using {2 * period_ms:g} ms")
        timeout_ms = 2 * period_ms
    return Heartbeat(
        read_id=read_id,
        write_id=write_id,
        max_value=_max_value(entry, named.get(write_id or ""), place, findings),
        timeout_s=timeout_ms / 1000,
        period_s=(entry.modbus_heartbeat_timeout_ms or period_ms) / 1000,
        control=entry.heartbeat_control,
    )


def watchdog_of(
    entry: ComponentEntry, period_ms: float, points: Sequence[Point], place: Place, findings: Findings
) -> Watchdog | None:
    """Return the watchdog of a component, or ``None`` if it has none or names what is not there."""
    if not entry.watchdog_enabled:
        return None
    read_id = _last_segment(entry.watchdog_uri)
    problem = "missing" if read_id is None else _problem(read_id, {point.id: point for point in points}, _READABLE)
    if read_id is None or problem:
        findings.warn(place.at("watchdog_uri"), f"{problem}, so there is no watchdog")
        return None
    slowest_ms = max(period_ms, entry.watchdog_frequency_ms)
    alarm_ms = entry.watchdog_alarm_timeout_ms or 2 * slowest_ms
    fault_ms = entry.watchdog_fault_timeout_ms or max(4 * slowest_ms, alarm_ms)
    if fault_ms < alarm_ms:
        message = f"{fault_ms:g} ms is less than the {alarm_ms:g} ms of the alarm; using these"
        findings.warn(place.at("watchdog_fault_timeout_ms"), message)
        fault_ms = alarm_ms
    return Watchdog(
        read_id=read_id,
        alarm_s=alarm_ms / 1000,
        fault_s=fault_ms / 1000,
        recovery_timeout_s=(entry.watchdog_recovery_timeout_ms or alarm_ms) / 1000,
        recovery_s=(entry.watchdog_recovery_time_ms or fault_ms) / 1000,
        period_s=entry.watchdog_frequency_ms / 1000,
    )


def _last_segment(text: str | None) -> str | None:
    """Return the id of a register, also where somebody wrote its URI."""
    return (text or "").rstrip("/").rpartition("/")[2] or None


def _problem(point_id: str, named: Mapping[str, Point], tables: tuple[RegisterType, ...]) -> str | None:
    point = named.get(point_id)
    if point is None:
        return f"{point_id!r} is no register of this component"
    if point.type not in tables:
        return f"{point_id!r} is in {point.type}, expected {' or '.join(tables)}"
    if point.kind not in (Kind.NUMBER, Kind.ENUM):
        return f"{point_id!r} is no number"
    return None


def _max_value(entry: ComponentEntry, point: Point | None, place: Place, findings: Findings) -> int:
    value = entry.component_heartbeat_max_value
    if point is None or point.is_float:
        return value
    largest = (1 << point.width - point.signed) - 1
    if (value - point.shift) * (point.scale or 1) > largest:
        where = place.at("component_heartbeat_max_value")
        findings.warn(where, f"{value} does not fit into {point.id!r}; using the largest value that fits")
        return 0
    return value
