"""Trips: an alarm is raised if, and only if, its value was bad for long enough, whatever the values and times."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ess_bus.engine.monitors.trip import Delays, Judgement, Trip, What
from ess_bus.engine.timing import NEVER
from tests.unit.monitor_desk import MonitorDesk

BAD, MIDDLE, WELL, UNKNOWN = (
    Judgement(True, False, False),
    Judgement(False, False, False),
    Judgement(False, False, True),
    Judgement(None, False, False),
)
DELAYS = st.builds(Delays, st.integers(0, 6), st.just(0), st.integers(0, 6))
STEPS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from([BAD, MIDDLE, WELL, UNKNOWN])), min_size=1, max_size=30)


class Model:
    """The same in small steps of one second each: a value holds from when it was set."""

    def __init__(self, delays):
        self.delays, self.left, self.well_for, self.raised = delays, delays.alarm_s, 0, False

    def second(self, judgement):
        """Let a second pass with a judgement."""
        if judgement.alarm:
            self.left = max(0, self.left - 1)
        elif judgement.alarm is False:
            self.left = min(self.delays.alarm_s, self.left + 1)
        if judgement is WELL:
            self.well_for = min(self.delays.recover_s, self.well_for + 1)
        else:
            self.well_for = 0
        return self.now(judgement)

    def now(self, judgement):
        """Return what happens at this moment; a value that is not well breaks a recovery, however short it was."""
        if judgement is not WELL:
            self.well_for = 0
        if judgement.alarm and not self.raised and self.left <= 0:
            self.raised, self.well_for = True, 0
            return [What.ALARM]
        if judgement is WELL and self.raised and self.well_for >= self.delays.recover_s:
            self.raised, self.left, self.well_for = False, self.delays.alarm_s, 0
            return [What.CLEARED]
        return []


def modelled(delays, steps):
    """Return (second, what) of all that happens."""
    model, now_s, happened, last = Model(delays), 0, [], None
    for pause_s, judgement in steps:
        for _ in range(pause_s if last else 0):
            now_s += 1
            happened += [(now_s, what) for what in model.second(last)]
        # The first look takes the time only; what follows from it does at once.
        last = judgement
        happened += [(now_s, what) for what in model.now(judgement)]
    return happened


def tripped(delays, steps, also=()):
    """Return the same of a trip that is looked at with each value, when it wants to be, and at other times."""
    trip, now_s, last = Trip.begin(delays), 0, None
    happened: list[tuple[float, What]] = []

    def look(judgement):
        happened.extend((now_s, one.what) for one in trip.look(now_s, judgement, delays))

    def wake_until(end_s):
        nonlocal now_s
        while last is not None and (due_s := min(trip.due_s(), *(t for t in also if t > now_s), NEVER)) <= end_s:
            now_s = due_s
            look(last)

    for pause_s, judgement in steps:
        end_s = now_s + (pause_s if last else 0)
        wake_until(end_s)
        now_s = end_s
        look(judgement)
        last = judgement
        wake_until(now_s)
    return happened


@given(DELAYS, STEPS)
def test_a_trip_does_what_small_steps_of_time_do(delays, steps):
    assert tripped(delays, steps) == modelled(delays, steps)


@given(DELAYS, STEPS, st.lists(st.floats(0, 100), max_size=10))
def test_how_often_anybody_looks_makes_no_difference(delays, steps, times):
    seen = [(round(when, 6), what) for when, what in tripped(delays, steps, tuple(times))]
    assert seen == tripped(delays, steps)


@given(DELAYS, STEPS)
def test_raise_and_clear_alternate(delays, steps):
    happened = [what for _, what in tripped(delays, steps)]
    assert happened[::2] == [What.ALARM] * len(happened[::2])
    assert happened[1::2] == [What.CLEARED] * len(happened[1::2])


VALUES = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from([0, 5, 9, 10, 11, 20, 21, None])), min_size=1, max_size=20
)


@given(VALUES, st.integers(0, 4), st.integers(0, 4), st.integers(0, 4))
def test_lists_counts_and_flags_agree_whatever_happens(values, alarm_s, fault_s, recover_s):
    desk = MonitorDesk()
    desk.watch(
        EnableMaxValCheck=True,
        EnableFaultCheck=True,
        MaxAlarmThreshold=10,
        MaxFaultThreshold=20,
        MaxResetValue=9,
        MaxAlarmTimeout=alarm_s,
        MaxFaultTimeout=fault_s,
        MaxRecoverTimeout=recover_s,
    )
    for pause_s, value in values:
        desk.pass_time(pause_s)
        if value is None:
            desk.null()
        else:
            desk.set(value)
        for kind, count, flag in (("alarms", "AlarmCnt", "seenMaxAlarm"), ("faults", "FaultCnt", "seenMaxFault")):
            texts = desk.texts(kind)
            assert (desk.status(count) or 0) == len(texts)
            assert desk.parameter(flag) is any("threshold" in text for text in texts)
        if desk.texts("faults"):
            assert desk.status("FaultShutdown") is True
