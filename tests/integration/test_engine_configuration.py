"""Engines as processes: options, two on one bus, --check, settings over a kill, dumps, configuration over the bus."""

from __future__ import annotations

import json
import signal
import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner

from ess_bus.engine.command import command
from ess_bus.errors import Refused
from tests.integration.conftest import eventually

ENGINE = "ess_bus.engine.command"


def write(folder, **files):
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def started(start, broker, bus, *arguments, name="ess"):
    process = start(ENGINE, *arguments, bus=broker)
    uri = "/processes/ess_controller" if name == "ess" else f"/processes/ess_controller_{name}"
    eventually(lambda: bus.get(uri)["pid"] == process.pid or process.popen.poll() is not None)
    assert process.popen.poll() is None, process.output
    return process


def typed(*arguments):
    """Return the status and output of a command that starts nothing."""
    with CliRunner().isolation() as (output, _, _):
        context = command.make_context("ess_controller", [str(one) for one in arguments])
        status = command.invoke(context)
        return status, output.getvalue().decode()


SETTINGS = {
    "/limits/bms": {"high": {"value": 100, "persist": True}, "low": 0},
    "/controls/pcs": {"ActivePowerSetpoint": {"value": 0, "persist": True}},
}


def test_two_engines_on_one_bus_answer_for_themselves(start, broker, bus, folder):
    tables = {"/status/bms": {"SOC": 1}, "/links/bms": {"volt": "/components/ess_1/bms:volt"}}
    one = write(folder, a={**tables, "/config/ess": {"Subs": ":/components/ess_1:/system/ess_1:", "EssName": "ess_1"}})
    started(start, broker, bus, one / "a.json", name="ess_1")
    started(start, broker, bus, one / "a.json", "-n", "ess_2", "-s", ":/components/ess_2:/status:", name="ess_2")
    bus.set("/ess_1/status/bms/SOC", 11)
    bus.set("/ess_2/status/bms/SOC", 22)
    bus.publish("/components/ess_1/bms", {"volt": 700})
    eventually(lambda: bus.get("/ess_1/status/bms/volt") == 700)
    assert bus.get("/ess_1/status/bms/SOC") == 11
    assert bus.get("/ess_2/status/bms/SOC") == bus.get("/status/bms/SOC") == 22
    assert bus.get("/ess_2/status/bms/volt") is None
    assert "/links/bms" not in bus.get("/ess_1/status")


def test_an_engine_that_would_answer_what_another_one_answers_says_which_option_helps(start, broker, bus, folder, run):
    write(folder, a={"/status/bms": {"SOC": 1}})
    started(start, broker, bus, folder / "a.json")
    same = run(ENGINE, folder / "a.json", "--process-name", "other", bus=broker)
    assert same.returncode == 1
    assert "answers for /ess/_owner already: ess_controller; -n gives this engine another name" in same.stderr
    other = run(ENGINE, folder / "a.json", "-n", "ess_2", bus=broker)
    assert other.returncode == 1
    last = other.stderr.splitlines()[-1]
    assert "answers for /status/_owner already: ess_controller; -s, or Subs of /config/ess, says" in last


def test_the_options_of_the_original(start, broker, bus, folder):
    write(folder, flex={"/sysconfig/default": {"Subs": ":/site:", "EssName": "flex"}}, more={"/status/bms": {"x": 1}})
    started(start, broker, bus, "-d", folder, "-f", "flex", "-a", "more.json", name="flex")
    assert bus.get("/flex/status/bms/x") == 1
    assert bus.get("/site") == {}


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--check"], 2, "--check needs|expected DIR"),
        (["-f", "nothing"], 1, "nothing: no such file or directory"),
        (["-s", "status", "."], 2, "expected URIs separated by commas or colons"),
        (["-n", "a/b", "."], 2, "one word without"),
    ],
)
def test_wrong_options_are_refused(arguments, status, words):
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == status
    said = f"{done.output}{done.exception}"
    assert any(word in said for word in words.split("|")), said


