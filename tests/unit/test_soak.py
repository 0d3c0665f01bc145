"""The soak's judges: they must find a lie, a stale value, a false reply, silence and growth, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modbus_bridge.config import load_client
from modbus_bridge.config.model import RegisterType
from tools.awkward.misdeeds import Misdeed
from tools.awkward.records import Answer, Records, Written
from tools.soak import checker as judging
from tools.soak import ledger as booking
from tools.soak import pace as pacing
from tools.soak import site
from tools.soak.checker import Checker
from tools.soak.findings import Findings
from tools.soak.ledger import JUDGE_AFTER_S, Ledger, Order, Reply
from tools.soak.log import is_error
from tools.soak.memory import Growth, Memory
from tools.soak.pace import Pace
from tools.soak.site import Variable

HOLDING, COIL = RegisterType.HOLDING, RegisterType.COIL
PLAIN = Variable("c", "plain", 1, HOLDING, 10)
LONG = Variable("c", "long", 1, HOLDING, 11, size=2, signed=True)
SCALED = Variable("c", "scaled", 1, HOLDING, 13, scale=10)
SWITCH = Variable("c", "switch", 1, COIL, 0)
BODY = {"component_connected": True, "plain": 5, "long": -2, "scaled": 0.7, "switch": True}


class World:
    """A checker of one component, and a device that said what makes `BODY` true at 100 s."""

    def __init__(self, **answer: Any) -> None:
        self.records = Records()
        self.findings = Findings()
        variables = (PLAIN, LONG, SCALED, SWITCH)
        self.checker = Checker(variables, self.records, self.findings, window_s=1.5, dead="dead")
        self.records.answered(Answer(100.0, 1, HOLDING, 10, (5, 0xFFFF, 0xFFFE, 7), **answer))
        self.records.answered(Answer(100.0, 1, COIL, 0, (1,)))

    def take(self, now_s: float = 100.1, **changed: Any) -> dict[str, int]:
        self.checker.take("c", BODY | changed, now_s)
        return dict(self.findings.counts)


def test_what_is_true_is_no_finding() -> None:
    world = World()
    assert world.take() == {}
    assert (world.checker.true, world.checker.marked) == (4, 0)
    assert world.checker.seen == {PLAIN, LONG, SCALED, SWITCH}
    assert world.checker.ages_s(50, 100) == pytest.approx([0.1, 0.1], abs=0.011)


def test_what_is_marked_is_no_finding() -> None:
    world = World()
    assert world.take(plain=None, long=None) == {}
    nothing = dict.fromkeys(("plain", "long", "scaled", "switch"))
    assert world.take(now_s=500.0, component_connected=False, **nothing) == {}
    assert (world.checker.true, world.checker.marked) == (2, 6)
    assert world.checker.connected == {"c": False}


@pytest.mark.parametrize("lie", [{"plain": 6}, {"plain": 0xFFFF}, {"long": 7}, {"scaled": 7}, {"switch": False}])
def test_a_lie_is_found(lie: dict[str, Any]) -> None:
    assert World().take(**lie) == {judging.LIE: 1}


@pytest.mark.parametrize("wrong", [{"plain": True}, {"switch": 1}, {"plain": "5"}, {"plain": {"value": 5}}])
def test_a_value_of_the_wrong_type_is_a_lie(wrong: dict[str, Any]) -> None:
    world = World()
    world.records.answered(Answer(100.0, 1, HOLDING, 10, (1,)))
    assert world.take(**wrong) == {judging.LIE: 1}


def test_a_stale_value_is_found() -> None:
    world = World()
    assert world.take(now_s=101.4) == {}
    assert world.take(now_s=101.6) == {judging.STALE: 4}
    assert "which the device said 1.60 s ago" in world.findings.lines()[1]


@pytest.mark.parametrize("misdeed", [Misdeed.LATE, Misdeed.WRONG_TRANSACTION, Misdeed.SHORT])
def test_a_value_from_a_wrong_answer_is_a_lie(misdeed: Misdeed) -> None:
    world = World(misdeed=misdeed)
    assert world.take() == {judging.LIE: 3}
    assert f"from an answer that was wrong ({misdeed})" in world.findings.lines()[1]


def test_a_value_of_another_unit_is_a_lie() -> None:
    world = World()
    world.records.answered(Answer(100.0, 2, HOLDING, 10, (9,)))
    assert world.take(plain=9) == {judging.LIE: 1}


def test_a_value_that_is_missing_or_survives_its_device_is_found() -> None:
    world = World()
    world.checker.take("c", {"component_connected": True}, 100.1)
    assert world.findings.counts == {judging.MISSING: 4}
    assert World().take(component_connected=None) == {judging.MISSING: 1}
    assert World().take(component_connected=False) == {judging.LIE: 4}


def test_a_dead_unit_that_is_shown_as_connected_is_found() -> None:
    findings = Findings()
    checker = Checker([Variable("dead", "d", 9, HOLDING, 0)], Records(), findings, window_s=1.5, dead="dead")
    checker.take("dead", {"component_connected": True, "d": None}, 100.0)
    assert findings.counts == {judging.FALSE_LIFE: 1}


def book(reply: Reply, *writes: Written, variable: Variable = PLAIN, words: tuple[int, ...] = (5,)) -> dict[str, int]:
    records, findings = Records(), Findings()
    ledger = Ledger(records, findings)
    ledger.add(Order(variable, words, sent_s=10.0, replied_s=11.0, reply=reply))
    for write in writes:
        records.written(write)
    ledger.judge(11.0 + JUDGE_AFTER_S / 2)
    assert not findings.counts
    ledger.judge(11.0 + JUDGE_AFTER_S)
    return dict(findings.counts)


def written(*words: int, at_s: float = 10.5, start: int = 10, table: RegisterType = HOLDING) -> Written:
    return Written(at_s, 1, table, start, words)


def test_sets_whose_reply_is_true() -> None:
    assert book(Reply.DONE, written(5)) == {}
    assert book(Reply.DONE, written(9, 5, 9, start=9)) == {}
    assert book(Reply.DONE, written(0, 5, start=11), variable=LONG, words=(0, 5)) == {}
    assert book(Reply.FAILED) == {}
    assert book(Reply.UNKNOWN) == book(Reply.UNKNOWN, written(5)) == {}
    # The second one is of a later set: a switch has two positions only.
    switched = (written(1, start=0, table=COIL), written(1, at_s=12.0, start=0, table=COIL))
    assert book(Reply.DONE, *switched, variable=SWITCH, words=(1,)) == {}


def test_sets_whose_reply_is_false() -> None:
    assert book(Reply.DONE) == {booking.UNFOUNDED: 1}
    for other in (written(6), written(5, at_s=9.9), written(5, start=11), written(5, table=COIL)):
        assert book(Reply.DONE, other) == {booking.UNFOUNDED: 1}
    assert book(Reply.FAILED, written(5, at_s=12.0)) == {booking.DENIED: 1}
    assert book(Reply.UNKNOWN, written(5), written(5, at_s=12.0)) == {booking.TWICE: 1}


def test_a_component_that_ends_is_found_once_until_it_is_back() -> None:
    findings = Findings()
    pace = Pace(["a", "b"], findings, limit_s=5.0, now_s=0.0)
    for now_s in (4.0, 6.0, 7.0):
        pace.heard("b", now_s)
        pace.look(now_s)
    assert findings.counts == {pacing.ENDED: 1}
    pace.heard("a", 8.0)
    pace.look(12.0)
    assert findings.counts == {pacing.ENDED: 1}
    assert pace.longest_s == 8.0
    pace.look(14.0)
    assert findings.counts[pacing.ENDED] == 3


def test_memory_after_warm_up_counts() -> None:
    memory = Memory()
    for second in range(100):
        memory.add(float(second), 30.0 if second < 20 else 50.0)
    assert memory.growth() == Growth(50.0, 50.0)
    for second in range(100, 200):
        memory.add(float(second), 50.0 + (second - 100) / 10)
    growth = memory.growth()
    assert growth is not None
    assert not growth.is_flat


@pytest.mark.parametrize(
    ("first", "last", "flat"),
    [(50.0, 54.9, True), (50.0, 55.1, False), (200.0, 207.0, True), (200.0, 209.0, False), (50.0, 40.0, True)],
)
def test_flat_is_within_a_tenth_and_eight_megabytes(first: float, last: float, flat: bool) -> None:
    assert Growth(first, last).is_flat is flat


def test_too_little_to_say() -> None:
    memory = Memory()
    assert memory.growth() is None
    memory.add(0.0, 1.0)
    assert memory.growth() is None


def test_findings_keep_the_first_few_texts() -> None:
    findings = Findings()
    for number in range(7):
        findings.add("kind", f"text {number}")
    assert findings.lines() == ["kind: 7", *(f"  text {number}" for number in range(5)), "  ..."]


def test_the_bridge_and_the_soak_mean_the_same_registers(tmp_path: Path) -> None:
    file = tmp_path / "soak.json"
    file.write_text(json.dumps(site.configuration(502)))
    configuration, warnings = load_client(file)
    assert warnings == []
    polled = {
        (component.id, point.id, point.device_id, point.type, point.offset, point.size)
        for component in configuration.components
        for point in component.points
    }
    ours = site.variables()
    assert polled == {(each.component, each.id, each.unit, each.table, each.offset, each.size) for each in ours}
    assert len(ours) > 190
    assert {each.table for each in ours} == set(RegisterType)


@pytest.mark.parametrize("variable", [each for each in site.variables() if each.is_set], ids=lambda each: each.id)
def test_words_are_the_opposite_of_values(variable: Variable) -> None:
    numbers = (0, 1) if variable.table.is_bits else (0, 1, 7, 65535)
    assert [variable.value(variable.words(number)) * (variable.scale or 1) for number in numbers] == list(numbers)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # A loop survives it, and null is published: nothing but the log tells.
        ("ERROR /components/plain: not read: KeyError: 'x'", True),
        ("WARNING Task exception was never retrieved: 'x'", True),
        ("Traceback (most recent call last):", True),
        ("WARNING no answer from 127.0.0.1:502 (device id 9); published as not connected until it answers", False),
        ("INFO 127.0.0.1:502 answers again (device id 1)", False),
    ],
)
def test_an_error_of_the_program_is_told_from_what_a_device_does(line: str, expected: bool) -> None:
    assert is_error(line) is expected
