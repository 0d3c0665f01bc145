"""Configuration over the bus: cfile, ctmpl, crun, and the commands that load files; wholly or not at all."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from ess_bus.engine.engine import Engine
from ess_bus.engine.views import View, get
from ess_bus.tables.folder import Folder
from tests.unit.engine_desk import desk

CFILE = "/ess/cfg/cfile"
RACK = {"/status/##RACK_ID##": {"n": {"value": 1}}, "/assets/bms/##RACK_ID##": {"name": "Rack ##RACK_ID##"}}


def acting(value, **action):
    return {"value": value, "actions": {"onSet": [action]}}


def test_a_cfile_makes_its_tables_links_and_assets_and_runs_its_actions():
    body = {
        "pname": "ess",
        "amname": "bms",
        "_id": "x",
        "_version": 3,
        "#status#bms": {"y": acting(5, remap=[{"uri": "/status/bms:z"}])},
        "/links/bms": {"soc": "/components/b:soc"},
    }
    with desk() as person:
        assert person.say("set", f"{CFILE}/ess/bms", body) == json.dumps(body)
        assert person.say("get", "/ess/status/bms/z") == "5"
        person.say("pub", "/components/b/soc", 50)
        assert person.say("get", "/ess/status/bms/soc") == "50"
        loaded = json.loads(person.say("get", "/ess/full/config/cfile/bms"))["bms"]
        assert len(loaded.pop("md5sum")) == 32
        assert loaded == {"value": True, "aname": "ess", "pname": "ess", "amname": "bms"}
        instance = {"pname": "bms", "ainame": "rack_1", "/status/rack_1": {"v": 1}}
        person.say("set", f"{CFILE}/bms/rack_1", instance)
        module = {"pname": "bms", "amname": "modules", "/status/modules": {"v": 1}}
        person.say("set", f"{CFILE}/bms/modules", module)
        tree = json.loads(person.say("get", "/ess/amap"))
        bms = tree["aMs"][0]
        assert (bms["name"], bms["p-name"], bms["aIs"]) == ("bms", "ess", [{"name": "rack_1", "p-name": "bms"}])
        assert bms["aMs"] == [{"aIs": [], "aMs": [], "name": "modules", "p-name": "bms"}]
        person.say("set", f"{CFILE}/bms/more", {"/status/bms": {"w": 2}})
        assert person.say("get", "/ess/status/bms/w") == "2"


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("cfile/nobody/f", {"/status/b": {"x": 1}}, ["nobody is not known; expected amname or ainame"]),
        ("cfile/ess/f", {"/status/bms": {"old": "text", "new": 1}, "strange": 1}, ["a text here and a num", "strange"]),
        ("cfile/ess/f", {"/status/bms": 5, "/": {}, "#links#bms": {"a": 5}}, ["an object of", "/: exp", "links/bms:a"]),
        ("cfile/ess/f", {"/status/bms/old": {"x": 1}}, ["/status/bms/old:x", "/status/bms/old is a variable"]),
        ("cfile/ess/f", {"/templates/b": {"r": {"template": "none", "subs": []}}}, ["there is no none"]),
        ("cfile/ess/f", 5, ["expected an object of tables"]),
        ("cfile/ess", {}, ["an empty object|expected cfile"]),
        ("cjson/x", {"a": 1}, ["original's database"]),
        ("setup/x", {"func": "SetupBMS"}, ["not part of this"]),
        ("crun/none", {"value": 1}, ["no list none"]),
        ("other", 5, ["expected cfile/ASSET/FILE"]),
    ],
)
def test_what_cannot_be_applied_wholly_changes_nothing_and_names_every_problem(path, body, words):
    with desk() as person:
        person.say("set", "/ess/status/bms", {"old": 1})
        before = person.say("get", "/ess/full/")
        answer = json.loads(person.say("set", f"/ess/cfg/{path}", body))["error"]
        assert all(re.search(word, answer) for word in words), answer
        assert person.say("get", "/ess/full/") == before


def test_items_of_actions_that_are_not_known_are_left_out_and_named(caplog):
    engine = Engine()
    body = {"amname": "b", "/status/b": {"x": acting(1, remap=[{"uri": "/status/b:y"}, {"uri": "/a/b:c", "q": 1}])}}
    engine.set("/cfg/cfile/ess/b", body)
    assert get(engine.datamap, "/status/b/y") == 1
    assert "b: /status/b:x: remap: q not supported" in caplog.text


def test_what_is_loaded_sends_nothing():
    engine = Engine()
    engine.send("set", "/waits", 1)
    body = {"amname": "b", "/status/b": {"x": acting(1, remap=[{"uri": "/components/b:go", "fims": "set"}])}}
    engine.set("/cfg/cfile/ess/b", body)
    assert [message.uri for message in engine.take_messages()] == ["/waits"]
    engine.set("/status/b/x", 2)
    assert [message.uri for message in engine.take_messages()] == ["/components/b"]


def test_more_actions_than_follow_from_one_set_run_while_loading():
    engine = Engine()
    table = {f"x{number}": acting(number, remap=[{"uri": f"/status/b:y{number}"}]) for number in range(1500)}
    engine.set("/cfg/cfile/ess/b", {"amname": "b", "/status/b": table})
    assert get(engine.datamap, "/status/b/y1499") == 1499


def test_templates_that_were_sent_are_expanded_by_lists_and_by_files():
    reps = [{"replace": "##RACK_ID##", "with": "rack_{:02d}"}]
    option = {"tmpl": "rack", "amname": "bms", "ainame": "##RACK_ID##", "from": 1, "to": 2, "reps": reps}
    racks = {"/config/load": {"racks": {"value": False, "new_options": [option]}}}
    with desk() as person:
        person.say("set", f"{CFILE}/ess/lists", racks)
        assert "there is no rack in what was sent" in person.say("set", "/ess/cfg/crun", True)
        assert person.say("get", "/ess/config/load/racks") == "false"
        assert person.say("set", "/ess/cfg/ctmpl/bms/rack", RACK) == json.dumps(RACK)
        assert person.say("set", "/ess/cfg/crun/racks", True) == "true"
        assert person.say("get", "/ess/config/load/racks") == "true"
        assert list(json.loads(person.say("get", "/ess/assets/bms"))) == ["rack_01", "rack_02"]
        assert person.say("get", "/ess/status/rack_02/n") == "1"
        assert '"aIs":[{"name":"rack_01","p-name":"bms"},{"name":"rack_02"' in person.say("get", "/ess/amap")
        text = json.dumps(RACK).replace('"value": 1', '"value": ##N##')
        person.say("set", "/ess/cfg/ctmpl/bms/numbered.json", text)
        subs = [{"replace": "##RACK_ID##", "with": "rack_9"}, {"replace": "##N##", "with": 9}]
        asking = {"/templates/bms": {"rack_9": {"template": "numbered.json", "subs": subs}}}
        person.say("set", f"{CFILE}/ess/rack_9", asking)
        assert person.say("get", "/ess/status/rack_9/n") == "9"
        assert person.say("set", "/ess/cfg/cstop", True) == "true"


def test_commands_load_files_of_the_folder_and_tell_how_it_went(tmp_path):
    (tmp_path / "rack.json").write_text(json.dumps({"/status/rack": {"x": 1}}))
    (tmp_path / "broken.json").write_text("{")
    server = {"registers": {"holding_registers": [{"id": "life", "uri": "/site/hs"}, {"id": "soc", "uri": "/site/hs"}]}}
    (tmp_path / "server.json").write_text(json.dumps(server))
    lists = {"/config/load": {"a": {"value": False, "new_options": [{"file": "rack"}]}}}
    (tmp_path / "lists.json").write_text(json.dumps(lists))
    engine = Engine()
    engine.configure.look_in(Folder([tmp_path]))

    def command(name, value):
        engine.set("/system/commands", {name: value})
        return get(engine.datamap, f"/system/commands/{name}", View.FULL)[name].get("result")

    assert command("loadCfg", "rack") == "ok"
    assert get(engine.datamap, "/status/rack/x") == 1
    assert command("loadCfg", "../rack").startswith("../rack: '../rack' is not the plain name")
    for name in ("x" * 300, "..", "a\0b", "a/b"):
        assert "not the plain name" in command("loadCfg", name)
    assert "there is no rak in" in command("loadCfg", {"value": "", "file": "rak"})
    assert "not JSON" in command("loadCfg", {"value": "", "file": "broken.json"})
    engine.set("/site/hs", {"life": 7})
    assert command("loadServer", "server") == "ok"
    assert get(engine.datamap, "/site/hs") == {"life": {"value": 7}, "soc": {"value": None}}
    assert command("loadCfg", {"value": "", "file": "lists"}) == "ok"
    assert get(engine.datamap, "/config/load/a") is True


def test_bodies_that_are_no_configuration_leave_the_engine_as_it_was():
    engine = Engine()
    deep: dict[str, Any] = {"amname": "b"}
    for _ in range(40):
        deep = {"/a/b": deep}
    wrong: list[Any] = [
        deep,
        [],
        None,
        "x",
        {"amname": 5},
        {"/a/b": {"": 1}},
        {"/config/load": {"a": 5}},
        {"/a/b": {"x": {}}},
    ]
    for path in ("/cfg", "/cfg/cfile/a/b", "/cfg/cfile/a/b/c", "/cfg/ctmpl/a"):
        for body in wrong:
            with pytest.raises(ValueError, match=r"^[^\n]+$"):
                engine.set(path, body)
    assert engine.datamap.tables == {}


def test_a_file_that_has_a_variable_of_another_type_is_taken_without_it(tmp_path):
    (tmp_path / "second.json").write_text(json.dumps({"/status/bms": {"x": "on", "y": {"value": 2}, "z": True}}))
    (tmp_path / "first.json").write_text(json.dumps({"/status/bms": {"x": 1}}))
    engine = Engine()
    engine.configure.look_in(Folder([tmp_path]))
    assert engine.set("/system/commands/loadCfg", "first") == []
    text = "second.json: /status/bms:x: a text here and a number in first.json; left out"
    assert engine.set("/system/commands/loadCfg", "second") == [text]
    assert get(engine.datamap, "/system/commands/loadCfg@result") == f"ok; {text}"
    assert get(engine.datamap, "/status/bms") == {"x": {"value": 1}, "y": {"value": 2}, "z": {"value": True}}
    with desk() as person:
        person.say("set", "/ess/status/bms", {"x": 1})
        said = json.loads(person.say("set", f"{CFILE}/ess/f", {"/status/bms": {"x": "on", "y": 3}}))
        assert said["error"].endswith("/status/bms:x: a text here and a number in what is there; left out")
        assert person.say("get", "/ess/status/bms/y") == "3"
