"""Point lists in spreadsheets: what their columns mean, and what is said of cells that mean nothing."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from ess_bus.errors import ConfigurationError, EssError
from modbus_bridge.config.model import ClientConfiguration, Component, Kind, Point, RegisterType, Serial, Tcp
from modbus_bridge.convert import workbook
from modbus_bridge.convert.extent import most_cells
from modbus_bridge.convert.formulas import broken_formulas
from modbus_bridge.convert.rows import inverse, slug
from modbus_bridge.convert.spreadsheet import read_spreadsheet
from modbus_bridge.convert.workbook import column_name

HOLDING, INPUT = RegisterType.HOLDING, RegisterType.INPUT
COIL, DISCRETE = RegisterType.COIL, RegisterType.DISCRETE

Rows = list[list[Any]]
HEAD = ["Id", "Register Type", "Offset"]


@pytest.fixture
def book(tmp_path: Path) -> Callable[..., Path]:
    """Write sheets to a file; `change` gets each worksheet afterwards."""

    def write(change: Callable[[Any], object] | None = None, **sheets: Rows) -> Path:
        path = tmp_path / "points.xlsx"
        with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as workbook:
            for name, rows in sheets.items():
                sheet = workbook.add_worksheet(name)
                for number, row in enumerate(rows):
                    for column, cell in enumerate(row):
                        if isinstance(cell, date):
                            sheet.write_datetime(number, column, cell)
                        elif cell is not None:
                            sheet.write(number, column, cell)
                if change is not None:
                    change(sheet)
        return path

    return write


def read(path: Path) -> ClientConfiguration:
    return read_spreadsheet(path)[0]


def problems(path: Path) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read_spreadsheet(path)
    return [str(problem) for problem in caught.value.problems]


def with_sheet(path: Path, content: str) -> Path:
    """Return a copy of a file whose sheet has this content."""
    changed = path.with_stem("changed")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            text = old.read(name).decode()
            new.writestr(name, re.sub("<sheetData.*(</sheetData>|(?<=/)>)", lambda _: content, text, flags=re.DOTALL))
    return changed


@pytest.fixture
def point(book) -> Callable[..., Point]:
    """Return the point of a row that has these cells besides an id, the type Holding and the offset 5."""

    def point_of(**cells: Any) -> Point:
        columns = {"Id": "p", "Register Type": "Holding", "Offset": 5} | {
            name.replace("_", " "): cell for name, cell in cells.items()
        }
        return read(book(points=[list(columns), list(columns.values())])).components[0].points[0]

    return point_of


@pytest.fixture
def refused(book) -> Callable[..., list[str]]:
    """Return the problems of such a row; the first further column is D."""

    def problems_of(**cells: Any) -> list[str]:
        columns = {"Id": "p", "Register Type": "Holding", "Offset": 5} | {
            name.replace("_", " "): cell for name, cell in cells.items()
        }
        return problems(book(points=[list(columns), list(columns.values())]))

    return problems_of


class TestColumns:
    def test_a_row_becomes_a_point(self, book):
        path = book(
            pcs=[
                ["Point list of the PCS"],
                [],
                ["ID", "Signal Name", "register_type", "ADDRESS", "DataType", "Scaling", "Units", "Device ID"],
                ["p_set", "Power setpoint", "Holding Registers", 1005, "int16", 10, "kW", 3],
            ]
        )
        configuration, notes = read_spreadsheet(path, Tcp("10.0.0.5", 1502))
        assert not notes
        assert configuration.connection.name == "points"
        assert configuration.connection.address == Tcp("10.0.0.5", 1502)
        scale = Fraction(10)
        expected = Point("p_set", HOLDING, 1005, 3, scale=scale, signed=True, name="Power setpoint", unit="kW")
        assert configuration.components == (Component("pcs", 1.0, 0.0, (expected,)),)

    @pytest.mark.parametrize(
        ("written", "table"),
        [
            *(("Holding", HOLDING), ("holding_registers", HOLDING), ("HR", HOLDING), ("4x", HOLDING), (3, HOLDING)),
            *(
                ("FC03", HOLDING),
                ("16", HOLDING),
                ("Input Register", INPUT),
                ("IR", INPUT),
                ("3x", INPUT),
                ("04", INPUT),
            ),
            *(("Coils", COIL), ("0x", COIL), ("0x01", COIL), (5, COIL), ("Discrete Inputs", DISCRETE), (2, DISCRETE)),
        ],
    )
    def test_the_table_has_many_names(self, book, written, table):
        path = book(points=[["Name", "Function", "Address"], ["a", written, 7]])
        assert read(path).components[0].points[0].type is table

    @pytest.mark.parametrize(
        ("data_type", "expected"),
        [
            ("UINT16", {}),
            ("int 16", {"signed": True}),
            ("u32", {"size": 2}),
            ("S64", {"size": 4, "signed": True}),
            ("Float", {"size": 2, "is_float": True}),
            ("double", {"size": 4, "is_float": True}),
            ("Bool", {"kind": Kind.BOOL}),
        ],
    )
    def test_data_types(self, point, data_type, expected):
        assert point(Data_Type=data_type) == Point("p", HOLDING, 5, 255, **expected)

    @pytest.mark.parametrize(("scale", "expected"), [(10, 10), (0.1, Fraction(1, 10)), ("1/10", Fraction(1, 10))])
    def test_a_scale_divides(self, point, scale, expected):
        assert point(Scale=scale).scale == expected

    @pytest.mark.parametrize(("multiplier", "expected"), [(0.1, 10), (0.001, 1000), (10, Fraction(1, 10)), (1, None)])
    def test_a_multiplier_multiplies(self, point, multiplier, expected):
        assert point(Multiplier=multiplier).scale == expected

    @pytest.mark.parametrize(
        ("data_type", "texts", "kind", "strings"),
        [
            ("enum", "0=Stop;1=Run", Kind.ENUM, {0: "Stop", 1: "Run"}),
            ("enum", "0: Stop, now\n3: Run", Kind.ENUM, {0: "Stop, now", 3: "Run"}),
            ("enum16", "1=a, 2=b", Kind.ENUM, {1: "a", 2: "b"}),
            ("bitfield", "Smoke; Door", Kind.BIT_FIELD, {0: "Smoke", 1: "Door"}),
            ("uint16", "bit0=Smoke; bit 9 = Door", Kind.BIT_FIELD, {0: "Smoke", 9: "Door"}),
            ("individual bits", "smoke;door", Kind.INDIVIDUAL_BITS, {0: "smoke", 1: "door"}),
        ],
    )
    def test_texts_of_values_and_bits(self, point, data_type, texts, kind, strings):
        found = point(Data_Type=data_type, **{"Bits/Strings": texts})
        assert (found.kind, found.strings) == (kind, strings)

    def test_addresses_can_be_hexadecimal_or_a_range(self, book):
        path = book(points=[HEAD, ["a", "HR", "0x3E8"], ["b", "HR", "1001-1002"]])
        assert [(point.offset, point.size) for point in read(path).components[0].points] == [(1000, 1), (1001, 2)]
        path = book(points=[["Id", "Type", "Address (hex)"], ["a", "HR", "3E8"], ["b", "HR", 10]])
        assert [point.offset for point in read(path).components[0].points] == [1000, 16]

    def test_a_column_type_is_of_tables_or_of_data(self, book):
        path = book(points=[["Id", "Type", "Function", "Register"], ["a", "int32", 3, 7]])
        (point,) = read(path).components[0].points
        assert (point.type, point.size, point.offset) == (HOLDING, 2, 7)
        path = book(points=[["Id", "Register", "Address", "Size"], ["a", "Input", 7, 2]])
        (point,) = read(path).components[0].points
        assert (point.type, point.size, point.offset) == (INPUT, 2, 7)

    def test_the_low_word_can_come_first(self, point):
        assert point(Size=2, Byte_order="CDAB").word_order == (1, 0)
        assert point(Size=2, Byte_order="Big").word_order == ()

    def test_texts_masks_and_what_means_not_available(self, point):
        assert point(Data_Type="string", Size=8) == Point("p", HOLDING, 5, 255, size=8, kind=Kind.TEXT)
        found = point(Invalid="0xFFFF", Invert_mask="0x1", Shift=-40)
        assert (found.invalid, found.invert_mask, found.shift) == ({0xFFFF}, 1, -40)

    def test_a_list_of_bits_shares_its_register(self, book):
        rows = [["Name", "Function", "Register", "Bit"], ["Door open", 3, 7, 0], ["Fan fault", 3, 7, 15]]
        found = read(book(points=rows)).components[0].points
        assert [(point.id, point.offset, point.first_bit, point.width, point.kind) for point in found] == [
            ("door_open", 7, 0, 1, Kind.BOOL),
            ("fan_fault", 7, 15, 1, Kind.BOOL),
        ]

    def test_columns_that_mean_nothing_are_named(self, book):
        path = book(points=[[*HEAD, "Remarks"], ["a", "HR", 1, "?"]], History=[["2020: new"]])
        assert [str(note) for note in read_spreadsheet(path, Tcp("h"))[1]] == [
            "points!D1: the column 'Remarks' is not used",
            "History: not used: no row names an address and an id",
        ]

    def test_numbers_that_look_like_those_of_registers_are_remarked_on(self, book):
        path = book(points=[HEAD, ["a", "HR", 40001], ["b", "HR", 40002], ["c", "IR", 30001], ["d", "IR", 7]])
        configuration, notes = read_spreadsheet(path, Tcp("h"))
        assert configuration.components[0].points[0].offset == 40001
        assert [str(note) for note in notes] == [
            "points!C2: taken as the address 40001; if it is holding register 0, write that "
            "(and so for the others of the sheet)"
        ]


class TestSheets:
    def test_each_sheet_is_a_component_unless_a_column_says_otherwise(self, book):
        path = book(
            **{
                "Fast Points": [[*HEAD, "Frequency"], ["a", "HR", 1, 100], ["b", "HR", 2, None]],
                "rest": [[*HEAD, "Component", "Period (ms)"], ["a", "HR", 3, "x", 2000], ["b", "HR", 4, "y", None]],
            }
        )
        assert [(component.id, component.period_s) for component in read(path).components] == [
            ("fast_points", 0.1),
            ("x", 2.0),
            ("y", 1.0),
        ]

    def test_the_sheet_connection_says_where_the_device_is(self, book):
        rows = [["Key", "Value"], ["IP address", "10.0.0.5"], ["Port", 1502], ["off by one", "yes"], ["Unit ID", 3]]
        configuration, notes = read_spreadsheet(book(Connection=rows, points=[HEAD, ["a", "HR", 1]]))
        assert not notes
        assert configuration.connection.address == Tcp("10.0.0.5", 1502)
        (point,) = configuration.components[0].points
        assert (point.offset, point.device_id) == (0, 3)

    def test_a_serial_line(self, book):
        rows = [["serial device", "/dev/ttyUSB0"], ["baud rate", 9600], ["parity", "even"]]
        path = book(connection=rows, points=[HEAD, ["a", "HR", 1]])
        assert read(path).connection.address == Serial("/dev/ttyUSB0", 9600, "even")

    def test_without_it_a_remark_says_what_is_written(self, book):
        (note,) = read_spreadsheet(book(points=[HEAD, ["a", "HR", 1]]))[1]
        assert str(note) == "nothing says where the device is; 127.0.0.1 is written (see --device)"

    def test_headings_between_the_points_are_passed_over(self, book):
        path = book(points=[HEAD, ["a", "HR", 1], [], ["Alarms"], ["b", "HR", 2]])
        assert len(read(path).components[0].points) == 2

    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_csv(self, tmp_path, delimiter):
        path = tmp_path / "pcs.csv"
        rows = [[*HEAD, "Scale", "Name"], ["a", "HR", "7", "0.1", "Größe"], ["b", "IR", "0x10", "", "B"]]
        path.write_text("\n".join(delimiter.join(row) for row in rows), encoding="utf-8-sig")
        (component,) = read(path).components
        assert component.id == "pcs"
        assert component.points == (
            Point("a", HOLDING, 7, 255, scale=Fraction(1, 10), name="Größe"),
            Point("b", INPUT, 16, 255, name="B"),
        )


class TestMergedCells:
    def test_a_merged_cell_counts_for_all_its_rows(self, book):
        rows = [["Id", "Offset", "Type", "Scale"], ["a", 1], ["b", 2]]

        def merge(sheet: Any) -> None:
            sheet.merge_range("C2:C3", "Input")
            sheet.merge_range("D2:D3", 10)

        found = read(book(merge, points=rows)).components[0].points
        assert [(point.type, point.scale) for point in found] == [(INPUT, Fraction(10))] * 2

    def test_bits_can_share_the_merged_cell_of_their_register(self, book):
        rows = [["Name", "Register", "Bit", "Function"], ["a", None, 0, 3], ["b", None, 1, 3]]
        found = read(book(lambda sheet: sheet.merge_range("B2:B3", 7), points=rows)).components[0].points
        assert [(point.offset, point.first_bit) for point in found] == [(7, 0), (7, 1)]

    def test_each_point_needs_its_own_id_and_address(self, book):
        rows = [HEAD, [None, "HR", None], [None, "HR", None]]

        def merge(sheet: Any) -> None:
            sheet.merge_range("A2:A3", "a")
            sheet.merge_range("C2:C3", 7)

        path = book(merge, points=rows)
        # The third row has one cell of its own, but is no heading.
        assert problems(path) == [
            "points!A3: merged with points!A2; each point needs its own",
            "points!C3: merged with points!C2; each point needs its own",
        ]


class TestRefused:
    def test_everything_is_said_at_once_with_its_cell(self, book):
        path = book(
            connection=[["port", "many"], ["speed", 9]],
            fast=[[*HEAD, "Size", "Scale"], ["a", "HR", "x1", 3, "ten"], ["b{", "HR", 2], [None, "Robot", 3]],
            slow=[[*HEAD, "Signed"], ["a", "HR", None, "maybe"]],
        )
        assert problems(path) == [
            "fast!C2: expected a whole number, got 'x1'",
            "fast!E2: expected a number, got 'ten'",
            "fast!A4: missing; expected the point's id or name",
            "fast!B4: expected Holding, Input, Coil, Discrete Input or a function code, got 'Robot'",
            "slow!C2: missing; expected the address of the point",
            "slow!D2: expected yes or no, got 'maybe'",
            "connection!B1: expected a number, got 'many'",
            "connection!A2: unknown: 'speed'; expected a key such as port",
        ]

    def test_what_the_loader_refuses_has_its_cell_too(self, book):
        path = book(
            connection=[["ip address", "h"], ["off by one", "yes"], ["device id", 300]],
            points=[[*HEAD, "Size"], ["a", "HR", 0, 1], ["b{", "HR", 2, 1], ["c", "HR", 4, 3]],
        )
        found = problems(path)
        assert any(text.startswith("connection!B3: ") for text in found)

    @pytest.mark.parametrize(
        ("row", "cell"), [(["a", "HR", 70_000, 1], "C2"), (["b{", "HR", 2, 1], "A2"), (["c", "HR", 4, 3], "D2")]
    )
    def test_nothing_is_left_out(self, book, row, cell):
        (text,) = problems(book(points=[[*HEAD, "Size"], row, ["good", "HR", 9, 1]]))
        assert text.startswith(f"points!{cell}: ")

    def test_two_points_with_one_id(self, book):
        path = book(
            points=[HEAD, ["a", "HR", 1], ["a", "IR", 1]],
            other=[[*HEAD, "Component"], ["a", "HR", 1, "x"], ["a", "HR", 2, "points"]],
        )
        assert problems(path) == [
            "points!A3: 'a' of 'points' is used already at points!A2",
            "other!A3: 'a' of 'points' is used already at points!A2",
        ]

    def test_a_component_with_two_frequencies(self, book):
        (text,) = problems(book(points=[[*HEAD, "Frequency"], ["a", "HR", 1, 100], ["b", "HR", 2, 200]]))
        assert text == "points!3: 'points' has the frequency 100 at points!2; one component has one"

    @pytest.mark.parametrize(
        ("cells", "expected"),
        [
            ({"Data Type": "int33"}, "points!D2: expected int16, uint16, int32, "),
            ({"Data Type": "int32", "Size": 1}, "points!E2: contradicts itself: size 1 by points!E2, 2 by points!D2"),
            ({"Data Type": "uint16", "Signed": "yes"}, "points!E2: contradicts the data type at points!D2"),
            ({"Scale": 10, "Multiplier": 10}, "points!E2: contradicts the scale at points!D2, which divides"),
            ({"Multiplier": 0}, "points!D2: expected a number that is not 0"),
            (
                {"Scale Factor": -1},
                "points!D1: 'Scale Factor' can mean two things; expected Scale",
            ),
            ({"Size (bytes)": 4}, "points!D1: 'Size (bytes)' is not understood; expected Size"),
            ({"Address": 5}, "points!D1: 'Address' means the same as 'Offset' at points!C1"),
            ({"Byte order": "DCBA"}, "points!D2: 'DCBA' swaps the bytes inside of registers"),
            ({"Strings": "0=a;1=b"}, "points!D2: expected enum, bitfield or individual bits as the data type"),
            ({"Data Type": "enum"}, "points!2: missing; expected texts such as 0=Stop; 1=Run for the enum"),
            ({"Data Type": "enum", "Strings": "0=a;0=b"}, "points!E2: 0 has two texts"),
            ({"Data Type": "enum", "Strings": "0=a;b"}, "points!E2: expected number=text, got 'b'"),
            ({"Size": date(2024, 2, 1)}, "points!D2: expected a whole number, got 2024-02-01"),
            ({"Scale": "1e999"}, "points!D2: expected a number, got '1e999'"),
            ({"Register Type": "IR", "Access": "RW"}, "points!D2: the table input cannot be written"),
            ({"Register Type": "Coil", "Scale": 10}, "points!D2: a coil or discrete input is a single bit"),
            (
                {"Register Type": "Coil", "Data Type": "int16"},
                "points!D2: a coil is a single bit; expected bool",
            ),
        ],
    )
    def test_cells_that_contradict_or_mean_nothing(self, refused, cells, expected):
        (text,) = refused(**cells)
        assert text.startswith(expected)

    def test_a_sheet_without_a_column_for_the_table(self, book):
        assert problems(book(points=[["Id", "Offset"], ["a", 1]])) == [
            "points!1: no column says the register type: Holding, Input, Coil or Discrete Input"
        ]

    def test_no_points_at_all(self, book):
        assert problems(book(points=[HEAD])) == ["there is no point below the header row"]
        assert problems(book(points=[["hello"]])) == [
            "no sheet has a header row such as Id, Register Type, Offset (there are: points)"
        ]
        assert problems(book(points=[])) == [
            "no sheet has a header row such as Id, Register Type, Offset (there are: points)"
        ]

    def test_a_formula_without_a_value_is_no_empty_cell(self, book):
        def change(sheet: Any) -> None:
            sheet.write_formula("D2", "=1/0", None, "#DIV/0!")
            sheet.write_formula("D3", "=2*5", None, 10)

        path = book(change, **{"a & b": [[*HEAD, "Scale"], ["a", "HR", 1], ["b", "HR", 2]]})
        assert problems(path) == ["a & b!D2: the formula gives #DIV/0!"]

    @pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04" + bytes(100)])
    def test_what_is_no_spreadsheet(self, tmp_path, content):
        path = tmp_path / "points.xlsx"
        path.write_bytes(content)
        (text,) = problems(path)
        assert text.startswith("not an .xlsx file: ")

    def test_a_zip_that_is_no_spreadsheet(self, tmp_path):
        path = tmp_path / "points.xlsx"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.txt", "hello")
        (text,) = problems(path)
        assert text.startswith("not an .xlsx file: ")

    @pytest.mark.parametrize(
        "sheet",
        [
            '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
            '<row><c><v>1</v></c></row><row r="1048576"><c/><c r="XFC1"/><c r="XFD1048576"><v>1</v></c></row>',
            '<row r="1"><c r="XFC1"/><c r="XFD1"><v>1</v></c></row><row r="1048576"><c><v>1</v></c></row>',
        ],
    )
    def test_a_value_far_outside_takes_no_memory(self, book, sheet):
        path = with_sheet(book(points=[HEAD]), f"<sheetData>{sheet}</sheetData>")
        assert problems(path) == ["it has 17179869184 cells, over the limit of 5000000; is there one far outside?"]

    def test_a_format_far_outside_is_no_value(self, book):
        def change(sheet: Any) -> None:
            sheet.set_row(1_048_575, 30)
            sheet.write_blank(1_048_575, 16_383, None, None)

        path = book(change, points=[HEAD, ["a", "HR", 1]])
        with zipfile.ZipFile(path) as archive:
            assert most_cells(archive) == 6
        assert read(path).components

    def test_many_sheets_may_not_have_more_cells_than_one(self, book, monkeypatch):
        monkeypatch.setattr(workbook, "_MAX_CELLS", 2 * len(HEAD) + 1)
        assert read(book(one=[HEAD, ["a", "HR", 1]])).components
        assert "cells, over the limit" in problems(book(one=[HEAD, ["a", "HR", 1]], two=[HEAD, ["b", "HR", 2]]))[0]

    def test_csv_has_the_same_limit(self, tmp_path):
        path = tmp_path / "points.csv"
        path.write_text(5_000_001 * ",", encoding="utf-8")
        assert problems(path) == ["it has 5000002 cells, over the limit of 5000000; is there one far outside?"]

    def test_cells_without_an_end_take_no_time(self, book):
        # Quadratic, this takes hours.
        path = with_sheet(book(points=[HEAD]), '<c r="A1">' * 1_000_000)
        with zipfile.ZipFile(path) as archive:
            assert broken_formulas(archive) == {"points": {}}

    def test_other_files(self, tmp_path):
        assert problems(tmp_path / "none.xlsx") == ["no such file or directory"]
        path = tmp_path / "points.ods"
        path.write_bytes(b"hello")
        assert problems(path) == ["expected a file called .xlsx, .xlsm or .csv"]
        path = tmp_path / "points.csv"
        path.write_bytes(b"Id\xff")
        assert problems(path) == ["not UTF-8 text: invalid start byte at byte 2"]

    def test_what_reads_spreadsheets_may_be_missing(self, book, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "python_calamine", None)
        with pytest.raises(EssError, match=r"pip install 'ess-bus\[xlsx\]'"):
            read_spreadsheet(book(points=[HEAD, ["a", "HR", 1]]))


def test_ids_made_of_names():
    assert slug(" Active Power (AC)\n#2 ") == "active_power_ac_2"


@pytest.mark.parametrize(("multiplier", "divisor"), [(0.1, 10), (0.01, 100), (100, 0.01), (-0.1, -10), (0.3, 1 / 0.3)])
def test_inverse(multiplier, divisor):
    assert inverse(multiplier) == divisor


@pytest.mark.parametrize(("number", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_column_names(number, letters):
    assert column_name(number) == letters
