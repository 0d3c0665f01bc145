"""The client's files: ``connection`` and ``components`` (format C), ``system`` and groups (format C0); modbus.md 1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ess_bus.configuration import read_json
from ess_bus.errors import Problem
from modbus_bridge.config import keys
from modbus_bridge.config.components import DEFAULT_PERIOD_MS, ComponentReader
from modbus_bridge.config.connections import connection_of
from modbus_bridge.config.document import examine, kind_of_file, refused
from modbus_bridge.config.entries import ConnectionEntry
from modbus_bridge.config.findings import Findings
from modbus_bridge.config.model import ClientConfiguration, Component, Connection
from modbus_bridge.config.place import Place
from modbus_bridge.config.served_entries import OldSystemEntry
from modbus_bridge.config.templates import TemplateError, filled, range_of

_MAX_COMPONENTS = 255
_WANTED = {
    "S": "this is a server's file; expected connection and components",
    "S[]": "this is a server's file; expected connection and components",
    "dnp3": "this is a DNP3 file; only Modbus is spoken here",
    "": 'expected an object with "connection" and an array "components"',
}


def load_client(path: Path, *, strict: bool = False) -> tuple[ClientConfiguration, list[Problem]]:
    """Return what a client's file means, and the warnings about it.

    With `strict`, what the original's strict program refuses is refused here, too (modbus.md 1 and 7).

    Raises:
        ConfigurationError: with every problem of the file.
    """
    return client_from(read_json(path), path, strict=strict)


def client_from(data: Any, source: object, *, strict: bool = False) -> tuple[ClientConfiguration, list[Problem]]:
    """Return what the content of a client's file means, and the warnings about it; `source` is for the messages.

    Raises:
        ConfigurationError: with every problem.
    """
    kind = kind_of_file(data)
    if kind not in ("C", "C0"):
        raise refused(source, _WANTED[kind])
    findings = Findings(source, strict=strict)
    examine(data, findings)
    found = _components(data, findings) if kind == "C" else _one_component(data, findings)
    if found is None:
        findings.refuse()
    connection, components = found
    if not components:
        findings.nothing_left(Place("components" if kind == "C" else "registers"))
    findings.refuse_if_problems()
    if connection is None:
        findings.refuse()
    return ClientConfiguration(connection, tuple(components)), findings.warnings()


def _components(data: dict[str, Any], findings: Findings) -> tuple[Connection | None, list[Component]] | None:
    findings.note_foreign(data, keys.CLIENT_FILE)
    place = Place("connection")
    data = _with_address(data, place.at("ip_range"), findings)
    entry = findings.validate(ConnectionEntry, data["connection"], place, needed=True)
    connection = None
    if entry is not None:
        findings.note_keys(entry, keys.CONNECTION_IGNORED, keys.CONNECTION_SILENT | {"ip_range"})
        connection = connection_of(entry, entry.name, place, findings)
    # With a broken connection the components are still read, so that one run shows every problem.
    reader = ComponentReader(entry or ConnectionEntry(), place, findings)
    components = reader.all(data["components"], Place("components"))
    if len(components) > _MAX_COMPONENTS:
        findings.strictly(Place("components"), f"{len(components)} are more than {_MAX_COMPONENTS}")
    return connection, components


def _one_component(data: dict[str, Any], findings: Findings) -> tuple[Connection | None, list[Component]] | None:
    """Read format C0: what the device is called is the name of its only component, too."""
    findings.note_foreign(data, keys.SYSTEM_FILE)
    place = Place("system")
    entry = findings.validate(OldSystemEntry, data["system"], place, needed=True)
    if entry is None:
        return None
    findings.note_keys(entry, keys.CONNECTION_IGNORED, keys.CONNECTION_SILENT)
    connection = connection_of(entry, entry.id, place, findings)
    if entry.frequency is None:
        # There, its place was in another program's configuration.
        findings.strictly(place.at("frequency"), "missing")
        entry = entry.model_copy(update={"frequency": DEFAULT_PERIOD_MS})
    reader = ComponentReader(entry, place, findings)
    component = reader.one({"id": entry.id, "registers": data["registers"]}, Place())
    return connection, [] if component is None else [component]


def _with_address(data: dict[str, Any], place: Place, findings: Findings) -> dict[str, Any]:
    """Return the file with the one address of `ip_range` filled in."""
    connection = data["connection"]
    if not isinstance(connection, dict) or "ip_range" not in connection:
        return data
    try:
        entry = range_of(connection["ip_range"], "")
    except TemplateError as error:
        findings.problem(place.at(error.key), str(error))
        return data
    count = len(range(entry.begin, entry.end + 1, entry.step))
    if count > 1:
        message = f"{count} addresses: a process has one device; write one file for each, with a range of one"
        findings.problem(place, message)
    return filled(data, entry.replace, entry.begin) if count == 1 else data
