"""A client's configuration -> a file of format C that means the same (modbus.md 1)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, Final

from modbus_bridge.config.model import (
    ClientConfiguration,
    Component,
    Connection,
    Heartbeat,
    Point,
    RegisterType,
    Serial,
    Tcp,
    Watchdog,
)
from modbus_bridge.convert.entries import client_entry, plain

TYPE_NAMES: Final = {
    RegisterType.HOLDING: "Holding Registers",
    RegisterType.INPUT: "Input Registers",
    RegisterType.COIL: "Coils",
    RegisterType.DISCRETE: "Discrete Inputs",
}
# What one group of the original can hold (modbus.md 1.3).
_MAX_GROUP = 125
# The shortest transfer_timeout that the original takes; a shorter one can only come from connection_timeout.
_MIN_TRANSFER_TIMEOUT_S = 0.05

Document = dict[str, Any]


def client_document(configuration: ClientConfiguration, *, defaults: bool = True) -> Document:
    """Return the file: with every default written out, or with only what differs from the defaults.

    Offsets are protocol addresses, templates are what they stand for, no group is larger than the original allows, and
    nothing is inherited but a device id that a whole component shares (the original knows no other place for it).
    Loading it gives an equal configuration.
    """
    return {
        "connection": _connection(configuration.connection, defaults=defaults),
        "components": [_component(component, defaults=defaults) for component in configuration.components],
    }


def milliseconds(seconds: float) -> int | float:
    """Return the number of a file that the loader reads as exactly these `seconds`."""
    near = round(seconds * 1000)
    guess = seconds * 1000
    for found in (near, guess, math.nextafter(guess, math.inf), math.nextafter(guess, -math.inf)):
        if found / 1000 == seconds:
            return found
    return guess


def _connection(connection: Connection, *, defaults: bool) -> Document:
    document = {"name": connection.name} | address_keys(connection.address)
    plainest = Connection("", connection.address)
    said: Document = {
        "connection_timeout": (plain(connection.connect_timeout_s), plainest.connect_timeout_s),
        "transfer_timeout": (plain(connection.request_timeout_s), connection.connect_timeout_s),
        "max_num_connections": (connection.connections, plainest.connections),
        "inter_message_delay_ms": (milliseconds(connection.pause_s), plainest.pause_s),
        "max_register_group_size": (connection.max_registers, plainest.max_registers),
        "max_bit_size": (connection.max_bits, plainest.max_bits),
        "allow_gaps": (connection.read_gaps, plainest.read_gaps),
        "force_multi_sets": (connection.write_together, plainest.write_together),
        "stats_pub_frequency": (milliseconds(connection.stats_period_s), milliseconds(plainest.stats_period_s)),
    }
    if connection.request_timeout_s < _MIN_TRANSFER_TIMEOUT_S:
        del said["transfer_timeout"]
    if connection.stats_uri is not None:
        document["stats_pub_uri"] = connection.stats_uri
    return document | {key: value for key, (value, default) in said.items() if defaults or value != default}


def address_keys(address: Tcp | Serial) -> Document:
    """Return the keys that say where a device is, or where a server listens; all of them."""
    if isinstance(address, Tcp):
        return {"ip_address": address.host, "port": address.port}
    return {
        "serial_device": address.device,
        "baud_rate": address.baud_rate,
        "parity": address.parity,
        "data_bits": address.data_bits,
        "stop_bits": address.stop_bits,
    }


def _component(component: Component, *, defaults: bool) -> Document:
    document: Document = {"id": component.id, "frequency": milliseconds(component.period_s)}
    if defaults or component.phase_s:
        document["offset_time"] = milliseconds(component.phase_s)
    if defaults or component.on_change:
        document["publish"] = "on_change" if component.on_change else "always"
    if defaults or component.refresh_s != Component("", 1.0, 0.0, ()).refresh_s:
        document["refresh"] = milliseconds(component.refresh_s)
    if defaults or component.add_timings:
        document["add_timings"] = component.add_timings
    if component.heartbeat is not None:
        document |= _heartbeat(component.heartbeat)
    if component.watchdog is not None:
        document |= _watchdog(component.watchdog)
    device_ids = {point.device_id for point in component.points}
    if len(device_ids) == 1:
        document["device_id"] = device_ids.pop()
    document["registers"] = [
        _group(points, of_its_own=bool(device_ids), defaults=defaults) for points in _groups(component.points)
    ]
    return document


def _heartbeat(heartbeat: Heartbeat) -> Document:
    said = {
        "component_heartbeat_read_uri": heartbeat.read_id,
        "component_heartbeat_write_uri": heartbeat.write_id,
        "component_heartbeat_max_value": heartbeat.max_value or None,
        "component_heartbeat_timeout_ms": milliseconds(heartbeat.timeout_s),
        "modbus_heartbeat_timeout_ms": milliseconds(heartbeat.period_s),
        "heartbeat_control": heartbeat.control,
    }
    return {"heartbeat_enabled": True} | {key: value for key, value in said.items() if value is not None}


def _watchdog(watchdog: Watchdog) -> Document:
    return {
        "watchdog_enabled": True,
        "watchdog_uri": watchdog.read_id,
        "watchdog_alarm_timeout_ms": milliseconds(watchdog.alarm_s),
        "watchdog_fault_timeout_ms": milliseconds(watchdog.fault_s),
        "watchdog_recovery_timeout_ms": milliseconds(watchdog.recovery_timeout_s),
        "watchdog_recovery_time_ms": milliseconds(watchdog.recovery_s),
        "watchdog_frequency_ms": milliseconds(watchdog.period_s),
    }


def _groups(points: Iterable[Point]) -> Iterator[list[Point]]:
    """Cut the points into groups of one table and unit, in their order: it is the order of what is published."""
    for _, same in groupby(points, key=lambda point: (point.device_id, point.type)):
        group: list[Point] = []
        for point in same:
            if group and (len(group) >= _MAX_GROUP or _span([*group, point])[1] > _MAX_GROUP):
                yield group
                group = []
            group.append(point)
        yield group


def _span(points: Iterable[Point]) -> tuple[int, int]:
    """Return the first address and how many there are up to the last one."""
    edges = [(point.offset, point.end) for point in points]
    first = min(edge[0] for edge in edges)
    return first, max(edge[1] for edge in edges) - first


def _group(points: list[Point], *, of_its_own: bool, defaults: bool) -> Document:
    start, count = _span(points)
    device_id = {"device_id": points[0].device_id} if of_its_own else {}
    return {
        "type": TYPE_NAMES[points[0].type],
        **device_id,
        "starting_offset": start,
        "number_of_registers": count,
        "map": [client_entry(point, defaults=defaults) for point in points],
    }
