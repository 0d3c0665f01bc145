"""What configurations ask for: templates, managers, lists, Modbus server files; what stands twice; what is missing."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ess_bus.errors import ConfigurationError
from ess_bus.tables.folder import read, read_tables
from ess_bus.tables.parsing import parse
from ess_bus.tables.placeholders import fill, fill_json, is_numbered, numbered, placeholders
from ess_bus.tables.positions import Positions
from ess_bus.tables.server_map import server_tables

RACK = {"/status/@@ID@@": {"n": {"value": "##NUM##"}}, "/assets/bms/@@ID@@": {"name": "Rack ##NUM##"}}
SERVER = {
    "system": {},
    "registers": [{"holding_registers": [{"id": "life", "uri": "/site/ess_hs"}, {"id": "soc", "uri": "/site/ess_hs"}]}],
}


def write(folder, **files):
    for name, content in files.items():
        (folder / f"{name}.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def tables(folder):
    """Return the tables that a folder makes, with the names of their variables, and the warnings as texts."""
    found, _ = read(folder)
    assert found.errors == []
    made: dict[str, Any] = {}
    for document in found.documents:
        for table, members in document.tables:
            made.setdefault(table, {}).update(members)
    return made, [str(one.problem) for one in found.warnings]


def sub(**values):
    return [{"replace": key, "with": value} for key, value in values.items()]


@pytest.mark.parametrize(
    ("text", "number", "expected"),
    [
        ("rack_%02d", 3, "rack_03"),
        ("rack_{:02d}", 12, "rack_12"),
        ("rack_{}", 3, "rack_3"),
        ("%d of {:3d}", 5, "5 of   5"),
        ("{0.__class__}", 5, "{0.__class__}"),
        ("plain", 5, "plain"),
        ("%99999d", 1, "%99999d"),
    ],
)
def test_a_number_in_a_text(text, number, expected):
    assert numbered(text, number) == expected
    assert is_numbered(text) is (expected != text)


def test_what_is_put_in_is_not_searched_again_and_may_hold_quotes():
    assert fill("@@A@@ @@AB@@", {"@@A@@": "@@AB@@", "@@AB@@": "x"}) == "@@AB@@ x"
    assert json.loads(fill_json('{"x": "@@A@@"}', {"@@A@@": 'a "b" \\'})) == {"x": 'a "b" \\'}
    assert placeholders("@@A@@ ##B_1## /assets## @@ @@") == ["##B_1##", "@@A@@"]


def test_templates_are_read_where_they_are_asked_for_and_not_by_themselves(tmp_path):
    asking = {
        "/templates/bms": {
            "sbmu_1": {"template": "rack.json", "subs": sub(**{"@@ID@@": "sbmu_1", "##NUM##": "01"})},
            "sbmu_2": {"template": "rack", "subs": sub(**{"@@ID@@": "sbmu_2", "##NUM##": 2})},
        }
    }
    made, warnings = tables(write(tmp_path, bms=asking, rack=RACK))
    assert made["/status/sbmu_1"] == {"n": {"value": "01"}}
    assert made["/assets/bms/sbmu_2"] == {"name": "Rack 2"}
    assert [table for table in made if "@@" in table] == []
    assert warnings == []


def test_a_template_over_a_range_of_numbers(tmp_path):
    entry = {
        "value": True,
        "src": "file:rack.json",
        "from": 1,
        "to": 5,
        "step": 2,
        "options": sub(**{"@@ID@@": "r_%02d", "##NUM##": "%d"}),
    }
    made, warnings = tables(write(tmp_path, bms={"/config/bms": {"template": entry}}, rack=RACK))
    assert [table for table in made if table.startswith("/status")] == ["/status/r_01", "/status/r_03", "/status/r_05"]
    assert made["/status/r_05"] == {"n": {"value": "5"}}
    assert warnings == []
    off = {"/config/bms": {"template": {**entry, "value": False}}}
    made, warnings = tables(write(tmp_path, bms=off))
    assert list(made) == ["/config/bms"]
    assert warnings == ["a template (@@ID@@) that nothing asks for; not read"]


@pytest.mark.parametrize(
    ("asking", "words"),
    [
        ({"/templates/bms": {"r": {"template": "rak.json"}}}, "no rak.json in .*; did you mean rack.json"),
        ({"/templates/bms": {"r": {"template": "../rack.json"}}}, "not the plain name of a file"),
        ({"/templates/bms": {"r": {"subs": []}}}, "expected template with the name of a file; left out"),
        ({"/templates/bms": {"r": {"template": "rack.json", "subs": [{"replace": "x"}]}}}, "subs: x: with: expected"),
        ({"/templates/bms": {"r": {"template": "rack.json", "subs": sub(**{"@@XX@@": "a"})}}}, "none of @@XX@@ is in"),
        ({"/templates/bms": {"r": {"template": "rack.json", "subs": sub(**{"@@ID@@": "a"})}}}, "##NUM## of rack.json"),
        ({"/config/bms": {"template": {"value": 1, "src": "rack.json"}}}, "src: expected file:NAME"),
        ({"/config/bms": {"template": {"value": 1, "src": "file:rack.json", "from": 1, "to": 9999}}}, "more than 1000"),
        ({"/config/ess/managers": {"drc": "drc.json", "note": "x"}}, "/config/ess/managers:drc: there is no drc.json"),
        ({"/config/ess_server": {"ess": "site.json"}}, "there is no site.json"),
        ({"/config/load": {"all": {"value": False, "new_options": [{"file": "no"}]}}}, "there is no no in"),
        (
            {"/config/load": {"all": {"value": False, "new_options": [{"fil": "a"}]}}},
            "expected one of file, load, tmpl",
        ),
        ({"/config/load": {"all": {"value": False, "new_options": 5}}}, "new_options: expected a list"),
    ],
)
def test_what_cannot_be_had_is_named_with_its_place(tmp_path, asking, words):
    _, warnings = tables(write(tmp_path, a=asking, rack=RACK))
    place = next(iter(asking))
    named = [warning for warning in warnings if warning.startswith(place)]
    assert len(named) == 1, warnings
    assert re.search(words, named[0]), named


def test_a_file_is_read_with_the_managers_that_it_names_each_once(tmp_path):
    ess = {"/config/ess/managers": {"bms": "bms.json"}, "/sysconfig/default": {"Config": {"value": "pcs.json"}}}
    bms = {"/status/bms": {"x": 1}, "/config/ess/managers": {"ess": "ess.json"}}
    write(tmp_path, ess=ess, bms=bms, pcs={"/status/pcs": {"y": 1}}, other={"/status/other": {}})
    found, _ = read(tmp_path / "ess.json")
    assert [document.name for document in found.documents] == ["ess.json", "bms.json", "pcs.json"]
    found, _ = read(tmp_path)
    assert sorted(document.name for document in found.documents) == ["bms.json", "ess.json", "other.json", "pcs.json"]


def test_a_list_loads_files_templates_servers_and_other_lists_in_its_order(tmp_path):
    reps = [
        {"replace": "@@ID@@", "with": "rack_{:02d}", "mult": 2, "add": 1},
        {"replace": "##NUM##", "with": "{}"},
    ]
    main = {
        "value": False,
        "aname": "ess",
        "new_options": [
            {"load": "racks"},
            {"file": "bms", "amname": "bms", "pname": "ess"},
            {"site": "server"},
        ],
        "final": "last",
    }
    racks = {
        "value": True,
        "new_options": [{"tmpl": "rack", "amname": "bms", "ainame": "@@ID@@", "from": 1, "to": 2, "reps": reps}],
    }
    write(
        tmp_path,
        ess={"/config/load": {"main": main, "racks": racks}},
        bms={"#status#bms": {"x": 1}, "_id": "bms", "_version": 3},
        rack=RACK,
        server=SERVER,
        last={"/status/last": {"x": 1}},
    )
    made, warnings = tables(tmp_path)
    assert warnings == []
    order = [table for table in made if table.startswith(("/status", "/site"))]
    assert order == ["/status/rack_03", "/status/rack_05", "/status/bms", "/site/ess_hs", "/status/last"]
    assert made["/site/ess_hs"] == {"life": {"value": None}, "soc": {"value": None}}
    assert made["/config/load"]["main"] == {"value": True}
    loaded = made["/config/cfile"]
    assert sorted(loaded) == ["bms", "last", "rack_1", "rack_2"]
    assert loaded["rack_2"].items() >= {"value": True, "amname": "bms", "ainame": "rack_05"}.items()
    assert loaded["bms"].items() >= {"aname": "ess", "amname": "bms", "pname": "ess"}.items()


def test_files_that_ask_for_themselves_end(tmp_path):
    own = {"/templates/bms": {"r": {"template": "a.json", "subs": sub(**{"@@ID@@": "x"})}}, "/status/@@ID@@": {"x": 1}}
    made, warnings = tables(write(tmp_path, a={"/templates/x": {"r": {"template": "b.json"}}}, b=own))
    assert made == {}
    assert warnings == ["only files that are not read ask for it; not read"] * 2
    lists = {"/config/load": {"a": {"new_options": [{"load": "b"}]}, "b": {"new_options": [{"load": "a"}]}}}
    made, _ = tables(write(tmp_path, a=lists, b={"/status/b": {}}))
    assert list(made) == ["/config/load", "/status/b"]
    chain = {f"l{number}": {"new_options": [{"load": f"l{number + 1}"}]} for number in range(2000)}
    _, warnings = tables(write(tmp_path, a={"/config/load": chain}, b={"/status/b": {}}))
    assert any("8 deep" in warning for warning in warnings)
    round_and_round = {"/templates/x": {"r": {"template": "b.json"}}}
    write(tmp_path, a=round_and_round, b=round_and_round)
    found, _ = read(tmp_path / "a.json")
    assert any("8 deep" in str(one.problem) for one in found.warnings)


def test_what_expands_beyond_all_measure_is_refused_before_it_does(tmp_path):
    length, count = 700_000, 1000
    subs = sub(**{"@@ID@@": "x" * length})
    asking = {f"r{number}": {"template": "rack.json", "subs": subs} for number in range(10)}
    write(tmp_path, a={"/templates/bms": asking}, rack=json.dumps({"/status/a": {"x": "@@ID@@" * count}}))
    found, _ = read(tmp_path)
    assert [one.problem.message for one in found.errors] == ["templates expand to more than 64 MiB"] * 10


def test_what_stands_twice_is_read_twice_and_named(tmp_path):
    text = '{"/status/a": {"x": 1, "x": {"unit": "V"}}, "/status/b": {}, "/status/a": {"y": {"p": 1, "p": 2}}}'
    found, _ = read(write(tmp_path, a=text))
    assert [table for table, _ in found.documents[0].tables] == ["/status/a", "/status/b", "/status/a"]
    assert sorted(str(one.problem) for one in found.warnings) == [
        "/status/a: the table stands more than once; all of it is read",
        "/status/a:x: defined more than once; the later definition counts",
        "/status/a:y:p: stands more than once",
    ]
    write(tmp_path, b='{"/config/load": {"x": {"new_options": []}, "x": 5}}')
    assert "expected an object with new_options" in str(read(tmp_path)[0].warnings)
    assert dict(read_tables(tmp_path / "a.json"))[tmp_path / "a.json"]["/status/a"].keys() == {"x", "y"}


def test_a_modbus_file_between_tables_is_named(tmp_path):
    made, warnings = tables(write(tmp_path, a={"/status/a": {}}, server=SERVER))
    assert list(made) == ["/status/a"]
    assert warnings == ["a Modbus file that nothing asks for; not read"]
    with pytest.raises(ValueError, match="not a table"):
        server_tables({"registers": [{"id": "a:b", "uri": "/site/x"}]})


@pytest.mark.parametrize("text", [b"{", b'{"a": NaN}', b"[" * 100, b"\xff", b"[" * 100_000, b'{"a": 1e999}'])
def test_hostile_texts_are_refused_or_harmless(text):
    if text == b'{"a": 1e999}':
        assert parse(text) == {"a": float("inf")}  # no value holds it: it is not valid there
    else:
        with pytest.raises(ValueError, match=r"not JSON|nested deeper"):
            parse(text)


def test_numbers_are_such_as_messages_carry():
    assert parse(b"[1, -123456789012345678, 1e3]") == [1, -123456789012345678.0, 1000]
    assert parse(b"1" * 400) == float("inf")
    assert parse(b"1" * 30) == float("1" * 30)
    assert isinstance(parse(b"12345678901234567"), int)


def test_every_broken_file_is_found(tmp_path):
    found, _ = read(write(tmp_path, a="{", b="[]", c={"/status/c": {}}))
    assert [one.source.rpartition("/")[2] for one in found.errors] == ["a.json", "b.json"]
    with pytest.raises(ConfigurationError, match="no such file"):
        read(tmp_path / "none")


def test_lines_of_tables_and_variables():
    text = '{\n "/a/b": {\n  "x": {"value": [1, {"q": 2}],\n   "x": 2},\n  "y": "\\"/c/d\\": {"\n },'
    text += '\n "/@@I@@/d": {\n "n": 1}}'
    positions = Positions(text)
    assert [positions.line("/a/b"), positions.line("/a/b", "x"), positions.line("/a/b", "y")] == [2, 3, 5]
    assert [positions.line("/r1/d"), positions.line("/r1/d", "n"), positions.line("/c/e")] == [7, 8, None]
    assert positions.line("/a/b", "nothing") == 2
