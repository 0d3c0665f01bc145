"""What operands may be, and that there is never a wrong result: an error says why and where."""

from __future__ import annotations

import math
import sys

import pytest

from ess_bus.expression import MAX_LENGTH, MAX_NESTING, MAX_NODES, EvaluationError, Expression, ParseError


def value(text, *operands):
    return Expression.parse(text, len(operands)).evaluate(operands)


@pytest.mark.parametrize(
    ("text", "operands", "reason", "column", "operand"),
    [
        ("{1} / {2}", [1, 0], "division by zero", 5, None),
        ("{1} / {2}", [1, False], "division by zero", 5, None),
        ("{1} % {2}", [1, 0], "division by zero", 5, None),
        ("{1} % {2}", [1.5, 0.0], "division by zero", 5, None),
        ("0 ** -1", [], "division by zero", 3, None),
        ("0 ** -{1}", [0.5], "division by zero", 3, None),
        ("1 + {1}", [None], "{1} is not valid", 5, 1),
        ("{1} == On-grid", [None], "{1} is not valid", 1, 1),
        ("{1}", [None], "{1} is not valid", 1, 1),
        ("not {1}", [None], "{1} is not valid", 5, 1),
        ("max(1, {1})", [None], "{1} is not valid", 8, 1),
        ("{1} * {2}", [1, "Off"], "{2} is not a number: 'Off'", 7, 2),
        ("{1} * {2}", ["Off", 10**12], "{1} is not a number: 'Off'", 1, 1),
        ("{1} * 1000000000000", ["Off"], "{1} is not a number: 'Off'", 1, 1),
        ("{1} + {2}", ["a", "b"], "{1} is not a number: 'a'", 1, 1),
        ("{1} % {2}", ["%s", 1], "{1} is not a number: '%s'", 1, 1),
        ("{1} < {2}", ["a", "b"], "{1} is not a number: 'a'", 1, 1),
        ("{1} & 1", ["12"], "{1} is not a number: '12'", 1, 1),
        ("sqrt({1})", ["4"], "{1} is not a number: '4'", 6, 1),
        ("{1} and true", ["yes"], "{1} is not true or false: 'yes'", 1, 1),
        ("if({1}, 1, 2)", ["yes"], "{1} is not true or false: 'yes'", 4, 1),
        ("-if({1}, yes, 2)", [True], "if({1}, yes, 2) is not a number: 'yes'", 2, None),
        ("{1} == {2}", [1, "1"], "the text '1' is compared with a number", 5, None),
        ("{1} == Off", [0], "the text 'Off' is compared with a number", 5, None),
        ("{1} != Off", [True], "the text 'Off' is compared with true or false", 5, None),
        ("{1} == 1", ["1"], "the text '1' is compared with a number", 5, None),
        ("{1} + 1", [[]], "{1} is a list, expected a number, true, false or a text", 1, 1),
        ("{1}", [[{"value": 1, "string": "a"}]], "{1} is a list", 1, 1),
        ("{1} * 2", [{}], "{1} is a dict", 1, 1),
        ("{1}", [math.nan], "{1} is not a finite number", 1, 1),
        ("{1} > 0", [math.nan], "{1} is not a finite number", 1, 1),
        ("{1} and true", [math.nan], "{1} is not a finite number", 1, 1),
        ("{1} * 0", [math.inf], "{1} is not a finite number", 1, 1),
        ("{1} ** 0", [math.nan], "{1} is not a finite number", 1, 1),
        ("max({1}, 5)", [math.nan], "{1} is not a finite number", 5, 1),
        ("1 / {1}", [math.inf], "{1} is not a finite number", 5, 1),
        ("{1} == {2}", [math.inf, math.inf], "{1} is not a finite number", 1, 1),
        ("{1} * 10", [1e308], "the result is too large", 5, None),
        ("1 / ({1} * 10)", [1e308], "the result is too large", 10, None),
        ("{1} * 10 > 5", [1e308], "the result is too large", 5, None),
        ("min({1} * 10, 5)", [1e308], "the result is too large", 9, None),
        ("{1} * 10 - {1} * 10", [1e308], "the result is too large", 5, None),
        ("{1} / 0.1", [1e308], "the result is too large", 5, None),
        ("{1} + 1", [10**400], "the result is too large", 1, None),
        ("{1} + 0.5", [10**400], "the result is too large", 5, None),
        ("{1}", [10**400], "the result is too large", 1, None),
        ("9 ** 9 ** 9", [], "the result is too large", 3, None),
        ("{1} ** {2}", [10, 309], "the result is too large", 5, None),
        ("{1} ** {2}", [10.0, 309], "the result is too large", 5, None),
        ("{1} ** 8", [1e300], "the result is too large", 5, None),
        ("{1} ** {2}", [2, 10**18], "the result is too large", 5, None),
        ("{1} ** 0.5", [-4], "a broken power of a negative number", 5, None),
        ("sqrt({1})", [-4], "the square root of a negative number", 1, None),
        ("1 << {1}", [64], "bits can be shifted by 0 to 63", 3, None),
        ("1 << {1}", [-1], "bits can be shifted by 0 to 63", 3, None),
        ("1 >> {1}", [10**18], "bits can be shifted by 0 to 63", 3, None),
        ("{1} << 1", [2**63], "more than 64 bits", 5, None),
        ("{1} & 1", [2.5], "not a whole number", 5, None),
        ("~{1}", [2**70], "more than 64 bits", 1, None),
        ("{1} | 1", [1e300], "more than 64 bits", 5, None),
    ],
)  # fmt: skip
def test_there_is_never_a_wrong_result(text, operands, reason, column, operand):
    with pytest.raises(EvaluationError) as caught:
        value(text, *operands)
    assert str(caught.value).startswith(reason)
    assert str(caught.value).endswith(f", at column {column}")
    assert (caught.value.column, caught.value.operand, caught.value.text) == (column, operand, text)


