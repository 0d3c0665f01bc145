"""Texts to trees: precedence, words, errors that name the place (engine.md 1.4)."""

from __future__ import annotations

import pytest

from ess_bus.expression import Expression, Kind, ParseError, UnknownOperand


def value(text, *operands):
    return Expression.parse(text, len(operands)).evaluate(operands)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.5 - 0.2", 1.3),
        ("-1 + 5 - -2", 6),
        ("5 * 2 ** 2", 20),
        ("20 + 8 / 2 * ( 3 + 4 ) - ( 20 / 10 * 2 ) ** 2", 32),
        ("max(1, min(3, -1))", 1),
        ("if(0, (10 * 2), (50 / if(true, 2, 5)))", 25),
        ("~ -13", 12),
        ("13 << 2", 52),
    ],
)
def test_the_originals_own_tests_of_numbers_hold(text, expected):
    assert value(text) == pytest.approx(expected, abs=1e-12)


def test_the_originals_own_tests_of_operands_and_texts_hold():
    assert value("sqrt({1} + max(4, {2}))", 9, 16) == 5
    assert value("if((hi != hello), yes, no)") == "yes"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # One pair of neighbouring levels after the other, loose to tight.
        ("1 or 0 and 0", True),
        ("0 and 1 | 1", False),
        ("1 | 1 ^ 1", 1),
        ("3 ^ 2 & 6", 1),
        ("3 & 1 == 1", 1),
        ("0 == 2 > 1", False),
        ("1 < 1 << 1", True),
        ("1 << 1 + 1", 4),
        ("2 + 3 * 4", 14),
        ("2 * 3 ** 2", 18),
        # Unary operators are tighter than all others.
        ("-2 ** 2", 4),
        ("not 1 == 0", True),
        ("~1 ** 2", 4),
        ("!1 + 1", 1),
        ("2 ** -1", 0.5),
        ("- - 3", 3),
        ("+3", 3),
        ("not not 5", True),
        # Of one level: from the left, and ** from the right.
        ("10 - 3 - 2", 5),
        ("100 / 5 / 2", 10.0),
        ("2 ** 3 ** 2", 512),
        ("256 >> 2 << 1", 128),
        ("7 % 4 * 2", 6),
    ],
)
def test_what_binds_tighter(text, expected):
    result = value(text)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize("operator", ["and", "&&"])
def test_and_has_two_spellings(operator):
    assert [value(f"{{1}} {operator} {{2}}", a, b) for a in (False, True) for b in (False, True)] == [0, 0, 0, 1]


@pytest.mark.parametrize("operator", ["or", "||"])
def test_or_has_two_spellings(operator):
    assert [value(f"{{1}}{operator}{{2}}", a, b) for a in (False, True) for b in (False, True)] == [0, 1, 1, 1]


def test_spaces_are_needed_only_between_words():
    assert value("{1}-{2}", 5, 3) == value("{1} -{2}", 5, 3) == value("  {1}\t-\n{2} ", 5, 3) == 2
    assert value("{1}-2", 5) == value("{1} -2", 5) == 3
    assert value("5-2") == 3
    assert value("{1}--2", 5) == 7
    assert value("not{1}and!{2}or({3}==Off)", True, False, "Off") is True
    assert value("max({1},{2})-1", 1, 5) == 4
    assert value("if ( {1}==1 ,{2},{3} )", 1, "a", "b") == "a"


def test_a_minus_before_an_operand_negates_it():
    assert value("-{1}", 5) == -5
    assert value("-{1}", -5) == 5
    assert value("2 - -{1}", 5) == 7


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e3", 1000.0),
        ("0x1F", 31),
        ("1.5E-2", 0.015),
        (".5", 0.5),
        ("2.", 2.0),
        ("007", 7),
        ("0xffffffffffffffff", 2**64 - 1),
    ],
)
def test_numbers(text, expected):
    result = value(text)
    assert result == expected
    assert type(result) is type(expected)


