"""Sets, pubs and gets, letter for letter: addresses, views, parameters, bits, blocked URIs, locks."""

from __future__ import annotations

import pytest

from tests.unit.engine_cases import uri, variable
from tests.unit.engine_desk import desk

C = "/ess/full/controls/bms"
G = "/ess/controls/bms"


def test_the_answer_to_a_set_is_what_was_sent_letter_for_letter():
    with desk() as person:
        for uri_, body in (
            (C, b'{"X": 5}'),
            (C, b'{ "X":{"value":5.0 } }'),
            (f"{C}/X", b"7"),
            (f"{C}/X", b'{"value":7}'),
        ):
            assert person.say("set", uri_, body) == body.decode()
        assert person.say("get", f"{G}/X") == "7"


def test_the_views_show_a_variable_letter_for_letter():
    definition = b"""{"a": "x", "b": {"unit": "V", "value": 4.0, "enabled": true,
        "actions": {"onSet": [{"remap": [{"uri": "/controls/bms:a", "bit": 0}]}]},
        "options": [{"name": "On", "return_value": true}]}, "c": 0.1}"""
    with desk() as person:
        person.say("set", C, definition)
        assert person.say("get", f"{C}/b") == (
            '{"b":{"value":4,"enabled":true,"unit":"V","options":[{"name":"On","return_value":true}],'
            '"actions":{"onSet":[{"remap":[{"uri":"/controls/bms:a","bit":0}]}]}}}'
        )
        assert person.say("get", G) == '{"a":{"value":4},"b":{"value":4},"c":{"value":0.1}}'
        assert person.say("get", "/ess/naked/controls/bms") == '{"/controls/bms":{"a":4,"b":4,"c":0.1}}'
        assert person.say("get", "/ess/naked/controls/bms/b") == "4"
        ui = '{"value":4,"options":[{"name":"On","return_value":true}],"enabled":true}'
        assert person.say("get", "/ess/ui/controls/bms/b") == ui
        assert person.say("get", "/ess/ui/controls/bms/c") == '{"value":0.1,"enabled":true}'
        assert (
            person.say("get", "/ess/controls")
            == '{"/controls/bms":{"a":{"value":4},"b":{"value":4},"c":{"value":0.1}}}'
        )
        assert person.say("get", "/ess/noid/controls/bms/c") == "0.1"
        assert person.say("get", "/ess/nothing") == "{}"
        assert "no variable 'bb'" in person.say("get", f"{G}/bb")


def test_parameters_are_set_without_a_value_and_nothing_follows():
    with desk() as person:
        person.say("set", C, {"old": variable("func", {"func": "TestTriggerFunc"}, value=3, triggered=0)})
        person.say("set", f"{C}/old@triggered", 0)
        person.say("set", C, {"old": {"enabled": True}, "new": {"enabled": True}})
        assert person.say("get", f"{G}/old") == "3"
        assert person.say("get", f"{C}/new") == '{"new":{"value":false,"enabled":true}}'
        person.say("set", C, {"old": {"value": "$$", "unit": "A"}})
        person.say("set", f"{C}/old@unit", "kA")
        assert person.say("get", f"{G}/old@triggered") == "0"
        person.say("set", C, {"old": {"value": "$$", "$$action": True}})
        assert person.say("get", f"{G}/old@triggered") == "1"
        person.say("set", C, {"old": {"value": 9, "$$action": False}})
        assert person.say("get", f"{G}/old@triggered") == "1"
        assert person.say("get", f"{G}/old") == "9"
        assert person.say("get", f"{G}/old@unit") == '"kA"'


def test_actions_are_replaced_and_a_definition_runs_its_own():
    with desk() as person:
        person.say("set", C, {"x": variable("remap", {"uri": uri("one")}, value=1)})
        person.say("set", C, {"x": variable("remap", {"uri": uri("two")}, value=2)})
        person.say("set", C, {"x": 3})
        assert person.say("get", "/ess/naked/controls/bms") == '{"/controls/bms":{"one":1,"two":3,"x":3}}'


def test_bits_are_set_by_hand():
    with desk() as person:
        person.say("set", C, {"word": 8})
        person.say("set", f"{C}/word[0]", True)
        person.say("set", f"{C}/word[3]", {"value": False})
        assert person.say("get", f"{G}/word") == "1"
        assert "expected true or false for a bit" in person.say("set", f"{C}/word[1]", 7)
        assert "bits are numbered 0 to 31" in person.say("set", f"{C}/word[32]", True)
        assert "not a variable with bits" in person.say("set", f"{C}/none[1]", True)
        assert person.say("get", f"{G}/word") == "1"


