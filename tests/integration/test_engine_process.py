"""The engine and the calculator as processes behind a real broker: the data validation of ess_calculator.md."""

from __future__ import annotations

import json
import signal
import time
from functools import partial
from pathlib import Path

import msgpack
import pytest
import zmq

from ess_bus import control
from ess_bus.client import Bus
from ess_bus.control import Verb
from ess_bus.errors import NoOneListening, Refused
from tests.integration.conftest import PATIENCE_S, ROOT, eventually, start_broker

# A bms without a bridge: the engine owns its components.
ENGINE = ROOT / "configs" / "bms_power" / "engine"
TABLE = "/components/catl_mbmu_summary_r"


def start_engine(start, broker, bus, folder=ENGINE, *arguments):
    process = start("ess_bus.engine.command", folder, *arguments, bus=broker)
    eventually(lambda: bus.get("/processes/ess_controller")["pid"] == process.pid or process.popen.poll())
    assert process.popen.poll() is None, process.output
    return process


def start_calculator(start, broker, bus):
    process = start("calculator.command", ENGINE, bus=broker)
    eventually(lambda: bus.get("/processes/calculator")["pid"] == process.pid)
    return process


def power(bus):
    return bus.get("/status/bms/BMSPower")


def test_the_data_validation_yields_what_the_document_says(start, broker, bus):
    start_engine(start, broker, bus)
    start_calculator(start, broker, bus)
    full = bus.get("/ess/full/status/bms/BMSPower")["BMSPower"]
    assert full["value"] == 0
    assert (full["numVars"], full["operation"], full["scale"]) == (2, "*", 1000)
    bus.publish(f"{TABLE}/mbmu_voltage", 2)
    bus.publish(f"{TABLE}/mbmu_current", 20020)
    eventually(lambda: power(bus) == 0.04)
    assert bus.get("/ess/full/status/bms/BMSPower")["BMSPower"]["value"] == 0.04


def test_sets_echo_what_was_applied_and_refuse_the_rest_wholly(start, broker, bus):
    start_engine(start, broker, bus)
    assert bus.set(f"{TABLE}/mbmu_voltage", {"value": 3}).json() == {"value": 3}
    with pytest.raises(Refused, match="expected a number, got 'x'"):
        bus.set(TABLE, {"mbmu_voltage": 4, "mbmu_current": "x"})
    with pytest.raises(Refused, match="not JSON"):
        bus.request("set", TABLE, b"{")
    with pytest.raises(Refused, match="no body"):
        bus.request("set", TABLE)
    with pytest.raises(Refused, match="del is not something"):
        bus.request("del", "/status/bms")
    with pytest.raises(Refused, match="did you mean BMSPower"):
        bus.get("/status/bms/BMSPowr")
    assert bus.get("/ess/naked/components") == {TABLE: {"mbmu_current": 20000, "mbmu_voltage": 3}}


def test_changes_are_published_once_per_table_below_the_engines_name(start, broker, bus):
    start_engine(start, broker, bus)
    messages = bus.subscribe("/ess", pub_only=True)

    def heard():
        message = messages.receive(60)
        assert message is not None
        return message.uri, message.json()

    # What is published when the engine comes up is over when this is heard.
    bus.set(f"{TABLE}/mbmu_voltage", 1)
    while "mbmu_voltage" not in (last := heard())[1] or last[0] != "/ess/status/bms":
        pass
    bus.set(f"{TABLE}/mbmu_current", 20007)
    while heard() != (f"/ess{TABLE}", {"mbmu_current": 20007}):
        pass
    assert heard() == ("/ess/status/bms", {"BMSCurrent": 7})


def test_garbage_leaves_the_engine_standing(start, broker, bus):
    process = start_engine(start, broker, bus)
    for body in (b"", b"\xff\xfe", b"[" * 5000, b"{}", b"null", b'{"value":' * 200, b"NaN", b"1e999"):
        for uri in ("/status", "/status/bms", "/ess", "/ess/full", "/status/bms/BMSPower", "/status//bms/", "/ess/x/@"):
            bus.send("pub", uri, body)
            bus.send("set", uri, body)
    assert isinstance(bus.get("/ess"), dict)
    assert process.popen.poll() is None, process.output