def test_a_long_number_is_a_float():
    assert value("123456789012345678901") == 123456789012345678901.0


def test_words_are_texts_and_a_hyphen_inside_belongs_to_them():
    for text in ("On-grid", "Off", "FollowPQ", "black-start-2", "_x1", "nan", "inf", "True", "Not-ready"):
        assert value(text) == text
        assert value(f"{{1}} == {text}", text) is True
        assert value(f"{{1}}!={text}", "other") is True


def test_other_texts_are_quoted():
    assert value("{1} == 'On grid'", "On grid") is True
    assert value('{1} == "it\'s"', "it's") is True
    assert value("{1} == '4'", "4") is True
    assert value("{1} == 'true'", "true") is True
    assert value("{1} == 'Zurück — 20 °C'", "Zurück — 20 °C") is True
    assert value("''") == ""


def test_chained_comparisons_mean_what_they_say():
    band = "({1} - {3}) <= {2} <= ({1} + {3})"
    assert [value(band, 10, middle, 2) for middle in (7, 8, 12, 13)] == [False, True, True, False]
    assert value("1 < 3 > 2") is True
    assert value("1 == 1 != 2") is True
    assert value("{1} == {2} == Off", "Off", "Off") is True


def test_bools_compare_as_bools():
    assert [value("{1} == true", operand) for operand in (True, False)] == [True, False]
    assert [value("{1} != true", operand) for operand in (True, False)] == [False, True]
    assert [value("{1} == 1", operand) for operand in (True, False)] == [True, False]
    assert value("{1} + {2}", True, True) == 2


def test_an_expression_knows_what_it_uses_and_gives():
    expression = Expression.parse("{3} * {1} + {3}")
    assert expression.operands == (1, 3)
    assert expression.text == "{3} * {1} + {3}"
    kinds = {"{1} + 1": "number", "{1} > 0": "bool", "not {1}": "bool", "Off": "text", "{1}": "any"}
    assert {text: Expression.parse(text).kind for text in kinds} == kinds
    assert Expression.parse("if({1}, yes, no)").kind is Kind.TEXT
    assert Expression.parse("if({1}, yes, 2)").kind is Kind.ANY


