"""Messages that actions and functions send (`fims`), and what becomes of them."""

from __future__ import annotations

import pytest

from ess_bus.engine.meaning import member
from ess_bus.reference import Reference
from tests.unit.engine_cases import variable
from tests.unit.engine_desk import desk

C = "/ess/full/controls/bms"
DEVICE = "/components/pcs"


def sends(**keys):
    return variable("remap", {"uri": f"{DEVICE}:power", **keys})


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"fims": "set"}, ("set", DEVICE, '{"power":{"value":5}}', "/ess/_sent")),
        ({"fims": "set", "mode": "naked"}, ("set", DEVICE, '{"power":5}', "/ess/_sent")),
        ({"fims": "pub", "mode": "clothed"}, ("pub", DEVICE, '{"power":{"value":5}}', None)),
        ({"fims": "pub", "uri": f"{DEVICE}:power@unit"}, ("pub", DEVICE, '{"power":{"value":"$$","unit":5}}', None)),
        (
            {"fims": "set", "scale": 10, "replyto": "/{essName}/r/x"},
            ("set", DEVICE, '{"power":{"value":50}}', "/ess/r/x"),
        ),
        ({"fims": "get", "replyto": "/{essName}/status/bms/p"}, ("get", f"{DEVICE}/power", None, "/ess/status/bms/p")),
    ],
)
def test_an_action_sends_a_message(keys, expected):
    with desk() as person:
        messages = person.bus.subscribe("/components")
        person.say("set", C, {"x": sends(**keys)})
        person.heard(messages)
        person.say("set", C, {"x": 5})
        (message,) = person.heard(messages)
        body = message.body if message.body is None else message.body.decode()
        assert (message.method, message.uri, body, message.replyto) == expected
        assert person.engine.find("/components/pcs", "power") is None


def next_of(subscription):
    """Return the next message."""
    message = subscription.receive(1)
    assert message is not None
    return message


def test_what_is_not_valid_is_no_command_but_is_published():
    with desk() as person:
        messages = person.bus.subscribe("/components")
        person.say("set", C, {"x": sends(fims="set"), "y": sends(fims="pub")})
        person.heard(messages)
        person.say("set", C, {"x": None, "y": None})
        assert [message.body for message in person.heard(messages)] == [b'{"power":{"value":null}}']


def test_loading_a_configuration_sends_nothing():
    definition = member(Reference("/controls/bms", "x"), sends(fims="set"))
    with desk(assignments=[definition]) as person:
        messages = person.bus.subscribe("/components")
        person.turn()
        assert person.heard(messages) == []
        person.say("set", "/ess/controls/bms/x", 1)
        assert len(person.heard(messages)) == 1


def test_a_command_that_reaches_nobody_or_is_refused_is_named(caplog):
    with desk() as person:
        person.say("set", C, {"x": sends(fims="set")})
        person.turn()
        assert "an action sent set /components/pcs: " in caplog.records[-1].message
        requests = person.bus.subscribe("/components")
        person.say("set", C, {"x": 7})
        person.bus.refuse(next_of(requests), "it is maintained")
        person.turn()
        assert caplog.records[-1].message == "an action sent set /components/pcs: it is maintained"


def test_an_answer_is_taken_and_one_that_is_an_error_makes_the_variable_not_valid():
    with desk() as person:
        requests = person.bus.subscribe("/components")
        person.say("set", C, {"x": sends(fims="get", replyto="/{essName}/status/bms/power")})
        person.bus.reply(next_of(requests), 42)
        person.turn()
        assert person.say("get", "/ess/status/bms/power") == "42"
        person.say("set", C, {"x": 1})
        person.bus.refuse(next_of(requests), "the device does not answer")
        person.turn()
        assert person.say("get", "/ess/status/bms/power") == "null"


