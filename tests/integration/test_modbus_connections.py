"""A line to a device with several connections, pauses, busy units and readers, over real sockets."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from modbus_bridge.config.model import Point, RegisterType
from modbus_bridge.device import DeviceDiffers, DeviceError, DeviceRefused, DeviceSilent, DeviceUnreachable
from modbus_bridge.polling import channels, health
from modbus_bridge.polling.line import Line
from modbus_bridge.polling.reader import RETRY_BAD_AFTER_S, Answers, Reader
from tests.integration.modbus_peer import Answer, Asked, Peer, answer_right, peer
from tests.integration.modbus_site import until

HOLDING = RegisterType.HOLDING


class Bench:
    """A line and the device at its other end."""

    def __init__(self, other: Peer, **settings: object) -> None:
        self.peer = other
        self.changes = 0
        self.line = Line(other.connection(**settings), [1, 2], self._changed)

    def _changed(self) -> None:
        self.changes += 1

    async def read(self, start: int = 0, device_id: int = 1, *, urgent: bool = False) -> list[int]:
        async with self.line.turn(urgent=urgent) as way:
            return await way.read(HOLDING, device_id, start, 1)

    async def write(self, start: int = 0) -> None:
        async with self.line.turn(urgent=True) as way:
            await way.write(HOLDING, 1, start, [7])

    async def read_many(self, *starts: int) -> list[list[int]]:
        return await asyncio.gather(*(self.read(start) for start in starts))


def bench(
    test: Callable[[Bench], Coroutine[Any, Any, None]], answer: Answer = answer_right, **settings: object
) -> None:
    async def main() -> None:
        async with peer(answer) as other:
            found = Bench(other, **settings)
            try:
                await test(found)
            finally:
                found.line.close()

    asyncio.run(main())


class Gate:
    """Answers requests for `slow` registers when it is opened, and says how many are under way."""

    def __init__(self, *slow: int) -> None:
        self.slow = slow
        self.opened = asyncio.Event()
        self.now = 0
        self.most = 0

    async def __call__(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        if asked.start in self.slow:
            await self.opened.wait()
        self.now -= 1
        writer.write(asked.right())


def assert_nothing_is_lent(bench: Bench) -> None:
    turns: Any = bench.line.channels._turns
    assert len(turns._free) == len(bench.line.channels._in_use)
    assert set(turns._free) == bench.line.channels._in_use
    assert not any(not waiter.done() for waiter in (*turns._urgent, *turns._others))


async def misbehave(chance: random.Random, asked: Asked, writer: asyncio.StreamWriter) -> None:
    wrong = asked.frame(b"\x03\x02\xde\xad", transaction=b"\xff\xf0")
    match chance.randrange(40):
        case 0:
            writer.close()
        case 1:
            pass
        case 2:
            writer.write(asked.right()[:-1])
            writer.close()
        case 3:
            await asyncio.sleep(0.06)
            writer.write(asked.right())
        case 4:
            writer.write(asked.exception(chance.choice((2, 4, 6, 10, 11))))
        case 5:
            writer.write(asked.frame(b"\x03\x02\xde\xad", unit=9))
        case 6 | 7:
            writer.write(wrong + asked.right() + wrong)
        case _:
            writer.write(asked.right())


class TestSeveral:
    def test_one_connection_carries_one_request_at_a_time(self) -> None:
        async def test(bench: Bench) -> None:
            bench.peer.answer = gate = Gate()
            assert await bench.read_many(*range(20)) == [[n] for n in range(20)]
            assert (bench.peer.connections, gate.most) == (1, 1)

        bench(test)

    def test_more_are_opened_when_somebody_waits_and_a_slow_request_delays_nobody(self) -> None:
        async def test(bench: Bench) -> None:
            await bench.read(5)
            assert bench.peer.connections == 1
            bench.peer.answer = gate = Gate(100)
            slow = asyncio.create_task(bench.read(100))
            await bench.peer.until(lambda: gate.now == 1)
            assert await bench.read_many(1, 2, 3) == [[1], [2], [3]]
            assert not slow.done()
            gate.opened.set()
            assert await slow == [100]
            assert 2 <= bench.peer.connections <= 3
            assert bench.line.open_connections == bench.peer.connections

        bench(test, connections=3)

    def test_a_reader_reads_its_blocks_at_once(self) -> None:
        async def test(bench: Bench) -> None:
            reader = Reader("/c", [point(offset) for offset in (0, 1000, 2000)])
            # The first round is what the new connections prove themselves with.
            while bench.line.open_connections < 3:
                await reader.read(bench.line, 0.0)
            bench.peer.answer = gate = Gate(0, 1000, 2000)
            reading = asyncio.create_task(reader.read(bench.line, 0.0))
            await bench.peer.until(lambda: gate.now == 3)
            gate.opened.set()
            assert values(await reading) == {"p0": [0], "p1000": [1000], "p2000": [2000]}

        bench(test, connections=3)

    @pytest.mark.parametrize("unserved", ["refused", "closed", "silent"])
    def test_a_device_that_bears_one_connection_only_is_polled_all_the_same(
        self, unserved: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def test(bench: Bench) -> None:
            async def only_the_first(asked: Asked, writer: asyncio.StreamWriter) -> None:
                if asked.connection == 1:
                    writer.write(asked.right())

            bench.peer.answer = only_the_first
            await bench.read()
            if unserved == "refused":
                bench.peer.stop_listening()
            elif unserved == "closed":
                bench.peer.greet = lambda number: number == 1
            while not caplog.records:
                assert await bench.read_many(1, 2, 3) == [[1], [2], [3]]
            for _ in range(20):
                assert await bench.read_many(1, 2, 3) == [[1], [2], [3]]
            assert bench.line.is_up([1, 2])
            assert bench.changes == 0
            # It is not tried again soon.
            assert bench.peer.connections <= 2

        with caplog.at_level(logging.WARNING):
            bench(test, connections=4)
        (record,) = caplog.records
        assert "does not bear 4 connections" in record.getMessage()

    def test_a_device_that_closes_the_old_connection_for_a_new_one(self, caplog: pytest.LogCaptureFixture) -> None:
        async def test(bench: Bench) -> None:
            await bench.read()

            def close_others(number: int) -> bool:
                for writer in bench.peer.writers.values():
                    writer.close()
                return True

            bench.peer.greet = close_others
            for _ in range(30):
                assert await bench.read_many(1, 2, 3) == [[1], [2], [3]]
            assert bench.line.open_connections == 1
            assert bench.peer.connections <= 3
            assert bench.line.is_up([1, 2])

        with caplog.at_level(logging.WARNING):
            bench(test, connections=3)
        assert len(caplog.records) == 1

    def test_a_connection_that_breaks_under_a_read_is_replaced_by_another_one(self) -> None:
        async def test(bench: Bench) -> None:
            await bench.read()
            while bench.line.open_connections < 2:
                await bench.read_many(1, 2)

            async def break_once(asked: Asked, writer: asyncio.StreamWriter) -> None:
                if asked.start == 50 and not broken:
                    broken.append(asked.connection)
                    writer.close()
                else:
                    writer.write(asked.right())

            broken: list[int] = []
            bench.peer.answer = break_once
            assert await bench.read(50) == [50]
            assert bench.peer.asked[-1].connection != broken[0]
            assert bench.line.open_connections == 1
            assert bench.line.is_up([1])

        bench(test, connections=2)

    def test_who_gives_up_while_waiting_for_another_connection_leaves_none_behind(self) -> None:
        async def test(bench: Bench) -> None:
            await bench.read()
            while bench.line.open_connections < 2:
                await bench.read_many(1, 2)
            bench.peer.answer = gate = Gate(8, 9)
            slow = asyncio.create_task(bench.read(9))
            await bench.peer.until(lambda: gate.now == 1)
            broken = asyncio.create_task(bench.read(8))
            await bench.peer.until(lambda: gate.now == 2)
            bench.peer.writers[bench.peer.asked[-1].connection].close()
            await until(lambda: bench.line.open_connections == 1)
            broken.cancel()
            await asyncio.wait([broken])
            gate.opened.set()
            assert await slow == [9]
            assert await bench.read_many(1, 2, 3) == [[1], [2], [3]]
            assert_nothing_is_lent(bench)

        bench(test, connections=2)

    @pytest.mark.parametrize("seed", [1, 2])
    def test_whatever_goes_wrong_no_value_is_wrong_and_no_connection_gets_lost(self, seed: int) -> None:
        """Users come and go, some give up half-way; the device closes, is silent, late, busy and speaks nonsense."""
        chance = random.Random(seed)

        async def test(bench: Bench) -> None:
            right = 0

            async def use() -> None:
                nonlocal right
                for _ in range(40):
                    start = chance.randrange(1000)
                    with suppress(DeviceError, TimeoutError):
                        async with asyncio.timeout(chance.choice((0.002, 5.0, 5.0, 5.0))):
                            assert await bench.read(start, urgent=chance.random() < 0.2) == [start]
                            right += 1
                    await asyncio.sleep(max(0.0, bench.line.retry_at_s([1]) - time.monotonic()))

            await bench.read()
            bench.peer.greet = lambda number: number % 7 != 0
            bench.peer.answer = partial(misbehave, chance)
            # Its pauses would make this a test of waiting.
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(health, "FIRST_PAUSE_S", 0.002)
                patch.setattr(health, "SHORT_OUTAGE_PAUSE_S", 0.01)
                patch.setattr(channels, "FIRST_RETRY_S", 0.01)
                patch.setattr(channels, "LAST_RETRY_S", 0.02)
                await asyncio.gather(*(use() for _ in range(8)))
                bench.peer.answer = answer_right
                bench.peer.greet = lambda _: True
                await until(lambda: time.monotonic() > bench.line.retry_at_s([1]))
                await bench.read()
            assert right > 50
            assert bench.peer.connections > 5
            assert await bench.read_many(*range(50)) == [[n] for n in range(50)]
            assert bench.line.is_up([1])
            assert_nothing_is_lent(bench)

        bench(test, connections=3, request_timeout_s=0.04)


class TestTurns:
    def test_writes_go_first(self) -> None:
        async def test(bench: Bench) -> None:
            await bench.read()
            bench.peer.answer = gate = Gate(9)
            first = asyncio.create_task(bench.read(9))
            await bench.peer.until(lambda: gate.now == 1)
            later = [asyncio.create_task(bench.read(1)), asyncio.create_task(bench.write(2))]
            await asyncio.sleep(0)
            gate.opened.set()
            await asyncio.gather(first, *later)
            assert [asked.start for asked in bench.peer.asked[1:]] == [9, 2, 1]

        bench(test)

    def test_the_device_gets_its_pause_and_who_is_urgent_comes_first_after_it(self) -> None:
        async def test(bench: Bench) -> None:
            answered = [0.0]
            pauses: list[float] = []

            async def note(asked: Asked, writer: asyncio.StreamWriter) -> None:
                pauses.append(time.monotonic() - answered[0])
                writer.write(asked.right())
                answered[0] = time.monotonic()

            bench.peer.answer = note
            await bench.read()
            reading = asyncio.create_task(bench.read(1))
            await asyncio.sleep(0)
            await bench.write(2)
            await reading
            assert [asked.start for asked in bench.peer.asked] == [0, 2, 1]
            async with bench.line.turn() as way:
                for _ in range(2):
                    await way.read(HOLDING, 1, 0, 1)
            assert len(pauses) == 5
            # Its clock began before ours.
            assert min(pauses[1:]) >= 0.029

        bench(test, pause_s=0.03)


class TestUnits:
    def test_a_busy_unit_is_asked_again_a_few_times(self) -> None:
        async def test(bench: Bench) -> None:
            async def busy_twice(asked: Asked, writer: asyncio.StreamWriter) -> None:
                writer.write(asked.exception(6) if asked.number < 3 else asked.right())

            bench.peer.answer = busy_twice
            await bench.write(4)
            assert len(bench.peer.asked) == 3
            assert bench.line.statistics[0].repeats == 2
            assert bench.line.statistics[0].exceptions == {6: 2}

        bench(test)

    def test_a_unit_that_stays_busy_is_not_insisted_on_in_every_request(self) -> None:
        async def test(bench: Bench) -> None:
            async def busy(asked: Asked, writer: asyncio.StreamWriter) -> None:
                writer.write(asked.exception(6))

            bench.peer.answer = busy
            for expected in (4, 5, 6):
                with pytest.raises(DeviceRefused, match="device busy"):
                    await bench.read()
                assert len(bench.peer.asked) == expected
            assert bench.line.is_up([1])
            bench.peer.answer = answer_right
            await bench.read()
            bench.peer.answer = busy
            with pytest.raises(DeviceRefused):
                await bench.read()
            assert len(bench.peer.asked) == 6 + 1 + 4

        bench(test)

    def test_a_wrong_echo_says_nothing_about_the_unit(self) -> None:
        async def test(bench: Bench) -> None:
            async def clamp(asked: Asked, writer: asyncio.StreamWriter) -> None:
                writer.write(asked.frame(asked.pdu[:3] + b"\0\5"))

            bench.peer.answer = clamp
            with pytest.raises(DeviceDiffers, match=r"confirms 5 at address 4 instead of 7 at 4"):
                await bench.write(4)
            assert bench.line.is_up([1])
            assert bench.changes == 0

        bench(test)

    def test_a_silent_unit_is_left_alone_for_a_while_and_others_go_on(self) -> None:
        async def test(bench: Bench) -> None:
            async def one_is_silent(asked: Asked, writer: asyncio.StreamWriter) -> None:
                if asked.unit == 2:
                    writer.write(asked.right())

            bench.peer.answer = one_is_silent
            with pytest.raises(DeviceSilent):
                await bench.read()
            began_s = time.monotonic()
            for _ in range(10):
                with pytest.raises(DeviceUnreachable, match="no answer"):
                    await bench.read()
                assert await bench.read(3, device_id=2) == [3]
            assert time.monotonic() - began_s < 0.25
            assert len([asked for asked in bench.peer.asked if asked.unit == 1]) == 1
            assert bench.line.retry_at_s([1]) > bench.line.retry_at_s([2])
            assert bench.line.statistics[0].failures == 1

        bench(test)

    def test_a_device_that_closes_each_connection_is_not_polled_faster_for_it(self) -> None:
        async def test(bench: Bench) -> None:
            async def once(asked: Asked, writer: asyncio.StreamWriter) -> None:
                writer.write(asked.right())
                writer.close()

            bench.peer.answer = once
            for number in range(5):
                await bench.read()
                await until(lambda: bench.line.open_connections == 0)
                assert bench.peer.connections == number + 1
            assert bench.changes == 1
            assert bench.line.is_up([1])

        bench(test)


def point(offset: int) -> Point:
    return Point(f"p{offset}", HOLDING, offset, 1)


def values(answers: Answers) -> dict[str, list[int] | None]:
    return {
        point.id: None if registers is None else list(block.words(point, registers))
        for block, registers in answers
        for point in block.points
    }


class TestReader:
    """A reader and a device that lacks some registers."""

    @staticmethod
    def lacks(*bad: int, code: int = 2) -> Answer:
        async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
            touches = set(bad) & set(range(asked.start, asked.start + asked.count))
            writer.write(asked.exception(code) if touches else asked.right())

        return answer

    @pytest.mark.parametrize("connections", [1, 3])
    def test_a_bad_register_is_found_left_alone_and_tried_again_seldom(self, connections: int) -> None:
        async def test(bench: Bench) -> None:
            reader = Reader("/c", [point(offset) for offset in range(40)])
            for _ in range(3):
                found = values(await reader.read(bench.line, 0.0))
                assert found == {f"p{n}": None if n == 17 else [n] for n in range(40)}
            assert reader.statistics.bad == ("p17",)
            assert reader.statistics.splits > 3
            before = len(bench.peer.asked)
            await reader.read(bench.line, 1.0)
            assert len(bench.peer.asked) - before == reader.statistics.blocks - 1
            bench.peer.answer = answer_right
            found = values(await reader.read(bench.line, RETRY_BAD_AFTER_S + 1))
            assert found["p17"] == [17]
            assert not reader.statistics.bad

        bench(test, self.lacks(17), connections=connections)

    def test_many_bad_registers_neither_fill_the_log_nor_hold_up_the_others(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def test(bench: Bench) -> None:
            caplog.set_level("INFO")
            reader = Reader("/c", [point(offset) for offset in range(41)])
            for now_s in (0.0, 1.0):
                found = values(await reader.read(bench.line, now_s))
                assert found == {f"p{n}": None if n < 40 else [n] for n in range(41)}
            lines = [text for text in caplog.messages if "illegal data address" in text or "more like this" in text]
            assert len(lines) == 11
            assert lines[-1] == "/c: 30 more like this; _stats tell points_bad"
            asked = []
            for now_s in range(31, 39):
                before = len(bench.peer.asked)
                await reader.read(bench.line, now_s)
                asked += [each.start for each in bench.peer.asked[before:] if each.start < 40]
                assert len(bench.peer.asked) - before <= 1 + 8
            assert sorted(asked) == list(range(40))  # each in its turn
            bench.peer.answer = answer_right
            caplog.clear()
            for now_s in range(70, 75):
                found = values(await reader.read(bench.line, now_s))
            assert found == {f"p{n}": [n] for n in range(41)}
            assert not reader.statistics.bad
            assert sum("answered again" in text for text in caplog.messages) == 40

        bench(test, self.lacks(*range(40)))

    def test_what_fails_now_hides_its_neighbours_for_a_few_rounds_only(self) -> None:
        async def test(bench: Bench) -> None:
            reader = Reader("/c", [point(offset) for offset in range(40)])
            for _ in range(7):
                found = values(await reader.read(bench.line, 0.0))
            assert [name for name, words in found.items() if words is None] == ["p17"]
            assert "device failure" in str(reader.statistics.failing)
            bench.peer.answer = answer_right
            await reader.read(bench.line, 0.0)
            await reader.read(bench.line, 0.0)
            assert reader.statistics.failing is None
            assert reader.statistics.blocks == 1

        bench(test, self.lacks(17, code=4))

    def test_other_points_may_be_given_at_any_time(self) -> None:
        async def test(bench: Bench) -> None:
            reader = Reader("/c", [point(1), point(2)])
            await reader.read(bench.line, 0.0)
            bench.peer.answer = gate = Gate(1)
            reading = asyncio.create_task(reader.read(bench.line, 0.0))
            await bench.peer.until(lambda: gate.now == 1)
            reader.points = (point(2), point(3))
            gate.opened.set()
            assert values(await reading) == {"p1": [1], "p2": [2]}
            assert values(await reader.read(bench.line, 0.0)) == {"p2": [2], "p3": [3]}
            reader.points = ()
            assert await reader.read(bench.line, 0.0) == []

        bench(test)

    @pytest.mark.parametrize("connections", [1, 2])
    def test_a_device_that_falls_silent_ends_the_round(self, connections: int) -> None:
        async def test(bench: Bench) -> None:
            reader = Reader("/c", [point(offset) for offset in range(0, 5000, 500)])
            for _ in range(4):
                await reader.read(bench.line, 0.0)

            async def silent(asked: Asked, writer: asyncio.StreamWriter) -> None:
                pass

            bench.peer.answer = silent
            bench.peer.asked.clear()
            with pytest.raises(DeviceSilent):
                await reader.read(bench.line, 0.0)
            assert len(bench.peer.asked) <= connections
            assert not bench.line.is_up([1])

        bench(test, connections=connections)
