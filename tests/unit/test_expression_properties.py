"""Expressions against Python's own arithmetic, against garbage, and the two ways of evaluating against each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from ess_bus.expression import EvaluationError, Expression, ExpressionError, ParseError
from ess_bus.expression.compiled import compiled
from ess_bus.expression.explained import Explained
from ess_bus.expression.parser import parse
from ess_bus.expression.tree import LEVEL

OPERANDS = 4
UNARY = 12


@dataclass(frozen=True)
class Piece:
    """A part of an expression in both languages; `level` says how tight it is, `words` are this project's tokens."""

    words: tuple[str, ...]
    python: str
    level: int

    def inside(self, level):
        return self.words if self.level >= level else ("(", *self.words, ")")


def literal(value):
    return Piece((str(value),), str(value), UNARY)


def operand(number):
    return Piece((f"{{{number}}}",), f"v[{number - 1}]", UNARY)


def binary(operator, left, right):
    level = LEVEL[operator]
    tight = (level + 1, level) if operator == "**" else (level, level + 1)
    if operator in ("<", "<=", ">", ">=", "==", "!="):
        tight = (level + 1, level + 1)
    words = (*left.inside(tight[0]), operator, *right.inside(tight[1]))
    match operator:
        case "%":
            return Piece(words, f"fmod({left.python}, {right.python})", level)
        case "and" | "or":
            # One term may decide where the other fails; Python's own operators do not know that.
            return Piece(words, f"joined({operator == 'or'}, lambda: {left.python}, lambda: {right.python})", level)
    return Piece(words, f"({left.python}) {operator} ({right.python})", level)


def chained(first, second, terms):
    level = LEVEL["<"]
    words = (*terms[0].inside(level + 1), first, *terms[1].inside(level + 1), second, *terms[2].inside(level + 1))
    return Piece(words, f"({terms[0].python}) {first} ({terms[1].python}) {second} ({terms[2].python})", level)


def power(base, exponent):
    return binary("**", base, literal(exponent))


def unary(operator, term):
    return Piece((operator, *term.inside(UNARY)), f"({operator} ({term.python}))", UNARY)


def call(name, first, second):
    return Piece((name, "(", *first.words, ",", *second.words, ")"), f"{name}({first.python}, {second.python})", UNARY)


def choice(condition, then, otherwise):
    words = ("if", "(", *condition.words, ",", *then.words, ",", *otherwise.words, ")")
    return Piece(words, f"(({then.python}) if ({condition.python}) else ({otherwise.python}))", UNARY)


def joined(decisive, *terms):
    failure = None
    for term in terms:
        try:
            if bool(term()) is decisive:
                return decisive
        except ZeroDivisionError as error:
            failure = failure or error
    if failure:
        raise failure
    return not decisive


def remainder(value, divisor):
    return math.fmod(value, divisor) if divisor else value % divisor


def grown(below):
    ordered = st.sampled_from(["<", "<=", ">", ">="])
    operators = st.sampled_from(["+", "-", "*", "/", "%", "<", "<=", ">", ">=", "==", "!=", "and", "or"])
    return st.one_of(
        st.builds(binary, operators, below, below),
        st.builds(binary, operators, below, below),
        st.builds(chained, ordered, ordered, st.tuples(below, below, below)),
        st.builds(power, below, st.integers(0, 3)),
        st.builds(unary, st.sampled_from(["-", "not"]), below),
        st.builds(call, st.sampled_from(["max", "min"]), below, below),
        st.builds(choice, below, below, below),
    )


LITERALS = st.one_of(st.integers(0, 50), st.sampled_from([0.5, 1.25, 3.0, 0.001, 1e3, 1e-7])).map(literal)
PIECES = st.recursive(st.one_of(LITERALS, st.integers(1, OPERANDS).map(operand)), grown, max_leaves=10)
NUMBERS = st.one_of(st.integers(-20, 20), st.floats(-100, 100).map(lambda value: round(value, 3)), st.booleans())
SPACES = st.lists(st.sampled_from(["", " ", "\t", "  \n"]), min_size=1, max_size=12)


def spaced(words, spaces):
    """Join words; space is left out where it is chosen to be and two words do not grow together."""
    text = words[0]
    for index, word in enumerate(words[1:]):
        space = spaces[index % len(spaces)]
        grows = (text[-1].isalnum() or text[-1] in ".") and (word[0].isalnum() or word[0] in ".-")
        text += (space or (" " if grows else "")) + word
    return text


