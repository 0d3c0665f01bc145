"""The tables of a server's file and their entries (modbus.md 2.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from ess_bus import uri as uris
from ess_bus.errors import UriError
from modbus_bridge.config import keys
from modbus_bridge.config.claims import Claims
from modbus_bridge.config.fields import MAX_ADDRESS, register_type
from modbus_bridge.config.findings import Findings
from modbus_bridge.config.model import Kind, RegisterType, ServedPoint, ServedUnit
from modbus_bridge.config.order import WordOrder
from modbus_bridge.config.packed import entries_of
from modbus_bridge.config.place import Place
from modbus_bridge.config.points import Inherited, kind_of, note_point_keys, to_point
from modbus_bridge.config.served_entries import ServedEntry, SystemEntry
from modbus_bridge.config.templates import Copy, Templates

_Span = tuple[RegisterType, int, int]
# The longest text.
_MOST_REGISTERS: Final = 125


class TableReader:
    """Reads the tables of one file."""

    def __init__(self, system: SystemEntry, findings: Findings) -> None:
        self._system = system
        self._findings = findings
        self._templates = Templates(findings)
        # A unit is told by its block, not by its points.
        self._inherited = Inherited(device_id=0, order=WordOrder(swap=system.byte_swap))

    def unit(self, device_id: int | None, tables: dict[str, Any], place: Place) -> ServedUnit:
        """Return what the tables of one unit serve; of two that claim a name or a register the first one."""
        found: list[ServedPoint] = []
        self._named: list[_Span] = []
        for name, entries in tables.items():
            where = place.at(name)
            table = register_type(name)
            if table is None:
                if not keys.is_remark(name):
                    expected = "expected coils, discrete_inputs, input_registers or holding_registers"
                    self._findings.leave_out(where, expected)
            elif not isinstance(entries, list):
                self._findings.leave_out(where, "expected an array of register entries")
            else:
                found += self._table(entries, table, where)
        served = {(one.point.type, address) for one in found for address in range(one.point.offset, one.point.end)}
        left_out = [
            (table, start, end)
            for table, start, end in dict.fromkeys(self._named)
            if not all((table, address) in served for address in range(start, end))
        ]
        return ServedUnit(device_id, tuple(found), tuple(left_out))

    def _table(self, entries: list[Any], table: RegisterType, place: Place) -> Iterator[ServedPoint]:
        seen: dict[tuple[str, str], str] = {}
        claims = Claims()
        for copy in self._templates.copies(entries, place, is_entry=True):
            self._named += _named(copy, table)
            for where, served in self._entry(copy, table):
                # Owner and name say which variable it is; one table has each variable once (modbus.md 2.2).
                variable = (served.uri, served.point.id)
                if variable in seen:
                    message = f"{served.point.id!r} of {served.uri} is used already at {seen[variable]}"
                    self._findings.leave_out(where, message)
                elif overlap := claims.add(served.point):
                    self._findings.leave_out(where, overlap)
                else:
                    seen[variable] = where.path
                    yield served

    def _entry(self, copy: Copy, table: RegisterType) -> Iterator[tuple[Place, ServedPoint]]:
        findings = self._findings
        for data, place in entries_of(copy, findings):
            entry = findings.validate(ServedEntry, data, place)
            if entry is None:
                continue
            note_point_keys(entry, findings)
            try:
                uris.check(f"{entry.uri}/{entry.id}")
            except UriError as error:
                findings.leave_out(place.at("uri"), str(error))
                continue
            inherited = replace(self._inherited, added=copy.added)
            point = to_point(entry, table, _kind(entry, table), inherited, place, findings, needs_strings=False)
            if point is not None:
                last_bit = self._system.last_bit if entry.last_bit is None else entry.last_bit
                # Slashes that do not count are dropped, so that equal owners have equal texts.
                served = ServedPoint(uris.normal(entry.uri), point, last_bit and point.kind is Kind.BIT_FIELD)
                yield place, served


def _named(copy: Copy, table: RegisterType) -> Iterator[_Span]:
    """Yield the addresses that an entry means, as far as it can be told from one that may be wrong."""
    data = copy.data
    if not isinstance(data, dict) or keys.is_disabled(data):
        return
    offset, size = data.get("offset"), data.get("size", 1)
    if type(offset) is int and 0 <= offset + copy.added <= MAX_ADDRESS:
        start = offset + copy.added
        registers = size if type(size) is int and 1 <= size <= _MOST_REGISTERS else 1
        yield table, start, min(start + registers, MAX_ADDRESS + 1)


def _kind(entry: ServedEntry, table: RegisterType) -> Kind:
    # What owners publish for it are truth values, whatever else it is marked as (modbus.md 2.4).
    return Kind.BOOL if entry.is_bool else kind_of(entry, table)