def test_a_pub_that_could_not_be_published_again_is_not_taken(start, broker, bus):
    process = start_engine(start, broker, bus)
    name = "a" * (255 - len("/components//x"))
    bus.publish(f"/components/{name}/x", 1)
    with pytest.raises(Refused, match="over the limit of 255"):
        bus.set(f"/components/{name}/x", 1)
    assert process.popen.poll() is None, process.output


@pytest.mark.parametrize("depth", [65, 300, 1000])
def test_a_body_that_is_nested_deeply_is_refused(start, broker, bus, depth):
    process = start_engine(start, broker, bus)
    for uri in (f"{TABLE}/mbmu_voltage", f"{TABLE}/new"):
        with pytest.raises(Refused, match="nested deeper"):
            bus.request("set", uri, b"[" * depth + b"]" * depth)
    assert process.popen.poll() is None, process.output


def test_a_request_that_cannot_be_answered_ends_nobody(start, broker, bus):
    pong = control.encode(Verb.PONG, 7)
    processes = [start_engine(start, broker, bus), start_calculator(start, broker, bus)]
    with zmq.Context() as context, context.socket(zmq.DEALER) as hostile:
        hostile.linger, hostile.rcvtimeo = 0, round(PATIENCE_S * 1000)
        hostile.connect(broker)
        hostile.send(control.encode(Verb.HELLO, control.VERSION, "hostile", "", 1, "", ()))
        for uri in (b"/ess/status", b"/processes/ess_controller", b"/processes/calculator"):
            hostile.send(b"get " + uri + b"\0" + msgpack.packb(("no slash", "hostile", None, None, None, b"")))
        # They were delivered, for nothing was said of them before the answer to this.
        hostile.send(control.encode(Verb.PING, 7))
        heard = [hostile.recv()]
        while pong not in heard[-1]:
            heard.append(hostile.recv())
        assert not any(b"!undelivered" in frame or b"!error" in frame for frame in heard), heard
    assert bus.get("/processes/ess_controller")
    assert bus.get("/processes/calculator")
    assert [process.popen.poll() for process in processes] == [None, None]


def test_the_calculator_hears_only_the_engine(start, broker, bus):
    start_engine(start, broker, bus)
    calculator = start_calculator(start, broker, bus)
    bus.publish(TABLE, {"mbmu_voltage": 2, "mbmu_current": 20020})
    eventually(lambda: power(bus) == 0.04)
    bus.publish("/ess/status/bms", {"mbmu_voltage": "not a number"})  # the engine does not take it
    bus.publish(f"{TABLE}/mbmu_current", 20030)
    eventually(lambda: power(bus) == 0.06)
    assert "is not valid" not in calculator.output


def test_another_process_that_answers_for_the_engine_does_not_end_the_calculator(start, broker, bus):
    start("tools.fims_echo", "-u", "/ess/_parameters", "-b", "5", bus=broker)
    eventually(lambda: bus.get("/processes/fims_echo"))
    calculator = start_calculator(start, broker, bus)
    eventually(lambda: "expected tables, got '5' from fims_echo" in calculator.output)
    assert calculator.popen.poll() is None, calculator.output


def test_a_result_that_the_engine_refuses_does_not_hold_up_the_others(start, broker, bus, folder):
    calculated = {"numVars": 1, "variable1": "x", "operation": "+"}
    tables = {"/status/bms": {"x": 0.5, "flag": {"value": True, **calculated}, "sum": {"value": 0, **calculated}}}
    (folder / "a.json").write_text(json.dumps(tables))
    start_engine(start, broker, bus, folder / "a.json")
    calculator = start("calculator.command", folder / "a.json", bus=broker)
    eventually(lambda: bus.get("/ess/naked/status/bms") == {"/status/bms": {"flag": None, "sum": 0.5, "x": 0.5}})
    bus.set("/status/bms/x", 1)
    eventually(lambda: bus.get("/ess/naked/status/bms") == {"/status/bms": {"flag": True, "sum": 1, "x": 1}})
    bus.set("/status/bms/x", 0.5)
    eventually(lambda: bus.get("/ess/naked/status/bms") == {"/status/bms": {"flag": None, "sum": 0.5, "x": 0.5}})
    assert "/status/bms:flag cannot be set" in calculator.output


