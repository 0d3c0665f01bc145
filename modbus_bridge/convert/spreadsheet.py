"""A point list (.xlsx or .csv) -> a client's configuration.

Each sheet with a header row is a component, or as many as its column Component names. Everything that is wrong is said
with the cell that it is in, all of it at once, and what comes out has passed the loader of configuration files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ess_bus.errors import ConfigurationError, Problem
from modbus_bridge.config import client_from
from modbus_bridge.config.model import ClientConfiguration, RegisterType, Serial, Tcp
from modbus_bridge.convert.client_file import TYPE_NAMES, address_keys
from modbus_bridge.convert.columns import Header, find_header
from modbus_bridge.convert.connection_sheet import is_connection, read_connection
from modbus_bridge.convert.rows import PointRow, RowReader, slug
from modbus_bridge.convert.workbook import Sheet, read_workbook

_DEFAULT_HOST: Final = "127.0.0.1"
_DEFAULT_PERIOD_MS: Final = 1000
# What the loader calls an entry that it does not use.
_LEFT_OUT: Final = "left out"


@dataclass
class _Draft:
    """The file that is being made, and where in the sheets each part of it was said.

    Attributes:
        cells: path inside the file -> the name of a cell or a row.
    """

    document: dict[str, Any]
    cells: dict[str, str] = field(default_factory=dict)

    def cell_of(self, path: str) -> str:
        """Return the cell that is nearest to `path`, or ``path`` itself."""
        parts = path.split(".")
        for length in range(len(parts), 0, -1):
            found = self.cells.get(".".join(parts[:length]))
            if found is not None:
                return found
        return path


def read_spreadsheet(path: Path, device: Tcp | Serial | None = None) -> tuple[ClientConfiguration, list[Problem]]:
    """Return the configuration that a point list describes, and remarks about it.

    Args:
        path: the file.
        device: where the device is; it counts before what the sheet ``connection`` says.

    Raises:
        ConfigurationError: with every problem, each with its cell.
        EssError: what reads spreadsheets is not installed.
    """
    sheets = read_workbook(path)
    problems: list[Problem] = []
    notes: list[Problem] = []
    tables = [(sheet, find_header(sheet, problems)) for sheet in sheets if not is_connection(sheet)]
    rows = {sheet.name: _rows(sheet, header, problems, notes) for sheet, header in tables if header is not None}
    notes += [
        Problem(sheet.name, "not used: no row names an address and an id") for sheet, header in tables if not header
    ]
    if not rows:
        names = ", ".join(sheet.name for sheet in sheets) or "no sheets"
        problems.append(
            Problem("", f"no sheet has a header row such as Id, Register Type, Offset (there are: {names})")
        )
    elif not any(rows.values()) and not problems:
        problems.append(Problem("", "there is no point below the header row"))
    draft = _draft(path, sheets, rows, device, problems, notes)
    if problems:
        raise ConfigurationError(path, problems)
    return _loaded(path, draft, notes), notes


def _rows(sheet: Sheet, header: Header, problems: list[Problem], notes: list[Problem]) -> list[PointRow]:
    found: list[PointRow] = []
    for column in header.unused:
        name = sheet.cell(header.row, column)
        notes.append(Problem(sheet.named(header.row, column), f"the column {name!r} is not used"))
    if "table" not in header.columns:
        where = f"{sheet.name}!{header.row + 1}"
        problems.append(Problem(where, "no column says the register type: Holding, Input, Coil or Discrete Input"))
        return found
    for row in _point_rows(sheet, header):
        point = RowReader(sheet, header, row, problems).read()
        if point is not None:
            found.append(point)
    _note_register_numbers(found, notes)
    return found


def _note_register_numbers(points: list[PointRow], notes: list[Problem]) -> None:
    """Remark on numbers whose first digit may be that of their table: 40001 is often holding register 0."""
    for table, first in ((RegisterType.HOLDING, 40001), (RegisterType.INPUT, 30001)):
        found = [point for point in points if point.table is table]
        if found and all(first <= point.entry["offset"] < first + 9999 for point in found):
            address = found[0].entry["offset"]
            message = f"taken as the address {address}; if it is {table} register {address - first}, write that"
            notes.append(Problem(found[0].cells["offset"], f"{message} (and so for the others of the sheet)"))


def _point_rows(sheet: Sheet, header: Header) -> Iterator[int]:
    """Yield the rows that are about a point; a cell alone in its row is a heading between them."""
    own = {header.columns.get(column) for column in ("id", "name", "offset")}
    # Rows in which people see more than their cells say.
    fuller = {row for row, _ in sheet.broken}
    fuller |= {row for (row, column), (top, _) in sheet.merged.items() if top != row and column in own}
    for row in range(header.row + 1, len(sheet.rows)):
        said = sum(cell is not None for cell in sheet.rows[row])
        if said > 1 or (said == 1 and row in fuller):
            yield row


def _draft(
    path: Path,
    sheets: list[Sheet],
    rows: Mapping[str, list[PointRow]],
    device: Tcp | Serial | None,
    problems: list[Problem],
    notes: list[Problem],
) -> _Draft:
    connection: dict[str, Any] = {}
    where: dict[str, str] = {}
    for sheet in sheets:
        if is_connection(sheet):
            connection, where = read_connection(sheet, problems)
    if device is not None:
        # Of the other kind of address nothing may be left; the speed of a line is the sheet's.
        elsewhere = ("ip_address", "serial_device")
        connection = {key: value for key, value in connection.items() if key not in elsewhere}
        connection = address_keys(device) | connection
        connection |= {"port": device.port} if isinstance(device, Tcp) else {}
    elif "ip_address" not in connection and "serial_device" not in connection:
        connection["ip_address"] = _DEFAULT_HOST
        notes.append(Problem("", f"nothing says where the device is; {_DEFAULT_HOST} is written (see --device)"))
    connection = {"name": path.stem, "frequency": _DEFAULT_PERIOD_MS} | connection
    draft = _Draft({"connection": connection, "components": []})
    draft.cells |= {f"connection.{key}": cell for key, cell in where.items()}
    components: dict[str, list[PointRow]] = {}
    for name, points in rows.items():
        for point in points:
            components.setdefault(point.component or slug(name), []).append(point)
    for name, points in components.items():
        _note_duplicates(name, points, problems)
        _add_component(draft, name, points, problems)
    return draft


def _add_component(draft: _Draft, name: str, points: list[PointRow], problems: list[Problem]) -> None:
    path = f"components.{len(draft.document['components'])}"
    component: dict[str, Any] = {"id": name, "registers": []}
    draft.cells[path] = points[0].cells[""]
    first: PointRow | None = None
    for point in points:
        if point.frequency is None:
            continue
        if first is None:
            first = point
            component["frequency"] = point.frequency
        elif point.frequency != first.frequency:
            message = f"{name!r} has the frequency {first.frequency:g} at {first.cells['']}; one component has one"
            problems.append(Problem(point.cells[""], message))
    groups: dict[tuple[Any, int | None], list[PointRow]] = {}
    for point in points:
        groups.setdefault((point.table, point.device_id), []).append(point)
    for number, ((table, device_id), members) in enumerate(groups.items()):
        own = {} if device_id is None else {"device_id": device_id}
        component["registers"].append({"type": TYPE_NAMES[table], **own, "map": [point.entry for point in members]})
        for index, point in enumerate(members):
            for key, cell in point.cells.items():
                draft.cells[f"{path}.registers.{number}.map.{index}.{key}".rstrip(".")] = cell
        draft.cells[f"{path}.registers.{number}"] = members[0].cells[""]
    draft.document["components"].append(component)


def _note_duplicates(component: str, points: list[PointRow], problems: list[Problem]) -> None:
    seen: dict[str, str] = {}
    for point in points:
        point_id = point.entry["id"]
        if point_id in seen:
            problems.append(
                Problem(point.cells["id"], f"{point_id!r} of {component!r} is used already at {seen[point_id]}")
            )
        seen.setdefault(point_id, point.cells["id"])


def _loaded(path: Path, draft: _Draft, notes: list[Problem]) -> ClientConfiguration:
    """Return the configuration; nothing that a sheet says may be left out."""
    try:
        configuration, warnings = client_from(draft.document, path)
    except ConfigurationError as error:
        raise ConfigurationError(path, [_in_sheet(draft, problem) for problem in error.problems]) from None
    found = [_in_sheet(draft, warning) for warning in warnings]
    left_out = [problem for problem in found if problem.message.startswith(_LEFT_OUT)]
    if left_out:
        raise ConfigurationError(path, left_out)
    notes += found
    return configuration


def _in_sheet(draft: _Draft, problem: Problem) -> Problem:
    return Problem(draft.cell_of(problem.where), problem.message)