def outcome(function):
    try:
        return function()
    except (ZeroDivisionError, EvaluationError):
        return "failed"


@given(PIECES, st.lists(NUMBERS, min_size=OPERANDS, max_size=OPERANDS), SPACES)
@settings(max_examples=300, deadline=None)
def test_arithmetic_is_pythons_whatever_the_spaces(piece, operands, spaces):
    known = {"__builtins__": {}, "v": operands, "fmod": remainder, "max": max, "min": min, "joined": joined}
    expected = outcome(lambda: eval(piece.python, known))
    expression = Expression.parse(spaced(piece.words, spaces), OPERANDS)
    got = outcome(lambda: expression.evaluate(operands))
    if "failed" in (expected, got):
        assert got == expected
    else:
        assert math.isclose(got, expected, rel_tol=1e-9, abs_tol=1e-12)


WORDS = st.sampled_from(
    [
        *("{1}", "{2}", "{3}", "{4}", "1", "0", "2.5", "1e308", "0x10", "true", "false", "Off", "On-grid", "'a b'"),
        *("+", "-", "*", "/", "%", "**", "<<", ">>", "<", "<=", ">", ">=", "==", "!=", "&", "^", "|", "and", "or"),
        *("not", "!", "~", "(", ")", "(", ")", ",", "if(", "max(", "min(", "sqrt("),
    ]
)
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(),
    st.floats(),
    st.sampled_from([10**400, -(10**400), 2**63, 1e308, -1e308, 0.0, -0.0]),
    st.sampled_from(["Off", "On-grid", "a b", "", "%s", "1"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=1), st.integers(), max_size=1),
)


def mixed(below):
    everything = st.sampled_from(sorted(LEVEL))
    return st.one_of(
        st.builds(binary, everything, below, below),
        st.builds(
            chained, st.sampled_from(["==", "!="]), st.sampled_from(["==", "!="]), st.tuples(below, below, below)
        ),
        st.builds(power, below, st.integers(0, 9)),
        st.builds(unary, st.sampled_from(["-", "+", "~", "not"]), below),
        st.builds(call, st.sampled_from(["max", "min"]), below, below),
        st.builds(choice, below, below, below),
    )


TEXTS = st.sampled_from(["Off", "'a b'", "true", "1e308"]).map(lambda word: Piece((word,), "", UNARY))
MIXED = st.recursive(st.one_of(LITERALS, TEXTS, st.integers(1, OPERANDS).map(operand)), mixed, max_leaves=8)
SOURCES = st.one_of(MIXED.map(lambda piece: " ".join(piece.words)), st.lists(WORDS, max_size=12).map(" ".join))


def check(error, text):
    assert "\n" not in str(error)
    assert 1 <= error.column <= len(text) + 1
    assert len(error.caret.split("\n")) == 2


@given(SOURCES, st.lists(ANYTHING, min_size=OPERANDS, max_size=OPERANDS))
@settings(max_examples=600, deadline=None)
def test_the_compiled_function_is_right_whenever_it_returns(text, operands):
    try:
        root = parse(text)
    except ParseError:
        return
    unsure = "it asks"
    fast = compiled(root, lambda _: unsure)(operands)
    if fast is unsure:
        return
    explained = Explained(text, operands).result(root)
    assert type(fast) is type(explained)
    assert fast == explained


@given(SOURCES, st.lists(ANYTHING, max_size=OPERANDS))
@settings(max_examples=400, deadline=None)
def test_a_result_is_sound_and_everything_else_an_error(text, operands):
    try:
        result = Expression.parse(text).evaluate(operands)
    except ExpressionError as error:
        check(error, text)
        return
    assert isinstance(result, bool | str) or (isinstance(result, int | float) and math.isfinite(float(result)))


@given(SOURCES)
@settings(max_examples=300, deadline=None)
def test_the_canonical_text_means_the_same(text):
    try:
        root = parse(text)
    except ParseError:
        return
    canonical = str(Expression.parse(text))
    assert parse(canonical) == root
    assert str(Expression.parse(canonical)) == canonical


@given(
    st.one_of(
        st.text(max_size=60), st.text(alphabet="{}()'\"0123456789.eExX+-*/<>=!&|~^% andortifmsq,\x00\n", max_size=60)
    )
)
@settings(max_examples=400, deadline=None)
def test_garbage_is_an_expression_or_a_parse_error(text):
    try:
        expression = Expression.parse(text)
    except ParseError as error:
        check(error, text)
        return
    assert Expression.parse(str(expression)).kind is expression.kind
