"""From one row of a point list to a register entry, and where in the sheet each of its keys was said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from ess_bus.errors import Problem
from modbus_bridge.config.model import Kind, RegisterType
from modbus_bridge.convert import cells
from modbus_bridge.convert.cells import DataType
from modbus_bridge.convert.columns import Header
from modbus_bridge.convert.workbook import Cell, Sheet

T = TypeVar("T")

# A merged cell says the same of all its rows, but these are each point's own.
_OWN: Final = frozenset(("id", "name", "description", "first_bit", "bit_count"))


@dataclass(frozen=True, slots=True)
class PointRow:
    """One point of a sheet.

    Attributes:
        component: the component that it belongs to, ``None`` for that of its sheet.
        device_id: its unit, ``None`` for that of the connection.
        frequency: how often its component is read in ms, ``None`` if the row does not say.
        entry: the register entry that goes into the file.
        cells: key of the entry -> the name of the cell that it comes from; ``""`` is the row itself.
    """

    table: RegisterType
    component: str | None
    device_id: int | None
    frequency: int | float | None
    entry: dict[str, Any]
    cells: Mapping[str, str]


class RowReader:
    """Reads one row; problems are collected, not raised, so that a person sees all of them."""

    def __init__(self, sheet: Sheet, header: Header, row: int, problems: list[Problem]) -> None:
        self._sheet = sheet
        self._columns = header.columns
        self._row = row
        self._problems = problems
        self._before = len(problems)
        self._entry: dict[str, Any] = {}
        self._cells: dict[str, str] = {"": f"{sheet.name}!{row + 1}"}

    def read(self) -> PointRow | None:
        """Return the point, or ``None`` after noting what is wrong."""
        self._note_unreadable()
        self._name()
        found_type = self._value("data_type", cells.data_type) or DataType()
        count = self._offset()
        table = self._table(found_type)
        self._access(table)
        if table is not None and table.is_bits:
            self._bits()
        else:
            self._registers(found_type, count)
        self._plain("invert_mask", "invert_mask", lambda cell: hex(cells.whole(cell)))
        component = self._value("component", cells.text)
        device_id = self._value("device_id", cells.whole)
        frequency = self._value("frequency", cells.number)
        if table is None or len(self._problems) > self._before:
            return None
        return PointRow(table, component, device_id, frequency, self._entry, self._cells)

    def _note_unreadable(self) -> None:
        """Note the cells that are no more than blank to what reads the sheet, though people see something there."""
        for column, number in self._columns.items():
            place = (self._row, number)
            first = self._sheet.merged.get(place)
            if place in self._sheet.broken:
                self._problem(column, self._sheet.broken[place])
            elif first is not None and (first[1] != number or self._is_own(column)):
                self._problem(column, f"merged with {self._sheet.named(*first)}; each point needs its own")

    def _is_own(self, column: str) -> bool:
        """Tell whether a cell cannot be shared with other rows; an address can, with the other bits of a register."""
        return column in _OWN or (column in ("offset", "hex_offset") and self._cell("first_bit") is None)

    def _name(self) -> None:
        name = self._value("name", cells.text) or self._value("description", cells.text)
        key = "id" if self._cell("id") is not None else "name" if self._cell("name") is not None else "description"
        point_id = self._value("id", cells.text) or (slug(name) if name else None)
        if not point_id:
            if self._is_noted("id") or self._is_noted("name"):
                return
            self._problem("id" if "id" in self._columns else "name", "missing; expected the point's id or name")
            return
        self._say("id", point_id, key)
        if name is not None and name != point_id:
            self._say("name", name, "name")
        self._plain("unit", "unit", cells.text)

    def _offset(self) -> int | None:
        """Note the address; return how many registers its cell spans, if it says so."""
        if self._cell("offset") is None and self._cell("hex_offset") is not None:
            self._plain("offset", "hex_offset", cells.hexadecimal)
            return None
        found = self._value("offset", cells.addresses)
        if found is None:
            if self._cell("offset") is None and not self._is_noted("offset"):
                self._problem("offset", "missing; expected the address of the point")
            return None
        self._say("offset", found[0], "offset")
        return found[1]

    def _table(self, found_type: DataType) -> RegisterType | None:
        table = self._value("table", cells.table)
        if table is None and self._cell("table") is None:
            self._problem("table", "missing; expected the register type: Holding, Input, Coil or Discrete Input")
        elif table is not None and table.is_bits and found_type not in (DataType(), DataType(kind=Kind.BOOL)):
            self._problem("data_type", f"a {table} is a single bit; expected bool or nothing")
        return table

    def _access(self, table: RegisterType | None) -> None:
        may = self._value("access", cells.access)
        if may is not None and table is not None and may[1] and not table.is_writable:
            self._problem("access", f"the table {table} cannot be written")

    def _bits(self) -> None:
        for column in ("scale", "multiplier", "first_bit", "strings"):
            if self._cell(column) not in (None, 0, 1):
                self._problem(column, "a coil or discrete input is a single bit; expected nothing here")
        size = self._value("size", cells.whole)
        if size not in (None, 1):
            self._problem("size", f"a coil or discrete input is a single bit, got {size}")

    def _registers(self, found: DataType, count: int | None) -> None:
        self._size(found, count)
        self._sign(found)
        self._scale()
        self._plain("shift", "shift", cells.whole)
        self._plain("byte_swap", "byte_swap", cells.truth)
        self._plain("byte_swap", "word_order", cells.word_order)
        self._plain("invalid", "invalid", cells.whole)
        self._part(found)
        self._kind(found)

    def _size(self, found: DataType, count: int | None) -> None:
        size = self._value("size", cells.whole)
        said = {
            "size": size,
            "data_type": found.size,
            "offset": count,
        }
        values = {value for value in said.values() if value is not None}
        if len(values) > 1:
            texts = [f"{value} by {self._where(column)}" for column, value in said.items() if value is not None]
            self._problem("size" if size is not None else "data_type", f"contradicts itself: size {', '.join(texts)}")
        for column, value in said.items():
            if value is not None:
                self._say("size", value, column)
                return

    def _sign(self, found: DataType) -> None:
        signed = self._value("signed", cells.truth)
        has_type = self._cell("data_type") is not None and found.kind is Kind.NUMBER
        if has_type and signed is not None and signed != (found.signed or (found.is_float and signed)):
            self._problem("signed", f"contradicts the data type at {self._where('data_type')}")
        if found.is_float:
            self._say("float", True, "data_type")
        elif found.signed or signed:
            self._say("signed", True, "data_type" if found.signed else "signed")

    def _scale(self) -> None:
        scale = self._value("scale", cells.number)
        multiplier = self._value("multiplier", cells.number)
        if scale is not None and multiplier is not None and multiplier != 1:
            if scale not in (0, 1) and abs(scale * multiplier - 1) > 1e-9:
                self._problem("multiplier", f"contradicts the scale at {self._where('scale')}, which divides")
        elif multiplier == 0:
            self._problem("multiplier", "expected a number that is not 0")
        elif multiplier is not None and scale is None:
            scale = inverse(multiplier)
        if scale not in (None, 0, 1):
            self._say("scale", scale, "multiplier" if self._cell("scale") is None else "scale")

    def _part(self, found: DataType) -> None:
        first = self._value("first_bit", cells.whole)
        count = self._value("bit_count", cells.whole)
        if first is None and count is None:
            return
        self._say("starting_bit_pos", first or 0, "first_bit" if first is not None else "bit_count")
        if count is None and found.kind in (Kind.BOOL, Kind.NUMBER) and found.size is None:
            # A list of bits names one per row.
            count = 1
            self._entry["bool"] = True
        if count is not None:
            self._say("number_of_bits", count, "bit_count" if self._cell("bit_count") is not None else "first_bit")

    def _kind(self, found: DataType) -> None:
        written = self._value("strings", cells.strings)
        kind = found.kind
        if written is not None and kind in (Kind.NUMBER, Kind.BOOL, Kind.TEXT):
            if kind is not Kind.NUMBER or not written[1]:
                self._problem("strings", "expected enum, bitfield or individual bits as the data type of these texts")
                return
            kind = Kind.BIT_FIELD
        if kind in (Kind.ENUM, Kind.BIT_FIELD, Kind.INDIVIDUAL_BITS):
            if written is None:
                if self._cell("strings") is None:
                    self._problem("strings", f"missing; expected texts such as 0=Stop; 1=Run for the {kind}")
                return
            self._say(str(kind), True, "data_type")
            self._say("bit_strings", _elements(written[0]), "strings")
        elif kind is Kind.TEXT:
            self._say("text", True, "data_type")
        elif kind is Kind.BOOL:
            self._say("bool", True, "data_type")

    def _plain(self, key: str, column: str, parse: Callable[[Cell], Any]) -> None:
        value = self._value(column, parse)
        if value is not None:
            self._say(key, value, column)

    def _say(self, key: str, value: Any, column: str) -> None:
        self._entry[key] = value
        self._cells[key] = self._where(column)

    def _value(self, column: str, parse: Callable[[Cell], T]) -> T | None:
        """Return what a cell means, ``None`` if it is empty or after noting what is wrong with it."""
        cell = self._cell(column)
        if cell is None:
            return None
        try:
            return parse(cell)
        except ValueError as error:
            self._problem(column, str(error))
            return None

    def _cell(self, column: str) -> Cell:
        number = self._columns.get(column)
        if number is None:
            return None
        cell = self._sheet.cell(self._row, number)
        first = self._sheet.merged.get((self._row, number))
        if cell is None and first is not None and first[1] == number and column not in _OWN:
            return self._sheet.cell(*first)
        return cell

    def _is_noted(self, column: str) -> bool:
        """Tell whether a cell that is blank has a problem that says why."""
        where = self._where(column)
        return any(problem.where == where for problem in self._problems[self._before :])

    def _where(self, column: str) -> str:
        number = self._columns.get(column)
        return self._cells[""] if number is None else self._sheet.named(self._row, number)

    def _problem(self, column: str, message: str) -> None:
        self._problems.append(Problem(self._where(column), message))


def slug(name: str) -> str:
    """Return an id made of a name: ``Active Power (AC)`` becomes ``active_power_ac``."""
    letters = "".join(letter if letter.isalnum() else " " for letter in name.lower())
    return "_".join(letters.split())


def inverse(multiplier: int | float) -> int | float:
    """Return the number to divide by instead: of 0.1 it is 10, not 10.000000000000002."""
    found = 1 / multiplier
    near = round(found)
    return near if near and abs(found - near) < 1e-9 * abs(found) else found


def _elements(strings: Mapping[int, str]) -> list[Any]:
    if list(strings) == list(range(len(strings))):
        return list(strings.values())
    return [{"value": number, "string": text} for number, text in strings.items()]
