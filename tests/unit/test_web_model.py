"""What pages are told: the newest of each variable, bounded, and nothing as valid that nobody keeps."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ess_bus.errors import ConfigurationError
from ess_bus.message import Message
from tools.ess_web import mailbox
from tools.ess_web.access import Role, Session
from tools.ess_web.cards import parameters
from tools.ess_web.diagram import places, read_places
from tools.ess_web.history import History
from tools.ess_web.hub import Hub
from tools.ess_web.mailbox import Mailbox
from tools.ess_web.store import Store
from tools.ess_web.tap import Tap
from tools.ess_web.values import MAX_TEXT, scalar

SOMEBODY = Session("key", "Ada", Role.OPERATOR, 0)
SUMMARY = "/ess/assets/ess/summary"


def pub(uri: str, body: Any, source: str = "engine") -> Message:
    return Message("pub", uri, orjson.dumps(body), process_name=source)


def engine_tables() -> dict[str, Any]:
    return {
        "/status/bms": {"SOC": {"value": 50, "unit": "%"}},
        "/assets/ess/summary": {
            "name": {"value": "ESS"},
            "start": {
                "value": False, "name": "On", "ui_type": "control", "enabled": False, "reason": "locked",
                "type": "enum_button", "options": [{"name": "On", "return_value": True}],
            },
            "power": {"value": 1.5, "name": "Power", "ui_type": "status", "unit": "W", "scaler": 1000},
            "alarms": {"value": 0, "ui_type": "alarm", "options": []},
            "plain": {"value": 1},
        },
    }  # fmt: skip


@pytest.fixture
def hub() -> Hub:
    """A hub that has heard of an engine."""
    made = Hub("ess", places("ess"))
    made.connect()
    made.poll({"engine", "bridge"}, {"engine"}, {"engine"}, 1000.0)
    order = {"ess": {"summary": {"name": "ESS", "power": {"value": 1.5}, "start": {"value": False}}}}
    made.snapshot(engine_tables(), order, "engine", 10.0, 1000.0)
    return made


def frame(hub: Hub, page: Any, now: float = 20.0) -> dict[str, Any]:
    return hub.frame(page, now) or {}


def test_a_page_gets_the_newest_value_of_what_it_watches_once(hub: Hub) -> None:
    page = hub.open(SOMEBODY)
    page.watch(["/components/a/x", "/ess/status/bms/SOC"], hub.store)
    frame(hub, page)
    for number in range(1000):
        hub.take(pub("/components/a", {"x": number, "y": number}, "bridge"), 11.0 + number, 1000.0)
    assert frame(hub, page)["values"] == {"/components/a/x": [999, 1010.0, None]}
    assert hub.frame(page, 20.0) is None


def test_a_page_that_takes_nothing_costs_no_more_than_it_watches(hub: Hub) -> None:
    page = hub.open(SOMEBODY)
    page.tap = Tap.parse({})
    hub.take(pub("/components/a", {"x": 0}, "bridge"), 11.0, 1000.0)
    page.watch(["/components/a/x"], hub.store)
    for number in range(2 * mailbox.MAX_LINES):
        message = pub("/components/a", {"x": number}, "bridge")
        hub.take(message, 11.0, 1000.0)
        hub.tapped(message, 1000.0)
        hub.sample(1000.0 + number)
    said = frame(hub, page)
    assert said["values"] == {"/components/a/x": [2 * mailbox.MAX_LINES - 1, 11.0, None]}
    assert (len(said["lines"]), said["missed"]) == (mailbox.MAX_LINES, mailbox.MAX_LINES)
    assert len(said["samples"]) == mailbox.MAX_SAMPLES


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans())))
def test_a_mailbox_tells_each_change_and_nothing_twice(steps: list[tuple[int, bool]]) -> None:
    box: Mailbox[int] = Mailbox()
    due: set[int] = set()
    for item, taken in steps:
        box.mark(item)
        due.add(item)
        if taken:
            post = box.take()
            assert post is not None
            assert set(post.items) == due
            due = set()
    post = box.take()
    assert (set() if post is None else set(post.items)) == due


def test_null_is_not_valid_and_what_nobody_keeps_says_why(hub: Hub) -> None:
    page = hub.open(SOMEBODY)
    hub.take(pub("/components/a", {"x": 1, "n": None}, "bridge"), 11.0, 1000.0)
    page.watch(["/components/a/x", "/components/a/n", "/ess/status/bms/SOC"], hub.store)
    assert frame(hub, page)["values"]["/components/a/n"] == [None, 11.0, None]
    hub.poll({"engine"}, {"engine"}, {"engine"}, 1001.0)
    assert frame(hub, page)["values"]["/components/a/x"] == [1, 11.0, "bridge is gone"]
    assert hub.valid("/components/a/x") is None
    for _ in range(2):
        hub.poll({"engine"}, {"engine"}, set(), 1002.0)
    assert frame(hub, page)["values"] == {"/ess/status/bms/SOC": [50, 10.0, "engine does not answer"]}
    hub.take(pub("/components/a", {"x": 2}, "bridge"), 12.0, 1000.0)
    assert frame(hub, page)["values"]["/components/a/x"] == [2, 12.0, None]
    hub.lose("no broker", 1003.0)
    said = frame(hub, page)
    assert {row[2] for row in said["values"].values()} == {"no broker"}
    assert said["health"]["connected"] is False


def test_only_the_engine_says_what_it_knows(hub: Hub) -> None:
    hub.take(pub("/ess/status/bms", {"SOC": 99}, "somebody"), 11.0, 1000.0)
    assert hub.valid("/ess/status/bms/SOC") == 50
    hub.take(pub("/ess/status/bms", {"SOC": 51}), 12.0, 1000.0)
    assert hub.valid("/ess/status/bms/SOC") == 51


def test_what_the_engine_does_not_know_any_more_is_not_valid(hub: Hub) -> None:
    page = hub.open(SOMEBODY)
    page.watch(["/ess/status/bms/SOC"], hub.store)
    frame(hub, page)
    hub.snapshot({"/status/pcs": {"P": {"value": 1}}}, {}, "engine", 13.0, 1000.0)
    assert hub.valid("/ess/status/bms/SOC") is None
    hub.snapshot(engine_tables(), {}, "engine", 14.0, 1000.0)
    assert frame(hub, page)["values"] == {"/ess/status/bms/SOC": [50, 14.0, None]}


def test_cards_are_what_the_variables_say_of_themselves(hub: Hub) -> None:
    page = hub.open(SOMEBODY)
    (card,) = frame(hub, page)["cards"]
    assert (card["title"], [row["name"] for row in card["rows"]]) == ("ESS", ["Power", "On", "alarms"])
    power, start, _ = card["rows"]
    assert (power["unit"], power["scaler"], power["options"]) == ("W", 1000, [])
    assert start == {
        "uri": f"{SUMMARY}/start", "name": "On", "ui_type": "control", "unit": "", "scaler": 1,
        "type": "enum_button", "enabled": False, "reason": "locked", "options": [{"name": "On", "return_value": True}],
    }  # fmt: skip
    hub.take(pub("/ess/ui/assets/ess/summary", {"start": {"value": True, "enabled": True}}), 15.0, 1000.0)
    assert [row["enabled"] for row in frame(hub, page)["cards"][0]["rows"]] == [True, True, True]
    hub.take(pub("/ess/ui/assets/ess/summary", {"start": {"value": False, "enabled": True}}), 15.0, 1000.0)
    assert "cards" not in frame(hub, page)


@pytest.mark.parametrize("junk", [None, 5, "x", [], [5], {"name": 5, "options": 7, "enabled": "yes", "scaler": "k"}])
def test_parameters_that_are_not_what_they_should_be_are_passed_over(hub: Hub, junk: Any) -> None:
    hub.take(pub("/ess/ui/assets/ess/summary", {"start": junk}), 15.0, 1000.0)
    hub.take(pub("/ess/ui/assets/ess/summary", junk), 15.0, 1000.0)
    hub.snapshot(junk, junk, "engine", 16.0, 1000.0)
    hub.snapshot({"/status/a": junk, "/status/b": {"c": junk}}, junk, "engine", 16.0, 1000.0)
    assert parameters({"options": [{"name": 5}, 3, {}]}) == {"options": [{"name": "5", "return_value": None}]}


def alarms(hub: Hub, *texts: str, wall: float) -> list[dict[str, Any]]:
    options = [{"name": text, "return_value": 3} for text in texts]
    hub.take(pub("/ess/ui/assets/ess/summary", {"alarms": {"value": 1, "options": options}}), 15.0, wall)
    return hub.alarms.shown()


def test_an_alarm_stays_until_it_is_over_and_somebody_has_seen_it(hub: Hub) -> None:
    (alarm,) = alarms(hub, "too hot", wall=1000.0)
    assert (alarm["asset"], alarm["text"], alarm["standing"], alarm["since"]) == ("ESS", "too hot", "active", 1000.0)
    (alarm,) = alarms(hub, wall=1001.0)
    assert (alarm["standing"], alarm["until"]) == ("over", 1001.0)
    assert hub.alarms.acknowledge({alarm["number"]}, "Ada", 1002.0) == 1
    assert hub.alarms.shown() == []


def test_an_alarm_that_was_seen_says_by_whom_and_goes_when_it_is_over(hub: Hub) -> None:
    (alarm,) = alarms(hub, "too hot", wall=1000.0)
    hub.alarms.acknowledge({alarm["number"]}, "Ada", 1002.0)
    assert hub.alarms.acknowledge({alarm["number"]}, "Bob", 1003.0) == 0
    (alarm,) = alarms(hub, "too hot", wall=1004.0)
    assert (alarm["by"], alarm["acknowledged"], alarm["since"]) == ("Ada", 1002.0, 1000.0)
    assert alarms(hub, wall=1005.0) == []
    (again,) = alarms(hub, "too hot", wall=1006.0)
    assert (again["by"], again["since"]) == ("", 1006.0)


def test_whether_an_alarm_stands_is_not_known_without_the_engine(hub: Hub) -> None:
    alarms(hub, "too hot", wall=1000.0)
    hub.lose("no broker", 1001.0)
    assert [one["standing"] for one in hub.alarms.shown()] == ["unknown"]
    hub.connect()
    hub.poll({"engine"}, {"engine"}, {"engine"}, 1002.0)
    hub.snapshot(engine_tables(), {}, "engine", 20.0, 1003.0)
    assert [one["standing"] for one in hub.alarms.shown()] == ["over"]


def test_a_store_takes_no_more_than_it_has_room_for() -> None:
    store = Store(most=2)
    store.take("/a", {"x": 1, "y": 2, "z": 3}, "somebody", 1.0)
    store.take("/a", {"x": 4, "z": 5}, "somebody", 1.0)
    assert {entry.uri: entry.value for entry in store.all()} == {"/a/x": 4, "/a/y": 2}
    assert store.left_out == 2


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, True), (5, 5), (2.5, 2.5), (None, None), ("a", "a"), (2**60, str(2**60)),
        ([{"value": 3, "string": "Standby"}], "Standby"), ([1, 2], "[1,2]"), ({"a": 1}, '{"a":1}'), ([], ""),
    ],
)  # fmt: skip
def test_values_are_what_a_browser_can_hold(value: Any, shown: Any) -> None:
    assert scalar(value) == shown
    assert len(str(scalar("x" * 10**5))) == MAX_TEXT


def test_trends_are_bounded_and_have_gaps() -> None:
    history = History(most=2, kept=3)
    for uri in ("/a", "/b", "/c"):
        history.choose(uri)
    assert history.chosen == ("/b", "/c")
    for at, value in enumerate((1, True, "text", None)):
        history.sample({"/b": value}.get, float(at))
    assert history.series("/b") == [(1.0, 1), (2.0, None), (3.0, None)]


@pytest.mark.parametrize(
    ("asked", "wants"),
    [
        ({}, True), ({"prefix": "/components"}, True), ({"prefix": "/comp"}, False), ({"method": "pub"}, True),
        ({"method": "set"}, False), ({"text": "SOC"}, True), ({"text": "bridge"}, True), ({"text": "nothing"}, False),
    ],
)  # fmt: skip
def test_a_tap_filters(asked: Any, wants: bool) -> None:
    assert Tap.parse(asked).wants(pub("/components/a", {"soc": 1}, "bridge")) is wants


@pytest.mark.parametrize("asked", [None, 5, {"prefix": "a"}, {"method": "put"}, {"text": 5}])
def test_a_tap_that_is_none_is_refused(asked: Any) -> None:
    with pytest.raises(ValueError, match=r"expected|must"):
        Tap.parse(asked)


def test_the_diagram_finds_its_values_and_a_file_replaces_them(hub: Hub, tmp_path: Any) -> None:
    assert hub.places() == {"bms.soc": "/ess/status/bms/SOC"}
    file = tmp_path / "diagram.json"
    file.write_text('{"bms.soc": "/components/a/x"}')
    assert places("ess", read_places(file))["bms.soc"] == ("/components/a/x",)


@pytest.mark.parametrize("text", ["[]", '{"bms.sok": "/a"}', '{"bms.soc": "a"}', '{"bms.soc": 5}', "{"])
def test_a_file_that_says_something_else_is_refused(text: str, tmp_path: Any) -> None:
    file = tmp_path / "diagram.json"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"diagram\.json"):
        read_places(file)
