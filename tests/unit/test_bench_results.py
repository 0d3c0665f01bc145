"""From samples to medians, ratios, verdicts, tables and files."""

import dataclasses

import pytest

from tools.bench.report import Report
from tools.bench.row import LOSES_NOTHING, Figure, Measured, Row, Sample, Subject, at_least, at_most
from tools.bench.verdict import arrivals, results, verdicts


def never(_bench):
    raise AssertionError("nothing is run here")


ROW = Row(
    name="pair",
    title="a pair",
    figures=(Figure("rate", "msg/s", "rate"), Figure("p50", "us", "p50")),
    subjects=tuple(Subject(label, never) for label in ("ours", "fast", "slow", "odd")),
    requirements=(at_least("rate", 0.5, "fast"), at_most("p50", 2, "slow"), at_most("p50", 12), LOSES_NOTHING),
    note="How it is done.",
)


def sample(rate, p50, sent=100, arrived=100):
    return Sample({"rate": rate, "p50": p50}, sent, arrived)


def measured(**changed):
    samples = {
        "ours": [sample(100, 10), sample(400, 30), sample(300, 11)],
        "fast": [sample(500, 1)],
        "slow": [sample(10, 6, sent=10, arrived=7), sample(20, 4, sent=10, arrived=6)],
    }
    return Measured(ROW, {**samples, **changed})


def test_a_figure_is_the_median_of_its_runs():
    rate, p50, _ = results(measured())
    assert (rate.name, rate.ours, rate.peers, rate.runs) == ("a pair: rate", 300, {"fast": 500, "slow": 15}, 3)
    assert (p50.ours, p50.peers) == (11, {"fast": 1, "slow": 5})


def test_losses_are_summed_for_a_median_could_hide_them():
    *_, lost = results(measured(ours=[sample(1, 1), sample(1, 1), sample(1, 1, sent=100, arrived=99)]))
    assert (lost.name, lost.ours, lost.peers) == ("a pair: lost", 1, {"fast": 0, "slow": 7})


def test_every_row_says_how_many_of_the_sent_arrived():
    assert arrivals(measured()) == {"ours": (300, 300), "fast": (100, 100), "slow": (20, 13)}


def test_requirements_are_judged_by_ratio_or_by_value():
    judged = {(each.requirement.against, each.result.figure.key): each for each in verdicts(results(measured()))}
    assert judged["fast", "rate"].measured == pytest.approx(0.6)
    assert judged["slow", "p50"].measured == pytest.approx(2.2)
    assert {key: each.met for key, each in judged.items()} == {
        ("fast", "rate"): True,
        ("slow", "p50"): False,
        (None, "p50"): True,
        (None, "lost"): True,
    }


@pytest.mark.parametrize("bound", [0.6, 0.61])
def test_exactly_the_bound_is_enough(bound):
    row = dataclasses.replace(ROW, requirements=(at_least("rate", bound, "fast"),))
    (verdict,) = verdicts(results(Measured(row, measured().samples)))
    assert verdict.met is (bound == 0.6)


def test_what_was_not_measured_is_neither_met_nor_missed():
    without_ours = measured(ours=[])
    without_ours.samples.pop("fast")
    assert {each.met for each in verdicts(results(without_ours))} == {None}
    without_peer = measured(fast=[])
    assert [each.met for each in verdicts(results(without_peer))] == [None, False, True, True]


def report(**changed):
    facts = {"date": "2026-11-24", "machine": "2 cores"}
    return Report([measured(**changed)], ["fast", "slow"], facts, {"odd": "not installed: the program odd"})


def cells(line):
    return [cell for cell in line.split("  ") if cell.strip()]


def test_the_table_shows_figures_ratios_and_what_is_missing():
    text = report().text()
    lines = {tuple(map(str.strip, cells(line))) for line in text.splitlines()}
    assert ("a pair: rate", "msg/s", "300", "500", "15", "all of 300; slow 13 of 20", "3") in lines
    assert ("a pair: p50", "us", "11", "1", "5", "3") in lines
    assert ("a pair: rate", "at least 0.5 x fast", "0.60 x", "yes") in lines
    assert ("a pair: p50", "at most 2 x slow", "2.20 x", "no") in lines
    assert ("a pair: lost", "at most 0 messages", "0 messages", "yes") in lines
    assert text.endswith("skipped: odd: not installed: the program odd")


def test_a_peer_without_a_column_stands_beside():
    assert "odd 7" in report(odd=[sample(7, 1)]).text()


def test_a_figure_that_was_not_measured_is_a_dash_and_unknown():
    text = report(ours=[]).text()
    assert "not measured" in text
    assert cells(next(line for line in text.splitlines() if line.startswith("a pair: p50")))[2].strip() == "-"


def test_the_page_has_the_tables_and_how_to_read_them():
    page = report().document()
    assert "| a pair: rate | msg/s | 300 | 500 | 15 |  | all of 300; slow 13 of 20 | 3 |" in page
    assert "| a pair: p50 | at most 2 x slow | 2.20 x | no |" in page
    assert "2026-11-24" in page
    assert "- machine: 2 cores" in page
    assert "- skipped: odd: not installed: the program odd" in page
    assert "- *a pair*: How it is done." in page


def test_programs_get_a_list_of_figures():
    assert report().json() == [
        {"name": "a pair: rate", "unit": "msg/s", "ours": 300, "peers": {"fast": 500, "slow": 15}, "runs": 3},
        {"name": "a pair: p50", "unit": "us", "ours": 11, "peers": {"fast": 1, "slow": 5}, "runs": 3},
        {"name": "a pair: lost", "unit": "messages", "ours": 0, "peers": {"fast": 0, "slow": 7}, "runs": 3},
    ]