def test_blocked_uris():
    with desk() as person:
        person.say("set", C, {"x": 1})
        person.say("set", "/ess/blockeduris/pub", {"/controls/bms": True})
        person.say("pub", G, {"x": 2})
        assert person.say("get", f"{G}/x") == "1"
        assert person.say("get", "/ess/blockeduris/pub") == '{"/controls/bms":{"value":true}}'
        person.say("set", "/ess/blockeduris/pub", {"/controls/bms": False})
        person.say("pub", G, {"x": 3})
        assert person.say("get", f"{G}/x") == "3"
        person.say("set", "/ess/blockeduris/set", {"/ess/controls": True, "/": {"value": True}})
        assert "blocked by /blockeduris/set" in person.say("set", f"{G}/x", 4)
        person.say("set", "/ess/blockeduris/set", {"/controls/bms": False})
        assert person.say("set", f"{G}/x", 4) == "4"
        person.say("set", "/ess/blockeduris/get", {"/controls/bms/x": True})
        assert "blocked" in person.say("get", f"{G}/x")
        assert person.say("get", G) == '{"x":{"value":4}}'


@pytest.mark.parametrize("rules", ["/ess/blockeduris/set", "/ess/sets/blocked"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{G}/x", 2),
        (f"{G}/x@value", 2),
        (f"{G}/x@unit", "kW"),
        (f"{G}/x[1]", True),
        (C, {"y": 2, "x": 2}),
        (C, {"y": 2, "x": {"value": "$$", "unit": "kW"}}),
        ("/ess/naked/controls/bms", {"y": 2, "x": {"value": 2}}),
        ("/ess/controls", {"bms": {"y": 2, "x": 2}}),
        ("/ess/controls", {"/controls/bms": {"y": 2, "x": 2}}),
        ("/ess", {"/controls/bms": {"y": 2, "x": 2}}),
        ("/ess/cfg/cfile/bms/more", {"pname": "bms", "amname": "bms", "/controls/bms": {"y": {"value": 2}, "x": 2}}),
    ],
)
def test_a_block_holds_for_a_variable_however_it_is_addressed(rules, path, body):
    with desk() as person:
        person.say("set", C, {"x": 1, "y": 1})
        before = person.say("get", C)
        person.say("set", rules, {f"{G}/x": True})
        assert "blocked by" in person.say("set", path, body)
        person.say("set", rules, {f"{G}/x": False})
        assert person.say("get", C) == before
        assert person.say("set", f"{G}/y", 3) == "3"


@pytest.mark.parametrize("rules", ["/ess/blockeduris/pub", "/ess/pubs/blocked"])
def test_a_block_of_what_shows_a_device_s_value_does_not_keep_its_news_out(rules):
    with desk() as person:
        person.say("set", "/ess/components/bms_1", {"x": 1, "y": 1})
        person.say("set", "/ess/links/bms", {"linked": "/components/bms_1:y"})
        person.say("set", "/ess/vlinks/bms", {"a": {"value": "/site/ess_hs:x", "vlink": "/components/bms_1:x"}})
        person.say("set", rules, {"/site": True, "/status": True})
        person.say("pub", "/components/bms_1", {"x": 2, "y": 2})
        assert person.say("get", "/ess/naked/components/bms_1") == '{"/components/bms_1":{"x":2,"y":2}}'
        assert person.say("get", "/ess/site/ess_hs/x") == person.say("get", "/ess/status/bms/linked") == "2"
        person.say("pub", "/site/ess_hs/x", 3)
        person.say("pub", "/site/ess_hs", {"x": 3})
        assert person.say("get", "/ess/site/ess_hs/x") == "2"


def test_the_answer_to_a_block_says_which_part_and_nothing_is_applied():
    with desk() as person:
        person.say("set", C, {"x": 1, "y": 1})
        person.say("set", "/ess/blockeduris/set", {f"{G}/x": True})
        said = person.say("set", "/ess/controls", {"bms": {"y": 2, "x": 2}})
        assert f"/controls/bms:x: set on {G}/x is blocked by /blockeduris/set" in said
        assert person.say("get", "/ess/naked/controls/bms") == '{"/controls/bms":{"x":1,"y":1}}'


