"""The calculator as a process beside a real engine: its commands, real configurations, and what its end leaves."""

from __future__ import annotations

import json
import signal

import pytest

from calculator.configuration import load
from tests.integration.conftest import ROOT, eventually
from tests.integration.peers import Owner
from tests.real_files import SHARED

REAL = SHARED.parent / "ess_controller"
SUM = {"value": 0, "numVars": 2, "variable1": "a", "variable2": "b", "operation": "+"}
needs_real_files = pytest.mark.skipif(not REAL.is_dir(), reason=f"no configurations from the field in {REAL}")


def start_engine(start, broker, bus, *arguments):
    process = start("ess_bus.engine.command", *arguments, bus=broker)
    eventually(lambda: bus.get("/processes/ess_controller")["pid"] == process.pid)
    return process


def start_calculator(start, broker, bus, *arguments):
    process = start("calculator.command", *arguments, bus=broker)
    eventually(lambda: bus.get("/processes/calculator")["pid"] == process.pid)
    return process


def test_everything_can_be_typed_at_an_empty_engine(start, broker, bus):
    start_engine(start, broker, bus, "-x")
    start_calculator(start, broker, bus)
    bus.set("/ess/status/bms", {"a": 1, "b": 2, "Sum": SUM})
    eventually(lambda: bus.get("/ess/status/bms/Sum") == 3)
    bus.set("/ess/status/bms/Sum", {"value": 0, "enabled": False})
    bus.set("/ess/status/bms/a", 5)
    eventually(lambda: bus.get("/calculator/ess/status/bms/Sum")["on"] is False)
    assert bus.get("/ess/status/bms/Sum") == 0


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_results_are_not_valid_once_their_calculator_is_gone(start, broker, bus, folder, number):
    (folder / "a.json").write_text(
        json.dumps({"/status/bms": {"a": 1, "b": 2, "Sum": SUM, "Same": {**SUM, "value": 3}}})
    )
    start_engine(start, broker, bus, folder / "a.json")
    calculator = start_calculator(start, broker, bus)
    eventually(lambda: bus.get("/ess/status/bms/Sum") == 3)
    calculator.stop(number)
    # Also a result that was right from the beginning.
    eventually(lambda: bus.get("/ess/naked/status/bms") == {"/status/bms": {"Same": None, "Sum": None, "a": 1, "b": 2}})
    assert bus.get("/ess/status/bms/Sum@reason") == "calculator is gone"
    start_calculator(start, broker, bus)
    eventually(lambda: bus.get("/ess/naked/status/bms") == {"/status/bms": {"Same": 3, "Sum": 3, "a": 1, "b": 2}})
    assert "reason" not in bus.get("/ess/full/status/bms/Sum")["Sum"]


def test_results_are_not_valid_while_their_calculator_hangs(start, broker, bus, folder):
    (folder / "a.json").write_text(json.dumps({"/status/bms": {"a": 1, "b": 2, "Sum": SUM}}))
    start_engine(start, broker, bus, folder / "a.json")
    calculator = start_calculator(start, broker, bus)
    for _ in range(2):
        eventually(lambda: bus.get("/ess/naked/status/bms/Sum") == 3)
        calculator.popen.send_signal(signal.SIGSTOP)
        try:
            eventually(lambda: bus.get("/ess/naked/status/bms/Sum") is None)
            assert bus.get("/ess/status/bms/Sum@reason") == "calculator is silent"
        finally:
            calculator.popen.send_signal(signal.SIGCONT)
    eventually(lambda: "reason" not in bus.get("/ess/full/status/bms/Sum")["Sum"])


def test_an_engine_that_was_started_anew_gets_the_results_and_withdraws_them(start, broker, bus, folder):
    (folder / "a.json").write_text(json.dumps({"/status/bms": {"a": 1, "b": 2, "Sum": SUM}}))
    engine = start_engine(start, broker, bus, folder / "a.json")
    calculator = start_calculator(start, broker, bus)
    eventually(lambda: bus.get("/ess/status/bms/Sum") == 3)
    engine.stop(signal.SIGKILL)
    start_engine(start, broker, bus, folder / "a.json")
    eventually(lambda: bus.get("/ess/status/bms/Sum") == 3)
    calculator.stop(signal.SIGKILL)
    eventually(lambda: bus.get("/ess/status/bms/Sum") is None)