def test_check_tells_and_its_status_says_whether_it_can_be_used(folder):
    site = folder / "site"
    site.mkdir()
    write(site, a={"/status/bms": {"x": {"value": 1, "actions": {"onSet": [{"remap": [{"uri": "/status/bms:y"}]}]}}}})
    status, output = typed("--check", site)
    assert status == 0
    assert output.splitlines() == [
        f"warning: {site}/a.json:1: /status/bms:x: /status/bms:y: an action sets what no file defines",
        "ok with 1 warning: 1 tables, 1 variables",
    ]
    assert typed("--check", "--strict", site)[0] == 1
    write(site, b={"/status/bms": 5})
    status, output = typed("--check", site)
    assert status == 1
    assert f"error: {site}/b.json:1: /status/bms: expected an object of variables, got '5'" in output


def test_settings_survive_a_kill_and_commands_do_not(start, broker, bus, folder):
    path = write(folder, a=SETTINGS) / "a.json"
    state = folder / "state" / "ess.sqlite"
    first = started(start, broker, bus, path, "--state", state)
    assert "/controls/pcs:ActivePowerSetpoint is not kept across restarts" in first.output
    assert not state.exists()
    bus.set("/limits/bms", {"high": 90, "low": 5})
    bus.set("/controls/pcs/ActivePowerSetpoint", 500)
    eventually(lambda: kept(state) == {"/limits/bms:high": "90"})
    first.stop(signal.SIGKILL)
    assert kept(state) == {"/limits/bms:high": "90"}
    second = started(start, broker, bus, path, "--state", state)
    assert f"1 settings of the last run from {state}" in second.output
    assert bus.get("/ess/naked/limits/bms") == {"/limits/bms": {"high": 90, "low": 0}}
    assert bus.get("/controls/pcs/ActivePowerSetpoint") == 0
    bus.set("/limits/bms/high", 70)
    second.stop()  # what waits is written at the end
    assert kept(state) == {"/limits/bms:high": "70"}
    assert typed("--forget", "--state", state) == (0, f"{state}: 1 settings forgotten\n")
    assert not state.exists()


def kept(state):
    with closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True)) as connection:
        return dict(connection.execute("SELECT place, value FROM settings"))


def test_a_damaged_file_and_a_disk_that_takes_nothing_do_not_stop_the_engine(start, broker, bus, folder):
    path = write(folder, a=SETTINGS) / "a.json"
    state = folder / "ess.sqlite"
    state.write_bytes(b"no database at all" * 1000)
    process = started(start, broker, bus, path, "--state", state)
    assert f"{state} is damaged" in process.output
    process.stop()
    events = bus.subscribe("/events")
    process = started(start, broker, bus, path, "--state", path / "ess.sqlite")
    bus.set("/limits/bms/high", 80)
    event = events.receive(60)
    assert event is not None
    assert "settings are not kept: " in event.json()["message"]
    assert bus.get("/limits/bms/high") == 80


def test_a_dump_is_written_on_command_and_can_be_loaded(start, broker, bus, folder):
    path = write(folder, a={**SETTINGS, "/status/bms": {"x": {"value": 1, "unit": "V"}}}) / "a.json"
    dump = folder / "dumps" / "map.json"
    process = started(start, broker, bus, path, "--dump", dump)
    bus.set("/status/bms/x", 7)
    bus.set("/ess/system/commands/dump", True)
    eventually(lambda: bus.get("/ess/system/commands/dump@result") == f"ok: {dump}")
    before = bus.get("/ess/full/status")
    process.stop()
    second = started(start, broker, bus, dump, "--no-state")
    assert bus.get("/ess/full/status") == before
    assert "this is a dump: scheduled items rest" in second.output


def test_configuration_over_the_bus(start, broker, bus, folder):
    folder = folder / "site"
    folder.mkdir()
    write(folder, a={"/status/bms": {"x": 1}}, spare={"/status/@@ID@@": {"n": 1}})
    started(start, broker, bus, folder, "--no-state")
    subs = [{"replace": "@@ID@@", "with": "rack_1"}]
    body = {"amname": "bms", "/templates/bms": {"rack_1": {"template": "spare.json", "subs": subs}}}
    bus.set("/ess/cfg/cfile/ess/racks", body)
    assert bus.get("/ess/status/rack_1/n") == 1
    assert [one["name"] for one in bus.get("/ess/amap")["aMs"]] == ["bms", "rack_1"]
    with pytest.raises(Refused, match="expected an object of variables"):
        bus.set("/ess/cfg/cfile/ess/racks", {"/status/new": {"x": 1}, "/status/other": 5})
    assert bus.get("/ess/status/new") == {}
    with pytest.raises(Refused, match="no list nothing"):
        bus.set("/ess/cfg/crun", "nothing")
