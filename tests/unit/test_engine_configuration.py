"""Loading an engine's folder: what is refused, what is left out, what the engine answers for."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from ess_bus.control import Mode
from ess_bus.engine.configuration import load
from ess_bus.engine.engine import Engine
from ess_bus.engine.views import get
from ess_bus.errors import ConfigurationError
from tests.real_files import ENGINE, needs_engine_files
from tests.unit.engine_desk import desk


def write(folder, **files):
    for name, content in files.items():
        (folder / f"{name}.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", ["a.json", "line 1", "not JSON"]),
        ("[]", ["a.json", "expected an object of tables"]),
        ({"/status/bms": 5}, ["/status/bms", "expected an object of variables"]),
        ({"/": {"x": 1}}, ["/"]),
        ({"/status/bms": {"x": {"value": {"y": 1}}}}, ["/status/bms:x", "got an object"]),
        ({"/status/bms": {"x": {"value": 1, "actions": 5}}}, ["/status/bms:x", "actions"]),
        ({"/status/bms": {"": 5}}, ["without a name"]),
        ({"/config/ess": {"Subs": "status"}}, ["/config/ess:Subs", "expected URIs"]),
    ],
)
def test_what_is_wrong_is_named_with_file_and_place(tmp_path, content, words):
    with pytest.raises(ConfigurationError) as caught:
        load(write(tmp_path, a=content))
    assert all(word in str(caught.value) for word in words), caught.value
    assert "\n" not in str(caught.value)


def test_a_missing_folder_and_an_empty_one_are_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="no such file"):
        load(tmp_path / "nothing")
    with pytest.raises(ConfigurationError, match=r"no \.json files"):
        load(tmp_path)


def test_every_problem_of_a_file_is_found(tmp_path):
    with pytest.raises(ConfigurationError) as caught:
        load(write(tmp_path, a={"/a/b": 1, "/a/c": {"x": {"value": {}}}, "/a/d": {"ok": 1}}))
    assert [problem.where for problem in caught.value.problems] == ["/a/b", "/a/c"]


def test_unknown_keys_and_second_types_are_left_out_with_a_warning(tmp_path):
    configuration = load(write(tmp_path, a={"notes": 1, "/a/b": {"x": 1}}, b={"/a/b": {"x": "text", "y": 2}}))
    assert [problem.where for problem in configuration.warnings] == ["a.json: notes", "b.json: /a/b:x"]
    engine = Engine()
    engine.load(configuration.assignments)
    assert get(engine.datamap, "/a/b") == {"x": {"value": 1}, "y": {"value": 2}}


def test_the_engine_listens_to_its_tables_and_leaves_devices_to_their_bridge(tmp_path):
    tables = {"/components/bms": {"v": 1}, "/status/bms": {}, "/links/bms": {}, "/schedule/wake_monitor/bms": {}}
    assert load(write(tmp_path, a=tables)).roots == {"/components": Mode.PUB_ONLY, "/status": Mode.ALL}


def test_subs_and_owns_say_what_the_engine_listens_to(tmp_path):
    config = {"Subs": "/status, /components,/site", "Owns": "/components"}
    roots = load(write(tmp_path, a={"/config/ess": config})).roots
    assert roots == {"/status": Mode.ALL, "/components": Mode.ALL, "/site": Mode.ALL}


def test_an_empty_table_exists(tmp_path):
    engine = Engine()
    configuration = load(write(tmp_path, a={"/status/bms": {}}))
    engine.load(configuration.assignments, configuration.tables)
    assert configuration.warnings == ()
    assert engine.datamap.is_table("/status/bms")


def test_rules_that_block_nothing_are_named(tmp_path):
    tables = {"/blockeduris/gets": {"/status": True}, "/blockeduris/set": {"/status": True}}
    configuration = load(write(tmp_path, a=tables))
    assert [problem.where for problem in configuration.warnings] == ["a.json: /blockeduris/gets"]
    engine = Engine()
    engine.load(configuration.assignments)
    assert get(engine.datamap, "/blockeduris/set") == {"/status": {"value": True}}


def test_rules_of_older_engines_block_what_is_sent_without_the_engines_name(tmp_path):
    tables = {
        "/config/ess": {"BlockSets": "/status/bms, /params", "BlockGets": "status"},
        "/pubs/blocked": {"/assets": {"value": True}},
        "/status/bms": {"x": 1},
    }
    configuration = load(write(tmp_path, a=tables))
    assert [str(problem) for problem in configuration.warnings] == [
        "a.json: /config/ess:BlockGets: expected URIs separated by commas; left out"
    ]
    with desk(assignments=configuration.assignments) as person:
        assert "blocked by /sets/blocked" in person.say("set", "/status/bms/x", 2)
        assert person.say("set", "/status/bm/x", 2) == "2"
        assert person.say("set", "/ess/status/bms/x", 2) == "2"
        assert person.say("get", "/status/bms/x") == "2"
        assert person.say("set", "/ess/sets/blocked", {"/status/bms": False}) == '{"/status/bms": false}'
        assert person.say("set", "/status/bms/x", 3) == "3"


def test_what_an_action_or_a_link_lacks_is_named_with_its_place(tmp_path):
    tables = {
        "/status/bms": {
            "x": {"value": 1, "actions": {"onSet": [{"func": [{"func": "Unheard"}, {"func": "CalculateVar"}]}]}}
        },
        "/links/bms": {"note": "a remark", "a": 5, "b": {"value": "/status/bms:x", "pname": "ess", "default": 0}},
        "/vlinks/bms": {"c": {"value": "/status/bms:y"}},
    }
    assert [str(problem) for problem in load(write(tmp_path, a=tables)).warnings] == [
        "a.json: /status/bms:x: func: the function Unheard is not known; left out",
        "a.json: /links/bms:a: expected the text /table:name, got '5'; left out",
        "a.json: /vlinks/bms:c: expected vlink with /table:name; left out",
    ]


@needs_engine_files
def test_real_configurations_load():
    configuration = load(ENGINE)
    engine = Engine()
    engine.load(configuration.assignments)
    engine.set("/components/catl_mbmu_summary_r/mbmu_current", 20020)
    assert get(engine.datamap, "/status/bms/BMSCurrent") == 20
    # A vlink shows the user interface what a remap has made of a register, an enum what a status word means.
    assert get(engine.datamap, "/assets/bms/summary/system_current") == 20
    engine.set("/components/pcsm_internal_visualization/current_status", 2)
    assert get(engine.datamap, "/status/pcs/PCSStatusResp") == "Off"
    engine.set("/components/gpio", {"EStop": True})
    assert get(engine.datamap, "/site/ess_hs/ems_alarms[0]") is True
    left_out = Counter(problem.message.split(":")[0] for problem in configuration.warnings)
    assert left_out["remap"] < 5
    assert left_out["limits"] == left_out["bitset"] == 0


@needs_engine_files
def test_every_table_and_variable_of_the_real_files_is_in_the_map():
    engine = Engine()
    configuration = load(ENGINE)
    engine.load(configuration.assignments)
    # Two files define the schedule, with values of different types; the second one is left out and named.
    twice = {
        problem.where.split(": ")[1]
        for problem in configuration.warnings
        if "a number here and a text" in problem.message
    }
    assert {place.split(":")[0] for place in twice} == {"/sched/ess"}
    racks = [{"@@BMS_ID@@": f"sbmu_{number}", "@@BMS_NUM@@": f"{number:02d}"} for number in range(1, 10)]
    checked = 0
    for file in ENGINE.glob("*.json"):
        text = file.read_text()
        for values in racks if file.name == "bms_catl_template.json" else [{}]:
            filled = text
            for key, value in values.items():
                filled = filled.replace(key, value)
            for table, members in json.loads(filled).items():
                assert table in engine.datamap.tables, f"{file.name}: {table}"
                for name, definition in members.items():
                    variable = engine.datamap.find(table, name)
                    assert variable is not None, f"{file.name}: {table}:{name}"
                    given = definition if isinstance(definition, dict) and f"{table}:{name}" not in twice else {}
                    assert given.keys() - {"value", "actions"} <= variable.parameters.keys(), f"{table}:{name}"
                    checked += 1
    assert checked > 2500
    assert not [table for table in engine.datamap.tables if "@@" in table or "##" in table]
