"""The original's tests of scheduled items and of periodic pubs in small, with `fims_send` and `fims_listen`."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.integration.conftest import eventually

RUN_PUB = {"onSet": [{"func": [{"amap": "ess", "func": "RunPub"}]}]}
TABLES = ("/assets/bms/summary", "/assets/bms/rack_1", "/assets/bms/rack_2")
COUNT = {"onSet": [{"func": [{"func": "TestTriggerFunc"}]}]}


@pytest.fixture
def say(start, broker, bus, run):
    """Type a command at a running engine that began empty; return what it prints."""
    start("ess_bus.engine.command", "-x", "-n", "ess", bus=broker)
    eventually(lambda: bus.get("/processes/ess_controller"))

    def type_it(method, uri, body=None):
        more = [json.dumps(body)] if body is not None else []
        done = run("tools.fims_send", "-m", method, "-u", uri, "-r", "/me", *more, bus=broker)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return type_it


def test_three_tables_are_published_twice_each(start, broker, bus, say):
    for number, table in enumerate(TABLES):
        say("set", f"/ess{table}", {"name": f"Table {number}", "soc": {"value": number, "unit": "%"}})
    items = {f"pub{number}": {"value": 0, "table": table, "actions": RUN_PUB} for number, table in enumerate(TABLES)}
    say("set", "/ess/control/pubs", items)
    listener = start("tools.fims_listen", "-u", "/assets", bus=broker)
    eventually(lambda: any(one["name"] == "fims_listen" for one in bus.get("/bus/clients")))
    # What the definitions have published is over.
    options = [{"uri": f"/control/pubs:pub{number}", "value": 0, "every": 0.6, "for": 1} for number in range(3)]
    say("set", "/ess/system/commands", {"runOpts": {"value": 0, "options": options}})
    eventually(lambda: say("get", "/ess/schlist") == {})
    lines = listener.output.splitlines()
    heard = Counter(line.split()[-1] for line in lines if line.startswith("Uri:"))
    assert heard == dict.fromkeys(TABLES, 2)
    bodies = [json.loads(line.split(None, 1)[1]) for line in lines if line.startswith("Body:")]
    assert {"name": "Table 1", "soc": {"value": 1, "enabled": True}} in bodies


def test_scheduled_items_are_started_together_and_stop_by_themselves(bus, say):
    items = {name: {"value": 0, "actions": COUNT} for name in ("a", "b", "c")}
    say("set", "/ess/sched/bms", items)
    options = [{"uri": f"/sched/bms:{name}", "value": 0, "every": 0.1, "for": 0.45} for name in "abc"]
    start = {"value": 0, "targav": "/system/commands:run", "options": options}
    say("set", "/ess/system/commands", {"runOpts": start})
    running = say("get", "/ess/schlist")
    assert set(running) <= set("abc")
    eventually(lambda: bus.get("/ess/schlist") == {})
    for name in "abc":
        item = say("get", f"/ess/full/sched/bms/{name}")[name]
        # A run that would have come too late on a busy machine is left out, and counted.
        assert item["runCnt"] + item.get("skipped", 0) == 5
        assert item["triggered"] == item["runCnt"] + 1
        assert (item["active"], item["repTime"]) == (False, 0.1)


def test_a_list_runs_by_itself_while_messages_pour_in(start, broker, bus, folder):
    entry = {"/status/bms:x": {"enable": True, "rate": 0.05, "func": "TestTriggerFunc"}}
    tables = {"/status/bms": {"x": 1, "y": 0}, "/schedule/wake_monitor/bms": entry}
    (folder / "a.json").write_text(json.dumps(tables))
    start("ess_bus.engine.command", folder / "a.json", bus=broker)
    eventually(lambda: bus.get("/processes/ess_controller"))
    before = bus.get("/ess/_timings")

    def enough():
        for number in range(500):
            bus.publish("/status/bms/y", number)
        return bus.get("/ess/_timings")["ticks"] > before["ticks"] + 10

    eventually(enough)
    found = bus.get("/ess/_timings")
    assert found["functions"]["TestTriggerFunc"]["calls"] >= 10
    assert found["turns"] > before["turns"]