def test_of_a_device_s_pub_a_blocked_value_is_passed_over():
    with desk() as person:
        person.say("set", "/ess/components/bms_1", {"x": 1, "y": 1})
        person.say("set", "/ess/blockeduris/pub", {"/components/bms_1/x": True})
        person.say("pub", "/components/bms_1", {"x": 2, "y": 2})
        assert person.say("get", "/ess/naked/components/bms_1") == '{"/components/bms_1":{"x":1,"y":2}}'


def test_a_plain_pub_on_the_site_is_not_taken():
    with desk() as person:
        person.say("set", "/ess/site/ess_hs", {"x": 1})
        person.say("pub", "/site/ess_hs/x", 2)
        assert person.say("get", "/site/ess_hs/x") == "1"
        person.say("pub", "/ess/site/ess_hs/x", 2)
        assert person.say("get", "/site/ess_hs/x") == "2"
    with desk(owned=("/site",)) as person:
        person.say("pub", "/site/ess_hs", {"x": 2})
        assert person.say("get", "/site/ess_hs/x") == "2"


def test_a_locked_variable_keeps_its_value():
    with desk() as person:
        person.say("set", C, {"x": {"value": 1, "lock": True}, "y": variable("remap", {"uri": uri("x")}, value=None)})
        assert "x: it is locked" in person.say("set", C, {"x": 2, "z": 1})
        person.say("set", C, {"y": 5})
        assert person.say("get", "/ess/naked/controls/bms") == '{"/controls/bms":{"x":1,"y":5}}'
        person.say("set", f"{C}/x@lock", False)
        person.say("set", C, {"y": 6})
        assert person.say("get", f"{G}/x") == "6"
        person.say("set", "/ess/locks/test", {"x": {"value": uri("x")}})
        person.say("set", C, {"all": variable("func", {"func": "runAllLocks"}, value=True)})
        assert "it is locked" in person.say("set", C, {"x": 2})
        person.say("set", C, {"all": False})
        assert person.say("set", C, {"x": 2}) == '{"x": 2}'


def test_what_cannot_be_locked_is_named(caplog):
    with desk() as person:
        locks = {"note1": {"value": "of the plant"}, "far": {"value": "/a:b"}, "wrong": {"value": "b"}}
        person.say("set", C, {"x": 1})
        person.say("set", "/ess/locks/test", {**locks, "near": {"value": uri("x")}})
        person.say("set", C, {"all": variable("func", {"func": "runAllLocks"}, value=True)})
        assert "it is locked" in person.say("set", C, {"x": 2})
    assert [line.partition(": ")[0] for line in caplog.messages if "it locks nothing" in line] == [
        "/locks/test:far",
        "/locks/test:wrong",
    ]


def test_what_a_get_shows_can_be_set():
    with desk() as person:
        person.say("set", C, {"x": 1, "y": 2})
        for uri_ in ("/ess/controls", "/ess/naked/controls/bms", "/ess", "/ess/naked", "/ess/full/controls/bms"):
            text = person.say("get", uri_).replace("1", "3")
            assert person.say("set", uri_, text.encode()) == text
            assert person.say("get", f"{G}/x") == "3"
            person.say("set", C, {"x": 1})
        assert "cannot be a variable's name" in person.say("set", "/ess/controls", {"/status/bms": {"x": 1}})
        assert "expected /table" in person.say("set", "/ess", {"controls": {"bms": {"x": 1}}})


def test_a_deadband_of_its_own():
    with desk() as person:
        person.say("set", C, {"x": {"value": 5, "deadband": 0.5}})
        for value, text in ((5.4, "5"), (5.6, "5.6"), (5.2, "5.6"), (None, "null"), (0.1, "0.1")):
            person.say("set", C, {"x": value})
            assert person.say("get", f"{G}/x") == text


def test_an_answer_that_is_too_large_is_an_error():
    with desk() as person:
        text = "x" * 1_000_000
        for number in range(17):
            person.say("set", C, {f"x{number}": text})
        reason = person.say("get", G)
        assert "over the limit of 16777216" in reason
        assert f"ask for a part of it, such as {G}/NAME" in reason
        assert person.say("get", f"{G}/x1") == f'"{text}"'


def test_a_report_for_a_bit_of_a_text_changes_nothing():
    with desk() as person:
        person.say("pub", "/components/bms", {"state": "Off", "soc": 5})
        assert person.engine.report("/components/bms/state[1]", True) != []
        assert person.say("get", "/ess/components/bms/state") == '"Off"'