def test_the_error_lets_its_user_name_the_operand():
    with pytest.raises(EvaluationError) as caught:
        value("{1} + {2}", 1, None)
    assert (caught.value.operand, caught.value.fault) == (2, "is not valid")
    assert caught.value.caret == "{1} + {2}\n      ^"


def test_an_operand_that_is_not_given_is_an_error():
    expression = Expression.parse("{1} + {3}")
    with pytest.raises(EvaluationError, match=r"\{3\} has no value: there are 2"):
        expression.evaluate([1, 2])
    assert expression.evaluate([1, None, 2, 5]) == 3


@pytest.mark.parametrize(
    ("text", "operands", "expected"),
    [
        ("{1} and {2}", [False, None], False),
        ("{1} and {2}", [None, False], False),
        ("{1} or {2}", [True, None], True),
        ("{1} or {2}", [None, True], True),
        ("{1} or {2} or {3}", [None, None, True], True),
        ("{1} > 5 or {2}", [None, True], True),
        ("{1} / {2} > 1 and {3}", [1, 0, False], False),
        ("{1} == On-grid and {2}", [None, False], False),
        ("not ({1} and {2})", [None, False], True),
        ("if({1}, {2}, {3})", [True, 4, None], 4),
        ("if({1}, {2}, {3} / 0)", [True, 4, 1], 4),
        ("{1} < {2} < {3}", [5, 1, None], False),
        ("{1} + if({2} or {3}, 1, 0)", [1, None, True], 2),
    ],
)
def test_what_cannot_change_the_result_need_not_be_valid(text, operands, expected):
    assert value(text, *operands) == expected


@pytest.mark.parametrize(
    ("text", "operands"),
    [
        ("{1} and {2}", [True, None]),
        ("{1} and {2}", [None, True]),
        ("{1} or {2}", [False, None]),
        ("{1} or {2}", [None, False]),
        ("not {1}", [None]),
        ("if({1}, 4, 4)", [None]),
        ("{1} < {2} < {3}", [1, 2, None]),
        ("{1} == {1}", [None]),
        ("{1} * 0", [None]),
    ],
)
def test_what_can_change_the_result_must_be_valid(text, operands):
    with pytest.raises(EvaluationError, match="is not valid"):
        value(text, *operands)


def test_of_two_failures_the_first_is_told():
    with pytest.raises(EvaluationError, match=r"\{1\} is not valid"):
        value("{1} and {2}", None, None)


@pytest.mark.parametrize(
    ("text", "operands", "expected"),
    [
        ("{1} % 3", [-7], -1),
        ("{1} % 3", [-7.5], -1.5),
        ("7 % -3", [], 1),
        ("{1} * 1000", [2**60], 2**60 * 1000),
        ("{1} ** 100", [3], 3**100),
        ("{1} ** 2", [True], 1),
        ("max({1}, {2})", [True, False], 1),
        ("{1} >> 4", [0xF0], 15),
        ("{1} & 6", [3.0], 2),
        ("{1} + 0.1 == 0.3", [0.2], False),
        ("{1} == {2}", [1, 1.0], True),
        ("{1} == {2}", ["a", "a"], True),
        ("{1} != {2}", ["a", "b"], True),
        ("max({1}, 2, {2}, 1)", [5, 9], 9),
        ("min({1}, 2, {2}, 1)", [5, 9], 1),
        ("{1} - {1}", [10**400], 0),
    ],
)
def test_values(text, operands, expected):
    result = value(text, *operands)
    assert result == expected
    assert type(result) is type(expected)