def test_check_lists_what_is_calculated_and_fails_if_something_cannot_be(run, folder):
    done = run("calculator.command", "--check", ROOT / "configs" / "bms_power" / "engine")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "/status/bms:BMSPower = {1} * {2} / 1000",
        "    {1}   /status/bms:mbmu_voltage  variable1, link to /components/catl_mbmu_summary_r:mbmu_voltage",
        "    {2}   /status/bms:BMSCurrent    variable2",
        "    when an operand has changed, every 0.1 s at most (/schedule/wake_monitor/bms)",
        "1 calculator; 0 cannot be calculated",
    ]
    circle = {"x": {**SUM, "variable1": "y"}, "y": {**SUM, "variable1": "x"}, "n": {**SUM, "numVars": 3}}
    (folder / "a.json").write_text(json.dumps({"/status/bms": circle}))
    done = run("calculator.command", "--check", folder / "a.json")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "/status/bms:n: numVars is 3, but the variables are variable1, variable2",
        "/status/bms:x: runs in a circle: /status/bms:x -> /status/bms:y -> /status/bms:x",
        "/status/bms:y: runs in a circle: /status/bms:x -> /status/bms:y -> /status/bms:x",
        "3 calculators; 3 cannot be calculated",
    ]


def test_explain_shows_how_a_result_came_about(start, broker, bus, run, folder):
    def explained(*arguments):
        return run("calculator.command", "--explain", "/status/bms:Sum", "--once", *arguments, bus=broker)

    nobody = explained()
    assert (nobody.returncode, nobody.stderr.splitlines()[-1]) == (1, "calculator: no calculator runs for /ess")
    (folder / "a.json").write_text(json.dumps({"/status/bms": {"a": 1, "b": 2, "Sum": SUM}}))
    start_engine(start, broker, bus, folder / "a.json")
    start_calculator(start, broker, bus)
    eventually(lambda: bus.get("/ess/status/bms/Sum") == 3)
    done = explained()
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[:2] == ["/status/bms:Sum = {1} + {2}", "  = 3"]
    assert lines[2].startswith("  {1}   /status/bms:a  variable1     1  ")
    assert "calculated 1 times" in lines[-1]
    assert run("calculator.command", "--explain", "/ess/status/bms/Sum", "--once", bus=broker).stdout.startswith(
        lines[0]
    )


@pytest.mark.parametrize("answer", [{"value": 1}, [1], 5, None, {"value": 1, "reason": "", "operands": 5}])
def test_what_is_no_explanation_is_said_to_be_none(bus, broker, answer, run):
    with Owner(broker, "/calculator/ess", lambda _: json.dumps(answer).encode()):
        done = run("calculator.command", "--explain", "/status/bms:Sum", "--once", bus=broker)
    text = f"calculator: /calculator/ess: expected a calculator's explanation, got {json.dumps(answer)}"
    assert (done.returncode, done.stderr.splitlines()) == (1, [text])


@pytest.mark.parametrize("arguments", [["--check"], ["--once"], ["--explain", "nowhere", "--once"]])
def test_wrong_usage(run, broker, arguments):
    done = run("calculator.command", *arguments, bus=broker)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@needs_real_files
def test_every_calculator_of_the_real_configurations_is_found_compiled_and_run(start, broker, bus):
    configuration = load(REAL)
    assert configuration.warnings == []
    # Each definition of the files, those of a template once for each of its instances.
    found = configuration.found
    texts = {path.name: path.read_text() for path in REAL.glob("*.json")}
    counts = {name: text.count('"operation"') + text.count('"useExpr"') for name, text in texts.items()}
    templated = sum(count for name, count in counts.items() if "template" in name)
    once = sum(counts.values()) - templated
    assert templated
    assert len(found.calculations) - once == templated * len(
        {one.result.table for one in found.calculations if one.result.table.startswith("/status/sbmu_")}
    )
    start_engine(start, broker, bus, REAL)
    calculator = start_calculator(start, broker, bus, REAL)

    def all_ran():
        results = bus.get("/calculator/ess")
        return len(results) == len(found.calculations) and all(
            one["value"] is not None or one["reason"] for one in results.values()
        )

    eventually(all_ran)
    bus.publish("/components/catl_mbmu_summary_r", {"mbmu_voltage": 2, "mbmu_current": 20020})
    eventually(lambda: bus.get("/ess/status/bms/BMSPower") == 0.04)
    eventually(lambda: bus.get("/ess/status/bms/BMSDischarging") is True)
    assert bus.get("/ess/status/bms/BMSCharging") is False
    assert calculator.popen.poll() is None, calculator.output
    assert calculator.output.count("WARNING") <= 6, calculator.output
