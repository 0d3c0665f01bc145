"""Outputs: registers of devices that show the models and act on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ess_bus.errors import ConfigurationError
from tools.twins.configuration import configured

HERE = Path("plant.json")
TREE = {
    "grids": [{"id": "grid"}],
    "pcs": [{"id": "pcs_1", "plim": 400}],
    "bms": [{"id": "bms_1", "racks": 2, "oncmd": True}],
    "root": {"id": "grid", "children": [{"id": "pcs_1", "children": [{"id": "bms_1"}]}]},
}
BMS = {"uri": "/components/bms_1"}


def plant(*outputs):
    made = configured(HERE, [(HERE, {**TREE, "outputs": list(outputs)})]).plant()
    made.tick(1)
    return made


def output(registers=None, **more):
    inputs = [{**BMS, "registers": registers}] if registers else []
    return {"uri": "/components/device", "inputs": inputs, **more}


def test_registers_show_fields_as_they_are_or_as_expressions_of_several():
    made = plant(
        output(
            {
                "volts": "vdc",
                "amperes": {"field": "idc", "expression": "{1} + 20000"},
                "kwh": {"fields": ["cap", "soc"], "expression": "{1} * {2} / 100"},
                "grid_volts": {"field": "grid/v"},
                "closed": {"field": "dccontactor", "expression": "if({1}, 1, 0)"},
                "impossible": {"field": "p", "expression": "1 / {1}"},
            }
        )
    )
    shown = made.get("device")
    assert shown["volts"] == made.models["bms_1"].read("vdc")
    assert shown == {**shown, "amperes": 20000, "kwh": 500, "grid_volts": 480, "closed": 1, "impossible": None}
    assert made.get("device", ("kwh",)) == 500


def test_the_form_of_the_original_is_read_and_written_as_it_is():
    registers = {"bms_soc": "soc", "start_stop": "ctrlword1", "off": "offcmd"}
    made = plant({"uri": "/components/ess_real", "publishRate": 500, "inputs": [{**BMS, "registers": registers}]})
    assert made.get("ess_real") == {"bms_soc": 50, "start_stop": 0, "off": False}
    made.set("ess_real", (), {"start_stop": 2, "bms_soc": {"value": 40}})
    assert made.get("bms_1", ("ctrlword1",)) == 2
    assert made.get("ess_real", ("bms_soc",)) == 40
    made.set("ess_real", ("off",), 1)
    assert made.get("bms_1", ("offcmd",)) is True
    assert made.outputs["ess_real"].publish_rate_ms == 500


COMMANDS = {
    "cmd": {
        "value": 0,
        "write": [
            {"when": "{1} == 2", "set": {"bms_1/oncmd": True}},
            {"when": "{1} == 3", "set": {"bms_1/offcmd": True, "pcs_1/pcmd": 0}},
        ],
    },
    "start": {"value": 0, "momentary": True, "write": [{"set": {"pcs_1/oncmd": {"expression": "{1} == 1"}}}]},
    "reference": {
        "value": 0,
        "write": [{"set": {"pcs_1/pcmd": {"expression": "{1} * {2} / 100", "fields": ["pcs_1/plim"]}}}],
    },
    "text": "x",
}


def test_written_registers_act_as_they_say():
    made = plant(output(echo=COMMANDS))
    made.set("device", (), {"cmd": 3})
    assert made.get("bms_1", ("offcmd",)) is True
    made.set("device", ("reference",), {"value": -50})
    assert made.get("pcs_1", ("pcmd",)) == -200
    made.set("device", (), {"start": 1})
    assert made.get("pcs_1", ("oncmd",)) is True
    assert made.get("device") == {"cmd": 3, "start": 0, "reference": -50, "text": "x"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"cmd": 2, "reference": "fast"}, "reference: expected a number, got 'fast'"),
        ({"cmd": 2, "text": 5}, "text: expected a text"),
        ({"cmd": 2, "refrence": 5}, "no register 'refrence'; did you mean reference?"),
        ({"cmd": 2, "reference": 1e200}, "reference: pcmd: expected a number"),
        ({"cmd": 2, "soc": 5}, "soc: it is computed and cannot be written"),
        ({"cmd": 2, "limit": "x"}, "pmax: expected a number, got 'x'"),
        ({"cmd": 2, "limit": -1}, "pmax: expected at least 0, got -1"),
        (5, "expected an object"),
    ],
)
def test_a_write_that_does_not_fit_is_refused_and_nothing_is_set(body, words):
    soc = {"field": "soc", "expression": "{1} * 10"}
    made = plant(output({"soc": soc, "limit": "pmax"}, echo=COMMANDS))
    made.set("bms_1", (), {"offcmd": True})
    before = made.get("device"), made.get("bms_1"), made.get("pcs_1")
    with pytest.raises((ValueError, LookupError)) as caught:
        made.set("device", (), body)
    assert words in str(caught.value)
    assert (made.get("device"), made.get("bms_1"), made.get("pcs_1")) == before


def test_heartbeats_count_by_the_clock_whatever_the_speed_of_the_plant():
    made = plant(output(heartbeat={"register": "beat", "period": 0.5, "modulo": 4}))
    seen = []
    for _ in range(6):
        made.tick(3600, 0.5)
        seen.append(made.get("device", ("beat",)))
    assert seen == [3, 0, 1, 2, 3, 0]
    made = plant(output(heartbeat="beat"))
    for _ in range(9):
        made.tick(0.2)
    assert made.get("device", ("beat",)) == 2


WATCH = {
    "register": "ems_heartbeat",
    "timeout": 3,
    "set": {"bms_1/controllost": True, "pcs_1/pcmd": {"expression": "{2}", "fields": ["pcs_1/homepcmd"]}},
    "back": {"bms_1/controllost": False},
}


def test_a_heartbeat_that_stops_is_noticed_once_it_was_there():
    made = plant(output(echo={"ems_heartbeat": 0}, watch=[WATCH]))
    made.set("pcs_1", (), {"homepcmd": 7, "pcmd": 100})
    for _ in range(10):
        made.tick(1)
    assert made.get("bms_1", ("controllost",)) is False
    for beat in (1, 2, 3):
        made.set("device", ("ems_heartbeat",), beat)
        made.tick(1)
        made.tick(1)
    assert made.get("bms_1", ("controllost",)) is False
    made.set("device", ("ems_heartbeat",), 3)
    for _ in range(2):
        made.tick(1)
    assert made.get("bms_1", ("controllost",)) is True
    assert made.get("pcs_1", ("pcmd",)) == 7
    made.set("pcs_1", ("pcmd",), 50)
    made.tick(1)
    assert made.get("pcs_1", ("pcmd",)) == 50
    made.set("device", ("ems_heartbeat",), 4)
    made.tick(1)
    assert made.get("bms_1", ("controllost",)) is False


def test_the_time_of_a_watchdog_may_be_a_register():
    watch = {**WATCH, "timeout_register": "limit"}
    del watch["timeout"]
    made = plant(output(echo={"ems_heartbeat": 0, "limit": 0}, watch=[watch]))
    made.set("device", ("ems_heartbeat",), 1)
    for _ in range(20):
        made.tick(1)
    assert made.get("bms_1", ("controllost",)) is False
    made.set("device", ("limit",), 5)
    made.tick(1)
    assert made.get("bms_1", ("controllost",)) is True


def test_a_silent_model_silences_its_outputs_and_stops_their_heartbeats():
    made = plant(output({"soc": "soc"}, heartbeat="beat"))
    names = {name for name, _ in made.bodies()}
    assert {"device", "bms_1", "pcs_1"} <= names
    made.set("bms_1", (), {"commssilent": True})
    before = made.get("device", ("beat",))
    for _ in range(5):
        made.tick(1)
    assert made.get("device", ("beat",)) == before
    assert {name for name, _ in made.bodies()} == names - {"device", "bms_1"}
    made.set("bms_1", (), {"commssilent": False})
    made.tick(1)
    assert made.get("device", ("beat",)) == before + 1


def test_outputs_and_inputs_repeat_with_their_number():
    rack = {"uri": "/components/bms_1_sbmu_${RACK}", "registers": {"soc": "soc", "rack_${RACK}": "cap"}}
    module = {**BMS, "repeat": 3, "registers": {"module_${N}_p": {"field": "p", "expression": "{1} + ${N}"}}}
    made = plant(
        {"uri": "/components/sbmu_${RACK}", "repeat": 2, "inputs": [rack]},
        {"uri": "/components/modules", "inputs": [module]},
    )
    assert set(made.get("sbmu_2")) == {"soc", "rack_2"}
    assert made.get("modules") == {"module_1_p": 1, "module_2_p": 2, "module_3_p": 3}


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"uri": "components/x"}, "outputs.0.uri: expected \"/components/ID\", got 'components/x'"),
        ({"uri": "/components/x", "input": []}, "outputs.0.input: unknown key"),
        (output({"a": "soq"}), "outputs.0.inputs.0.registers.a: bms_1: no field 'soq'; did you mean soh, soc?"),
        (output({"a": "bms_2/soc"}), "outputs.0.inputs.0.registers.a: no component 'bms_2'; did you mean bms_1"),
        (
            output({"a": {"fields": ["soc", "soh"]}}),
            "outputs.0.inputs.0.registers.a: expected one field or an expression, got 2 fields",
        ),
        (output({"a": {"field": "soc", "expression": "{2}"}}), "outputs.0.inputs.0.registers.a: expression: "),
        ({"uri": "/components/x", "inputs": [{"uri": "/components/y", "registers": {"a": "b"}}]}, "no component 'y'"),
        (
            output(echo={"a": {"value": 0, "write": [{"set": {"soc": 1}}]}}),
            "echo.a: expected COMPONENT/FIELD, got 'soc'",
        ),
        (
            output(echo={"a": {"value": 0, "write": [{"set": {"bms_1/soc": "x"}}]}}),
            "outputs.0.echo.a: soc: expected a number, got 'x'",
        ),
        (output({"a": "soc"}, echo={"a": 1}), "outputs.0.echo.a: the register 'a' is there twice"),
        (output(watch=[{"register": "a", "timeout": 1, "set": {"bms_1/oncmd": True}}]), "expected a register of echo"),
        (output(echo={"a": 1}, watch=[{"register": "a", "set": {"bms_1/oncmd": True}}]), "expected either timeout or"),
        ({"uri": "/components/pcs_1", "echo": {"a": 1}}, "'pcs_1' is the name of several components"),
        ({"uri": "/components/x", "repeat": 2, "echo": {"a": 1}}, "outputs.0.uri: 'x' is there twice"),
    ],
)
def test_a_wrong_mapping_is_one_line_with_its_place(wrong, expected):
    with pytest.raises(ConfigurationError) as caught:
        plant(wrong)
    assert any(expected in str(problem) for problem in caught.value.problems), caught.value.problems
