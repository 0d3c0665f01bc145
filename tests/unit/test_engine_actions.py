"""`remap` and what follows from a set (engine.md 2.6)."""

from __future__ import annotations

import pytest

from ess_bus.engine.actions.reading import read
from ess_bus.engine.engine import Engine
from ess_bus.engine.functions.registry import FUNCTIONS, Function
from ess_bus.engine.views import get
from ess_bus.reference import Reference
from tests.unit.test_engine_datamap import loaded


def remap(*items):
    return {"onSet": [{"remap": list(items)}]}


def with_actions(*items, value=0):
    return loaded({"/c/x": {"source": {"value": value, "actions": remap(*items)}}})


def test_the_offset_is_subtracted():
    engine = with_actions({"bit": 0, "offset": 20000, "uri": "/status/bms:BMSCurrent"}, value=20000)
    assert get(engine.datamap, "/status/bms/BMSCurrent") == 0
    engine.set("/c/x/source", 20020)
    assert get(engine.datamap, "/status/bms/BMSCurrent") == 20
    assert engine.take_publications().values == {"/c/x": {"source": 20020}, "/status/bms": {"BMSCurrent": 20}}


def test_scale_multiplies_before_the_offset_is_subtracted():
    engine = with_actions({"scale": 0.1, "offset": 5, "uri": "/s/t", "var": "y"})
    engine.set("/c/x/source", 100)
    assert get(engine.datamap, "/s/t/y") == 5


@pytest.mark.parametrize(("value", "expected"), [(1, "On"), (1.0005, "On"), (2, "before"), (True, "before")])
def test_in_value_gates_and_out_value_replaces(value, expected):
    engine = with_actions({"uri": "/s/t:y", "inValue": 1, "outValue": "On"}, value=None)
    engine.set("/s/t", {"y": "before"})
    engine.set("/c/x/source", value)
    assert get(engine.datamap, "/s/t/y") == expected


def test_a_value_that_is_not_valid_makes_its_target_not_valid_either():
    engine = with_actions({"offset": 20000, "uri": "/s/t:y"}, value=20000)
    engine.set("/c/x/source", None)
    assert get(engine.datamap, "/s/t/y") is None


@pytest.mark.parametrize(("value", "output"), [(1, 1), (True, True), ("On", "On")])
def test_an_out_value_that_equals_the_value_is_not_scaled(value, output):
    engine = with_actions({"uri": "/s/t:y", "outValue": output, "scale": 10, "offset": 5}, value=value)
    assert get(engine.datamap, "/s/t/y") == output


@pytest.mark.parametrize("value", ["Off", True])
def test_texts_and_bools_are_copied_as_they_are(value):
    engine = with_actions({"uri": "/s/t:y", "offset": 1}, value=value)
    assert get(engine.datamap, "/s/t/y") == value


def test_actions_run_even_if_the_value_is_the_same_and_cascade():
    engine = loaded(
        {
            "/a/b": {
                "one": {"value": 0, "actions": remap({"uri": "/a/b:two", "offset": -1})},
                "two": {"value": 0, "actions": remap({"uri": "/a/b:three", "offset": -1})},
            }
        }
    )
    engine.set("/a/b/three", 77)
    engine.set("/a/b/one", 0)
    assert get(engine.datamap, "/a/b/three") == 2


def test_variables_that_all_follow_each_other_are_stopped_in_time(caplog):
    names = [f"v{number}" for number in range(30)]
    members = {
        name: {"value": None, "actions": remap(*({"uri": f"/a/b:{other}"} for other in names if other != name))}
        for name in names
    }
    engine = loaded({"/a/b": members})
    engine.set("/a/b/v0", 1)
    assert caplog.records[-1].message == "/a/b:v0: more than 1000 actions follow, stopped"


def test_a_parameter_can_be_a_target():
    engine = with_actions({"uri": "/s/t:y@limit"})
    engine.set("/c/x/source", 5)
    assert get(engine.datamap, "/s/t/y@limit") == 5