def test_expressions_give_bools_texts_and_numbers_and_are_not_valid_where_there_is_no_result(
    start, broker, bus, folder
):
    def calculated(value, expression, *names):
        variables = {f"variable{number}": f"/status/pcs:{name}" for number, name in enumerate(names, 1)}
        return {"value": value, "useExpr": True, "expression": expression, "numVars": len(names), **variables}

    table = {
        "power": 30,
        "limit": 0,
        "IsOn": calculated(False, "{1} > 0 and {2} == On-grid", "power", "GridMode"),
        "Count": calculated(0, "{1} > 0", "power"),
        "Mode": calculated("", "if({1} >= 0, Discharge, 'Charge it')", "power"),
        "Ratio": calculated(0, "{1} / {2}", "power", "limit"),
        "Broken": calculated(7, "{1} +", "power"),
    }
    (folder / "a.json").write_text(json.dumps({"/status/pcs": table}))
    start_engine(start, broker, bus, folder / "a.json")
    calculator = start("calculator.command", folder / "a.json", bus=broker)

    def shows(**values):
        eventually(lambda: values.items() <= bus.get("/ess/naked/status/pcs")["/status/pcs"].items())

    # GridMode is not there: it is created, and has no value yet.
    shows(GridMode=None, IsOn=None, Count=1, Mode="Discharge", Ratio=None, Broken=None)
    bus.set("/status/pcs", {"GridMode": "On-grid", "limit": 60})
    shows(GridMode="On-grid", IsOn=True, Ratio=0.5)
    bus.set("/status/pcs/power", -30)
    shows(IsOn=False, Count=0, Mode="Charge it", Ratio=-0.5)
    broken = "expression '{1} +': expected a value, but the text ends, at column 6"
    assert bus.get("/ess/status/pcs/Broken@reason") == broken
    assert f"/status/pcs:Broken: {broken}" in calculator.output
    assert calculator.output.count("/status/pcs:Ratio is not valid: division by zero, at column 5 of {1} / {2}") == 1


def test_the_bridge_answers_for_its_devices_and_the_engine_does_not(start, broker, bus, folder):
    (folder / "a.json").write_text(json.dumps({TABLE: {"mbmu_voltage": 1}, "/status/bms": {}}))
    start_engine(start, broker, bus, folder / "a.json")
    with pytest.raises(NoOneListening):
        bus.get(f"{TABLE}/mbmu_voltage")
    bus.publish(TABLE, {"mbmu_voltage": 5})
    eventually(lambda: bus.get(f"/ess{TABLE}/mbmu_voltage") == 5)


def test_what_a_device_reports_is_taken_value_by_value(start, broker, bus, folder):
    (folder / "a.json").write_text(json.dumps({TABLE: {"mbmu_voltage": 1, "mbmu_soc": 2}}))
    engine = start_engine(start, broker, bus, folder / "a.json")
    bus.publish(TABLE, {"mbmu_voltage": "high", "mbmu_soc": 50})
    eventually(lambda: bus.get(f"/ess/naked{TABLE}") == {TABLE: {"mbmu_voltage": None, "mbmu_soc": 50}})
    assert "expected a number, got 'high'; not valid now" in engine.output


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_a_process_published_is_not_valid_once_it_is_gone(start, broker, bus, folder, number):
    (folder / "a.json").write_text(json.dumps({"/components/bms": {"soc": 1}, "/status/bms": {}}))
    (folder / "p.json").write_text(json.dumps({"publishRate": 50, "components": {"bms": {"soc": 50}, "pcs": {"p": 5}}}))
    start_engine(start, broker, bus, folder / "a.json")
    plant = start("tools.twins.command", folder / "p.json", bus=broker)
    # Each component is published for itself: one that was never heard could not become not valid.
    known = {"/components/bms": {"soc": 50}, "/components/pcs": {"p": 5}}
    eventually(lambda: bus.get("/ess/naked/components") == known)
    plant.stop(number)
    eventually(
        lambda: bus.get("/ess/naked/components") == {"/components/bms": {"soc": None}, "/components/pcs": {"p": None}}
    )
    start("tools.twins.command", folder / "p.json", bus=broker)
    eventually(lambda: bus.get("/ess/components/bms/soc") == 50)