def test_expressions_are_values():
    assert Expression.parse("{1} + 1", 1) == Expression.parse("{1} + 1")
    assert len({Expression.parse("{1}"), Expression.parse("{1}"), Expression.parse("{2}")}) == 2


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("({1}+({2}*3))", "{1} + {2} * 3"),
        ("({1}+{2})*3", "({1} + {2}) * 3"),
        ("1-(2-3)", "1 - (2 - 3)"),
        ("!{1}&&({2}||{3})", "not {1} and ({2} or {3})"),
        ("(2**3)**2", "(2 ** 3) ** 2"),
        ("-(1+2)", "-(1 + 2)"),
        ("(-2)**2", "-2 ** 2"),
        ("-(2**2)", "-(2 ** 2)"),
        ("{1}=='On-grid'", "{1} == On-grid"),
        ("{1}=='true'", "{1} == 'true'"),
        ("(1<2)<3", "(1 < 2) < 3"),
        ("if({1},max(1,2),'a b')", "if({1}, max(1, 2), 'a b')"),
        ("0x10", "16"),
    ],
)
def test_the_canonical_text(text, canonical):
    assert str(Expression.parse(text)) == canonical
    assert str(Expression.parse(canonical)) == canonical


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("", 1, "expected a value, but the text ends"),
        ("1 +", 4, "expected a value, but the text ends"),
        ("(1 + 2", 7, "expected ')', but the text ends"),
        ("1 + )", 5, "expected a value, got ')'"),
        ("1 2", 3, "expected an operator or the end, got '2'"),
        ("{1} {2}", 5, "expected an operator or the end, got '{2}'"),
        ("hi there", 4, "expected an operator or the end, got 'there' (a text of several words needs quotes)"),
        ("{1} AND {2}", 5, "expected an operator or the end, got 'AND' (write and)"),
        ("1 $ 1", 3, "'$' (U+0024) has no meaning here"),
        ("{1} = 1", 5, "'=' is not an operator; equality is written =="),
        ("{1}.real", 4, "'.real' is not a number"),
        ("5V", 1, "'5V' is not a number"),
        ("1..2", 1, "'1..2' is not a number"),
        ("0x", 1, "'0x' is not a number"),
        ("1e999", 1, "1e999 is beyond all numbers"),
        ("0x1ffffffffffffffff", 1, "has more than 64 bits"),
        ("{x}", 1, "expected an operand as {1}"),
        ("{12345}", 1, "expected an operand as {1}"),
        ("{0}", 1, "operands are numbered from {1}"),
        ("1 + 'a", 5, "the text that begins here has no closing '"),
        ("'a\x00b'", 3, "U+0000 in a text"),
        ("{1}\x00", 4, "U+0000 has no meaning here"),
        ("'a\u202eb'", 3, "U+202E in a text"),
        ("{1} == \u0410", 8, "(U+0410) has no meaning here"),
        ("\uff11 + 1", 1, "(U+FF11) has no meaning here"),
        ("1\u00a0+ 1", 2, "U+00A0 has no meaning here"),
        ("{1} == ##PCS_NUM##", 8, "##PCS_NUM## stands for something that no template has put in"),
        ("max(1)", 1, "max takes at least 2 values, not 1"),
        ("sqrt(1, 2)", 1, "sqrt takes 1 values, not 2"),
        ("if(1, 2)", 1, "if takes 3 values, not 2"),
        ("max 1", 5, "expected '(' after max, got '1'"),
        ("max(1 2)", 7, "expected ',' or ')', got '2'"),
        ("pow(1, 2)", 1, "there is no function pow; there are if, max, min, sqrt"),
        ("Off - 1", 1, "'Off' is a text, but '-' takes numbers (operands are written {1})"),
        ("On/Off", 1, "'On' is a text, but '/' takes numbers"),
        ("{1} and Ready", 9, "'Ready' is a text, but 'and' takes true or false"),
        ("{1} < Ready", 7, "'Ready' is a text, but '<' takes numbers"),
        ("not Ready", 5, "'Ready' is a text, but 'not' takes true or false"),
        ("if(Ready, 1, 2)", 4, "'Ready' is a text, but 'if' takes true or false"),
        ("if({1}, a, b) + 1", 1, "this is a text, but '+' takes numbers"),
        ("not {1} == Off", 9, "'not' is tighter than '==': write not (... == ...)"),
        ("1 == Off", 3, "a text never equals a number"),
        ("true-1", 1, "'true-1' begins with 'true': put a space before the '-'"),
    ],
)  # fmt: skip
def test_errors_name_the_place(text, column, reason):
    with pytest.raises(ParseError) as caught:
        Expression.parse(text)
    assert reason in str(caught.value)
    assert str(caught.value).endswith(f", at column {column}")
    assert "\n" not in str(caught.value)
    assert caught.value.column == column
    assert caught.value.caret.split("\n")[1] == " " * (column - 1) + "^"


def test_an_operand_that_there_is_not_is_its_own_error():
    with pytest.raises(
        UnknownOperand, match=r"there is no operand \{3\}: the operands are \{1\} to \{2\}, at column 7"
    ):
        Expression.parse("{1} + {3}", 2)
    with pytest.raises(UnknownOperand, match="there are no operands"):
        Expression.parse("{1}", 0)
    assert Expression.parse("{3}").operands == (3,)


def test_the_caret_stands_under_the_place_in_a_long_text_too():
    with pytest.raises(ParseError) as caught:
        Expression.parse("1 + " * 50 + "? + 1" + " + 1" * 50)
    shown, caret = caught.value.caret.split("\n")
    assert shown.startswith("...")
    assert shown.endswith("...")
    assert shown[caret.index("^")] == "?"
