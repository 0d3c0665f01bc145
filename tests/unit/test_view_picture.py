"""The single line that `ess_view` draws, from what an engine says."""

from typing import Any

import pytest

from tools.view.details import details
from tools.view.picture import picture
from tools.view.roles import roles
from tools.view.shown import NOT_VALID, Tone, ago, number, plain, text_of, unit_of
from tools.view.store import Store

STATUS = {
    "/status/ess": {
        "SystemState": {"value": "Running", "since": "2026-01-31 12:00:00", "waits_for": ""},
        "MaxChargePower": {"value": -500},
        "MaxDischargePower": {"value": 400},
        "PowerAllowed": {"value": True},
        "LastResult": {"value": ""},
    },
    "/status/bms": {
        "SystemState": {"value": "Running"},
        "SOC": {"value": 50},
        "BMSPower": {"value": 200.16},
        "DCClosed": {"value": True},
        "CommsOK": {"value": True},
    },
    "/status/pcs": {
        "SystemState": {"value": "Running"},
        "ActivePower": {"value": 200},
        "AcContactor": {"value": False},
        "Frequency": {"value": None},
        "CommsOK": {"value": False},
    },
}
CONTROLS = {
    "/controls/ess": {"ActivePowerSetpoint": {"value": 200, "unit": "kW"}, "EStop": {"value": False}},
    "/controls/pcs": {"ActivePowerCmdReal": {"value": 200}},
}
ASSETS = {
    "ess": {"summary": {"name": "ESS", "faults": {"value": 0, "ui_type": "fault", "options": []}}},
    "pcs": {
        "summary": {
            "name": "Inverter",
            "faults": {"value": 1, "ui_type": "fault", "options": [{"name": "too hot", "return_value": 4}]},
            "alarms": {"value": None, "ui_type": "alarm", "options": []},
            "active_power": {"value": 200, "name": "Active power", "unit": "W", "scaler": 1000, "ui_type": "status"},
            "start": {"value": False, "ui_type": "control"},
        }
    },
}
LINKS = {"/links/bms": {"SOC": {"value": "/components/bms_1:soc"}}}
STATES = {"ess": {"kind": "ess"}, "bms": {"kind": "bms"}, "pcs": {"kind": "pcs"}}


@pytest.fixture
def store():
    made = Store()
    made.trouble = ""
    for name, body in (("status", STATUS), ("controls", CONTROLS), ("assets", ASSETS), ("links", LINKS)):
        made.take_full((name,), body)
    made.take_states(STATES, 0.0)
    made.watch(made.sources("bms"), {"/components/bms_1": {"Timestamp": "now"}}, 0.0)
    return made


def only(seen) -> Any:
    (row,) = seen.rows
    return row


def texts(card):
    return {one.label: (one.text, one.tone) for one in card.lines}


def test_the_line_shows_devices_contactors_and_power(store):
    seen = picture(store, 1.0)
    row = only(seen)
    assert seen.title == ("ESS", "Running since 2026-01-31 12:00:00", Tone.GOOD)
    assert seen.banner == ()
    assert (row.feeder.contactor.text, row.feeder.power.text, row.feeder.arrow) == ("open", "200 kW", "←")
    assert (row.dc.contactor.text, row.dc.contactor.tone) == ("closed", Tone.GOOD)
    assert row.pcs.title == "Inverter"
    assert texts(row.bms)["SOC"] == ("50 %", Tone.PLAIN)
    assert texts(seen.control)["Possible"] == ("-500 to 400 kW", Tone.PLAIN)
    assert texts(seen.control)["asked of Inverter"] == ("200 kW", Tone.PLAIN)


def test_null_is_shown_as_not_valid_everywhere(store):
    for table, name in (("/status/bms", "SOC"), ("/status/bms", "DCClosed"), ("/status/ess", "MaxChargePower")):
        store.take_pub(f"/ess{table}", {name: None}, 1.0)
    store.take_pub("/ess/status/ess", {"SystemState": None}, 1.0)
    seen = picture(store, 1.0)
    row = only(seen)
    assert texts(row.bms)["SOC"] == (NOT_VALID, Tone.INVALID)
    assert texts(seen.grid)["f"] == (NOT_VALID, Tone.INVALID)
    assert (row.dc.contactor.text, row.dc.contactor.tone) == (NOT_VALID, Tone.INVALID)
    assert texts(seen.control)["Possible"] == (f"{NOT_VALID} to 400 kW", Tone.INVALID)
    assert seen.title.tone is Tone.INVALID


