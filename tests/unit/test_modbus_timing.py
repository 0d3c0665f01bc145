"""Schedules, health and turns: nothing here sleeps, the time is passed in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hypothesis import given
from hypothesis import strategies as st

from modbus_bridge.polling.health import FIRST_PAUSE_S, LAST_PAUSE_S, SHORT_OUTAGE_PAUSE_S, Health
from modbus_bridge.polling.schedule import Schedule
from modbus_bridge.polling.turns import Turns
from modbus_bridge.polling.units import Units


class TestSchedule:
    def test_on_time(self) -> None:
        schedule = Schedule(1.0, start_s=100.5)
        schedule.advance(100.5)
        assert (schedule.next_s, schedule.skipped) == (101.5, 0)
        schedule.advance(102.0)
        assert (schedule.next_s, schedule.skipped) == (102.5, 0)

    def test_late_ticks_are_skipped_and_the_phase_is_kept(self) -> None:
        schedule = Schedule(1.0, start_s=0.25)
        schedule.advance(3.3)
        assert (schedule.next_s, schedule.skipped) == (4.25, 3)

    @given(st.floats(0.008, 60), st.lists(st.floats(0, 100), max_size=20))
    def test_the_next_tick_is_always_ahead(self, period_s: float, delays: list[float]) -> None:
        schedule = Schedule(period_s, start_s=0.0)
        for delay in delays:
            now_s = schedule.next_s + delay
            schedule.advance(now_s)
            assert schedule.next_s > now_s - 1e-6
            assert schedule.next_s <= now_s + period_s + 1e-6


class TestHealth:
    def test_an_episode_begins_and_ends_once(self) -> None:
        health = Health()
        assert health.is_up
        assert health.may_try(0.0)
        assert health.failed("no answer", 10.0)
        assert not health.failed("no answer", 11.0)
        assert not health.is_up
        assert health.reason == "no answer"
        assert health.answered()
        assert not health.answered()
        assert health.is_up

    def test_pauses_grow_up_to_a_limit_and_start_again(self) -> None:
        health = Health()
        pauses = []
        for _ in range(40):
            health.failed("", 100.0)
            pauses.append(health.retry_at_s - 100.0)
        assert 0.9 * FIRST_PAUSE_S <= pauses[0] <= FIRST_PAUSE_S
        assert pauses[1] > pauses[0]
        assert all(0.89 * SHORT_OUTAGE_PAUSE_S <= pause <= SHORT_OUTAGE_PAUSE_S for pause in pauses[8:])
        assert not health.may_try(100.1)
        assert health.may_try(100.0 + SHORT_OUTAGE_PAUSE_S)
        health.answered()
        health.failed("", 200.0)
        assert health.retry_at_s <= 200.0 + FIRST_PAUSE_S

    def test_who_is_dead_for_long_is_asked_seldom_and_a_short_outage_is_never_prolonged_much(self) -> None:
        health = Health()
        now_s = 0.0
        while now_s < 3600:
            health.failed("", now_s)
            pause = health.retry_at_s - now_s
            assert pause <= max(SHORT_OUTAGE_PAUSE_S, 0.1 * now_s)
            assert pause <= LAST_PAUSE_S
            now_s = health.retry_at_s
        assert pause >= 0.89 * LAST_PAUSE_S

    def test_a_pause_may_have_to_be_longer(self) -> None:
        health = Health()
        health.failed("", 10.0, least_pause_s=2.0)
        assert health.retry_at_s == 12.0


class TestUnits:
    def test_the_only_unit_is_asked_again_soon(self) -> None:
        units = Units([1])
        units.answered(1, 0.0)
        units.failed(1, "no answer", 10.0, cost_s=1.0)
        assert units[1].retry_at_s <= 10.0 + FIRST_PAUSE_S

    def test_silent_units_take_a_fifth_of_the_time_of_those_that_answer(self) -> None:
        units = Units(range(20))
        dead = range(5)
        for unit in range(5, 20):
            units.answered(unit, 0.0)
        now_s, wasted_s = 0.0, 0.0
        while now_s < 1000:
            due = [unit for unit in dead if units[unit].may_try(now_s)]
            if due:
                now_s += 1.0
                wasted_s += 1.0
                units.failed(due[0], "no answer", now_s, cost_s=1.0)
            else:
                now_s = min(units[unit].retry_at_s for unit in dead)
        assert wasted_s < 1000 / 4
        # Silence that a gateway reports at once costs nothing, so one may ask more often.
        units.failed(19, "no answer", 0.0, cost_s=0.01)
        assert units[19].retry_at_s < 0.3

    def test_who_was_never_heard_takes_no_part(self) -> None:
        units = Units([1, 2])
        units.failed(1, "no answer", 10.0, cost_s=1.0)
        assert units[1].retry_at_s <= 10.0 + FIRST_PAUSE_S

    def test_who_fell_silent_together_is_asked_as_soon_as_one_is_back(self) -> None:
        units = Units([1, 2, 3])
        for unit in (1, 2, 3):
            units.answered(unit, 0.0)
        units.failed(3, "no answer", 10.0, cost_s=5.0)
        for unit in (1, 2):
            units.failed(unit, "no answer", 100.0 + unit, cost_s=5.0)
        assert units[1].retry_at_s > 120
        assert units.answered(2, 103.0)
        assert units[1].retry_at_s == 103.0
        units.failed(3, "no answer", 104.0, cost_s=5.0)
        assert units[3].retry_at_s > 120
        assert not units.answered(2, 104.0)


Lent = Turns[str]


@asynccontextmanager
async def turn(turns: Lent, *, urgent: bool) -> AsyncIterator[None]:
    thing = await turns.take(urgent=urgent)
    assert thing == "the only one"
    try:
        yield
    finally:
        turns.give(thing)


async def use(turns: Lent, served: list[str], name: str) -> None:
    async with turn(turns, urgent=False):
        served.append(name)


class TestTurns:
    def test_urgent_ones_go_first_and_each_kind_in_order(self) -> None:
        served: list[str] = []

        async def use(turns: Lent, name: str, *, urgent: bool) -> None:
            async with turn(turns, urgent=urgent):
                served.append(name)
                await asyncio.sleep(0)

        async def main() -> None:
            turns = Lent(["the only one"])
            async with asyncio.TaskGroup() as group, turn(turns, urgent=False):
                for name in ("poll 1", "write 1", "poll 2", "write 2"):
                    group.create_task(use(turns, name, urgent=name.startswith("write")))
                await asyncio.sleep(0)

        asyncio.run(main())
        assert served == ["write 1", "write 2", "poll 1", "poll 2"]

    def test_one_that_gives_up_waiting_stops_nobody(self) -> None:
        async def main() -> list[str]:
            turns = Lent(["the only one"])
            served: list[str] = []

            async with turn(turns, urgent=False):
                first, second = (
                    asyncio.create_task(use(turns, served, "first")),
                    asyncio.create_task(use(turns, served, "second")),
                )
                await asyncio.sleep(0)
                first.cancel()
                await asyncio.sleep(0)
            await second
            async with turn(turns, urgent=True):
                served.append("third")
            return served

        assert asyncio.run(main()) == ["second", "third"]

    def test_one_that_is_cancelled_just_when_its_turn_comes_passes_it_on(self) -> None:
        async def main() -> list[str]:
            turns = Lent(["the only one"])
            served: list[str] = []

            async with turn(turns, urgent=False):
                first, second = (
                    asyncio.create_task(use(turns, served, "first")),
                    asyncio.create_task(use(turns, served, "second")),
                )
                await asyncio.sleep(0)
            first.cancel()
            await second
            return served

        assert asyncio.run(main()) == ["second"]
