"""The engine as people type it: whole sequences by `fims_send` and `jq`, and the exact text that comes back."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from ess_bus.message import Message, Status
from tests.integration.conftest import eventually

JQ = shutil.which("jq")
COUNT = {"onSet": [{"func": [{"func": "TestTriggerFunc"}]}]}


@pytest.fixture
def engine(start, broker, bus):
    process = start("ess_bus.engine.command", "-x", "-n", "ess", bus=broker)
    eventually(lambda: bus.get("/processes/ess_controller"))
    return process


@pytest.fixture
def typed(run, broker):
    """Type a message: its answer as `jq` shows it, or what `fims_send` says is wrong."""

    def send(method, uri, body=None):
        said = [] if body is None else [body if isinstance(body, str) else json.dumps(body)]
        done = run("tools.fims_send", "-m", method, "-u", uri, "-r", "/me", *said, bus=broker)
        if done.returncode:
            assert done.stdout == ""
            return done.stderr
        return subprocess.run([str(JQ), "."], input=done.stdout, capture_output=True, text=True, check=True).stdout

    return send


@pytest.mark.skipif(JQ is None, reason="jq is not installed")
def test_the_texts_of_values_parameters_and_refusals(engine, typed):
    for method, uri, body, expected in (
        # Without a value, and parameters only.
        ("set", "/ess/full/controls/bms", {"nv": {"unit": "V"}}, '{\n  "nv": {\n    "unit": "V"\n  }\n}\n'),
        ("get", "/ess/controls/bms/nv", None, "false\n"),
        ("set", "/ess/controls/bms/nv", "5.50", "5.50\n"),
        ("set", "/ess/full/controls/bms", {"nv": {"value": "$$", "scale": 2}}, None),
        (
            "get",
            "/ess/full/controls/bms/nv",
            None,
            '{\n  "nv": {\n    "value": 5.5,\n    "scale": 2,\n    "unit": "V"\n  }\n}\n',
        ),
        ("get", "/ess/controls/bms/nv@unit", None, '"V"\n'),
        ("get", "/ess/naked/controls/bms", None, '{\n  "/controls/bms": {\n    "nv": 5.5\n  }\n}\n'),
        ("get", "/ess/ui/controls/bms/nv", None, '{\n  "value": 5.5,\n  "enabled": true\n}\n'),
        ("get", "/ess/controls/bmx/nv", None, "{}\n"),
        # Locked, blocked, and unblocked.
        ("set", "/ess/controls/bms/nv@lock", "true", "true\n"),
        ("set", "/ess/controls/bms/nv", "6", "fims_send: /controls/bms:nv: it is locked\n"),
        ("set", "/ess/full/controls/bms", {"nv": {"lock": False}}, None),
        ("set", "/ess/full/blockeduris/set", {"/controls": True}, None),
        ("set", "/ess/controls/bms/nv", "6", "fims_send: set on /controls is blocked by /blockeduris/set\n"),
        ("set", "/ess/full/blockeduris/set", {"/controls": False}, None),
        ("set", "/ess/controls/bms/nv", "6", "6\n"),
        # What is wrong is told to whoever has sent it.
        ("set", "/ess/controls/bms/nv", '"x"', "fims_send: /controls/bms:nv: expected a number, got 'x'\n"),
        ("set", "/ess/controls/bms", "{}", "fims_send: an empty object sets nothing\n"),
        (
            "set",
            "/ess/full/controls/bms",
            {"nv": {"value": 7, "actions": {"onSet": [{"func": [{"func": "TestTrigerFunc"}]}]}}},
            "fims_send: /controls/bms:nv: func: the function TestTrigerFunc is not known\n",
        ),
        ("get", "/ess/controls/bms", None, '{\n  "nv": {\n    "value": 6\n  }\n}\n'),
    ):
        answer = typed(method, uri, body)
        if expected is not None:
            # Versions of jq differ in whether they keep the zeros of a number.
            assert answer.replace("5.50", "5.5") == expected.replace("5.50", "5.5"), (uri, body)


@pytest.mark.skipif(JQ is None, reason="jq is not installed")
def test_several_assets_by_a_file_and_a_calculator_that_is_scheduled(engine, typed, start, broker, bus):
    tables = {
        "pname": "ess",
        "amname": "pm",
        "_version": "1",
        "#status#pm": {
            "Power": {
                "value": 0,
                "numVars": 3,
                **{f"variable{number}": f"/status/{one}:power" for number, one in enumerate(("pv", "dcs", "b1"), 1)},
                "operation": "+",
                "actions": {"onSet": [{"func": [{"func": "CalculateVar"}]}]},
            }
        },
        **{f"/status/{one}": {"power": power} for one, power in (("pv", 50), ("dcs", 100), ("b1", -20))},
    }
    assert json.loads(typed("set", "/ess/cfg/cfile/pm/pm_manager", tables)) == tables
    assert typed("get", "/ess/config/cfile") == '{\n  "pm_manager": {\n    "value": true\n  }\n}\n'
    options = [{"uri": "/status/pm:Power", "value": 0, "every": 0.05}, {"uri": "/sched/pm:beat", "every": 0.05}]
    scheduled = {"value": 0, "options": options, "actions": {"onSet": [{"func": [{"func": "SchedItemOpts"}]}]}}
    typed("set", "/ess/full/control/pm", {"runAll": scheduled})
    # What is scheduled may be defined later.
    assert typed("set", "/ess/full/sched/pm", {"beat": {"value": 0, "actions": COUNT}}).startswith("{")
    eventually(lambda: bus.get("/ess/sched/pm/beat@triggered") > 2)
    start("calculator.command", bus=broker)
    eventually(lambda: typed("get", "/ess/status/pm/Power") == "130\n")
    typed("set", "/ess/status/pv", {"power": 50.25})
    eventually(lambda: typed("get", "/ess/status/pm/Power") == "130.25\n")


def test_a_burst_of_sets_is_answered_wholly_and_in_order_and_what_is_scheduled_goes_on(engine, bus):
    bus.set(
        "/ess/full/controls/x", {"in": {"value": 0, "actions": {"onSet": [{"remap": [{"uri": "/controls/x:out"}]}]}}}
    )
    bus.set("/ess/full/sched/x", {"beat": {"value": 0}})
    bus.set("/ess/full/system/commands", {"run": {"value": 0, "uri": "/sched/x:beat", "every": 0.01}})
    answers = bus.subscribe("/test")
    answers.add("/ess/sched/x")
    wrong = (b"{", b'"text"', b"[" * 2000, b"\xff", b"", b'{"value":{}}')
    bodies = [wrong[number % len(wrong)] if number % 10 == 9 else str(number).encode() for number in range(3000)]
    for number, body in enumerate(bodies):
        bus.send("set", "/ess/controls/x/in", body, f"/test/{number}")
    heard: list[Message] = []
    while not heard or heard[-1].uri != f"/test/{len(bodies) - 1}":
        message = answers.receive(60)
        assert message is not None, engine.output
        heard.append(message)
    replies = [message for message in heard if message.method == "set"]
    assert [message.uri for message in replies] == [f"/test/{number}" for number in range(len(bodies))]
    assert [message.status for message in replies] == [
        Status.REFUSED if body in wrong else Status.OK for body in bodies
    ]
    # Something that was due meanwhile was not put off to the end.
    assert any(message.method == "pub" for message in heard[heard.index(replies[0]) :])
    assert bus.get("/ess/controls/x/out") == 2998
    assert engine.popen.poll() is None
