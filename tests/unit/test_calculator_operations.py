"""The operations, with the results that the original's own tests pin (ess_calculator.md; engine.md 1.3)."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calculator.operations import OPERATIONS, NotValid, calculate

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9)


@pytest.mark.parametrize(
    ("operation", "operands", "scale", "expected"),
    [
        ("*", [2, 20], 1000, 0.04),
        ("+", [14.5, 20], 1, 34.5),
        ("*", [9, -2], 1, -18),
        ("%", [9, 5], 1, 4),
        ("avg", [9, 3], 1, 6),
        ("+", [20, 1], 0.1, 210),
        ("+", [50, 20, 10], 1, 80),
        ("+", [2, 3], 1, 5),
        ("pctOf", [10, 0.3], 1, 7),
        ("pctOf", [10, 1], 1, 0),
        ("pctOf", [10, 0.75, 0.75], 1, 0),
        ("pctOf", [200, 0.25, 0.25], 10, 10),
        ("-", [10, 3, 2], 1, 5),
        ("/", [100, 5, 2], 1, 10),
        ("/", [100, 5], 10, 2),
        ("-", [10, 3], 2, 3.5),
        ("avg", [9, 3], 2, 3),
        ("+", [3, 5], 1, 8),
        ("%", [-9, 5], 2, -2),
        ("%", [29, 15, 9], 1, 5),
        ("min", [3, -1, 7], 0.5, -2),
        ("max", [3, -1, 7], 2, 3.5),
        ("+", [5], 1, 5),
        ("+", [True, False, 1], 1, 2),
        ("*", [3, 2], 0, 6),
        ("*", [3, 2], -1000, 6),
        ("*", [2**53, 2**53], 0, 2**106),
        ("sqrt", [9], 1, 3),
        ("sqrt", [16], 2, 2),
        ("scale", [500], 100, 5),
        ("stddev", [2, 4, 4, 4, 5, 5, 7, 9], 1000, 2),
        ("stddev", [5], 1, 0),
    ],
)
def test_operations_give_the_documented_results(operation, operands, scale, expected):
    result = calculate(operation, operands, scale)
    assert result == pytest.approx(expected, abs=1e-12)
    assert isinstance(result, float)


@pytest.mark.parametrize(
    ("operation", "operands", "expected"),
    [
        ("and", [True, 1, 1.0], True),
        ("and", [True, 2], False),
        ("and", [], True),
        ("or", [0, 2, 0.5], False),
        ("or", [0, True], True),
        ("or", [], False),
        ("<", [-5, 0], True),
        (">", [-5, 0], False),
        (">", [5, 0], True),
        ("<", [0, 0], False),
        ("and", [None, 0], False),
        ("or", [None, "Off", 1], True),
    ],
)
def test_what_gives_true_or_false_knows_no_scale(operation, operands, expected):
    assert calculate(operation, operands, 1000) is expected


@pytest.mark.parametrize(
    ("operation", "operands", "reason", "operand", "computed"),
    [
        ("/", [9, 0], "division by zero", None, True),
        ("%", [9, 0], "division by zero", None, True),
        ("%", [9.5, 0.0], "division by zero", None, True),
        ("sqrt", [-1], "the square root of a negative number", None, True),
        ("*", [1, None], "is not valid", 1, False),
        ("and", [1, None], "is not valid", 1, False),
        ("or", [0, None, "Off"], "is not valid", 1, False),
        ("+", ["Off", 1], "is not a number: 'Off'", 0, True),
        ("or", ["Off", 0], "is not a number: 'Off'", 0, True),
        ("+", [[], 1], "is not a number: '\\[\\]'", 0, True),
        ("max", [1, float("nan")], "is not a finite number", 1, True),
        ("*", [1e308, 1e308], "too large", None, True),
        ("*", [10**300, 10**300], "too large", None, True),
        ("+", [1], "too large", None, True),
    ],
)
def test_there_is_never_a_wrong_number(operation, operands, reason, operand, computed):
    with pytest.raises(NotValid, match=reason) as caught:
        calculate(operation, operands, 1e-320)
    assert (caught.value.operand, caught.value.computed) == (operand, computed)


@given(NUMBERS)
def test_operations_agree_with_python(numbers):
    assert calculate("+", numbers) == pytest.approx(sum(numbers), abs=1e-6)
    assert calculate("avg", numbers) == pytest.approx(sum(numbers) / len(numbers), abs=1e-6)
    assert calculate("*", numbers[:3]) == pytest.approx(math.prod(numbers[:3]))
    assert calculate("-", numbers) == pytest.approx(numbers[0] - sum(numbers[1:]), abs=1e-6)
    assert calculate("stddev", numbers) == pytest.approx(statistics.pstdev(numbers), rel=1e-6, abs=1e-6)
    assert (calculate("min", numbers), calculate("max", numbers)) == (min(numbers), max(numbers))


@given(
    st.sampled_from(sorted(OPERATIONS)), st.lists(st.none() | st.booleans() | st.integers() | st.floats() | st.text())
)
def test_whatever_the_operands_are_the_result_is_a_sound_one_or_there_is_none(operation, operands):
    chosen = OPERATIONS[operation]
    if len(operands) < max(chosen.least, chosen.of_itself) or (chosen.most and len(operands) > chosen.most):
        return
    try:
        result = calculate(operation, operands)
    except NotValid:
        return
    assert isinstance(result, bool | float)
    assert math.isfinite(result)
