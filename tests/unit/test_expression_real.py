"""The expressions of real sites (engine.md 1.7), each with results that were worked out by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ess_bus.expression import Expression
from tests.real_files import SHARED
from tools.bench.expressions import CASES

REAL = SHARED.parent / "ess_controller"
T, F = True, False
TABLE: list[tuple[str, list[tuple[list[Any], Any]]]] = [
    ("{1} * 1.05", [([100], 105), ([0], 0), ([-20], -21)]),
    ("{1} * 2 ** 16 + {2}", [([0, 7], 7), ([1, 0], 65536), ([3, 5], 196613)]),
    ("{1} or {2}", [([F, F], F), ([F, T], T), ([T, F], T), ([0, 2], T)]),
    ("{1} and {2}", [([T, T], T), ([T, F], F), ([F, T], F)]),
    ("{1}", [([5], 5), ([T], T), (["Off"], "Off"), ([2.5], 2.5)]),
    ("{1} * -0.000007 + 1.0032", [([0], 1.0032), ([100], 1.0025)]),
    ("{1} * -0.000004 + 1.0037", [([0], 1.0037), ([100], 1.0033)]),
    ("not {1} and {2}", [([F, T], T), ([T, T], F), ([F, F], F)]),
    ("{1} == On-grid", [(["On-grid"], T), (["Off-grid"], F)]),
    ("{1} == Off-grid", [(["On-grid"], F), (["Off-grid"], T)]),
    ("sqrt(({1} ** 2 + {2} ** 2))", [([3, 4], 5), ([-5, 12], 13), ([0, 0], 0)]),
    (
        "{1} and {2} and ({3} == Off or {3} == Ready)",
        [([T, T, "Off"], T), ([T, T, "Ready"], T), ([T, T, "Running"], F), ([T, F, "Off"], F)],
    ),
    (
        "{1} and ({2} == Running or {2} == Ready or {2} == Starting)",
        [([T, "Running"], T), ([T, "Starting"], T), ([T, "Off"], F), ([F, "Ready"], F)],
    ),
    (
        "{1} and {2} and ({3} == Off or {3} == Running) and {4} == On-grid",
        [([T, T, "Off", "On-grid"], T), ([T, T, "Off", "Off-grid"], F), ([T, T, "Fault", "On-grid"], F)],
    ),
    ("{1} and {2} == On-grid", [([T, "On-grid"], T), ([T, "Off-grid"], F), ([F, "On-grid"], F)]),
    ("{1} and {2} == Off-grid", [([T, "Off-grid"], T), ([T, "On-grid"], F)]),
    ("{1} > 0", [([1], T), ([0], F), ([-1], F), ([0.001], T)]),
    ("{2} - {1}", [([3, 10], 7), ([10, 3], -7)]),
    ("{1} == 1", [([1], T), ([0], F), ([2], F), ([T], T), ([F], F)]),
    ("{1} * ({2} - {3})", [([2, 10, 4], 12), ([0, 1, 2], 0)]),
    ("{1} * ({2} + {3})", [([2, 10, 4], 28)]),
    ("{1} and not {2} and {3}", [([T, F, T], T), ([T, T, T], F), ([T, F, F], F)]),
    ("{1} * ({2} + {3} - {4}) * 0.001 * 1.0165 - 40.819", [([1000, 50, 5, 15], -0.159), ([0, 1, 2, 3], -40.819)]),
    ("{1} * ({2} + {3} - {4}) * 0.001 * 0.9492 + 91.519", [([1000, 50, 5, 15], 129.487), ([0, 1, 2, 3], 91.519)]),
    ("if(({1} < -1000), ({2} + {3}), ({2} * 0.96))", [([-1001, 50, 5], 55), ([-1000, 50, 5], 48)]),
    ("if(({1} > 1000), ({2} - {3}), ({2} * 0.97))", [([1001, 100, 5], 95), ([1000, 100, 5], 97)]),
    ("if({1}, {2}, ({3} / {4}))", [([T, 1, 9, 2], 1), ([F, 1, 9, 2], 4.5), ([T, 1, 9, 0], 1), ([2, 1, 9, 2], 1)]),
    ("{1} == 0 and {2} == 3", [([0, 3], T), ([1, 3], F), ([0, 2], F)]),
    ("({1} or {4}) and not {2} and {3}", [([F, F, T, T], T), ([T, F, T, F], T), ([F, F, T, F], F), ([T, T, T, T], F)]),
    ("(not {1} or {3}) and {2}", [([F, T, F], T), ([T, T, F], F), ([T, T, T], T), ([F, F, T], F)]),
    ("not {1} and {2} and {3} == 0", [([F, T, 0], T), ([F, T, 1], F), ([T, T, 0], F)]),
    ("{1} and {2} and {3} == 0", [([T, T, 0], T), ([T, T, 4], F), ([T, F, 0], F)]),
    ("{1} or {2} or {3} > 0", [([F, F, 0], F), ([F, F, 1], T), ([F, T, 0], T)]),
    (
        "{1} and ({2} == Stop or {2} == Fault) and {3} == FollowPQ",
        [([T, "Stop", "FollowPQ"], T), ([T, "Fault", "FollowPQ"], T), ([T, "x", "FollowPQ"], F), ([T, "Stop", "x"], F)],
    ),
    ("{1} and ({2} != Stop and {2} != Fault)", [([T, "Run"], T), ([T, "Stop"], F), ([T, "Fault"], F), ([F, "Run"], F)]),
    ("if(({1} >= 2), (2), ({2}))", [([2, 9], 2), ([1, 9], 9)]),
    ("{1} * {2} * 0.001 * 1.0165 - 40.819", [([1000, 40], -0.159)]),
    ("{1} * {2} * 0.001 * 0.9492 + 91.519", [([1000, 40], 129.487)]),
    ("if( ({1} == 1), {2}, {3} )", [([1, "a", "b"], "a"), ([0, 4, 6], 6)]),
    (
        "( {1} + {2} + {3} + {4} + {5} + {6} + {7} + {8} + {9} ) / {10}",
        [([1, 2, 3, 4, 5, 6, 7, 8, 9, 9], 5), ([0] * 9 + [3], 0)],
    ),
    ("{1} or {2} > 0", [([F, 0], F), ([F, 1], T), ([T, 0], T)]),
    ("if({1}, ({2} - 0), {3} / {4})", [([T, 7, 9, 2], 7), ([F, 7, 9, 2], 4.5)]),
    ("{1} >= 2.5 and {1} <= 4", [([2.4], F), ([2.5], T), ([4], T), ([4.1], F)]),
    ("{1} * -1", [([5], -5), ([-2.5], 2.5)]),
    ("{1} == 1 and {2}", [([1, T], T), ([1, F], F), ([0, T], F)]),
    ("{1} * {2} * 0.1", [([20, 3], 6)]),
    ("{1} == Off and {2} == 0", [(["Off", 0], T), (["Off", 1], F), (["On", 0], F)]),
    ("{1} == Ready and {2} == 1", [(["Ready", 1], T), (["Ready", 0], F)]),
    # As the template writes it, ##PCS_NUM## replaced.
    ("if (({1} == 2), {2}, -1)", [([2, 40], 40), ([1, 40], -1)]),
    ("if (({1} != 0 and {1} >= {2}), 2, {3})", [([5, 4, 9], 2), ([0, -1, 9], 9), ([3, 4, 9], 9)]),
    ("{1} > -1", [([0], T), ([-1], F)]),
    ("{2} >= {1} and {1} >= (-1 * {2})", [([20, 30], T), ([-30, 30], T), ([-31, 30], F), ([31, 30], F)]),
    ("{1} == Closed and {2} and {3} == Stop", [(["Closed", T, "Stop"], T), (["Opened", T, "Stop"], F)]),
    (
        "{1} == Closed and {2} and ({3} == Fault or {3} == Stop)",
        [(["Closed", T, "Fault"], T), (["Closed", T, "Run"], F), (["Closed", F, "Stop"], F)],
    ),
    (
        "{1} == Closed and {2} and ({3} == Stop or {3} == Standby)",
        [(["Closed", T, "Standby"], T), (["Closed", T, "Fault"], F)],
    ),
    (
        "{1} == Opened and not {2} and {3} and ({4} == Fault or {4} == Stop)",
        [(["Opened", F, T, "Stop"], T), (["Opened", T, T, "Stop"], F), (["Opened", F, T, "Run"], F)],
    ),
    (
        "{1} or {2} or ({3} != 0) or ({4} != 0)",
        [([F, F, 0, 0], F), ([F, F, 0, 1], T), ([F, F, -1, 0], T), ([T, F, 0, 0], T)],
    ),
    (
        "({1} and {2} != Stop) or {3} != FollowPQ",
        [([T, "Run", "FollowPQ"], T), ([T, "Stop", "FollowPQ"], F), ([F, "Stop", "x"], T)],
    ),
    (
        "{1} and ({2} == Stop or {2} == Fault) and {3} != FollowPQ",
        [([T, "Stop", "x"], T), ([T, "Stop", "FollowPQ"], F), ([T, "Run", "x"], F)],
    ),
    # Of the commands.
    ("{1} == Off or {1} == Fault", [(["Off"], T), (["Fault"], T), (["Ready"], F)]),
    (
        "(({1} == Off and {2}) or {1} == Ready) and ({3} == On-grid or {3} == Off-grid)",
        [(["Off", T, "On-grid"], T), (["Off", F, "On-grid"], F), (["Ready", F, "Off-grid"], T), (["Ready", F, "x"], F)],
    ),
    ("{1} >= 55 and {1} <= 65", [([60], T), ([54.9], F), ([66], F)]),
    ("({1} - {3}) <= {2} <= ({1} + {3})", [([10, 9, 2], T), ([10, 7, 2], F), ([10, 13, 2], F)]),
]  # fmt: skip
ROWS = [(text, operands, expected) for text, cases in TABLE for operands, expected in cases]


@pytest.mark.parametrize(("text", "operands", "expected"), ROWS)
def test_it_gives_what_was_worked_out_by_hand(text, operands, expected):
    result = Expression.parse(text, len(operands)).evaluate(operands)
    assert result == pytest.approx(expected, abs=1e-9) if not isinstance(expected, str) else result == expected
    assert isinstance(result, bool) is isinstance(expected, bool)


def test_all_of_them_are_here():
    assert len({text for text, _ in TABLE}) == len(TABLE) == 59 + 4


@pytest.mark.parametrize("text", [text for text, _ in TABLE])
def test_spaces_do_not_matter(text):
    squeezed = "".join(text.split(" ")) if not {"and", "or", "not"} & set(text.split()) else text
    assert str(Expression.parse(squeezed)) == str(Expression.parse(text))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text)
def test_what_the_benchmark_evaluates_is_right(case):
    assert Expression.parse(case.text, len(case.operands)).evaluate(case.operands) == case.result


def expressions_in(document):
    if isinstance(document, dict):
        if isinstance(document.get("expression"), str):
            yield document["expression"], document.get("numVars")
        document = list(document.values())
    if isinstance(document, list):
        for each in document:
            yield from expressions_in(each)


@pytest.mark.skipif(not REAL.is_dir(), reason="the folder of real configurations is not here")
def test_the_expressions_of_the_real_files_are_parsed():
    found = [pair for path in REAL.glob("*.json") for pair in expressions_in(json.loads(path.read_text()))]
    assert found
    for text, operands in found:
        Expression.parse(text, operands)
