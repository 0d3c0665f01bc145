"""`Calculator`: what is set, when, and what happens where there is no result (ess_calculator.md; engine.md 1)."""

from __future__ import annotations

import pytest

from calculator.core import CLAIM, Calculator
from tests.unit.calculator_cases import POWER, Bench, expression, found, operation

WAKE = "/schedule/wake_monitor/bms"


def bench(*, zero_on_failure=False, tables=None, **definitions):
    return Bench({"/status/bms": definitions, **(tables or {})}, zero_on_failure=zero_on_failure)


def wake(name, **entry):
    return {WAKE: {f"/status/bms:{name}": {"func": "CalculateVar", **entry}}}


def test_the_seeds_power():
    one = bench(mbmu_voltage=2, BMSCurrent=20, BMSPower=POWER)
    assert one.run() == {"BMSPower": 0.04}
    assert one.run() == {}
    assert one.put(BMSCurrent=30) == {"BMSPower": 0.06}


def test_a_result_that_was_not_taken_is_offered_again():
    calculator = Calculator(found({"/status/bms": {"BMSPower": POWER}}))
    calculator.update("/status/bms", {"mbmu_voltage": 2, "BMSCurrent": 20, "BMSPower": 0}, 0.0)
    assert calculator.results(0.0) == calculator.results(0.02) == {"/status/bms": {"BMSPower": 0.04}}
    calculator.has_set("/status/bms", {"BMSPower": 0.04}, 0.02)
    assert calculator.results(0.03) == {}


def test_a_result_that_the_engine_has_already_is_claimed_and_not_set():
    calculator = Calculator(found({"/status/bms": {"Sum": operation("+", "a")}}))
    calculator.update("/status/bms", {"a": 5, "Sum": 5}, 0.0)
    claim = {"/status/bms": {"Sum": CLAIM}}
    assert calculator.results(0.0) == claim
    calculator.has_set("/status/bms", claim["/status/bms"], 0.0)
    assert calculator.results(1.0) == {}


def test_the_rate_bounds_how_often_it_is_calculated():
    one = bench(a=1, Sum=operation("+", "a"), tables=wake("Sum", rate=0.5))
    assert one.run() == {"Sum": 1}
    one.show("/status/bms", "a", 2)
    assert one.calculator.due_s() == pytest.approx(1.5)
    assert one.run(0.4) == {}
    assert one.run(0.1) == {"Sum": 2}
    assert one.calculator.due_s() == float("inf")


def test_one_pass_is_enough_for_a_chain_also_through_links():
    one = bench(
        tables={"/links/ess": {"Total": "/status/bms:c"}},
        x=1,
        a=operation("+", "/status/ess:Total"),
        c=operation("+", "z"),
        z=operation("*", "x", "x"),
    )
    assert one.run() == {"z": 1, "c": 1, "a": 1}
    assert one.put(x=3) == {"z": 9, "c": 9, "a": 9}
    assert one.put(x=None) == {"z": None, "c": None, "a": None}
    assert one.reasons["a"] == "variable1 (/status/ess:Total) is not valid"


@pytest.mark.parametrize(
    ("definition", "values", "reason", "zero"),
    [
        (operation("/", "a", "b"), {"a": 9, "b": 0}, "division by zero", 0),
        (operation("%", "a", "b"), {"a": 9, "b": 0}, "division by zero", 0),
        (operation("+", "a", "b"), {"a": 9, "b": "Off"}, "variable2 (/status/bms:b) is not a number: 'Off'", 0),
        (operation("+", "a", "b"), {"a": 9, "b": None}, "variable2 (/status/bms:b) is not valid", None),
        (expression("{1} / {2}", "a", "b"), {"a": 1, "b": 0}, "division by zero, at column 5 of {1} / {2}", 0),
        (expression("hi + {1}", "a"), {"a": 1}, "'hi' is a text, but '+' takes numbers", 0),
        (expression("hi there", "a"), {"a": 1}, "expected an operator or the end, got 'there'", 0),
        (expression("1 $ 1", "a"), {"a": 1}, "'$' (U+0024) has no meaning here", 0),
        (expression("{1} + {2}", "a"), {"a": 1}, "there is no operand {2}", None),
        (expression("{1} + 1", "a"), {"a": "Off"}, "variable1 (/status/bms:a) is not a number: 'Off'", 0),
        (expression("{1} + 1", "a"), {"a": None}, "variable1 (/status/bms:a) is not valid", None),
        ({**operation("+", "a", "b"), "numVars": 3}, {"a": 1, "b": 2}, "numVars is 3, but the variables are", None),
        (operation("sqrt", value=-4), {}, "the square root of a negative number", 0),
    ],
)
def test_what_has_no_result_is_null_with_the_reason_or_0_as_in_the_original(definition, values, reason, zero):
    for zero_on_failure, expected in ((False, None), (True, zero)):
        one = bench(zero_on_failure=zero_on_failure, Result={"value": 7, **definition}, **values)
        if "sqrt" in str(definition):
            one.run()
            one.show("/status/bms", "Result", -9)
        assert one.run() == {"Result": expected}
        assert reason in one.reasons["Result"]