def test_what_a_process_published_is_not_valid_while_it_hangs(start, broker, bus, folder):
    (folder / "a.json").write_text(json.dumps({"/components/bms": {"soc": 1}, "/status/bms": {}}))
    (folder / "p.json").write_text(json.dumps({"publishRate": 50, "components": {"bms": {"soc": 50}}}))
    engine = start_engine(start, broker, bus, folder / "a.json")
    plant = start("tools.twins.command", folder / "p.json", bus=broker)
    for _ in range(2):
        eventually(lambda: bus.get("/ess/components/bms/soc") == 50)
        plant.popen.send_signal(signal.SIGSTOP)
        try:
            eventually(lambda: bus.get("/ess/components/bms/soc") is None)
        finally:
            plant.popen.send_signal(signal.SIGCONT)
    assert "twins is silent; /components/bms is not valid until it is published again" in engine.output
    # Somebody who cannot be asked is not missed, nor is an engine that was stopped itself taken in.
    bus.publish(TABLE, {"mbmu_voltage": 5})
    engine.popen.send_signal(signal.SIGSTOP)
    begun_s = time.monotonic()
    eventually(lambda: time.monotonic() > begun_s + 5)
    # What was asked meanwhile is answered, though the engine has heard nothing of its broker for so long.
    answers = bus.subscribe("/me")
    bus.send("get", "/ess/components/bms/soc", None, "/me")
    bus.flush()
    engine.popen.send_signal(signal.SIGCONT)
    answer = answers.receive(PATIENCE_S)
    assert answer is not None
    assert answer.json() == 50
    assert bus.get("/ess/components/bms/soc") == 50
    assert bus.get(f"/ess{TABLE}/mbmu_voltage") == 5
    assert engine.output.count("is silent") == 2


def test_a_second_owner_is_refused(start, broker, bus, run, folder):
    (folder / "p.json").write_text(json.dumps({"components": {"bms": {"soc": 50}}}))
    (folder / "a.json").write_text(json.dumps({"/status/bms": {"x": 1}}))
    start_engine(start, broker, bus, folder / "a.json")
    start("tools.twins.command", folder / "p.json", "--process-name", "first", bus=broker)
    eventually(partial(bus.get, "/processes/first"))
    for module, path, uri in (
        ("ess_bus.engine.command", folder / "a.json", "/ess"),
        ("tools.twins.command", folder / "p.json", "/components/bms"),
    ):
        done = run(module, path, "--process-name", "second", bus=broker)
        assert done.returncode == 1
        assert f"answers for {uri}" in done.stderr.splitlines()[-1]


def test_an_operand_that_no_longer_is_valid_takes_the_result_with_it(start, broker, bus):
    start_engine(start, broker, bus)
    start_calculator(start, broker, bus)
    bus.publish(TABLE, {"mbmu_voltage": 2, "mbmu_current": 20020})
    eventually(lambda: power(bus) == 0.04)
    bus.publish(TABLE, {"mbmu_voltage": None, "mbmu_current": None})
    eventually(lambda: power(bus) is None)
    bus.publish(TABLE, {"mbmu_voltage": 3, "mbmu_current": 20020})
    eventually(lambda: power(bus) == 0.06)


