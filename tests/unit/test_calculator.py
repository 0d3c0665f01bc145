"""Operations, definitions and the calculator's core (ess_calculator.md; engine.md 1)."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculator.configuration import DEFAULT_RATE_S, Calculation, load
from calculator.graph import Calculator
from calculator.operations import NotValid, calculate
from ess_bus.errors import ConfigurationError
from ess_bus.expression import Expression
from ess_bus.reference import Reference

REAL = Path(__file__).parents[3] / "shared" / "data" / "ess_controller"
POWER = {
    "value": 0,
    "numVars": 2,
    "variable1": "mbmu_voltage",
    "variable2": "BMSCurrent",
    "scale": 1000,
    "operation": "*",
}
VOLTAGE, CURRENT, RESULT = (Reference("/status/bms", name) for name in ("mbmu_voltage", "BMSCurrent", "BMSPower"))


@pytest.mark.parametrize(
    ("operation", "operands", "scale", "expected"),
    [
        ("*", [2, 20], 1000, 0.04),
        ("+", [14.5, 20], 1, 34.5),
        ("*", [9, -2], 1, -18),
        ("-", [10, 3, 2], 1, 5),
        ("/", [100, 5, 2], 1, 10),
        ("avg", [9, 3], 1, 6),
        ("+", [20, 1], 0.1, 210),
        ("+", [5], 1, 5),
        ("+", [True, False, 1], 1, 2),
        ("*", [3, 2], 0, 6),
        ("*", [3, 2], -1000, 6),
        ("*", [2**53, 2**53], 0, 2**106),
    ],
)
def test_operations_give_the_documented_results(operation, operands, scale, expected):
    assert calculate(operation, operands, scale) == pytest.approx(expected, abs=1e-12)


def test_a_result_is_a_float_for_json_carries_no_longer_integers():
    assert isinstance(calculate("*", [2**53, 2**53], 0), float)


@pytest.mark.parametrize(
    ("operation", "operands", "reason"),
    [
        ("/", [9, 0], "division by zero"),
        ("*", [1, None], "variable2 is not valid"),
        ("+", ["Off", 1], "variable1 is not a number: 'Off'"),
        ("+", [[], 1], "variable1 is not a number"),
        ("*", [1e308, 1e308], "too large"),
        ("*", [10**300, 10**300], "too large"),
    ],
)
def test_there_is_never_a_wrong_number(operation, operands, reason):
    with pytest.raises(NotValid, match=reason):
        calculate(operation, operands)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9))
def test_sum_and_mean_agree_with_python(numbers):
    assert calculate("+", numbers) == pytest.approx(sum(numbers), abs=1e-6)
    assert calculate("avg", numbers) == pytest.approx(sum(numbers) / len(numbers), abs=1e-6)
    assert calculate("*", numbers[:3]) == pytest.approx(math.prod(numbers[:3]))


def loaded(tmp_path, definition, **tables):
    document = {"/status/bms": {"BMSPower": definition}, **tables}
    (tmp_path / "a.json").write_text(json.dumps(document))
    return load(tmp_path / "a.json")


def test_the_seeds_definition_is_found(tmp_path):
    (calculation,) = loaded(tmp_path, POWER).calculations
    assert calculation == Calculation(RESULT, (VOLTAGE, CURRENT), "*", 1000)


def test_the_schedule_says_how_often_and_whether(tmp_path):
    def scheduled(**entry):
        table = {"/status/bms:BMSPower": {"func": "CalculateVar", **entry}}
        return loaded(tmp_path, POWER, **{"/schedule/wake_monitor/pcs": table}).calculations

    assert scheduled(enable=True, rate=0.5)[0].rate_s == 0.5
    assert scheduled()[0].rate_s == DEFAULT_RATE_S
    assert scheduled()[0].operands[0].table == "/status/pcs"
    assert scheduled(enable=False) == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"numVars": 3}, "numVars is 3, but the variables are variable1, variable2"),
        ({"numVars": 1}, "numVars is 1, but the variables are variable1, variable2"),
        ({"numVars": "2"}, "numVars: expected a whole number, got '2'"),
        ({"operation": "^"}, "operation '^' is not one of"),
        ({"operation": 5}, "operation 5 is not one of"),
        ({"operation": ["*"]}, "is not one of"),
        ({"scale": "big"}, "scale: expected a number"),
        ({"variable1": 5}, "expected a variable's name, got 5"),
        ({"variable1": "/nowhere"}, "is not a variable"),
        ({"variable1": "bms:x"}, "aggregation is not supported yet"),
        ({"variable1": "/a/b:c@d"}, "parameters as operands"),
        ({"useExpr": True}, "expression: expected a text, got None"),
        ({"useExpr": True, "expression": 5}, "expression: expected a text, got 5"),
        ({"useExpr": "yes", "expression": "{1}"}, "useExpr: expected true or false, got 'yes'"),
        (
            {"useExpr": True, "expression": "{1} +"},
            "expression '{1} +': expected a value, but the text ends, at column 6",
        ),
        ({"useExpr": True, "expression": "{3}"}, "there is no operand {3}: the operands are {1} to {2}, at column 1"),
        ({"useExpr": True, "expression": "a\nb" * 99}, "at column 3"),
        ({"useExpr": True, "expression": "(" * 10**6}, "1000000 characters; an expression has at most 10000"),
        (
            {"useExpr": True, "expression": "{1}", "numVars": 3},
            "numVars is 3, but the variables are variable1, variable2",
        ),
        ({"includeCurrVal": True}, "includeCurrVal: not supported yet"),
    ],
)
def test_what_cannot_be_calculated_is_skipped_with_a_warning(tmp_path, change, reason):
    configuration = loaded(tmp_path, {**POWER, **change})
    assert configuration.calculations == ()
    (warning,) = configuration.warnings
    assert reason in str(warning)
    assert "a.json: /status/bms:BMSPower" in str(warning)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "expected an object of tables"),
        ({"/status/bms": []}, "expected an object"),
        ({"/schedule/wake_monitor/bms": {"/a/b:c": 5}}, "expected an object"),
        ({"/schedule/wake_monitor/bms": {"/a/b:c": {"func": "CalculateVar", "rate": "x"}}}, "rate: expected seconds"),
        ({"/schedule/wake_monitor/bms": {"/a/b:c": {"func": "CalculateVar", "enable": 1}}}, "enable: expected"),
        ({"/schedule/wake_monitor/bms": {"nowhere": {"func": "CalculateVar"}}}, "is not a variable"),
    ],
)
def test_a_file_that_is_wrong_is_refused(tmp_path, document, reason):
    (tmp_path / "a.json").write_text(json.dumps(document))
    with pytest.raises(ConfigurationError, match=reason):
        load(tmp_path)


def test_a_schedule_without_its_calculator_is_named(tmp_path):
    table = {"/status/bms:Nothing": {"func": "CalculateVar"}}
    (warning,) = loaded(tmp_path, POWER, **{"/schedule/wake_monitor/bms": table}).warnings
    assert "no such calculator" in str(warning)


@pytest.fixture
def calculator():
    made = Calculator([Calculation(RESULT, (VOLTAGE, CURRENT), "*", 1000, rate_s=0.1)])
    made.update("/status/bms", {"mbmu_voltage": 2, "BMSCurrent": 20, "BMSPower": 0})
    return made


def test_a_result_is_set_only_when_the_engine_holds_another(calculator):
    assert calculator.results(0.0) == {"/status/bms": {"BMSPower": 0.04}}
    calculator.update("/status/bms", {"BMSPower": 0.04})
    assert calculator.results(1.0) == {}


def test_a_result_that_the_engine_did_not_take_is_offered_again(calculator):
    assert calculator.results(0.0) == calculator.results(0.02) == {"/status/bms": {"BMSPower": 0.04}}


def test_the_rate_bounds_how_often_it_is_calculated(calculator):
    calculator.results(0.0)
    calculator.update("/status/bms", {"BMSPower": 0.04, "mbmu_voltage": 4})
    assert calculator.results(0.05) == {}
    assert calculator.results(0.1) == {"/status/bms": {"BMSPower": 0.08}}


def test_operands_that_are_not_there_are_created_and_nothing_is_calculated_from_them(calculator):
    calculator.forget()
    calculator.update("/status/bms", {"BMSCurrent": 20})
    assert calculator.missing() == {"/status/bms": {"mbmu_voltage": 0.0}}


def test_an_operand_that_is_not_valid_makes_the_result_not_valid_and_is_said_once(calculator, caplog):
    caplog.set_level("INFO")
    calculator.update("/status/bms", {"mbmu_voltage": None})
    assert calculator.results(0.0) == {"/status/bms": {"BMSPower": None}}
    calculator.update("/status/bms", {"BMSPower": None, "BMSCurrent": 21})
    assert calculator.results(1.0) == {}
    calculator.update("/status/bms", {"mbmu_voltage": 1})
    assert calculator.results(2.0) == {"/status/bms": {"BMSPower": 0.021}}
    assert [record.message for record in caplog.records] == [
        "/status/bms:BMSPower is not valid: variable1 (/status/bms:mbmu_voltage) is not valid",
        "/status/bms:BMSPower is valid again",
    ]


def expression(text, *names, result="Result"):
    operands = tuple(Reference("/status/bms", name) for name in names)
    return Calculation(Reference("/status/bms", result), operands, Expression.parse(text, len(operands)))


def test_an_expression_is_found_and_its_scale_is_its_own(tmp_path):
    definition = {**POWER, "useExpr": True, "expression": "{1} * {2}", "operation": "?"}
    (calculation,) = loaded(tmp_path, definition).calculations
    assert calculation == Calculation(RESULT, (VOLTAGE, CURRENT), Expression.parse("{1} * {2}"), 1000)
    made = Calculator([calculation])
    made.update("/status/bms", {"mbmu_voltage": 3, "BMSCurrent": 20})
    assert made.results(0.0) == {"/status/bms": {"BMSPower": 60}}


def test_an_expression_that_is_not_used_is_not_read(tmp_path):
    (calculation,) = loaded(tmp_path, {**POWER, "useExpr": False, "expression": "("}).calculations
    assert calculation.operation == "*"


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("{1} or {2} > 3", [False, 4], True),
        ("{1} == On-grid", ["On-grid"], True),
        ("if({1} > 0, Discharge, Charge)", [-5], "Charge"),
        ("{1} - {2}", [10, 2.5], 7.5),
        ("{1} ** 60", [2], 2.0**60),
    ],
)
def test_an_expression_gives_a_bool_a_text_or_a_number(text, values, expected):
    names = [f"v{index}" for index in range(len(values))]
    made = Calculator([expression(text, *names)])
    made.update("/status/bms", dict(zip(names, values, strict=True)))
    results = made.results(0.0)
    assert results == {"/status/bms": {"Result": expected}}
    assert type(results["/status/bms"]["Result"]) is type(expected)
    made.update("/status/bms", results["/status/bms"])
    assert made.results(1.0) == {}


def test_a_bool_in_a_number_and_a_text_are_not_set_again_and_again():
    made = Calculator([expression("{1} > 0", "v"), expression("if({1} > 0, a, b)", "v", result="Text")])
    made.update("/status/bms", {"v": 1, "Result": 1, "Text": "a"})
    assert made.results(0.0) == {}
    made.update("/status/bms", {"v": -1})
    assert made.results(1.0) == {"/status/bms": {"Result": False, "Text": "b"}}
    made.update("/status/bms", {"Result": 0, "Text": 5})
    assert made.results(2.0) == {"/status/bms": {"Text": "b"}}


def test_an_expression_without_a_result_is_not_valid_and_said_once(caplog):
    caplog.set_level("INFO")
    made = Calculator([expression("{1} / {2}", "a", "b")])
    steps: list[dict[str, Any]] = [{"a": 1, "b": 0}, {"a": 2}, {"a": None}, {"a": 3}, {"b": "Off"}, {"b": 2}]
    for now, values in enumerate(steps):
        made.update("/status/bms", values)
        expected = 1.5 if now == 5 else None
        assert made.results(float(now)) == {"/status/bms": {"Result": expected}}
    assert [record.message for record in caplog.records] == [
        "/status/bms:Result is not valid: division by zero, at column 5 of {1} / {2}",
        "/status/bms:Result is not valid: variable1 (/status/bms:a) is not valid",
        "/status/bms:Result is not valid: division by zero, at column 5 of {1} / {2}",
        "/status/bms:Result is not valid: variable2 (/status/bms:b) is not a number: 'Off'",
        "/status/bms:Result is valid again",
    ]


def test_what_only_expressions_use_is_created_without_a_value():
    product = Calculation(RESULT, (VOLTAGE, CURRENT), "*", 1000)
    used = expression("{1} == On-grid and {2} > 0", "GridMode", "BMSCurrent")
    absent = {"GridMode": None, "BMSCurrent": 0.0, "mbmu_voltage": 0.0}
    assert Calculator([product, used]).missing() == Calculator([used, product]).missing() == {"/status/bms": absent}


def test_values_are_asked_for_anew_when_the_engine_was_lost(calculator):
    calculator.results(0.0)
    calculator.forget()
    calculator.update("/status/bms", {"mbmu_voltage": 3, "BMSCurrent": 20, "BMSPower": 0})
    assert calculator.results(1.0) == {"/status/bms": {"BMSPower": 0.06}}


@pytest.mark.skipif(not REAL.is_dir(), reason="the folder of real configurations is not here")
def test_the_real_managers_calculators_are_found():
    found = {str(calculation.result) for calculation in load(REAL / "bms_manager.json").calculations}
    assert "/status/bms:BMSPower" in found