def test_the_reason_is_shown_while_there_is_no_result_and_taken_away_then():
    one = bench(a=1, b=0, Ratio=operation("/", "a", "b"))
    assert one.run() == {"Ratio": None}
    assert one.reasons == {"Ratio": "division by zero"}
    assert one.put(a=None) == {}  # null as before: the reason alone is set
    assert one.reasons == {"Ratio": "variable1 (/status/bms:a) is not valid"}
    assert one.put(a=6, b=2) == {"Ratio": 3}
    assert one.reasons == {"Ratio": ""}


def test_an_old_reason_of_an_earlier_calculator_is_taken_away():
    one = bench(a=1, Sum={"value": None, "reason": "calculator is gone", **operation("+", "a")})
    assert one.run() == {"Sum": 1}
    assert one.reasons == {"Sum": ""}


def test_one_line_for_an_episode_however_often_it_is_calculated(caplog):
    caplog.set_level("INFO")
    one = bench(a=1, b=0, Ratio=operation("/", "a", "b"))
    for number in range(100):
        one.put(a=number)
    one.put(b=2)
    for number in range(100):
        one.put(b=number % 2)  # comes and goes
    assert [record.message for record in caplog.records][:2] == [
        "/status/bms:Ratio is not valid: division by zero",
        "/status/bms:Ratio is valid again",
    ]
    assert len(caplog.records) <= 2 + 2 * (100 // 60 + 1)


def test_many_that_fail_at_once_are_one_line(caplog):
    results = {f"r{number}": operation("+", f"v{number}") for number in range(300)}
    bench(**results, **{f"v{number}": None for number in range(300)}).run()
    (record,) = caplog.records
    assert (
        "/status/bms:r0 is not valid: variable1 (/status/bms:v0) is not valid; neither are 299 others" in record.message
    )


def test_missing_operands_are_created_with_0_by_operations_and_without_a_value_by_expressions():
    definitions = {
        "Sum": operation("+", "used", "mode", "there"),
        "IsOn": expression("{1} == On-grid and {2} > 0", "GridMode", "mode@limit"),
    }
    for order in (definitions, dict(reversed(definitions.items()))):
        calculator = Calculator(found({"/status/bms": order}))
        calculator.update("/status/bms", {"there": 1}, 0.0)
        assert calculator.missing() == {"/status/bms": {"used": 0.0, "mode": 0.0, "GridMode": None}}
    original = Calculator(found({"/status/bms": definitions}), zero_on_failure=True)
    assert original.missing()["/status/bms"]["GridMode"] == 0.0


def test_a_parameter_is_an_operand_and_while_it_is_not_there_the_value_stands_in():
    one = bench(a={"value": 7, "limit": 5}, Sum=operation("+", "a@limit", "a@other", "a"))
    assert one.run() == {"Sum": 19}
    assert one.put(a=1) == {"Sum": 7}
    assert one.put(**{"a@limit": 10}) == {"Sum": 12}
    assert one.put(**{"a@other": 100}) == {"Sum": 111}
    assert one.put(a=2) == {"Sum": 112}
    assert one.put(**{"a@limit": None}) == {"Sum": None}


def test_the_original_pins_of_aggregation():
    tables = {
        "/assets/bms/rack_1": {},
        "/assets/bms/rack_2": {},
        "/status/rack_1": {"FaultCnt": 2, "RackCurrent": {"value": 0, "seenAlarm": False}},
        "/status/rack_2": {"FaultCnt": 3, "RackCurrent": {"value": 0, "seenAlarm": True}},
    }
    one = bench(
        tables=tables, Faults=operation("+", "bms:FaultCnt"), Alarm=operation("or", "bms:RackCurrent@seenAlarm")
    )
    assert one.run() == {"Faults": 5, "Alarm": True}


def test_the_original_pin_of_managers_below_managers():
    tables = {
        "/assets/pcs/module_1": {},
        "/status/pcs": {"FaultCnt": 3},
        "/status/module_1": {"FaultCnt": 100},
        "/status/ess": {"Faults": operation("+", "ess:FaultCnt")},
    }
    assert bench(tables=tables, FaultCnt=5).run() == {"Faults": 8}


def test_the_switches_are_looked_at_each_time():
    one = bench(
        tables={"/params/bms": {"run": True}},
        a=1,
        Sum=operation("+", "a", enabled=False),
        Other=operation("+", "a", enable="/params/bms:run"),
    )
    assert one.run() == {"Other": 1}
    assert one.put(a=2) == {"Other": 2}
    assert one.put(**{"Sum@enabled": True}) == {"Sum": 2}
    one.show("/params/bms", "run", False)
    assert one.put(a=3, Other=77) == {"Sum": 3}  # switched off, its value is a person's
    one.show("/params/bms", "run", True)
    assert one.run() == {"Other": 3}
    one.show("/params/bms", "run", None)
    assert one.run() == {"Other": None}
    assert one.reasons["Other"] == "its switch /params/bms:run is not valid"


def test_a_value_that_somebody_sets_instead_needs_no_reason():
    one = bench(a=1, b=0, Ratio=operation("/", "a", "b"))
    assert one.run() == {"Ratio": None}
    one.show("/status/bms", "Ratio@enabled", False)
    assert one.run() == {}
    assert one.reasons == {"Ratio": "division by zero"}
    assert one.put(Ratio=7) == {}
    assert one.reasons == {"Ratio": ""}


def test_a_switch_does_not_wait_for_the_rate():
    one = bench(a=1, Sum=operation("+", "a"), tables=wake("Sum", rate=60))
    one.run()
    one.show("/status/bms", "Sum@enabled", False)
    one.show("/status/bms", "Sum", 77)
    assert one.run(0.01) == {}


def test_a_wake_list_switches_too():
    off = bench(a=1, Sum=operation("+", "a"), tables=wake("Sum", enable=False))
    assert off.run() == {}
    by_variable = bench(a=1, run=0, Sum=operation("+", "a"), tables=wake("Sum", enable="/status/bms:run"))
    assert by_variable.run() == {}
    assert by_variable.put(run=1) == {"Sum": 1}


# -- what follows from its own value --------------------------------------------------------------------------------


def test_in_a_wake_list_the_current_value_is_counted_on_at_the_rate():
    one = bench(a=20, b=10, Sum=operation("+", "a", "b", includeCurrVal=True, value=50), tables=wake("Sum", rate=0.5))
    assert one.run() == {"Sum": 80}
    assert one.run(0.4) == {}
    assert one.run(0.1) == {"Sum": 110}
    assert one.run(0.5) == {"Sum": 140}
    assert one.run(10) == {"Sum": 170}  # late is not made up for
    assert one.put(Sum=0) == {"Sum": 30}


def test_what_counts_on_by_itself_rests_between_two_results_whatever_its_rate_is():
    one = bench(a=1, Count=operation("+", "a", includeCurrVal=True, value=0), tables=wake("Count", rate=0))
    assert one.run() == {"Count": 1}
    assert one.calculator.due_s() - one.now == pytest.approx(0.01, abs=1e-6)
    assert one.run(0.009) == {}
    assert one.run(0.001) == {"Count": 2}


def test_without_a_wake_list_it_runs_once_for_each_change_by_others():
    one = bench(a=20, Sum=operation("+", "a", includeCurrVal=True, value=50))
    assert one.run() == {}  # nobody knows whether it has run with this one
    assert one.put(a=30) == {"Sum": 80}
    assert one.run() == {}
    assert one.put(Sum=5) == {"Sum": 35}
    assert one.run() == {}


def test_the_root_of_its_own_value_is_taken_once_for_each_value_that_is_set():
    one = bench(Result=operation("sqrt", value=0))
    one.run()
    for value, root in ((81, 9), (16, 4), (9, 3)):
        assert one.put(Result=value) == {"Result": root}
        assert one.run() == one.run() == {}


def test_a_latch_holds_until_somebody_releases_it():
    one = bench(trip=False, Latched=expression("{1} or {2}", "trip", value=False, includeCurrVal=True))
    one.run()
    assert one.put(trip=True) == {"Latched": True}
    assert one.put(trip=False) == {}
    assert one.put(Latched=False) == {}


def test_whether_something_has_changed():
    one = bench(a=1, b=1, Any=operation("valChangedAny", "a", "b"), All=operation("valChangedAll", "a", "b"))
    assert one.run() == {}
    assert one.put(a=2) == {"Any": True}
    assert one.put(a=3) == {}  # Any is true already, b has not changed
    assert one.put(b=2) == {"All": True}
    assert one.put(Any=False, All=False) == {}  # whoever has seen it clears it
    assert one.put(a=None) == {}
    assert one.put(b=3) == {"Any": True}
    assert one.put(a=4) == {"All": True}


# -- what the engine makes of a result ------------------------------------------------------------------------------


def test_a_result_that_the_engine_limits_is_not_set_for_ever():
    class Limiting(Bench):
        def run(self, seconds=1.0):
            """Take the results as an engine does whose actions limit `Sum`: the echo is the limited value."""
            self.now += seconds
            shown = {}
            for table, results in self.calculator.results(self.now).items():
                self.calculator.has_set(table, results, self.now)
                for name, change in results.items():
                    value = change["value"] if isinstance(change, dict) else change
                    shown[name] = value
                    self.show(table, name, min(value, 100) if name == "Sum" else value)
            return shown

    one = Limiting({"/status/bms": {"a": 50, "Sum": operation("+", "a"), "User": operation("+", "Sum")}})
    one.run()
    for value in (150, 151, 152):
        one.show("/status/bms", "a", value)
        sets = [one.run() for _ in range(5)]
        assert sum("Sum" in each for each in sets) <= 2
        assert one.values["/status/bms:Sum"] == one.values["/status/bms:User"] == 100
    one.show("/status/bms", "a", 60)
    for _ in range(3):
        one.run()
    assert one.values["/status/bms:Sum"] == one.values["/status/bms:User"] == 60


def test_what_others_set_is_set_right_again_before_anything_follows_from_it():
    one = bench(a=1, Sum=operation("+", "a"), User=operation("+", "Sum"))
    one.run()
    assert one.put(Sum=99) == {"Sum": 1}
    assert one.values["/status/bms:User"] == 1
    assert one.put(Sum=None) == {"Sum": 1}


def test_a_late_echo_is_not_taken_for_somebody_elses_value():
    calculator = Calculator(found({"/status/bms": {"Sum": operation("+", "a", includeCurrVal=True)}, **wake("Sum")}))
    calculator.update("/status/bms", {"a": 1, "Sum": 0}, 0.0)
    calculator.begin()
    for now in (0.1, 0.2, 0.3):
        ((table, results),) = calculator.results(now).items()
        calculator.has_set(table, results, now)
    calculator.update("/status/bms", {"Sum": 1}, 0.31)
    calculator.update("/status/bms", {"Sum": 2}, 0.32)
    assert calculator.results(0.4) == {"/status/bms": {"Sum": 4}}


# -- expressions ----------------------------------------------------------------------------------------------------


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
    one = bench(Result=expression(text, *names, scale=1000), **dict(zip(names, values, strict=True)))
    result = one.run()["Result"]
    assert result == expected
    assert type(result) is type(expected)
    assert one.run() == {}


def test_a_bool_in_a_number_and_a_text_are_not_set_again_and_again():
    one = bench(v=1, Result=expression("{1} > 0", "v", value=1), Text=expression("if({1} > 0, a, b)", "v", value="a"))
    assert one.run() == {}
    assert one.put(v=-1) == {"Result": False, "Text": "b"}
    assert one.put(Result=0, Text=5) == {"Text": "b"}