@pytest.mark.parametrize("who", ["engine", "calculator", "broker"])
def test_whoever_is_killed_the_results_are_right_again(start, folder, who):
    endpoint = f"ipc://{folder}/b.sock"
    broker = start_broker(start, endpoint)
    with Bus(endpoint, name="test") as bus:
        engine = start_engine(start, endpoint, bus)
        calculator = start_calculator(start, endpoint, bus)
        bus.publish(TABLE, {"mbmu_voltage": 2, "mbmu_current": 20020})
        eventually(lambda: power(bus) == 0.04)
        victim = {"engine": engine, "calculator": calculator, "broker": broker}[who]
        victim.stop(signal.SIGKILL)
        if who == "engine":
            start_engine(start, endpoint, bus)
        elif who == "calculator":
            start_calculator(start, endpoint, bus)
        else:
            start_broker(start, endpoint)

        def right_again():
            bus.publish(TABLE, {"mbmu_voltage": 5, "mbmu_current": 20030})
            return power(bus) == 0.15

        eventually(right_again)


def test_missing_operands_are_created(start, broker, bus, folder):
    definition = {"value": 0, "numVars": 2, "variable1": "one", "variable2": "two", "operation": "+"}
    (folder / "e.json").write_text(json.dumps({"/status/pcs": {"Sum": definition}}))
    start_engine(start, broker, bus, folder / "e.json")
    start("calculator.command", folder / "e.json", bus=broker)
    eventually(lambda: bus.get("/status/pcs")["two"] == {"value": 0})
    bus.set("/status/pcs", {"one": 1, "two": 2})
    eventually(lambda: bus.get("/status/pcs/Sum") == 3)


@pytest.mark.parametrize("module", ["ess_bus.engine.command", "calculator.command", "tools.twins.command"])
def test_processes_stop_quietly(start, broker, bus, folder, module):
    (folder / "p.json").write_text(json.dumps({"components": {"bms": {"soc": 50}}}))
    path = folder / "p.json" if "twins" in module else ENGINE
    for number in (signal.SIGTERM, signal.SIGINT):
        process = start(module, path, "--process-name", f"p{number}", bus=broker)
        eventually(partial(bus.get, f"/processes/p{number}"))
        assert process.stop(number) == 0
        assert "Traceback" not in process.output


@pytest.mark.parametrize("module", ["ess_bus.engine.command", "calculator.command", "tools.twins.command"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        ("{", "not JSON"),
        ("[]", "expected|valid"),
        ('{"/a/b": 5}', "expected an object|missing|unknown key"),
        (b"\xff\xfe", "not JSON"),
    ],
)
def test_a_bad_configuration_is_one_line_and_a_failure(run, folder, module, content, words):
    path: Path = folder / "bad.json"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = run(module, path, bus=f"ipc://{folder}/none.sock")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert any(word in line for word in words.split("|")), line
    assert str(path) in line


@pytest.mark.parametrize("module", ["ess_bus.engine.command", "calculator.command"])
def test_a_broker_that_is_not_there_is_one_line_and_a_failure(run, folder, module):
    done = run(module, ENGINE, bus=f"ipc://{folder}/none.sock")
    assert done.returncode == 1
    assert "no broker on ipc://" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_plant_answers_and_takes_sets(start, broker, bus, folder):
    plant = {"publishRate": 50, "components": {"bms": {"soc": 50, "closed": True, "state": "Off"}}}
    (folder / "p.json").write_text(json.dumps(plant))
    start("tools.twins.command", folder / "p.json", bus=broker)
    eventually(lambda: bus.get("/components/bms/soc") == 50)
    bus.set("/components/bms", {"soc": {"value": 40}, "closed": False})
    assert bus.get("/components/bms") == {"soc": 40, "closed": False, "state": "Off"}
    for uri, value, reason in (
        ("/components/bms/soc", "x", "expected a number"),
        ("/components/bms/closed", 1, "expected true or false"),
        ("/components/bms", {"soc": 1, "nothing": 2}, "no register 'nothing'"),
        ("/components/bms/so", 1, "did you mean soc"),
    ):
        with pytest.raises(Refused, match=reason):
            bus.set(uri, value)
    assert bus.get("/components/bms/soc") == 40
    message = bus.subscribe("/components/bms", pub_only=True).receive(60)
    assert message is not None
    assert message.json()["soc"] == 40
