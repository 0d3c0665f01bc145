"""The original's script tests in small: `fims_send`, through `jq`, at a real engine that begins empty."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.integration.conftest import eventually

JQ = shutil.which("jq")
ENUM = """{"test_enum": {"value": 0, "actions": {"onSet": [{"enum": [
    {"shift": 4, "mask": 3, "inValue": 0, "outValue": "Off", "uri": "/controls/bms:state"},
    {"shift": 4, "mask": 3, "inValue": 2, "outValue": "On", "uri": "/controls/bms:state"}]}]}}}"""
SHOWN = """{
  "test_limits": {
    "value": 10,
    "unit": "kW",
    "actions": {
      "onSet": [
        {
          "limits": [
            {
              "low": -10,
              "high": 10
            }
          ]
        }
      ]
    }
  }
}
"""
LIMITS = '{"test_limits":{"unit":"kW","value":50,"actions":{"onSet":[{"limits":[{"low":-10,"high":10}]}]}}}'
STEPS = [
    ("set", "/ess/full/controls/bms", '{"X": 4.0}', '{\n  "X": 4.0\n}\n'),
    ("get", "/ess/controls/bms/X", None, "4\n"),
    ("set", "/ess/full/controls/bms", ENUM, None),
    ("set", "/ess/full/controls/bms", '{"test_enum": 32}', '{\n  "test_enum": 32\n}\n'),
    ("get", "/ess/controls/bms/state", None, '"On"\n'),
    ("set", "/ess/full/controls/bms", LIMITS, None),
    ("get", "/ess/full/controls/bms/test_limits", None, SHOWN),
    ("get", "/ess/naked/controls/bms/test_limits", None, "10\n"),
    ("get", "/ess/stat", None, "{}\n"),
]


@pytest.mark.skipif(JQ is None, reason="jq is not installed")
def test_what_is_typed_and_what_comes_back(start, broker, bus, run):
    start("ess_bus.engine.command", "-x", "-n", "ess", bus=broker)
    eventually(lambda: bus.get("/processes/ess_controller"))
    for method, uri, body, expected in STEPS:
        sent = run("tools.fims_send", "-m", method, "-u", uri, "-r", "/me", *([body] if body else []), bus=broker)
        assert sent.returncode == 0, sent.stderr
        piped = subprocess.run([str(JQ), "."], input=sent.stdout, capture_output=True, text=True, check=True)
        if expected is not None:
            # Versions of jq differ in how they write 4.0.
            assert piped.stdout.replace("4.0", "4") == expected.replace("4.0", "4"), (uri, body)


def test_a_command_goes_to_a_device_and_its_answer_comes_back(start, broker, bus, folder):
    (folder / "p.json").write_text('{"publishRate": 50, "components": {"pcs": {"start": false, "power": 5}}}')
    engine = start("ess_bus.engine.command", "--empty", bus=broker)
    eventually(lambda: bus.get("/processes/ess_controller"))
    start("tools.twins.command", folder / "p.json", bus=broker)
    eventually(lambda: bus.get("/ess/components/pcs/power") == 5)
    items = [{"uri": "/components/pcs:start", "fims": "set"}, {"uri": "/components/pcs:power", "fims": "get"}]
    items[1]["replyto"] = "/{essName}/status/pcs/asked"
    bus.set("/ess/controls/pcs", {"go": {"value": False, "actions": {"onSet": [{"remap": items}]}}})
    bus.set("/ess/controls/pcs/go", True)
    eventually(lambda: bus.get("/components/pcs/start") is True)
    eventually(lambda: bus.get("/ess/status/pcs/asked") == 5)
    # What is not valid is no command.
    bus.set("/ess/controls/pcs", {"go": None})
    lost = {"value": 1, "actions": {"onSet": [{"remap": [{"uri": "/components/nobody:x", "fims": "set"}]}]}}
    bus.set("/ess/controls/pcs", {"lost": lost})
    eventually(lambda: "an action sent set /components/nobody: " in engine.output)
    assert bus.get("/components/pcs/start") is True


@pytest.mark.parametrize("arguments", [[], ["--empty", "somewhere"]])
def test_an_engine_needs_a_folder_or_none(run, folder, arguments):
    done = run("ess_bus.engine.command", *arguments, bus=f"ipc://{folder}/none.sock")
    assert done.returncode == 2
    assert "expected DIR or FILE, or --empty without them" in done.stderr


@pytest.mark.parametrize("name", ["processes", "components", "_bus", "status"])
def test_an_engine_is_not_called_as_something_else_on_the_bus(run, folder, name):
    (folder / "a.json").write_text('{"/status/bms": {"x": 1}}')
    done = run("ess_bus.engine.command", folder / "a.json", "-n", name, bus=f"ipc://{folder}/none.sock")
    assert done.returncode == 1
    assert f"the engine cannot be called {name}: /{name} is something else on the bus" in done.stderr
