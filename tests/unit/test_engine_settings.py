"""Settings across restarts: which variables, never commands; types; damaged files and full disks; what a kill costs."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ess_bus.engine.configuration import load
from ess_bus.engine.engine import Engine
from ess_bus.engine.never_kept import why_command
from ess_bus.engine.settings import DELAY_S
from ess_bus.engine.state_file import StateFile, default_file
from ess_bus.engine.views import get
from ess_bus.reference import Reference
from tests.integration.conftest import eventually
from tests.real_files import ENGINE, needs_engine_files


class Rows:
    """A store in memory that can be told to fail."""

    def __init__(self, **rows):
        self.rows, self.writes, self.failure = rows, 0, None

    def write(self, rows):
        self.writes += 1
        self.rows = {key: value for key, value in {**self.rows, **rows}.items() if value is not None}

    def trouble(self):
        return self.failure


TABLES = {
    "/limits/bms": {"high": {"value": 100, "persist": True}, "low": 0, "name": "x"},
    "/params/bms": {"gain": 1, "kept_out": {"value": 2, "persist": False}, "start_cmd": 0},
    "/assets/bms/summary": {"maint_mode": {"value": False}, "start": {"value": False, "persist": True}},
    "/config/ess": {"Persist": "/params/bms, /limits/bms:low"},
}


def started(folder, store, tables=TABLES):
    (folder / "a.json").write_text(json.dumps(tables))
    engine = Engine()
    engine.load(load(folder / "a.json").assignments)
    engine.keep(store).restore(dict(store.rows))
    return engine


def acting(value, **action):
    return {"value": value, "persist": True, "actions": {"onSet": [action]}}


def test_what_is_kept(tmp_path, caplog):
    settings = started(tmp_path, Rows()).settings
    assert [str(place) for place in settings.kept()] == [
        *("/assets/bms/summary:maint_mode", "/limits/bms:high", "/limits/bms:low", "/params/bms:gain")
    ]
    assert "/assets/bms/summary:start is not kept across restarts: " in caplog.text
    assert (
        "/config/ess:Persist: not kept across restarts, as commands or values of devices: /params/bms:start_cmd"
        in caplog.text
    )


SITE = {f"/states/{asset}": {"kind": asset} for asset in ("ess", "bms", "pcs")}


@pytest.mark.parametrize("pressed", [True, None])
def test_a_restart_releases_no_emergency_stop(tmp_path, pressed):
    store = Rows()
    engine = started(tmp_path, store, SITE)
    stops = [f"/controls/ess:{name}" for name in ("EStop", "PanelEStop", "SiteEStop")]
    assert [str(place) for place in engine.settings.kept()] == stops
    engine.put(Reference("/controls/ess", "EStop"), pressed)
    engine.advance(10)
    engine.tick()
    engine = started(tmp_path, store, SITE)
    assert engine.datamap.find("/controls/ess", "EStop").value is True
    engine.tick()
    assert engine.datamap.find("/status/ess", "SystemState").value == "Fault"
    engine.set("/controls/ess/EStop", False)
    engine.advance(20)
    engine.tick()
    engine = started(tmp_path, store, SITE)
    engine.tick()
    # What was not made safe yet still has to be.
    assert engine.datamap.find("/status/ess", "SystemState").value == "Fault"
    assert engine.datamap.find("/status/ess", "EStopHeldBy").value == ""


def test_what_was_set_is_there_after_a_restart_and_nothing_else(tmp_path):
    store = Rows()
    engine = started(tmp_path, store)
    engine.advance(10)
    engine.set("/limits/bms", {"high": 90, "low": 5, "name": "y"})
    engine.set("/assets/bms/summary/maint_mode", True)
    engine.set("/assets/bms/summary/start", True)
    assert engine.due_s() == 10 + DELAY_S
    assert store.writes == 0
    engine.advance(10 + DELAY_S)
    engine.tick()
    assert store.rows == {"/limits/bms:high": 90, "/limits/bms:low": 5, "/assets/bms/summary:maint_mode": True}
    assert store.writes == 1
    again = started(tmp_path, store)
    assert get(again.datamap, "/limits/bms") == {"high": {"value": 90}, "low": {"value": 5}, "name": {"value": "x"}}
    assert get(again.datamap, "/assets/bms/summary/maint_mode") is True
    assert get(again.datamap, "/assets/bms/summary/start") is False


def test_nothing_happens_where_nothing_changes(tmp_path):
    store = Rows()
    engine = started(tmp_path, store)
    for second in range(100):
        engine.advance(second)
        engine.set("/limits/bms/high", 100)
        engine.set("/status/bms", {"x": second})
        assert engine.due_s() == float("inf")
    engine.tick()
    assert store.writes == 0


def test_many_changes_are_written_together(tmp_path):
    store = Rows()
    engine = started(tmp_path, store)
    for number in range(1000):
        engine.advance(number / 1000)
        engine.set("/limits/bms/high", number)
        engine.tick()
    engine.advance(2)
    engine.tick()
    assert store.rows == {"/limits/bms:high": 999}
    assert store.writes <= 5


def test_a_setting_that_is_not_valid_any_more_is_forgotten(tmp_path):
    store = Rows(**{"/limits/bms:high": 90})
    engine = started(tmp_path, store)
    engine.set("/limits/bms/high", None)
    engine.advance(1)
    engine.tick()
    assert store.rows == {}


def test_what_does_not_fit_is_not_restored_and_named(tmp_path, caplog):
    store = Rows(**{"/limits/bms:high": "ninety", "/gone:x": 1, "/params/bms:start_cmd": 1, "no place": 1})
    engine = started(tmp_path, store)
    assert get(engine.datamap, "/limits/bms/high") == 100
    assert get(engine.datamap, "/params/bms/start_cmd") == 0
    assert "/gone" not in engine.datamap.tables
    assert "/limits/bms:high is not restored: a text was kept, and it is a number now" in caplog.text
    for place in ("/gone:x", "/params/bms:start_cmd"):
        assert f"{place} is not restored: it is no setting any more" in caplog.text


def test_restoring_runs_actions_and_sends_nothing(tmp_path):
    limit = acting(1, remap=[{"uri": "/status/bms:used"}, {"uri": "/status/bms:x@unit"}])
    store = Rows(**{"/limits/bms:high": 5})
    engine = started(tmp_path, store, {"/limits/bms": {"high": limit}, "/status/bms": {"used": 0, "x": 0}})
    assert get(engine.datamap, "/status/bms/used") == 5
    assert engine.take_messages() == []


def test_what_may_be_kept_is_decided_anew_when_definitions_change(tmp_path):
    store = Rows()
    engine = started(tmp_path, store)
    engine.set("/limits/bms", {"more": {"value": 1, "persist": True}})
    engine.set("/limits/bms", {"high": acting(1, remap=[{"uri": "/components/bms:limit", "fims": "set"}])})
    engine.set("/limits/bms/more", 2)
    engine.advance(1)
    engine.tick()
    assert store.rows == {"/limits/bms:more": 2}
    kept = {str(place) for place in engine.settings.kept()}
    assert "/limits/bms:more" in kept
    assert "/limits/bms:high" not in kept


def test_a_failing_disk_is_told_once_and_again_when_it_is_well(tmp_path):
    store = Rows()
    engine = started(tmp_path, store)
    store.failure = "database or disk is full"
    for second in range(1, 5):
        engine.advance(second)
        engine.set("/limits/bms/high", second)
        engine.tick()
    store.failure = None
    engine.advance(20)
    engine.tick()
    events = [message.body["message"] for message in engine.take_messages() if message.uri == "/events"]
    assert events == ["settings are not kept: database or disk is full", "settings are kept again"]


@pytest.mark.parametrize(
    ("place", "definition", "reason"),
    [
        ("/controls/pcs:x", {}, "in a table of commands"),
        ("/components/pcs:x", {}, "in a table of commands"),
        ("/site/ess_hs:run_mode", {}, "in a table of commands"),
        ("/params/pcs:ActivePowerSetpoint", {}, "name of a command"),
        ("/params/pcs:AcContactorCloseCmd", {}, "name of a command"),
        ("/params/pcs:power_set_ac", {}, "name of a command"),
        ("/params/pcs:enter_standby", {}, "name of a command"),
        ("/params/pcs:OnCmd", {}, "name of a command"),
        ("/assets/pcs/summary:go", {"type": "enum_button"}, "a button"),
        ("/params/pcs:a", acting(1, remap=[{"uri": "/controls/pcs:p"}]), "it sets /controls/pcs:p"),
        ("/params/pcs:a", acting(1, remap=[{"uri": "/x/y:z", "fims": "set"}]), "send a set"),
        ("/params/pcs:a", acting(1, func=[{"func": "SendTrue"}]), "call SendTrue"),
        ("/params/pcs:a", acting(1, remap=[{"uri": "/params/pcs:b"}]), "it sets /params/pcs:b, and its actions send"),
        ("/params/pcs:a", acting(1, enum=[{"inValue": 1, "uri": "/sched/pcs:x@endTime", "outValue": 0}]), "set /sched"),
        ("/params/pcs:a", acting(1, bitfield=[{"bit": 1, "uri": "/components/pcs:go"}]), "it sets /components/pcs:go"),
        ("/params/pcs:linked", {}, "/components/pcs:go is in"),
        ("/params/pcs:a", {}, None),
        ("/params/pcs:max_charge_power", {}, None),
        ("/assets/pcs/summary:maint_mode", acting(False, remap=[{"uri": "/assets/pcs/summary:start@enabled"}]), None),
        ("/params/pcs:a", acting(1, limits=[{"low": 0}]), None),
        ("/params/pcs:a", acting(1, remap=[{"uri": "/params/pcs:a2"}, {"uri": "/status/pcs:a"}]), None),
    ],
)
def test_commands_are_never_kept_however_they_are_reached(place, definition, reason):
    engine = Engine()
    engine.set("/params/pcs", {"b": acting(1, remap=[{"uri": "/x/y:z", "fims": "pub"}])})
    engine.set("/vlinks/pcs", {"v": {"value": "/params/pcs:linked", "vlink": "/components/pcs:go"}})
    where = Reference.parse(place)
    engine.set(where.table, {where.name: {"value": 1, **definition}})
    found = why_command(engine.datamap, where)
    assert (found is None) if reason is None else (reason in str(found)), found


@needs_engine_files
def test_of_the_real_configuration_the_maintenance_modes_are_kept_and_no_command():
    engine = Engine()
    engine.set("/config/ess", {"Persist": "/assets, /params, /status, /limits, /controls, /components, /site, /sched"})
    engine.load(load(ENGINE).assignments)
    kept = [str(place) for place in engine.keep(Rows()).kept()]
    assert {"/assets/bms/summary:maint_mode", "/assets/pcs/summary:maint_mode"} <= set(kept)
    assert not [place for place in kept if place.startswith(("/controls", "/components", "/site", "/sched"))]
    words = ("cmd", "setpoint", "contactor", ":start", ":stop", "standby")
    assert not [place for place in kept if any(word in place.lower() for word in words)]


# -- the file ------------------------------------------------------------------------------------------------------


def test_a_file_keeps_values_of_all_types_and_forgets(tmp_path):
    file = StateFile(tmp_path / "new" / "ess.sqlite")
    assert file.read() == {}
    assert not file.path.parent.exists()
    file.write({"/a:x": 1.5, "/a:y": True, "/a:z": "text", "/a:w": 3})
    file.write({"/a:x": 2.5, "/a:w": None})
    file.close()
    assert file.trouble() is None
    assert StateFile(file.path).read() == {"/a:x": 2.5, "/a:y": True, "/a:z": "text"}
    assert StateFile(file.path).forget() == 3
    assert StateFile(file.path).read() == {}
    assert StateFile(file.path).forget() == 0


@pytest.mark.parametrize("damage", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_put_aside_and_a_new_one_begun(tmp_path, caplog, damage):
    path = tmp_path / "ess.sqlite"
    path.write_bytes(damage)
    file = StateFile(path)
    assert file.read() == {}
    assert "is damaged" in caplog.text
    assert path.with_name("ess.sqlite.damaged").read_bytes() == damage
    file.write({"/a:x": 1})
    file.close()
    assert StateFile(path).read() == {"/a:x": 1}


def test_a_file_that_is_damaged_while_running_is_put_aside_and_the_setting_kept(tmp_path):
    file = StateFile(tmp_path / "ess.sqlite")
    file.path.write_bytes(b"no database at all" * 100)
    file.write({"/a:x": 1})
    eventually(file.trouble)
    file.write({"/a:y": 2})  # not after five seconds: a change tries again
    eventually(lambda: StateFile(file.path).read() == {"/a:x": 1, "/a:y": 2})
    file.close()


def test_where_nothing_can_be_written_the_values_wait(tmp_path, caplog):
    occupied = tmp_path / "folder"
    occupied.write_text("")
    file = StateFile(occupied / "ess.sqlite")
    file.write({"/a:x": 1})
    eventually(file.trouble)
    assert "settings are not kept: " in caplog.text
    occupied.unlink()
    file.write({"/a:y": 2})
    eventually(lambda: file.trouble() is None)
    file.close()
    assert StateFile(file.path).read() == {"/a:x": 1, "/a:y": 2}


def test_rows_that_are_no_values_are_left_out_and_named(tmp_path, caplog):
    file = StateFile(tmp_path / "ess.sqlite")
    file.write({"/a:x": 1})
    file.close()
    with closing(sqlite3.connect(file.path)) as connection, connection:
        rows = [("/a:b", "{"), ("/a:c", "[1]"), ("/a:d", "NaN"), ("/a:e", b"\xff"), ("/a:f", "[" * 60_000)]
        connection.executemany("INSERT INTO settings VALUES (?, ?, 0)", rows)
    assert StateFile(file.path).read() == {"/a:x": 1}
    assert caplog.text.count("is not restored: what was kept is not a value") == 5


def test_where_the_file_is(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1")
    monkeypatch.delenv("ESS_BUS", raising=False)
    assert default_file("ess", None) == tmp_path / "ess-bus" / "bus" / "ess.sqlite"
    assert default_file("ess_1", "plant") == tmp_path / "ess-bus" / "plant" / "ess_1.sqlite"
    other = default_file("ess", "ipc:///tmp/x/b.sock")
    assert other.parent.parent == tmp_path / "ess-bus"
    assert other != default_file("ess", "tcp://127.0.0.1:4000")
    assert isinstance(other, Path)
