"""The small parts of the face: time stamps, waiting, debouncing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from modbus_bridge.config.model import Point, RegisterType
from modbus_bridge.face.alarm import Alarm
from modbus_bridge.face.debounce import Debounce
from modbus_bridge.face.stamp import Stamper, iso
from modbus_bridge.face.standstill import Standstill
from modbus_bridge.values.orders import Write


def test_time_stamps() -> None:
    stamper = Stamper()
    second = datetime(2024, 6, 25, 20, 18, 46, tzinfo=UTC).timestamp()
    assert stamper.text(second + 0.001234) == "06-25-2024 20:18:46.001234"
    assert stamper.text(second + 0.5) == "06-25-2024 20:18:46.500000"
    assert stamper.text(second + 14) == "06-25-2024 20:19:00.000000"
    assert stamper.text(second) == "06-25-2024 20:18:46.000000"
    assert iso(second) == "2024-06-25T20:18:46+00:00"
    assert iso(None) is None


class TestAlarm:
    def test_it_ends_with_its_time_or_when_it_is_rung(self) -> None:
        async def main() -> None:
            loop, alarm = asyncio.get_running_loop(), Alarm()
            assert not await alarm.sleep_until(loop.time())
            before = loop.time()
            assert not await alarm.sleep_until(before + 0.02)
            assert loop.time() >= before + 0.02 - 1e-3
            loop.call_soon(alarm.ring)
            assert await alarm.sleep_until(before + 3600)

        asyncio.run(main())

    def test_what_was_rung_before_is_not_lost_and_counts_once(self) -> None:
        async def main() -> None:
            loop, alarm = asyncio.get_running_loop(), Alarm()
            alarm.ring()
            alarm.ring()
            assert await alarm.sleep_until(loop.time() + 3600)
            assert not await alarm.sleep_until(loop.time() + 0.001)

        asyncio.run(main())


class TestStandstill:
    def test_a_process_that_runs_finds_every_message_new(self) -> None:
        still = Standstill(0.0)
        for now in (0.5, 1.0, 2.5):
            assert still.beat(now) == 0.0
            assert still.age_s(now + 0.3) == 0.0

    def test_what_is_found_after_a_standstill_may_be_as_old_as_that(self) -> None:
        still = Standstill(0.0)
        still.beat(0.5)
        # Before the beat has had its turn, and shortly after it.
        assert still.age_s(30.5) == 30.0
        assert still.beat(30.6) == pytest.approx(30.1)
        assert still.age_s(30.7) == pytest.approx(30.2)
        assert still.beat(31.1) == 0.0
        assert still.age_s(31.2) == 0.0


SLOW = Point("slow", RegisterType.HOLDING, offset=0, device_id=1)
QUICK = Point("quick", RegisterType.HOLDING, offset=1, device_id=1)


def slow(word: int) -> Write:
    return Write(SLOW, (word,), debounce_s=2.0)


def bits(set_bits: int = 0, clear_bits: int = 0) -> Write:
    return Write(SLOW, None, set_bits, clear_bits, debounce_s=2.0)


class TestDebounce:
    def test_the_first_is_written_at_once_and_the_next_waits(self) -> None:
        debounce: Debounce[str] = Debounce()
        write = slow(1)
        assert not debounce.must_wait(write, 0.0)
        debounce.wrote(slow(1), 0.0)
        assert debounce.must_wait(write, 1.9)
        assert not debounce.must_wait(write, 2.0)
        debounce.wrote(Write(QUICK, (1,)), 0.0)
        assert not debounce.must_wait(Write(QUICK, (1,)), 0.0)

    def test_the_latest_wins_when_the_window_ends(self) -> None:
        debounce: Debounce[str] = Debounce()
        debounce.wrote(slow(1), 0.0)
        assert debounce.next_s == float("inf")
        assert debounce.hold(slow(1), "first") == []
        (passed,) = debounce.hold(slow(2), "second")
        assert passed.job == "first"
        assert debounce.next_s == 2.0
        assert debounce.due(1.9) == []
        (due,) = debounce.due(2.0)
        assert (due.job, due.write.words) == ("second", (2,))
        assert debounce.due(9.0) == []

    def test_different_bits_do_not_replace_each_other_but_the_register_replaces_both(self) -> None:
        debounce: Debounce[str] = Debounce()
        debounce.wrote(slow(1), 0.0)
        assert debounce.hold(bits(set_bits=1), "set 0") == []
        assert debounce.hold(bits(set_bits=2), "set 1") == []
        assert [passed.job for passed in debounce.hold(bits(clear_bits=1), "clear 0")] == ["set 0"]
        assert {passed.job for passed in debounce.hold(slow(7), "all")} == {"clear 0", "set 1"}

    def test_drop(self) -> None:
        debounce: Debounce[str] = Debounce()
        debounce.hold(slow(1), "a")
        debounce.hold(Write(QUICK, (1,)), "b")
        assert [waiting.job for waiting in debounce.drop("a")] == ["a"]
        assert [waiting.job for waiting in debounce.drop()] == ["b"]
        assert debounce.drop() == []
