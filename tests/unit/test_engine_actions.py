"""`remap` and what follows from a set (engine.md 2.6)."""

from __future__ import annotations

import pytest

from ess_bus.engine import actions
from ess_bus.engine.views import get
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
    assert engine.take_changes() == {"/c/x": {"source": 20020}, "/status/bms": {"BMSCurrent": 20}}


def test_scale_multiplies_before_the_offset_is_subtracted():
    engine = with_actions({"scale": 0.1, "offset": 5, "uri": "/s/t", "var": "y"})
    engine.set("/c/x/source", 100)
    assert get(engine.datamap, "/s/t/y") == 5


@pytest.mark.parametrize(("value", "expected"), [(1, "On"), (1.0005, "On"), (2, None), (True, None)])
def test_in_value_gates_and_out_value_replaces(value, expected):
    (*found,) = actions.targets(actions.compiled(remap({"uri": "/s/t:y", "inValue": 1, "outValue": "On"})), value)
    assert [output for _, output in found] == ([expected] if expected else [])


def test_a_value_that_is_not_valid_makes_its_target_not_valid_either():
    engine = with_actions({"offset": 20000, "uri": "/s/t:y"}, value=20000)
    engine.set("/c/x/source", None)
    assert get(engine.datamap, "/s/t/y") is None


@pytest.mark.parametrize(("value", "output"), [(1, 1), (True, True), ("On", "On")])
def test_an_out_value_that_equals_the_value_is_not_scaled(value, output):
    item = {"uri": "/s/t:y", "outValue": output, "scale": 10, "offset": 5}
    assert [found for _, found in actions.targets(actions.compiled(remap(item)), value)] == [output]


def test_texts_and_bools_are_copied_as_they_are():
    assert [
        output for _, output in actions.targets(actions.compiled(remap({"uri": "/s/t:y", "offset": 1})), "Off")
    ] == ["Off"]
    assert [output for _, output in actions.targets(actions.compiled(remap({"uri": "/s/t:y", "offset": 1})), True)] == [
        True
    ]


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
        "actions run in a circle, stopped: /a/b:two -> /a/b:one -> /a/b:two",  # when it was loaded
        "actions run in a circle, stopped: /a/b:one -> /a/b:two -> /a/b:one",
    ]
    assert get(engine.datamap, "/a/b/two") == 2


@pytest.mark.parametrize("item", [{"inValue": 1, "outValue": "On"}, {"inValue": 2, "outValue": "Off"}, {"outValue": 7}])
def test_what_was_made_of_a_value_goes_with_it_whatever_the_conditions(item):
    engine = with_actions({"uri": "/s/t:y", **item}, value=1)
    engine.set("/c/x/source", None)
    assert get(engine.datamap, "/s/t/y") is None


def test_a_remap_to_a_variable_of_another_type_is_reported_once_and_the_rest_goes_on(caplog):
    engine = loaded(
        {
            "/s/t": {"text": "x"},
            "/c/x": {"source": {"value": 0, "actions": remap({"uri": "/s/t:text"}, {"uri": "/s/t:other"})}},
        }
    )
    engine.set("/c/x/source", 2)
    engine.set("/c/x/source", 3)
    assert get(engine.datamap, "/s/t/other") == 3
    # What it holds is no longer that of its source.
    assert get(engine.datamap, "/s/t/text") is None
    assert [record.message for record in caplog.records if record.message.startswith("/c/x:source")] == [
        "/c/x:source: remap to /s/t:text: expected a text, got 2; it is not valid now"
    ]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (remap({"uri": "/a/b:c", "ifChanged": True}), "ifChanged not supported yet"),
        (remap({"uri": "/a/b:c[3]"}), "bits are not supported"),
        (remap({"uri": "nowhere"}), "not a variable"),
        (remap({"uri": "/a/b:c", "offset": "x"}), "must be numbers"),
        (remap(5), "expected an object"),
        ({"onSet": [{"enum": []}]}, "enum: this action is not carried out yet"),
        ({"onGet": []}, "expected onSet"),
        ({"onSet": {"remap": []}}, "expected onSet"),
        ({"onSet": [5]}, "expected objects"),
    ],
)
def test_what_cannot_be_carried_out_is_named_and_left_out_wholly(given, reason):
    assert any(reason in text for text in actions.problems(given))
    assert actions.compiled(given) == ()
