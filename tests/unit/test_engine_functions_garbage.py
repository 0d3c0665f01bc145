"""Functions of powers, numbers and commands with garbage in their parameters and inputs: one clear refusal at most."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ess_bus.engine.functions import FUNCTIONS, Call
from ess_bus.engine.numbers import is_number
from ess_bus.reference import Reference
from tests.unit.engine_bench import Bench

PLACES = st.sampled_from(
    ["/in/x:a", "/in/x:b", "/in/x:none", "/in/x:text", "/in/x:list", "a", "a@p", "/in/x:a[3]", "/x"]
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-3, 20)
GARBAGE = st.none() | st.booleans() | NUMBERS | PLACES | st.text(max_size=5) | st.lists(PLACES | NUMBERS, max_size=3)
KEYS = {
    "HandlePowerCmd": ["pcs", "bms", "ess", "derate", "powerFactor", "resend"],
    "HandlePowerLimit": ["bms", "pChargeTbl", "pDischargeTbl", "soc", "temperature"],
    "BalancePower": [
        *("pCmdVar", "qCmdVar", "dcCurrentVar", "bmsInputDcA", "bmsInputDcB", "bmsAEnergy", "bmsBEnergy", "reset"),
        *("pcsMaxChrgPwrA", "pcsMaxChrgPwrB", "pcsMaxDschgPwrA", "pcsMaxDschgPwrB", "pOutputAVar", "qOutputBVar"),
        *("scaleFactor", "threshold", "timeoutMs", "deadband", "dcCurrentThreshold", "maxPDeltakW"),
    ],
    "EstimatePower": ["voltage", "chargeCurrent", "dischargeCurrent", "scale"],
    "DeratePower": ["pcs", "bms"],
    "DerateRack": ["pcs"],
    "MathMovAvg": ["depth", "filtFac", "window", "reset", "outAvg", "outSum", "outFilt", "vecAv"],
    "SlewVal": ["SlewedVal", "RatedValue", "SlewRate", "StartVal", "LastSlewedTime"],
    "CheckTableVar": ["tableName", "tableVar1", "tableVar2"],
    "AggregateManager": ["selectVal"],
    "HandleCmd": [
        *("triggerCmd", "cmdVar", "useExpr", "expression", "numVars", "variable1", "variable2", "maxCmdTries"),
        *("sendCmdHoldTimeout", "sendCmdTimeout", "checkCmdHoldTimeout", "checkCmdTimeout", "enableAlert"),
    ],
    "RunKeyCmd": ["KeyCmd", "maxKeyCmdOnTime", "maxKeyCmdTime", "maxKeyCmdTries", "endTime"],
    "SendClearFaultCmd": ["maxKeyCmdOnTime", "maxKeyCmdTime", "maxKeyCmdTries", "endTime"],
    "UpdateSysTime": ["LocalTime", "UpdateSysTimeSend", "SendAll", "SendHB"],
    "SendTime": [],
    "CheckGPIO": [],
    "GPIOCalcResponse": ["MaxResponseMs", "Responses"],
}


def bench_with(value, given_value, parameters):
    return Bench(
        {
            "/in/x": {"a": given_value, "b": 7, "none": None, "text": "t", "list": {"value": [1, 2]}},
            "/limits/pcs": {"RatedApparentPower_HW": given_value, "MaxPCSReactivePower_HW": 5},
            "/limits/bms": {"DischargePowerLimit": given_value, "ChargeFactor": given_value},
            "/controls/pcs": {
                "ActivePowerSetpoint": {"value": value, **parameters},
                "ReactivePowerSetpoint": given_value,
            },
            "/status/pcs": {"SystemState": "Running", "SystemFault": given_value, "Derate": given_value},
            "/controls/bms": {"ClearFaultCmd": given_value},
            "/tables/t": {"cells": {"value": [["", 0, 1], [0, 1, 2]]}},
            "/status/bms": {"OverCurrentD1": given_value, "X": {"value": value, **parameters}},
        }
    )


def refused(call, function):
    """Return why a function refuses a call; anything but a refusal fails the test."""
    try:
        function.run(call)
    except ValueError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", KEYS)
@settings(max_examples=60)
@given(st.data())
def test_garbage_is_refused_and_nothing_else_happens(name, data):
    keys = st.dictionaries(st.sampled_from(KEYS[name] or ["x"]), GARBAGE)
    bench = bench_with(data.draw(st.none() | NUMBERS | st.text(max_size=3)), data.draw(GARBAGE), data.draw(keys))
    engine, function = bench.engine, FUNCTIONS[name]
    for table, variable_name, asset in (("/controls/pcs", "ActivePowerSetpoint", "pcs"), ("/status/bms", "X", "bms")):
        variable = engine.find(table, variable_name)
        assert variable is not None
        for _ in range(3):
            bench.wait(0.7)
            if variable.value is None and not function.takes_invalid:
                continue
            refusal = refused(Call(engine, asset, Reference(table, variable_name), variable, variable.value), function)
            assert refusal is None or (refusal and "\n" not in refusal)
    for variables in engine.datamap.tables.values():
        for variable in variables.values():
            assert not is_number(variable.value) or math.isfinite(variable.value)
    for message in engine.take_messages():
        assert message.body is not None
