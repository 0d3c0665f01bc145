"""What the keys of `ess_view` send, what they refuse, and what the journal says of it."""

from datetime import UTC, datetime

import pytest

from ess_bus.errors import Disconnected, NoOneListening, Refused, RequestTimeout
from tools.view import journal
from tools.view.orders import ACTIVE, CLEAR, E_STOP, KEYS, OFF, ON, Refusal, order, parsed, shells
from tools.view.shown import Tone
from tools.view.store import Store

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def store():
    made = Store()
    made.trouble = ""
    made.take_full(("controls",), {"/controls/ess": {key.name: {"value": False} for key in KEYS}})
    return made


def test_only_what_lets_power_flow_asks_back(store):
    asks = {key.label for key in KEYS if not key.is_number and order(key, store, "ess").warning}
    assert asks == {"On", "Standby", "Clear faults"}


def test_an_order_is_a_set_and_a_command_of_the_shell(store):
    on = order(ON, store, "ess")
    assert (on.uri, on.value) == ("/ess/controls/ess/OnCmd", True)
    assert on.shell() == "fims_send -m set -u /ess/controls/ess/OnCmd -r /me true"
    assert on.shell("tcp://h:1").startswith("fims_send --bus tcp://h:1 -m set")
    assert order(ACTIVE, store, "ess", " -37,5 ").shell().endswith(" -r /me -37.5")
    assert order(ACTIVE, store, "ess", "200").shell().endswith(" -r /me 200")


def test_a_pressed_emergency_stop_is_released_by_the_same_key_but_not_at_once(store):
    assert order(E_STOP, store, "ess").value is True
    store.take_pub("/ess/controls/ess", {"EStop": True}, 0.0)
    release = order(E_STOP, store, "ess")
    assert release.value is False
    assert release.warning
    store.trouble = "no broker"  # what we know of it may be old: it is pressed once more
    assert order(E_STOP, store, "ess").value is True


def test_an_emergency_stop_that_is_not_valid_is_pressed(store):
    store.take_pub("/ess/controls/ess", {"EStop": None}, 0.0)
    assert order(E_STOP, store, "ess").value is True


@pytest.mark.parametrize("typed", ["", "abc", "nan", "inf", "1_000", "1e999", "5 kW", "0x10"])
def test_what_is_no_number_is_refused(typed):
    with pytest.raises(Refusal, match="expected a number such as 250"):
        parsed("P", typed)


def test_a_control_that_the_site_does_not_have_is_refused():
    store = Store()
    store.take_full(("status",), {"/status/bms": {"SOC": {"value": 1}}})
    with pytest.raises(Refusal, match="the engine has no /controls/ess:ClearFaultsCmd"):
        order(CLEAR, store, None)


def test_off_and_emergency_stop_are_sent_before_anything_is_known():
    store = Store()
    assert order(E_STOP, store, None).uri == "/ess/controls/ess/EStop"
    assert order(OFF, store, None).uri == "/ess/controls/ess/OffCmd"
    with pytest.raises(Refusal, match="nothing is known of the engine yet"):
        order(ON, store, None)


def test_every_key_has_its_command(store):
    assert [key for key, _ in shells(store, "ess", None)] == list(KEYS)
    assert len({key.key for key in KEYS}) == len(KEYS)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Refused("/x", "locked"), "refused: /x: locked"),
        (NoOneListening("set", "/x"), "not delivered"),
        (RequestTimeout("/x", 5), "nobody knows whether it was carried out"),
        (Disconnected("no broker"), "not sent"),
    ],
)
def test_the_journal_says_what_is_known_of_a_failed_order(store, error, words):
    entry = journal.failed(order(ON, store, "ess"), error, AT)
    assert words in entry.text
    assert entry.tone is Tone.BAD


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"source": "ess", "message": "start refused: x", "severity": 2}, ("ess: start refused: x", Tone.BUSY)),
        ({"source": "pcs", "message": "bad", "severity": 4}, ("pcs: bad", Tone.BAD)),
        ({"message": "m", "severity": "high"}, ("?: m", Tone.PLAIN)),
    ],
)
def test_events_are_told_by_their_severity(body, expected):
    entry = journal.event(body, AT)
    assert entry is not None
    assert (entry.text, entry.tone) == expected


@pytest.mark.parametrize("body", [None, 5, [], {}, {"message": 5}])
def test_what_is_no_event_is_passed_over(body):
    assert journal.event(body, AT) is None
