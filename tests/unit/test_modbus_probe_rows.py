"""What a probe shows of a point, and how it ages."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from modbus_bridge.config.model import Kind, RegisterType
from modbus_bridge.polling.plan import blocks
from modbus_bridge.probe import text
from modbus_bridge.probe.order import Order, addresses_of
from modbus_bridge.probe.scan import Table, points_of
from modbus_bridge.probe.sheet import Sheet
from tests.modbus_points import point

POWER = point(id="power", offset=10, scale=10, signed=True, unit="kW")


def sheet_of(*points: Any) -> Sheet:
    sheet = Sheet()
    sheet.add("pcs", points)
    return sheet


def read(sheet: Sheet, registers: list[int], now_s: float) -> None:
    (block,) = blocks([row.point for row in sheet.rows])
    sheet.read("pcs", block, registers, now_s)


def test_a_row_ages_and_says_why() -> None:
    sheet = sheet_of(POWER)
    (row,) = sheet.rows
    assert text.cells(row, sheet, 5.0, named=True) == ["pcs/power", "", "kW", "", "holding 10", "never", "not read yet"]
    read(sheet, [0xFFFB], 100.0)
    assert text.cells(row, sheet, 100.2, named=True) == ["pcs/power", "-0.5", "kW", "FFFB", "holding 10", "0.2 s", ""]
    sheet.failed("pcs", [POWER], "no answer", 103.0)
    assert text.cells(row, sheet, 110.0, named=True) == [
        "pcs/power",
        "(-0.5)",
        "kW",
        "(FFFB)",
        "holding 10",
        "10.0 s",
        "no answer",
    ]
    assert sheet.fresh == 0


def test_machines_get_no_stale_value() -> None:
    sheet = sheet_of(POWER)
    (row,) = sheet.rows
    read(sheet, [20], 100.0)
    assert text.facts(row, 100.0) == text.facts(row, 100.0) | {"value": 2.0, "raw": "0014", "age_s": 0.0}
    sheet.failed("pcs", [POWER], "no answer", 101.0)
    stale = text.facts(row, 102.5)
    assert stale == stale | {
        "value": None,
        "raw": None,
        "last_value": 2.0,
        "age_s": 2.5,
        "reason": "no answer",
    }


def test_changes_are_those_of_values_and_of_reasons() -> None:
    sheet = sheet_of(POWER)
    (row,) = sheet.rows
    changed = []
    for now_s, event in enumerate(["1", "1", "2", "silent", "silent", "refused", "2", "2"]):
        if event.isdigit():
            read(sheet, [int(event)], float(now_s))
        else:
            sheet.failed("pcs", [POWER], event, float(now_s))
        changed.append(row.changed_s == now_s)
    assert changed == [False, False, True, True, False, True, True, False]


@pytest.mark.parametrize(
    ("changes", "words", "shown"),
    [
        ({}, [5], "5"),
        ({"size": 2, "is_float": True}, [0x3DCC, 0xCCCD], "0.1"),
        ({"size": 2, "is_float": True}, [0x7FC0, 0], "not available"),
        ({"kind": Kind.ENUM, "strings": {2: "Run"}}, [2], "Run (2)"),
        ({"kind": Kind.BIT_FIELD, "strings": {0: "smoke"}}, [5], "smoke (0), Unknown (2)"),
        ({"kind": Kind.BIT_FIELD}, [0], "none"),
        ({"kind": Kind.INDIVIDUAL_BITS, "strings": {0: "ready", 1: "fault"}}, [2], "fault"),
        ({"kind": Kind.TEXT, "size": 2}, [0x4142, 0], "'AB'"),
        ({"type": RegisterType.COIL, "kind": Kind.BOOL}, [1], "true"),
    ],
)
def test_values_for_people(changes: dict[str, Any], words: list[int], shown: str) -> None:
    sheet = sheet_of(point(**changes))
    read(sheet, words, 1.0)
    assert text.value_text(sheet.rows[0]) == shown


def test_what_is_no_text_never_reaches_a_terminal() -> None:
    sheet = sheet_of(point(id="a\x1b[2J", unit="\x07", kind=Kind.ENUM, strings={0: "\x1b]0;x"}))
    read(sheet, [0], 1.0)
    assert all(cell.isprintable() for cell in text.cells(sheet.rows[0], sheet, 1.0, named=True))


def test_registers_without_names() -> None:
    table = Table(RegisterType.HOLDING, [range(5, 7), range(9, 10)], requests=8)
    points = points_of([table], 3)
    assert [(some.id, some.device_id) for some in points] == [("holding_5", 3), ("holding_6", 3), ("holding_9", 3)]
    sheet = sheet_of(*points)
    read(sheet, [0x4148, 0x8000, 0, 0, 7], 1.0)
    # 0x41488000 is 12.53125.
    assert [text.cells(row, sheet, 1.0, named=False) for row in sheet.rows] == [
        ["holding 5", "16712", "4148", "", "12.5312", "0.0 s", ""],
        ["holding 6", "32768", "8000", "-32768", "", "0.0 s", ""],
        ["holding 9", "7", "0007", "", "", "0.0 s", ""],
    ]


def test_a_float_is_not_guessed_from_what_is_old() -> None:
    sheet = sheet_of(*points_of([Table(RegisterType.HOLDING, [range(2)])], 1))
    read(sheet, [0x4148, 0], 1.0)
    sheet.failed("pcs", [sheet.rows[1].point], "refused", 2.0)
    assert text.cells(sheet.rows[0], sheet, 2.0, named=False)[4] == ""


def test_summaries() -> None:
    full = Table(RegisterType.HOLDING, [range(5), range(9, 10)], requests=12)
    none = Table(RegisterType.COIL, stopped="illegal function")
    busy = Table(RegisterType.INPUT)
    busy.refusals["busy"] += 3
    assert text.summary([full, none, busy]) == [
        "holding: 0-4, 9; 6 in 12 requests",
        "coil: nothing; stopped: illegal function",
        "input: nothing; 3 addresses: busy",
    ]
    assert orjson.loads(orjson.dumps(text.table_facts(full)))["ranges"] == [[0, 4], [9, 9]]


def test_address_ranges() -> None:
    assert addresses_of("0-65535") == range(65_536)
    assert addresses_of("7") == range(7, 8)
    for wrong in ("", "7-", "-7", "9-7", "0-65536", "a", "1-2-3"):
        with pytest.raises(ValueError, match="expected addresses"):
            addresses_of(wrong)


def test_which_points_are_wanted() -> None:
    flags = point(id="flags", kind=Kind.INDIVIDUAL_BITS, strings={0: "door_open"})
    coil = point(id="door", type=RegisterType.COIL, offset=500)
    points = [POWER, flags, coil]
    for order, wanted in (
        (Order("h"), points),
        (Order("h", tables=(RegisterType.COIL,)), [coil]),
        (Order("h", addresses=range(5, 501)), [POWER, coil]),
        (Order("h", only="door*"), [flags, coil]),
    ):
        assert [some for some in points if order.wants(some)] == wanted
