"""Links and vlinks: one value under several names; the assets and the lists of the engine itself."""

from __future__ import annotations

import pytest

from ess_bus.engine.engine import Engine
from ess_bus.engine.meaning import member
from ess_bus.engine.views import View, get
from ess_bus.reference import Reference
from tests.unit.engine_cases import variable
from tests.unit.engine_desk import desk

DEVICE = "/components/bms"


def engine_with(tables):
    """Return an engine with all of these tables loaded at once."""
    engine = Engine()
    engine.load(
        [member(Reference(table, name), one) for table, members in tables.items() for name, one in members.items()]
    )
    return engine


def shown(engine, path):
    return get(engine.datamap, path)


@pytest.mark.parametrize(
    "entry",
    [f"{DEVICE}:soc", {"value": f"{DEVICE}:soc"}, {"value": 0, "linkvar": f"{DEVICE}:soc"}, {"lval": f"{DEVICE}:soc"}],
)
def test_a_link_names_its_target_in_several_ways(entry):
    engine = engine_with({"/links/bms": {"SOC": entry}, DEVICE: {"soc": 50}})
    assert shown(engine, "/status/bms/SOC") == 50


def test_a_link_to_a_link_shows_what_that_one_shows_in_whatever_order_they_come():
    engine = engine_with(
        {"/links/ess": {"SOC": "/status/bms:SOC"}, "/links/bms": {"SOC": f"{DEVICE}:soc"}, DEVICE: {"soc": 5}}
    )
    assert shown(engine, "/status/ess/SOC") == 5
    engine.set("/links/bms/SOC", "/components/bms_2:soc")
    engine.set("/components/bms_2", {"soc": 77})
    assert shown(engine, "/status/ess/SOC") == 77
    engine.set(DEVICE, {"soc": 6})
    assert shown(engine, "/status/ess/SOC") == shown(engine, "/status/bms/SOC") == 77


def test_what_a_link_shows_from_now_on_is_a_change():
    engine = engine_with({DEVICE: {"soc": 5}, "/status/bms": {"SOC": 1}})
    engine.set("/links/bms", {"SOC": f"{DEVICE}:soc"})
    assert engine.take_publications().values["/status/bms"] == {"SOC": 5}


def test_links_in_a_circle_are_named_and_left_out(caplog):
    engine = engine_with(
        {"/links/a": {"x": "/status/b:y"}, "/links/b": {"y": "/status/a:x"}, "/links/c": {"z": "/status/c:z"}}
    )
    assert "/status/a:x -> /status/b:y -> /status/a:x" in caplog.text
    engine.set("/status/a", {"x": 1})
    assert shown(engine, "/status/a/x") == 1


def test_a_link_makes_no_variable_of_a_table(caplog):
    engine = engine_with({DEVICE: {"soc": 5}, "/links/x": {"a": "/components:bms", "soc": f"{DEVICE}/soc:deep"}})
    engine.set("/vlinks/x", {"b": {"value": "/components:bms", "vlink": f"{DEVICE}:soc"}})
    assert get(engine.datamap, "/components") == {DEVICE: {"soc": {"value": 5}}}
    assert [record.message for record in caplog.records] == [
        "/links/x:a: /components/bms is a table; left out",
        "/links/x:soc: /components/bms/soc is a variable, not a table; left out",
        "/vlinks/x:b: /components/bms is a table; left out",
    ]


def test_a_target_that_is_not_there_gets_the_default_or_is_not_valid():
    engine = engine_with({"/links/bms": {"a": f"{DEVICE}:a", "b": {"value": f"{DEVICE}:b", "default": 4}}})
    assert shown(engine, DEVICE) == {"a": {"value": None}, "b": {"value": 4}}


def test_a_vlink_shares_the_value_and_nothing_else():
    ui = {"value": 0, "unit": "%", "actions": variable("remap", {"uri": "/status/x:moved"})["actions"]}
    engine = engine_with(
        {
            "/assets/bms/summary": {"soc": ui},
            DEVICE: {"soc": {"value": 50, "scale": 10}},
            "/vlinks/bms": {
                "note1": "a remark",
                "soc_ui": {"value": "/assets/bms/summary:soc", "vlink": f"{DEVICE}:soc"},
            },
        }
    )
    assert get(engine.datamap, "/assets/bms/summary/soc", View.UI) == {"value": 50, "enabled": True}
    engine.set(DEVICE, {"soc": 51})
    assert engine.take_publications().values == {"/assets/bms/summary": {"soc": 51}, DEVICE: {"soc": 51}}
    engine.set("/assets/bms/summary/soc", 52)
    assert get(engine.datamap, DEVICE, View.FULL) == {"soc": {"value": 52, "scale": 10}}
    assert shown(engine, "/status/x/moved") == 52
    engine.invalidate(DEVICE)
    assert shown(engine, "/assets/bms/summary/soc") is None