def test_a_default_that_is_no_variable_is_named_once(caplog):
    chosen = {"onSet": [{"enum": [{"uri": "/s/t:y", "inValue": 1, "outValue": "one"}]}]}
    engine = loaded({"/c/x": {"in": {"value": 1, "actions": chosen, "defUri": "y", "defVal": "other"}}})
    engine.set("/c/x/in", 2)
    engine.set("/c/x/in", 3)
    (line,) = caplog.messages
    assert line.startswith("/c/x:in: defUri: ")
    assert get(engine.datamap, "/s/t/y") == "one"


def test_a_circle_is_stopped_and_reported_once(caplog):
    engine = loaded(
        {
            "/a/b": {
                "one": {"value": 0, "actions": remap({"uri": "/a/b:two"})},
                "two": {"value": 0, "actions": remap({"uri": "/a/b:one"})},
            }
        }
    )
    engine.set("/a/b/one", 1)
    engine.set("/a/b/one", 2)
    assert [record.message for record in caplog.records] == [
        # When it was loaded, from both of them.
        "actions run in a circle, stopped: /a/b:one -> /a/b:two -> /a/b:one",
        "actions run in a circle, stopped: /a/b:two -> /a/b:one -> /a/b:two",
    ]
    assert get(engine.datamap, "/a/b/two") == 2


@pytest.mark.parametrize("item", [{"inValue": 1, "outValue": "On"}, {"inValue": 2, "outValue": "Off"}, {"outValue": 7}])
def test_what_was_made_of_a_value_goes_with_it_whatever_the_conditions(item):
    engine = with_actions({"uri": "/s/t:y", **item}, value=1)
    engine.set("/c/x/source", None)
    assert get(engine.datamap, "/s/t/y") is None


def test_an_action_may_change_the_type_of_its_target_and_a_set_may_not():
    engine = loaded({"/s/t": {"text": "x"}, "/c/x": {"source": {"value": 0, "actions": remap({"uri": "/s/t:text"})}}})
    engine.set("/c/x/source", 2)
    assert get(engine.datamap, "/s/t/text") == 2
    with pytest.raises(ValueError, match="expected a number"):
        engine.set("/s/t/text", "y")


def test_an_action_makes_no_variable_of_a_table_and_no_table_of_a_variable(caplog):
    engine = with_actions({"uri": "/c/x:source@unit"}, {"uri": "/c:x"}, {"uri": "/c/x/source:y"}, {"uri": "/c/x:z"})
    assert set(engine.datamap.tables) == {"/c/x"}
    assert get(engine.datamap, "/c/x/z") == 0
    assert [record.message for record in caplog.records] == [
        "/c/x:source: its action on /c:x: /c/x is a table; left out",
        "/c/x:source: its action on /c/x/source:y: /c/x/source is a variable, not a table; left out",
    ]