def test_a_condition_is_true_or_false_and_nothing_else():
    assert Expression.parse("{1} > 2").condition([3]) is True
    assert Expression.parse("{1}").condition([False]) is False
    for text, operands, shown in (("{1}", [1], "a number"), ("{1} + 1", [1], "a number"), ("Off", [], "a text")):
        with pytest.raises(EvaluationError, match=f"expected true or false, got {shown}"):
            Expression.parse(text).condition(operands)
    with pytest.raises(EvaluationError, match="is not valid"):
        Expression.parse("{1} > 2").condition([None])


# -- hostile texts: refused before there is work ----------------------------------------------------------------------


def work(function):
    """Return how many functions were called by `function` and below."""
    calls = 0

    def count(_frame, event, _argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        function()
    except (ParseError, EvaluationError):
        pass
    finally:
        sys.setprofile(before)
    return calls


HOSTILE = [
    "__import__('os').system('true')",
    "{1}.__class__.__mro__",
    "().__class__",
    "[x for x in {1}]",
    "lambda: 0",
    "eval('1')",
    "1; 2",
    "{1} := 5",
    "`id`",
    "$(id)",
    "%s" * 5000,
    "(" * 10_000,
    "(" * 4_000 + "1" + ")" * 4_000,
    "-" * 9_999 + "1",
    "not " * 2_000 + "1",
    "2" + " ** 2" * 1_900,
    "if(" * 3_000,
    "max(1," * 1_500,
    "1" * 9_999,
    "1" + "+1" * 4_900,
    "0x" + "f" * 9_000,
    "1e" + "9" * 9_000,
    "'" + "a" * 9_000,
    "{1}" * 3_000,
    "a" * 1_000_000,
    "1 + " * 250_000 + "1",
    "\x00" * 100,
    "\u202e1 + 1",
    "\ud800",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:20]))
def test_hostile_texts_are_refused_with_little_work(text):
    with pytest.raises(ParseError) as caught:
        Expression.parse(text)
    assert len(str(caught.value)) < 200
    assert "\n" not in str(caught.value)
    assert len(caught.value.caret) < 200
    assert work(lambda: Expression.parse(text)) < 50 * MAX_NODES


def test_a_long_text_is_not_even_looked_at():
    assert work(lambda: Expression.parse("1 + " * 250_000 + "1")) < 20


def test_the_limits_are_what_they_say():
    def accepted(text):
        try:
            return Expression.parse(text).evaluate([]) is not None
        except ParseError:
            return False

    assert accepted("1" + " " * (MAX_LENGTH - 1))
    assert not accepted("1" + " " * MAX_LENGTH)
    assert accepted("(" * (MAX_NESTING - 1) + "1" + ")" * (MAX_NESTING - 1))
    assert not accepted("(" * MAX_NESTING + "1" + ")" * MAX_NESTING)
    assert accepted("1" + "+1" * (MAX_NODES // 2 - 1))
    assert not accepted("1" + "+1" * (MAX_NODES // 2))


def test_long_and_deep_expressions_are_evaluated():
    assert value("+".join(["{1}"] * 500), 2) == 1000
    assert value("(1+" * 49 + "{1}" + ")" * 49, 5) == 54
    assert value("not " * 98 + "{1}", True) is True
    assert value("-" * 98 + "{1}", 5) == 5
    assert value(" or ".join(["{1}"] * 400), False) is False
    assert value("if(" * 99 + "{1}" + ", 1, 0)" * 99, True) == 1
    assert str(Expression.parse("(1-(" * 30 + "{1}" + "))" * 30)).count("(") == 29
    with pytest.raises(EvaluationError, match="is not valid"):
        value("(1+" * 49 + "{1}" + ")" * 49, None)


def test_large_results_are_bounded_before_they_are_computed():
    for text in ("9 ** 9 ** 9 ** 9", "{1} ** {1} ** {1}", "(((2 ** 1000) ** 1000) ** 1000)", "99 ** 99999999"):
        assert work(lambda text=text: value(text, 9)) < 3_000
    # Each factor is within bounds; what they make together is too large for a result, and not for Python.
    with pytest.raises(EvaluationError, match="too large"):
        value(" * ".join(["2 ** 1000"] * 200))
