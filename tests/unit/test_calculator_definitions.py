"""Which definitions are calculators, what their keys mean, and what is wrong with others (engine.md 1.1, 1.6)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from calculator import graph
from calculator.calculation import OWN, Input
from calculator.configuration import load
from calculator.operands import Tree, places
from ess_bus.errors import ConfigurationError
from ess_bus.reference import Reference
from tests.unit.calculator_cases import POWER, expression, found, operation

WAKE = "/schedule/wake_monitor/bms"


def only(definition, **tables):
    """Return the one calculation of a definition of /status/bms:BMSPower."""
    (calculation,) = found({"/status/bms": {"BMSPower": definition}, **tables}).calculations
    return calculation


def paths(calculation):
    return [str(one.place) for one in calculation.inputs]


def test_the_seeds_definition_is_understood():
    calculation = only(POWER)
    assert calculation.result == Reference("/status/bms", "BMSPower")
    assert calculation.inputs == (
        Input("variable1", Reference("/status/bms", "mbmu_voltage")),
        Input("variable2", Reference("/status/bms", "BMSCurrent")),
    )
    assert (calculation.text, calculation.rate_s, calculation.problem) == ("{1} * {2} / 1000", 0.1, "")


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        (operation("+", "a", "b", scale=10), "({1} + {2}) / 10"),
        (operation("avg", "a", "b", scale=10), "avg({1}, {2}) / 10"),
        (operation("+", "a", scale=-1), "{1}"),
        (operation("or", "a", "b", scale=10), "{1} or {2}"),
        (operation("sqrt"), "sqrt({1})"),
        (operation("scale", scale=4), "{1} / 4"),
        (operation("and"), "and()"),
        (expression("{1} + 1", "a", scale=10), "{1} + 1"),
    ],
)
def test_what_is_calculated_can_be_read(definition, text):
    assert only(definition).text == text


@pytest.mark.parametrize(
    "definition",
    [
        {"numVars": 2, "variable1": "a", "variable2": "b"},  # an alarm's clear list
        {**expression("{1} == Off", "a"), "triggerCmd": False, "cmdVar": "/components/pcs:cmd"},  # HandleCmd
        {"operation": "a remark"},
        {"useExpr": False, "numVars": 1, "variable1": "a", "expression": "{1}"},
        {"value": 5},
        5,
    ],
)
def test_other_variables_are_no_calculators(definition):
    assert found({"/status/bms": {"x": definition}}).calculations == ()


def test_what_is_run_as_a_command_is_no_calculator():
    start = expression("{1} == Off", "a")
    for table, name, entry in (
        ("/schedule/wake_monitor/bms", "/status/bms:x", {"func": "HandleCmd"}),
        ("/sched/bms", "run", {"fcn": "HandleCmd", "targ": "/status/bms:x"}),
    ):
        assert found({"/status/bms": {"x": start}, table: {name: entry}}).calculations == ()
    actions = {"onSet": [{"func": [{"func": "HandleCmd"}]}]}
    assert found({"/status/bms": {"x": {**start, "actions": actions}}}).calculations == ()


def test_tables_about_variables_hold_no_calculators():
    tables = ("/schedule/bms", "/sched/bms", "/links/bms", "/config/bms", "/templates/bms")
    assert found({table: {"x": POWER} for table in tables}).calculations == ()


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        ({**POWER, "numVars": 3}, "numVars is 3, but the variables are variable1, variable2"),
        ({**POWER, "numVars": 1}, "numVars is 1, but the variables are variable1, variable2"),
        ({**POWER, "numVars": "2"}, "numVars: expected a whole number, got '2'"),
        ({**POWER, "numVars": True}, "numVars: expected a whole number, got 'True'"),
        ({**POWER, "numVars": -1}, "numVars is -1"),
        ({**POWER, "numVars": 10**15}, f"numVars is {10**15}, but the variables are variable1, variable2"),
        ({**POWER, "variable1": ["x" * 999]}, f"variable1: expected a variable's name, got ['{'x' * 38}"),
        ({**POWER, "variable1": "/" + "x" * 999 + ":"}, f"variable1: '/{'x' * 79}' is not a variable; expected"),
        ({"numVars": 0, "operation": "+"}, "operation + takes at least 1 operands, not 0"),
        (operation("<", "a"), "operation < takes 2 operands, not 1"),
        (operation(">", "a", "b", "c"), "operation > takes 2 operands, not 3"),
        ({**POWER, "operation": "^"}, "operation '^' is not one of + - * /"),
        ({**POWER, "operation": ["*"]}, "is not one of"),
        ({**POWER, "scale": "big"}, "scale: expected a number, got 'big'"),
        ({**POWER, "scale": True}, "scale: expected a number"),
        ({**POWER, "variable1": 5}, "variable1: expected a variable's name, got 5"),
        ({**POWER, "variable2": ""}, "variable2: expected a variable's name, got ''"),
        ({**POWER, "variable1": "/nowhere"}, "variable1: '/nowhere' is not a variable"),
        ({**POWER, "variable1": "bmx:x"}, "variable1: bmx:x: there is no asset 'bmx'; did you mean bms?"),
        ({**POWER, "variable1": "bms:x"}, "variable1: bms:x: nothing is below bms"),
        ({**POWER, "useExpr": True}, "expression: expected a text, got 'None'"),
        ({**POWER, "useExpr": "yes"}, "useExpr: expected true or false, got 'yes'"),
        ({**POWER, "includeCurrVal": "yes"}, "includeCurrVal: expected true or false, got 'yes'"),
        ({**POWER, "enable": "here"}, "enable: 'here' is not a variable"),
        ({**POWER, "enable": 5}, "enable: expected true, false or a variable, got '5'"),
        ({**POWER, "enabled": []}, "enabled: expected true, false or a variable"),
        (expression("{1} +", "a"), "expression '{1} +': expected a value, but the text ends, at column 6"),
        (expression("{3}", "a", "b"), "there is no operand {3}: the operands are {1} to {2}, at column 1"),
        (expression("(" * 10**6, "a"), "1000000 characters; an expression has at most 10000"),
        (expression("__import__('os')", "a"), "column"),
        (expression("{1}.__class__", "a"), "column"),
    ],
)
def test_what_cannot_be_calculated_says_why(definition, problem):
    assert problem in only(definition).problem


def test_operands_are_names_places_parameters_and_all_assets_below_a_manager():
    tables: dict[str, Any] = {f"/assets/bms/rack_{number}": {} for number in (3, 2, 10)} | {
        "/status/pcs_1": {},
        "/status/pcs_2": {},
    }
    names = ("own", "own@maxLimit", "/status/pcs:P", "/components/pcs/q", "bms:FaultCnt@seen", "ess:P")
    calculation = only(operation("+", *names), **tables)
    assert paths(calculation) == [
        "/status/bms:own",
        "/status/bms:own@maxLimit",
        "/status/pcs:P",
        "/components/pcs:q",
        "/status/rack_10:FaultCnt@seen",
        "/status/rack_2:FaultCnt@seen",
        "/status/rack_3:FaultCnt@seen",
        "/status/bms:P",
        "/status/pcs_1:P",
        "/status/pcs_2:P",
    ]
    assert [one.name for one in calculation.inputs][4:8] == ["variable5"] * 3 + ["variable6"]


def test_an_expression_counts_the_operands_of_all_assets():
    assets: dict[str, Any] = {"/assets/bms/rack_1": {}, "/assets/bms/rack_2": {}}
    assert only(expression("{1} + {2}", "bms:P"), **assets).problem == ""
    assert "there is no operand {3}" in only(expression("{1} + {3}", "bms:P"), **assets).problem


def test_the_current_value_is_the_first_operand_and_a_variable_may_name_itself():
    assert paths(only(operation("+", "a", includeCurrVal=True))) == ["/status/bms:BMSPower", "/status/bms:a"]
    for definition in (operation("+", "a", includeCurrVal=True), operation("or", "a", "BMSPower"), operation("sqrt")):
        assert only(definition).of_itself
        assert OWN in [one.name for one in only(definition).inputs]


def test_the_wake_list_says_how_often_whose_and_whether():
    def listed(definition=POWER, table=WAKE, **entry):
        return only(definition, **{table: {"/status/bms:BMSPower": {"func": "CalculateVar", **entry}}})

    assert listed(enable=True, rate=0.5).rate_s == 0.5
    assert (listed().rate_s, listed().listed) == (0.1, WAKE)
    assert paths(listed(table="/schedule/wake_monitor/pcs"))[0] == "/status/pcs:mbmu_voltage"
    assert listed(enable=False).switches[0] is False
    assert listed(enable="/params/bms:run").switches[0] == Reference("/params/bms", "run")
    assert only(POWER, **{WAKE: {"/status/bms:BMSPower": {"func": "LogIt", "rate": 5}}}).listed == ""
    assert not listed().periodic
    assert listed(operation("+", "a", includeCurrVal=True)).periodic


def test_enable_has_the_last_word_over_enabled():
    place = Reference("/status/bms", "BMSPower")
    assert only(POWER).switches == (place._replace(parameter="enabled"),)
    assert only({**POWER, "enabled": False, "enable": True}).switches == (place._replace(parameter="enable"),)
    assert only({**POWER, "enabled": False, "enable": "/a/b:c"}).switches == (Reference("/a/b", "c"),)


def test_an_action_says_for_which_asset_it_calculates():
    actions = {"onSet": [{"func": [{"func": "LogIt", "amap": "x"}, {"func": "CalculateVar", "amap": "pcs"}]}]}
    assert paths(only({**POWER, "actions": actions}))[0] == "/status/pcs:mbmu_voltage"
    (in_a_rack,) = found({"/assets/bms/rack_1": {"P": POWER}}).calculations
    assert paths(in_a_rack)[0] == "/status/rack_1:mbmu_voltage"


def test_a_schedule_without_its_calculator_and_a_wrong_one_are_named():
    entries = {
        "/status/bms:Nothing": {"func": "CalculateVar"},
        "/status/bms:BMSPower": {"func": "CalculateVar", "rate": -1},
        "nowhere": {"func": "CalculateVar"},
        "/status/bms:Other": 5,
    }
    warnings = [str(one) for one in found({"/status/bms": {"BMSPower": POWER}, WAKE: entries}).warnings]
    assert warnings == [
        f"{WAKE}: /status/bms:BMSPower: rate: expected seconds, got '-1'; passed over",
        f"{WAKE}: nowhere: 'nowhere' is not a variable; expected /table:name; passed over",
        f"{WAKE}: /status/bms:Nothing: no such calculator",
    ]


def test_a_template_is_kept_apart_and_understood_as_far_as_it_goes():
    tables: dict[str, Any] = {
        "/status/@@RACK@@": {"P": operation("*", "v", "/components/catl_@@RACK@@:i")},
        "/schedule/wake_monitor/@@RACK@@": {"/status/@@RACK@@:P": {"func": "CalculateVar"}},
        "/status/pcs": {"Q": expression("if(({1} == ##PCS_NUM##), {2}, -1)", "a", "##BMS##:b")},
    }
    result = found(tables)
    assert (result.calculations, result.warnings) == ((), ())
    assert [one.problem for one in result.templates] == ["", ""]
    assert paths(result.templates[0]) == ["/status/@@RACK@@:v", "/components/catl_@@RACK@@:i"]


def test_circles_are_refused_by_name_and_nothing_else_with_them():
    tables: dict[str, Any] = {
        "/status/bms": {
            "c": operation("+", "a"),
            "a": operation("+", "b"),
            "b": operation("+", "c", "x"),
            "user": operation("+", "a"),
            "x": operation("+", "y"),
            "self": operation("+", "self"),
        }
    }
    problems = {str(one.result): one.problem for one in found(tables).calculations}
    circle = "runs in a circle: /status/bms:a -> /status/bms:b -> /status/bms:c -> /status/bms:a"
    assert {name for name, problem in problems.items() if problem} == {f"/status/bms:{name}" for name in "abc"}
    assert set(problems.values()) == {"", circle}


def test_many_circles_and_long_links_are_gone_through_once(monkeypatch):
    looked_at: list[Reference] = []
    uses = graph._uses

    def noted(one, *rest):
        looked_at.append(one.result)
        return uses(one, *rest)

    monkeypatch.setattr(graph, "_uses", noted)
    pairs = {
        f"{here}{number}": operation("+", f"{there}{number}") for number in range(50) for here, there in ("ab", "ba")
    }
    chain = {f"c{number}": operation("+", f"c{number + 1}") for number in range(50)}
    calculations = found({"/status/bms": {**pairs, **chain}}).calculations
    problems = {one.result.name: one.problem for one in calculations}
    assert len(looked_at) == len(calculations) == 150
    assert problems["b7"] == problems["a7"] == "runs in a circle: /status/bms:a7 -> /status/bms:b7 -> /status/bms:a7"
    assert {problem for name, problem in problems.items() if name[0] == "c"} == {""}
    order = [one.result.name for one in calculations if not one.problem]
    assert order == [f"c{number}" for number in reversed(range(50))]


def test_what_uses_a_circle_is_in_none():
    names = {"x": "a", "a": "b", "b": "a", "y": "x"}
    problems = {
        one.result.name: bool(one.problem)
        for one in found({"/status/bms": {name: operation("+", used) for name, used in names.items()}}).calculations
    }
    assert problems == {"x": False, "a": True, "b": True, "y": False}


def test_links_of_links_lead_to_their_end_and_circles_of_them_nowhere():
    def link(name):
        return {"value": f"/status/bms:{name}"}

    links = {"a": link("b"), "b": link("c"), "into": link("x"), "x": link("y"), "y": link("x")}
    aliases = found({"/links/bms": links}).aliases
    assert {place.name: end.name for place, end in aliases.items()} == {"a": "c", "b": "c"}


def test_a_circle_through_links_is_one():
    tables: dict[str, Any] = {
        "/links/ess": {"Power": "/status/bms:a", "loop": "/status/ess:loop2", "loop2": "/status/ess:loop"},
        "/status/bms": {"a": operation("+", "b"), "b": operation("+", "/status/ess:Power")},
    }
    assert all("runs in a circle" in one.problem for one in found(tables).calculations)


def test_each_runs_behind_what_it_uses():
    tables = {"/status/bms": {"a": operation("+", "z"), "z": operation("+", "m"), "m": operation("+", "x"), "k": POWER}}
    order = [one.result.name for one in found(tables).calculations]
    assert order.index("m") < order.index("z") < order.index("a")


def test_what_a_link_shows_is_calculated_once():
    tables: dict[str, Any] = {
        "/links/ess": {"BMSPower": {"value": "/status/bms:BMSPower"}},
        "/status/bms": {"BMSPower": POWER},
        "/status/ess": {"BMSPower": POWER},
    }
    assert [str(one.result) for one in found(tables).calculations] == ["/status/bms:BMSPower"]


def test_the_tree_of_an_engines_answer_is_that_of_its_tables():
    leaf = {"aMs": [], "aIs": [{"name": "rack_2", "p-name": "bms"}, {"name": "rack_1"}]}
    side = {"name": "bms", "p-name": "ess", "aMs": [{"name": "left", **leaf}, {"name": "right", **leaf}], "aIs": []}
    tree = Tree.of_answer({"aIs": [], "aMs": [side, 5, {"name": 7}]}, "ess")
    assert tree.children == {"ess": ("bms",), "bms": ("left", "right"), "left": ("rack_1", "rack_2")} | {
        "right": ("rack_1", "rack_2")
    }
    assert [str(one) for one in places("bms:P", "x", tree)] == ["/status/left:P", "/status/right:P"]
    # A manager's own instances count only where no managers are below it.
    mixed = Tree.of_answer({"aIs": [{"name": "meter"}], "aMs": [side]}, "ess")
    assert mixed.children["ess"] == ("bms",)
    answers: tuple[Any, ...] = (None, 5, [], {"aMs": {}}, {"aMs": [None], "aIs": "x"})
    for garbage in answers:
        assert Tree.of_answer(garbage, "ess").children.get("bms") is None
    assert Tree.of_tables(["/status/bms", "/assets/bms/rack_1"], "ess").children == {
        "ess": ("bms",),
        "bms": ("rack_1",),
    }


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "expected an object of tables"),
        ({"/status/bms": []}, r"/status/bms: expected an object of variables, got '\[\]'"),
    ],
)
def test_a_file_that_is_wrong_is_refused(tmp_path, document, reason):
    (tmp_path / "a.json").write_text(json.dumps(document))
    with pytest.raises(ConfigurationError, match=reason):
        load(tmp_path)


def test_files_add_to_each_other_and_what_is_wrong_names_its_file(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"/status/bms": {"Sum": operation("+", "a")}, "remark": "no table"}))
    (tmp_path / "b.json").write_text(json.dumps({"/status/bms/": {"Sum": {"scale": "x"}}}))
    configuration = load(tmp_path)
    assert [str(one) for one in configuration.warnings] == [
        "b.json: /status/bms:Sum: scale: expected a number, got 'x'"
    ]