@pytest.mark.parametrize("method", ["set", "pub"])
@pytest.mark.parametrize("target", ["/controls/bms:y", "/ess/controls/bms:y", "/ess/full/controls/bms:y"])
def test_what_is_sent_to_the_engine_itself_is_carried_out_at_once_and_a_circle_of_them_is_seen(target, method, caplog):
    with desk() as person:
        y = variable("remap", {"uri": "/ess/controls/bms:x", "fims": method})
        person.say("set", C, {"y": y, "x": variable("remap", {"uri": target, "fims": method})})
        person.say("set", C, {"x": 3})
        assert person.say("get", "/ess/controls/bms/y") == "3"
        assert "actions run in a circle" in caplog.text


def test_what_is_published_to_the_engine_itself_is_taken_once_and_heard_by_all():
    with desk() as person:
        person.say("set", C, {"y": variable("func", {"func": "TestTriggerFunc"}, value=None, triggered=0)})
        person.say("set", C, {"x": variable("remap", {"uri": "/ess/controls/bms:y", "fims": "pub"}, value=None)})
        messages = person.bus.subscribe("/ess/controls/bms")
        before = int(person.say("get", "/ess/controls/bms/y@triggered"))
        person.say("set", C, {"x": 5})
        person.turn()
        assert b'{"y":{"value":5}}' in [message.body for message in person.heard(messages)]
        assert int(person.say("get", "/ess/controls/bms/y@triggered")) == before + 1


def test_the_engine_answers_itself(caplog):
    with desk() as person:
        messages = person.bus.subscribe("/away")
        person.say("set", C, {"y": {"value": 5, "unit": "V"}})
        asks = [
            {"uri": "/controls/bms:y", "fims": "get", "replyto": "/{essName}/status/bms/a"},
            {"uri": "/ess/controls/bms:y@unit", "fims": "get", "replyto": "/away/b"},
            {"uri": "/controls/bms:z", "fims": "set", "mode": "naked", "replyto": "/away/c"},
            {"uri": "/controls/bms:nothing", "fims": "get", "replyto": "/{essName}/status/bms/a"},
        ]
        person.say("set", C, {"x": variable("remap", *asks[:3], value=7)})
        assert person.say("get", "/ess/status/bms/a") == "5"
        assert person.say("get", "/ess/controls/bms/z") == "7"
        assert [(one.uri, one.body) for one in person.heard(messages)] == [("/away/b", b'"V"'), ("/away/c", b'{"z":7}')]
        person.say("set", C, {"x": variable("remap", asks[3], value=7)})
        assert person.say("get", "/ess/status/bms/a") == "null"
        assert "no variable 'nothing'" in caplog.text


def test_a_command_to_the_engine_itself_that_cannot_be_applied_is_named(caplog):
    with desk() as person:
        person.say(
            "set",
            C,
            {"y": {"value": 1, "lock": True}, "x": variable("remap", {"uri": "/ess/controls/bms:y", "fims": "set"})},
        )
        assert "an action sends set /controls/bms: /controls/bms:y: it is locked" in caplog.text


def test_functions_send_and_log(caplog):
    with desk() as person:
        messages = person.bus.subscribe("/components")
        caplog.set_level("DEBUG")
        functions = [{"func": name} for name in ("LogDebug", "LogInfo", "LogIt", "LogWarn", "LogError", "CalculateVar")]
        person.say("set", C, {"x": {"value": 2.5, "actions": {"onSet": [{"func": functions}]}}})
        lines = [record.levelname for record in caplog.records if record.message == "/controls/bms:x = 2.5"]
        assert lines == ["DEBUG", "INFO", "INFO", "WARNING", "ERROR"]
        person.say("set", C, {"x": None})
        assert caplog.records[-1].message == "/controls/bms:x = not valid"
        person.say(
            "set", C, {"start": variable("func", {"func": "SendTrue", "inAv": "/components/pcs:start"}, value=None)}
        )
        person.say("pub", DEVICE, {"start": False})
        person.heard(messages)
        person.say("set", C, {"start": 1})
        assert [message.body for message in person.heard(messages)] == [b'{"start":{"value":true}}']


def test_a_time_from_now():
    with desk() as person:
        person.say("set", C, {"x": variable("remap", {"uri": "/controls/bms:end", "outTime": 2.5})})
        person.engine.advance(100.0)
        person.engine.set("/controls/bms/x", 1)
        assert person.say("get", "/ess/controls/bms/end") == "102.5"