def test_a_silent_source_is_grey_with_its_age_and_the_others_are_not(store):
    store.take_states(STATES, 20.0)
    row = only(picture(store, 20.0))
    assert {one.tone for one in row.bms.lines} == {Tone.SILENT}
    assert row.bms.note == "bms_1 silent 20 s"
    assert (row.dc.contactor.tone, row.dc.power.tone, row.dc.arrow) == (Tone.SILENT, Tone.SILENT, "")
    assert Tone.SILENT not in {one.tone for one in row.pcs.lines}


def test_all_is_grey_while_the_engine_is_silent(store):
    seen = picture(store, 10.0)
    row = only(seen)
    assert "the engine /ess is silent" in seen.banner[0].text
    every = [*seen.grid.lines, *row.pcs.lines, *row.bms.lines, *seen.control.lines, seen.title]
    assert {one.tone for one in every} == {Tone.SILENT}
    assert seen.messages[0].text == "not known"


def test_faults_come_first_and_a_count_that_is_not_valid_is_told(store):
    fault, alarm = picture(store, 1.0).messages
    assert fault == ("Inverter", "fault: too hot", Tone.BAD)
    assert (alarm.tone, NOT_VALID in alarm.text) == (Tone.INVALID, True)


def test_the_emergency_stop_is_told_and_so_is_one_that_is_not_known(store):
    store.take_pub("/ess/controls/ess", {"EStop": True}, 1.0)
    assert picture(store, 1.0).banner[0].text == "EMERGENCY STOP is pressed"
    store.take_pub("/ess/controls/ess", {"EStop": None}, 1.0)
    assert "counts as pressed" in picture(store, 1.0).banner[0].text


def test_lost_communication_is_told_in_the_place_of_what_the_device_says(store):
    row = only(picture(store, 1.0))
    assert ("", "no communication", Tone.BAD) in row.pcs.lines


def test_more_batteries_than_converters_leave_a_place_empty(store):
    store.take_states({**STATES, "bms_2": {"kind": "bms"}}, 1.0)
    first, second = picture(store, 1.0).rows
    assert first.pcs is not None
    assert (second.pcs, second.feeder) == (None, None)
    assert second.bms is not None
    assert second.bms.title == "bms_2"


def test_a_site_without_state_machines_is_judged_by_its_tables():
    store = Store()
    store.take_full(("status",), {"/status/bms": {"BMSPower": {"value": 1}}, "/status/rack_1": {"SOC": {"value": 1}}})
    assert roles(store) == (None, ("bms",), (), None, None)
    assert only(picture(store, 0.0)).bms.title == "bms"


def test_a_meter_of_the_feeder_is_believed_before_the_converter(store):
    store.take_full(("status",), {"/status/feeder_1": {"ActivePower": {"value": 190}, "Frequency": {"value": 50}}})
    seen = picture(store, 1.0)
    assert only(seen).feeder.power.text == "190 kW"
    assert texts(seen.grid)["f"][0] == "50 Hz"


def test_details_show_all_but_controls_in_the_words_of_the_page(store):
    found = {one.key: one for one in details(store, 1.0)}
    assert "/assets/pcs/summary:start" not in found
    row = found["/assets/pcs/summary:active_power"]
    assert (row.asset, row.value.label, row.value.text) == ("Inverter", "Active power", "200 kW")


def test_nothing_that_a_peer_sends_breaks_the_picture(store):
    for body in ({"SOC": {"a": [1]}, "BMSPower": "x" * 10_000, "SystemState": 5, "DCClosed": "maybe"},):
        store.take_pub("/ess/status/bms", body, 1.0)
    store.take_pub("/ess/full/assets/pcs/summary", {"faults": {"options": 5}, "": {"name": [1]}}, 1.0)
    store.take_pub("/ess/full/assets/pcs/summary", {"active_power": {"unit": 5, "scaler": "x"}}, 1.0)
    row = only(picture(store, 1.0))
    assert all(len(one.text) <= 200 for one in row.bms.lines)
    assert details(store, 1.0)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "V", NOT_VALID),
        (True, "", "yes"),
        (1334.4000000001, "V", "1334.4 V"),
        (-0.0, "kW", "0 kW"),
        (200, "kW", "200 kW"),
        ("a\x1b[2Jb", "", "a [2Jb"),
        (float("inf"), "", "inf"),
    ],
)
def test_values_read_well_and_cannot_harm_a_terminal(value, unit, text):
    assert text_of(value, unit) == text


def test_small_things():
    assert number(1e300) == "1e+300"
    assert plain("x" * 300) == "x" * 199 + "…"
    assert unit_of({"unit": "W", "scaler": 1000}) == "kW"
    assert unit_of({"unit": "%", "scaler": 1000}) == "%"
    assert unit_of({}, "V") == "V"
    assert [ago(5), ago(600), ago(10_000)] == ["5 s", "10 min", "3 h"]