def test_what_a_target_cannot_hold_makes_it_not_valid_is_reported_once_and_the_rest_goes_on(caplog):
    engine = with_actions({"uri": "/s/t:word[3]"}, {"uri": "/s/t:other"})
    engine.set("/c/x/source", 2)
    engine.set("/c/x/source", 3)
    assert get(engine.datamap, "/s/t/other") == 3
    # What it holds is no longer that of its source.
    assert get(engine.datamap, "/s/t/word") is None
    assert [record.message for record in caplog.records if record.message.startswith("/c/x:source")] == [
        "/c/x:source: its action on /s/t:word[3]: expected true or false for a bit, got '2'; it is not valid now"
    ]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (remap({"uri": "/a/b:c", "inValu": True}), "inValu not supported; did you mean inValue"),
        (remap({"uri": "/a/b:c[32]"}), "bits are numbered 0 to 31"),
        (remap({"uri": "/a/b:c[3]x"}), "expected a bit such as"),
        (remap({"uri": "/a/b:c@p[3]"}), "a parameter has no bits"),
        (remap({"uri": "/a/b:c@actions"}), "actions are no parameter"),
        (remap({"uri": "/a/b:c[1]", "fims": "set"}), "a single bit cannot be sent"),
        (remap({"uri": "nowhere"}), "not a variable"),
        (remap({"outValue": 1}), "expected uri"),
        (remap({"uri": "/a/b:own"}), "/a/b:own sets itself"),
        (remap({"uri": "/a/b:c", "offset": "x"}), "offset: expected a number"),
        (remap({"uri": "/a/b:c", "ifChanged": "yes"}), "ifChanged: expected true or false"),
        (remap({"uri": "/a/b:c", "enable": "yes"}), "'yes' is not a variable"),
        (remap({"uri": "/a/b:c", "outValue": {}}), "outValue: expected a number"),
        (remap({"uri": "/a/b:c", "fims": "post"}), "expected set, pub or get"),
        (remap({"uri": "/a/b:c", "fims": "set", "mode": "ui"}), "mode: expected naked or clothed"),
        (remap({"uri": "/a/b:c", "fims": "get", "replyto": "me"}), "replyto: expected a URI"),
        (remap({"uri": "/a/b:c", "useRange": True}), "useRange needs inValue"),
        (remap({"uri": "/a/b:c", "func": "Nothing"}), "the function Nothing is not known"),
        (remap(5), "expected an object"),
        ({"onSet": [{"enum": [{"uri": "/a/b:c", "mask": -1}]}]}, "mask: expected a whole number from 0"),
        ({"onSet": [{"enum": {"bitmap": []}}]}, "enum: expected a list of items"),
        ({"onSet": [{"bitmap": []}]}, "bitmap: this action is not carried out"),
        ({"onSet": [{"bitset": [{"uri": "/a/b:c", "bit": 0}]}]}, "bits are counted from 1"),
        ({"onSet": [{"bitfield": [{"uri": "/a/b:c"}]}]}, "expected bit"),
        ({"onSet": [{"bitfield": [{"uri": "/a/b:c", "bit": 32}]}]}, "from 0 to 31"),
        ({"onSet": [{"limits": [{"low": 2, "high": 1}]}]}, "low 2 is above high 1"),
        ({"onSet": [{"limits": [{}]}]}, "expected low, high"),
        ({"onSet": [{"func": [{"amap": "bms"}]}]}, "expected func"),
        ({"onGet": []}, "expected onSet"),
        ({"onSet": {"remap": []}}, "expected onSet"),
        ({"onSet": [5]}, "expected objects"),
    ],
)
def test_what_cannot_be_carried_out_is_named_and_left_out_wholly(given, reason):
    steps, problems = read(given, Reference("/a/b", "own"))
    assert any(reason in problem.text for problem in problems), problems
    assert steps == ()


@pytest.mark.parametrize(
    ("actions", "reason"),
    [
        (remap({"uri": "/a/b:y", "offest": 1}), "remap: offest not supported; did you mean offset"),
        ({"onSet": [{"func": [{"func": "Nothing"}]}]}, "func: the function Nothing is not known"),
        ({"onSet": [{"remapp": []}]}, "remapp: there is no such action; did you mean remap"),
        ({"onset": []}, "onset: expected onSet with a list"),
        (remap({"uri": "/a/" + "y" * 300}), "over the limit of 255"),
        (remap({"uri": "/a/b\n:y"}), "control characters are not allowed"),
        (remap(*({"uri": "nowhere"},) * 7), "; 2 more$"),
    ],
)
def test_a_set_whose_actions_hold_a_mistake_changes_nothing(actions, reason):
    engine = loaded({"/a/b": {"x": 1}})
    with pytest.raises(ValueError, match=f"^/a/b:new: .*{reason}"):
        engine.set("/a/b", {"x": 2, "new": {"value": 0, "actions": actions}})
    assert get(engine.datamap, "/a/b") == {"x": {"value": 1}}


@pytest.mark.parametrize(
    "actions",
    [
        {"onSet": [{"bitmap": [{"bit": 1}]}]},
        {"onSet": [{"xfunc": [{"func": "Nothing"}]}]},
        {"onPub": [], "onGet": []},
        remap({"uri": "/a/b:new"}),
    ],
)
def test_what_the_original_takes_without_effect_is_taken_and_named(actions, caplog):
    engine = loaded({})
    engine.set("/a/b", {"new": {"value": 7, "actions": actions}})
    assert get(engine.datamap, "/a/b/new") == 7
    assert all(record.message.endswith("; left out") for record in caplog.records)
    assert caplog.records


