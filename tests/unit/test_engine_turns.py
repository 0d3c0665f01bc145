"""The turns of the process: what is due happens on time, whatever arrives."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest

from ess_bus.engine import process
from ess_bus.engine.functions.registry import FUNCTIONS, Function
from ess_bus.engine.meaning import member
from ess_bus.engine.target import Target
from ess_bus.message import Message
from ess_bus.reference import Reference
from tests.unit.engine_desk import desk

# Each look at the clock takes so long: the work of a turn, as far as a test is concerned.
STEP_S = 0.001


@pytest.fixture
def clock(monkeypatch):
    """The clock of the process; it goes on with each look at it."""
    fake = SimpleNamespace(now_s=1000.0, wall_s=1_700_000_000.0)

    def look():
        fake.now_s += STEP_S
        return fake.now_s

    watches = {"monotonic": look, "time": lambda: fake.wall_s, "perf_counter": lambda: fake.now_s}
    monkeypatch.setattr(process, "time", SimpleNamespace(**watches))
    return fake


@pytest.fixture
def runs(monkeypatch):
    """When the function Note was called, in seconds since the engine was started."""
    found = []
    note = Function("Note", lambda call: found.append(call.engine.uptime_s), "", takes_invalid=False)
    monkeypatch.setitem(FUNCTIONS, "Note", note)
    return found


def listed(rate):
    entry = member(Reference("/schedule/wake_monitor/bms", "/status/bms:x"), {"func": "Note", "rate": rate})
    return [member(Reference("/status/bms", "x"), 1), entry]


def test_a_flood_does_not_hold_up_what_is_due(clock, runs):
    with desk(assignments=listed(0.1)) as person:
        person.turn()
        for number in range(2000):
            person.bus.send("pub", "/status/bms/y", str(number).encode())
        person.engine.set("/status/bms/y", 0)
        while person.engine.read(Target.parse("/status/bms:y")) != 1999:
            person.turn()
        assert len(runs) > 20
        lateness = [when - round(when / 0.1) * 0.1 for when in runs]
        # A message that had begun is ended first.
        assert max(lateness) < 10 * STEP_S
        assert person.engine.timings.shown()["skipped"] == 0


def test_messages_are_handled_also_when_everything_is_late(clock, runs, monkeypatch):
    def busy(call):
        clock.now_s += 0.5

    monkeypatch.setitem(FUNCTIONS, "Note", Function("Note", busy, "", takes_invalid=False))
    with desk(assignments=listed(0.1)) as person:
        handled: list[Message] = []
        endless = (Message("pub", "/status/bms/y", b"1") for _ in itertools.count())

        def burst(_, most):
            return itertools.islice(endless, most)

        monkeypatch.setattr(person._process._messages, "burst", burst)
        monkeypatch.setattr(person._process, "handle", handled.append)
        clock.now_s += 0.1
        for _ in range(5):
            person.turn()
        assert len(handled) == 5 * process.LATE_BURST
        assert person.engine.timings.shown()["ticks"] == 5
        assert person.engine.timings.shown()["skipped"] > 0


def test_the_process_sleeps_no_longer_than_until_something_is_due(clock, runs, monkeypatch):
    with desk(assignments=listed(0.3)) as person:
        waits: list[float] = []

        def burst(patience_s, _):
            waits.append(patience_s)
            return ()

        monkeypatch.setattr(person._process._messages, "burst", burst)
        person._process.turn(10)
        person._process.turn(0.05)
        assert waits[1] == 0.05
        assert waits[0] == pytest.approx(0.3, abs=10 * STEP_S)
        assert not runs
        clock.now_s += 0.3
        person._process.turn(10)
        assert len(runs) == 1
