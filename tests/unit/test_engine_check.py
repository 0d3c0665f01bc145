"""``ess_controller --check``: what is wrong in a configuration that loads, with file, line and what was meant."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from ess_bus.engine.checking import check
from ess_bus.engine.configuration import examine
from tests.real_files import ENGINE, needs_engine_files


def lines(folder, tables, *, verbose=True):
    text = tables if isinstance(tables, str) else json.dumps(tables, indent=1)
    (folder / "a.json").write_text(text)
    verdict = check([folder])
    return [line.replace(f"{folder}/", "") for line in verdict.text(verbose=verbose)]


def acting(**action):
    return {"value": 0, "actions": {"onSet": [action]}}


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        (
            {"/status/bms": {"SOC": 1, "x": acting(remap=[{"uri": "/status/bms:SOX"}])}},
            "warning: a.json:4: /status/bms:x: /status/bms:SOX: an action sets what no file defines; did you mean SOC?",
        ),
        (
            {"/status/bms": {"x": acting(remap=[{"uri": "/components/b:y", "inVar": "/status/bsm:x"}])}},
            "warning: a.json:3: /status/bms:x: /status/bsm:x: an action reads what no file defines; did you mean "
            "/status/bms?",
        ),
        (
            {"/status/bms": {"x": {"value": 1, "enable": "/status/bms:on"}}},
            "warning: a.json:3: /status/bms:x: /status/bms:on: a switch (enable) that no file defines",
        ),
        (
            {"/links/bms": {"SOC": {"value": "/status/pcs:SOC"}}},
            "warning: a.json:3: /links/bms:SOC: /status/pcs:SOC: a link to what no file defines",
        ),
        (
            {"/vlinks/bms": {"a": {"value": "/assets/bms/summary:soc", "vlink": "/status/bms:SOC"}}},
            "warning: a.json:3: /vlinks/bms:a: /status/bms:SOC: a vlink to what no file defines",
        ),
        (
            {"/status/bms": {"p": {"value": 0, "operation": "+", "numVars": 1, "variable1": "volt"}}},
            "warning: a.json:3: /status/bms:p: /status/bms:volt: an operand that no file defines",
        ),
        (
            {"/schedule/wake_monitor/bms": {"/status/bms:p": {"func": "CalculateVar"}}},
            "warning: a.json:3: /schedule/wake_monitor/bms:/status/bms:p: /status/bms:p: a schedule of what no file "
            "defines",
        ),
        (
            {"/status/b": {"p": 1}, "/schedule/wake_monitor/b": {"/status/b:p": {"func": "CalculateVr"}}},
            "warning: a.json:6: /schedule/wake_monitor/b:/status/b:p: the function CalculateVr is not known; "
            "did you mean CalculateVar?",
        ),
        (
            {"/status/b": {"p": {"value": 0, "useExpr": True, "numVars": 0, "expression": "1 +"}}},
            "warning: a.json:3: /status/b:p: expression: expected a value, but the text ends, at column 4",
        ),
        (
            {"/status/b": {"x": acting(func=[{"func": "LogIt"}, {"func": "Unheard"}])}},
            "warning: a.json:3: /status/b:x: func: the function Unheard is not known; left out",
        ),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_place(tmp_path, tables, expected):
    found = lines(tmp_path, tables)
    assert found[0] == expected
    assert found[-1].startswith("ok with 1 warning: ")


def test_what_is_there_by_links_remaps_or_devices_is_no_mistake(tmp_path):
    tables = {
        "/status/bms": {
            "Current": 0,
            "x": acting(remap=[{"uri": "/status/bms:Current"}, {"uri": "/status/bms:Current@unit"}]),
            "P": {"value": 0, "operation": "*", "numVars": 2, "variable1": "soc", "variable2": "/status/bms:Current@x"},
            "Q": {"value": 0, "operation": "+", "numVars": 1, "variable1": "bms:SOC"},
        },
        "/links/bms": {"soc": "/components/bms:soc", "note": "a remark"},
        "/vlinks/bms": {"a": {"value": "/assets/bms/summary:soc", "vlink": "/status/bms:Current"}},
        "/controls/bms": {"y": acting(remap=[{"uri": "/components/bms:go", "fims": "set"}])},
        "/schedule/wake_monitor/bms": {"/assets/bms/summary:soc": {"func": "CalculateVar"}},
    }
    assert lines(tmp_path, tables) == ["ok: 5 tables, 9 variables"]


def test_one_line_for_each_kind_or_all_of_them(tmp_path):
    tables = {"/status/bms": {f"x{number}": acting(remap=[{"uri": f"/a/b:y{number}"}]) for number in range(3)}}
    short, full = lines(tmp_path, tables, verbose=False), lines(tmp_path, tables)
    assert [len(short), len(full)] == [2, 4]
    assert short[0].endswith("/a/b:y0: an action sets what no file defines (and 2 more; -v shows them)")


def test_every_error_of_every_file_is_told(tmp_path):
    (tmp_path / "b.json").write_text("{")
    (tmp_path / "c.json").write_text('{"/a/b": 5}')
    found = lines(tmp_path, {"/a/c": 6, "/config/ess": {"Subs": "status"}})
    assert [line for line in found if line.startswith("error")] == [
        "error: b.json: line 1 column 2: not JSON: expecting property name enclosed in double quotes",
        "error: a.json:2: /a/c: expected an object of variables, got '6'",
        "error: c.json:1: /a/b: expected an object of variables, got '5'",
        f"error: {tmp_path}: /config/ess:Subs: expected URIs separated by commas or colons",
    ]
    assert found[-1].startswith("cannot be used: 4 errors")
    assert check([tmp_path / "none"]).errors[0].message == "no such file or directory"


def test_a_mistake_in_a_template_is_told_with_its_line_there(tmp_path):
    rack = '{\n "/status/@@ID@@": {\n  "x": {"value": 1,\n   "actions": {"onSet": [{"remap": [{"bit": 1}]}]}}}}'
    (tmp_path / "rack.json").write_text(rack)
    subs = [{"replace": "@@ID@@", "with": "rack_7"}]
    found = lines(tmp_path, {"/templates/bms": {"rack_7": {"template": "rack.json", "subs": subs}}})
    assert found[0] == (
        "warning: rack.json:3: /status/rack_7:x (rack_7): remap: expected uri with /table:name; left out"
    )


@needs_engine_files
def test_the_real_configuration_can_be_used_and_what_is_not_is_counted_by_kind():
    verdict = check([ENGINE])
    assert verdict.errors == ()
    # Older generations of these functions; in the table that is disabled by its name, /xschedule, and for its log.
    unknown = {
        word for line in verdict.warnings for word in re.findall(r"the function (\w+) is not known", line.message)
    }
    assert unknown == {"SetLoggingSize", "InitEss", "RunInitCheck", "RunComsCheck"}
    missing = {line.message.split(" in ")[0] for line in verdict.warnings if "there is no" in line.message}
    assert missing == {
        f"there is no {name}" for name in ("drc_manager.json", "ess_template.json", "site_manager_server.json")
    }
    shown = list(verdict.text(verbose=False))
    assert len(shown) < 60 < len(verdict.warnings)
    assert all(f"{ENGINE}/" in line for line in shown[:-1])
    assert shown[-1].startswith(f"ok with {len(verdict.warnings)} warnings: ")


def test_a_variable_of_another_type_is_left_out_alone_and_both_files_are_named(tmp_path):
    (tmp_path / "b.json").write_text('{\n "/status/bms": {\n  "x": {"value": "on", "unit": "V"},\n  "y": 2}}')
    found = lines(tmp_path, {"/status/bms": {"x": 1}})
    assert found == [
        "warning: b.json:3: /status/bms:x: a text here and a number in a.json; left out",
        "ok with 1 warning: 1 tables, 2 variables",
    ]
    examined = examine(tmp_path)
    x, y = (examined.datamap.find("/status/bms", name) for name in "xy")
    assert x is not None
    assert y is not None
    assert (x.value, x.parameters, y.value) == (1, {}, 2)


@needs_engine_files
def test_every_item_of_an_action_that_is_left_out_of_the_real_files_has_its_reason():
    left_out = Counter(re.sub(r"^.*? as .*?: ", "", line.message) for line in check([ENGINE]).warnings)
    left_out = Counter({text: count for text, count in left_out.items() if text.endswith("; left out")})
    assert left_out == {
        # Nothing compares the two bits of the mask with anything.
        "enum: value: nothing says for which input (expected inValue or inVar); use outValue; left out": 36,
        "bitfield: expected a list of items, got an object of bitmap; left out": 1,
        "enum: expected a list of items, got an object of bitmap; left out": 1,
        "a number here and a text in ess_controller.json; left out": 5,
        "bitmap: this action is not carried out (the original's authors advise against it; enum does the same); "
        "left out": 2,
        "xfunc: switched off by its x; left out": 1,
        "func: the function SetLoggingSize is not known (whoever starts the engine keeps its log); left out": 1,
        "func: the function InitEss is not known (nothing says what it did); left out": 1,
        "func: the function RunInitCheck is not known (nothing says what it did); left out": 1,
        "func: the function RunComsCheck is not known (nothing says what it did); left out": 1,
    }