def test_vlinks_follow_each_other_to_the_end_and_circles_are_named(caplog):
    follow = {name: {"value": f"/s/t:{name}", "vlink": f"/s/t:{other}"} for name, other in (("a", "b"), ("b", "c"))}
    engine = engine_with({"/s/t": {"a": 1, "b": 2, "c": 3}, "/vlinks/x": follow})
    assert get(engine.datamap, "/s/t", View.NAKED) == {"/s/t": {"a": 3, "b": 3, "c": 3}}
    engine.set(
        "/vlinks/x", {"c": {"value": "/s/t:c", "vlink": "/s/t:a"}, "d": {"value": "/s/t:d", "vlink": "/s/t:d"}, "e": 5}
    )
    assert "vlinks run in a circle at /s/t:c" in caplog.text
    assert "/s/t:d follows itself" in caplog.text
    assert "/vlinks/x:e: expected vlink" in caplog.text
    engine.set("/s/t", {"c": 9})
    assert shown(engine, "/s/t/a") == 9


def test_links_are_made_by_commands_and_functions():
    with desk() as person:
        person.say("set", "/ess/components/bms", {"soc": 5})
        assert person.say("set", "/ess/system/commands", {"link": 1}) == '{"link": 1}'
        person.say("set", "/ess/system/commands", {"vlink": {"value": 1}})
        assert '"func":"RunAllVLinks"' in person.say("get", "/ess/full/system/commands/vlink")
        run = variable("func", {"func": "RunLinks", "amap": "bms"}, {"func": "RunVLinks", "amap": "bms"})
        person.say(
            "set",
            "/ess/status/x",
            {"run": run, "make": variable("func", {"func": "MakeLink", "amap": "bms"}, value="soc")},
        )
        assert person.say("get", "/ess/links/bms") == '{"soc":{"value":"/status/bms:soc"}}'
        assert person.say("get", "/ess/status/bms") == '{"soc":{"value":null}}'


def test_the_assets_are_what_the_tables_say():
    with desk() as person:
        for path, body in (
            ("links/bms", {"SOC": "/components/bms:soc"}),
            ("assets/bms/summary", {"name": "BMS", "zeta": {"value": 1, "unit": "V"}, "alpha": {"value": "x"}}),
            ("assets/bms/rack_1", {"name": "Rack 1", "soc": {"name": "SOC", "value": 5}}),
            ("status/rack_1", {"SOC": 7}),
            ("controls/pcs", {"on": False}),
        ):
            person.say("set", f"/ess/{path}", body)
        assert person.say("get", "/ess/amap") == (
            '{"aIs":[],"aMs":[{"aIs":[{"name":"rack_1","p-name":"bms"}],"aMs":[],"name":"bms","p-name":"ess"},'
            '{"aIs":[],"aMs":[],"name":"pcs","p-name":"ess"}]}'
        )
        assert person.say("get", "/ess/amap/bms") == (
            '{"amap":{"SOC":{"value":null}},"links":{"SOC":{"value":"/components/bms:soc"}},"vlinks":{}}'
        )
        assert person.say("get", "/ess/amap/bms/SOC") == '{"bms":{"SOC":{"value":null}},"rack_1":{"SOC":{"value":7}}}'
        assert person.say("get", "/ess/amap/nothing") == "{}"
        assert person.say("get", "/ess/sysvec") == '["/assets/bms/summary","/assets/bms/rack_1"]'
        assert person.say("get", "/ess/alist").startswith('{"/assets/bms/summary":["name","zeta","alpha"]')
        summary = '"name":"BMS","zeta":{"value":1,"unit":"V"},"alpha":{"value":"x"}'
        assert person.say("get", "/assets/bms/summary") == f"{{{summary}}}"
        assert person.say("get", "/ess/assets") == (
            f'{{"bms":{{"summary":{{{summary}}},"rack_1":{{"name":"Rack 1","soc":{{"value":5,"name":"SOC"}}}}}}}}'
        )
        ui = '{"name":"Rack 1","soc":{"value":5,"enabled":true}}'
        assert person.say("get", "/ess/ui/assets/bms/rack_1") == ui


def test_a_title_and_a_table_of_one_name_in_the_files_do_no_harm():
    engine = engine_with({"/assets/bms": {"name": "BMS"}, "/assets/bms/name": {"x": 1}})
    assert shown(engine, "/assets") == {"bms": {"name": {"x": {"value": 1}}}}


def test_alarms_show_their_messages():
    with desk() as person:
        alarm = {"value": 1, "options": [{"name": "hot", "return_value": 3}], "ui_type": "alarm", "enabled": True}
        person.say("set", "/ess/assets/bms/summary", {"alarms": alarm})
        expected = '{"value":1,"options":[{"name":"hot","return_value":3}]}'
        assert person.say("get", "/ess/ui/assets/bms/summary/alarms") == expected


def test_functions_and_actions_are_listed():
    with desk() as person:
        naked = person.say("get", "/ess/naked/system/functions")
        assert naked.startswith('{"/system/functions":{"')
        assert '"CalculateVar":"Carried out by the calculator."' in naked
        assert '"bitfield":{"value":' in person.say("get", "/ess/system/actions")
        assert person.say("get", "/ess/system/functions/LogInfo") == '"Log the variable and its value."'
        assert "Nothing is not one of /system/functions" in person.say("get", "/ess/system/functions/Nothing")