def test_a_target_says_nothing_where_none_is_set():
    nowhere = {"uri": "/a/b:own", "var": "other"}
    blocks = [{"limits": [{"high": 5, **nowhere}]}, {"func": [{"func": "TestTriggerFunc", **nowhere}]}]
    engine = loaded({})
    engine.set("/a/b", {"own": {"value": 9, "actions": {"onSet": blocks}}})
    assert get(engine.datamap, "/a/b/own") == 5
    assert get(engine.datamap, "/a/b/own@triggered") == 1


@pytest.mark.parametrize(("gate", "expected"), [({}, [1, None, 5]), ({"inValue": 5}, [5])])
def test_a_condition_is_not_met_by_what_is_not_valid_even_for_functions_that_want_to_know(gate, expected, monkeypatch):
    seen = []
    note = Function("Note", lambda call: seen.append(call.value), "", takes_invalid=True)
    monkeypatch.setitem(FUNCTIONS, "Note", note)
    engine = loaded({"/c/x": {"source": {"value": 0, "actions": {"onSet": [{"func": [{"func": "Note", **gate}]}]}}}})
    seen.clear()
    for value in (1, None, 5):
        engine.set("/c/x/source", value)
    assert seen == expected


@pytest.mark.parametrize("reverse", [False, True])
def test_variables_of_one_message_look_at_each_other_in_any_order(reverse, caplog):
    chosen = remap({"uri": "/a/b:out", "inVar": "/a/b:wanted", "outVar": "/a/b:given"})
    members = {"in": {"value": 1, "ifChanged": True, "actions": chosen}, "wanted": 1, "given": "yes"}
    engine = loaded({})
    engine.set("/a/b", dict(reversed(members.items()) if reverse else members.items()))
    assert get(engine.datamap, "/a/b/out") == "yes"
    assert not caplog.records
    assert engine.take_publications().values == {"/a/b": {"given": "yes", "in": 1, "out": "yes", "wanted": 1}}


def test_what_a_message_says_of_a_variable_holds_whatever_its_actions_made_of_it():
    on = remap({"uri": "/a/b:out", "outValue": "On"})
    engine = loaded({})
    engine.set("/a/b", {"in": {"value": 0, "actions": on}, "out": 0})
    assert get(engine.datamap, "/a/b/out") == 0
    engine.set("/a/b", {"out": 5})
    assert get(engine.datamap, "/a/b/out") == 5


@pytest.mark.parametrize(
    ("action", "item", "given", "expected"),
    [
        ("bitfield", {"bit": 1, "value": True}, 2, True),
        ("bitfield", {"bit": 1, "value": "on"}, 2, "on"),
        ("enum", {"invalue": 3, "value": "three"}, 3, "three"),
        ("remap", {"inValue": 3, "value": 30}, 3, 30),
        ("remap", {"Av": "/t/a:other"}, 3, 7),
    ],
)
def test_old_spellings_of_keys_mean_what_their_usual_names_do(action, item, given, expected):
    engine = Engine()
    engine.set("/t/a", {"other": 7, "in": {"value": 0, "actions": {"onSet": [{action: [{"uri": "/t/a:o", **item}]}]}}})
    engine.set("/t/a/in", given)
    assert get(engine.datamap, "/t/a/o") == expected


@pytest.mark.parametrize(
    ("action", "item", "expected"),
    [
        ("remap", {"value": 5}, "value: nothing says for which input"),
        ("enum", {"mask": 3, "bit": 1, "value": True}, "value: nothing says for which input"),
        ("enum", {"inValue": 1, "invalue": 2}, "invalue and inValue mean the same"),
        ("bitfield", {"bit": 1, "value": 1, "outValue": 2}, "value and outValue mean the same"),
        ("limits", {"low": 1, "value": 1}, "value not supported"),
    ],
)
def test_an_old_spelling_that_can_mean_two_things_is_refused(action, item, expected):
    with pytest.raises(ValueError, match=expected):
        Engine().set("/t/a", {"in": {"value": 0, "actions": {"onSet": [{action: [{"uri": "/t/a:o", **item}]}]}}})
