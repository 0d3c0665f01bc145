"""What is told of parameters that change, how one is taken away."""

from __future__ import annotations

import pytest

from ess_bus.engine.parameters import Parameters
from tests.unit.engine_desk import desk


def test_every_way_of_changing_a_parameter_is_noticed_and_no_other():
    noticed: list[str] = []
    parameters = Parameters(noticed.append)
    parameters["a"] = 1
    parameters.update({"b": 2}, c=[])
    parameters.update([("a", 1)])
    assert parameters.setdefault("d", 4) == parameters.setdefault("d", 5) == 4
    assert noticed == ["a", "b", "c", "d"]
    parameters["a"] = True  # equal, and of another type
    parameters["c"] = []
    assert parameters.pop("b") == 2
    assert parameters.pop("b", None) is None
    del parameters["d"]
    assert noticed[4:] == ["a", "b", "d"]
    assert parameters == {"a": True, "c": []}


def test_changed_parameters_are_published_below_the_full_view_and_a_removed_one_as_null():
    with desk() as one:
        heard = one.bus.subscribe("/ess/full", pub_only=True)
        one.say("set", "/status/bms", {"soc": {"value": 50, "unit": "%", "seenAlarm": False}})
        one.say("set", "/status/bms", {"soc": {"value": 51, "unit": "%", "seenAlarm": True}})
        one.say("set", "/status/bms/soc", 52)
        one.say("set", "/status/bms", {"soc": {"$$remove": ["unit", "nothing"]}})
        messages = [message for message in (heard.receive(60) for _ in range(3)) if message is not None]
        assert [(message.uri, message.json()) for message in messages] == [
            ("/ess/full/status/bms", {"soc": {"seenAlarm": False, "unit": "%"}}),
            ("/ess/full/status/bms", {"soc": {"seenAlarm": True}}),
            ("/ess/full/status/bms", {"soc": {"unit": None}}),
        ]
        assert one.say("get", "/ess/full/status/bms/soc") == '{"soc":{"value":52,"seenAlarm":true}}'


def test_a_link_shows_the_parameters_too():
    with desk() as one:
        one.say("set", "/ess/links/bms", {"soc": "/components/bms:soc"})
        heard = one.bus.subscribe("/ess/full", pub_only=True)
        one.say("set", "/status/bms", {"soc": {"value": 1, "unit": "%"}})
        uris = [message.uri for message in (heard.receive(60), heard.receive(5)) if message is not None]
        assert uris == ["/ess/full/components/bms", "/ess/full/status/bms"]


@pytest.mark.parametrize("removed", ["unit", [5], {"unit": 1}, None])
def test_what_is_to_be_removed_must_be_a_list_of_names(removed):
    with desk() as one:
        assert '"$$remove\\" must be a list of names' in one.say("set", "/status/bms", {"soc": {"$$remove": removed}})
