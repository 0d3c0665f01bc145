"""The registry of rows, and running one."""

import pytest

from ess_bus.errors import EssError
from tools.bench import registry
from tools.bench.peers.base import System
from tools.bench.processes import Bench
from tools.bench.row import LOST, Figure, Row, Sample, Subject
from tools.bench.runner import run
from tools.bench.scale import Scale


@pytest.mark.parametrize("row", registry.rows(), ids=lambda row: row.name)
def test_a_row_asks_for_what_it_measures(row):
    figures = {figure.key for figure in row.figures} | {LOST}
    others = {subject.label for subject in row.subjects[1:]}
    assert row.ours not in others
    assert {requirement.figure for requirement in row.requirements} <= figures
    assert {requirement.against for requirement in row.requirements} - {None} <= others


def test_names_and_titles_are_taken_once():
    rows, systems = registry.rows(), registry.systems()
    assert len({row.name for row in rows}) == len({row.title for row in rows}) == len(rows)
    assert len({system.name for system in systems}) == len(systems)


def never(_argument):
    raise AssertionError("nothing is started here")


def test_what_is_not_installed_is_named():
    system = System("odd", launch=never, client=never, program="no-such-server", packages=("no-such-client", "pyzmq"))
    assert system.missing() == "the program no-such-server and the package no-such-client"
    assert registry.systems()[0].missing() == ""


def subject(label, log, error=None, **more):
    def measure(_bench):
        log.append(label)
        if error and log.count(label) == 2:
            raise error
        return Sample({"rate": 1.0}, 1, 1)

    return Subject(label, measure, **more)


def measured(*subjects, runs=3, **more):
    row = Row("row", "a row", (Figure("rate", "msg/s"),), subjects, **more)
    said: list[str] = []
    return run(row, Bench(Scale()), runs=runs, say=said.append), said


def test_subjects_are_measured_in_turn():
    log: list[str] = []
    result, said = measured(subject("ours", log), subject("peer", log), runs=2, repeat=2)
    assert log == ["ours", "peer"] * 4
    assert {label: len(samples) for label, samples in result.samples.items()} == {"ours": 4, "peer": 4}
    assert said[-1] == "a row [4/4]: ours 1 msg/s, peer 1 msg/s"


def test_what_takes_long_is_measured_less_often():
    log: list[str] = []
    measured(subject("ours", log), most_runs=1)
    assert log == ["ours"]


def test_a_subject_that_fails_is_left_out_and_the_others_go_on():
    log: list[str] = []
    result, _ = measured(subject("ours", log), subject("peer", log, EssError("it broke")))
    assert log == ["ours", "peer", "ours", "peer", "ours"]
    assert result.failures == {"peer": "it broke"}
    assert len(result.samples["peer"]) == 1


def test_a_subject_that_is_not_installed_is_not_run():
    log: list[str] = []
    result, _ = measured(subject("ours", log), subject("peer", log, missing="the program peer"), runs=1)
    assert log == ["ours"]
    assert result.failures == {"peer": "not installed: the program peer"}
