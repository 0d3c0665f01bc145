"""Heartbeats and watchdogs under an injected clock."""

from __future__ import annotations

import pytest

from modbus_bridge.config.model import Component, Heartbeat, Kind, Point, RegisterType, Watchdog
from modbus_bridge.face.heartbeat import Beat, ReadHeartbeat, WrittenHeartbeat
from modbus_bridge.face.image import Image
from modbus_bridge.face.overlay import Overlay
from modbus_bridge.face.pulse import Pulse
from modbus_bridge.face.watchdog import WatchdogState
from modbus_bridge.polling.plan import blocks

LIFE = Point("life", RegisterType.HOLDING, offset=0, device_id=1)


class TestReadHeartbeat:
    def test_the_first_value_is_no_change(self) -> None:
        beat = ReadHeartbeat(2.0, now_s=0.0)
        assert beat.state == "INIT"
        assert not beat.seen(7, 0.5)
        assert beat.state == "INIT"
        assert beat.is_alive
        assert beat.seen(8, 1.0)
        assert beat.state == "NORMAL"
        assert beat.value == 8

    def test_it_freezes_when_its_time_is_over_and_thaws_with_the_next_change(self) -> None:
        beat = ReadHeartbeat(2.0, now_s=0.0)
        beat.seen(1, 0.0)
        beat.seen(2, 1.0)
        assert not beat.seen(2, 2.9)
        assert beat.is_alive
        assert beat.seen(2, 3.0)
        assert beat.state == "FROZEN"
        assert not beat.is_alive
        assert not beat.seen(2, 9.0)
        assert beat.seen(3, 10.0)
        assert beat.is_alive

    def test_one_that_never_changes_freezes_too(self) -> None:
        beat = ReadHeartbeat(2.0, now_s=0.0)
        beat.seen(1, 1.0)
        beat.seen(1, 2.0)
        assert beat.state == "FROZEN"

    def test_a_value_that_the_device_refuses_is_no_change(self) -> None:
        beat = ReadHeartbeat(2.0, now_s=0.0)
        beat.seen(1, 0.0)
        beat.seen(2, 1.0)
        beat.seen(None, 2.0)
        assert beat.value is None
        beat.seen(2, 3.0)
        assert beat.state == "FROZEN"

    def test_polls_that_are_further_apart_than_its_time_do_not_freeze_what_changes(self) -> None:
        beat = ReadHeartbeat(2.0, now_s=0.0)
        for number in range(4):
            beat.seen(number, 10.0 * number)
        assert beat.state == "NORMAL"

    def test_silence_is_a_fault_and_gives_a_new_start(self) -> None:
        beat = ReadHeartbeat(2.0, now_s=0.0)
        beat.seen(1, 0.0)
        beat.seen(2, 1.0)
        assert beat.silent()
        assert not beat.silent()
        assert (beat.state, beat.value, beat.is_alive) == (Beat.FAULT, None, False)
        assert beat.seen(2, 100.0)
        assert beat.state == "INIT"
        beat.seen(2, 102.0)
        assert beat.state == "FROZEN"

    def test_one_that_changed_during_the_silence_is_normal(self) -> None:
        beat = ReadHeartbeat(2.0, now_s=0.0)
        beat.seen(1, 0.0)
        beat.silent()
        beat.seen(9, 100.0)
        assert beat.state == "NORMAL"

    def test_silence_does_not_thaw_a_frozen_one(self) -> None:
        beat = ReadHeartbeat(2.0, now_s=0.0)
        beat.seen(1, 0.0)
        beat.seen(1, 2.0)
        beat.silent()
        beat.seen(1, 3.0)
        assert beat.state == "FROZEN"

    def test_silence_from_the_start(self) -> None:
        beat = ReadHeartbeat(2.0, now_s=0.0)
        beat.silent()
        beat.seen(5, 1.0)
        assert beat.state == "INIT"


class TestWrittenHeartbeat:
    def test_it_counts_by_itself_and_wraps_to_0(self) -> None:
        counter = WrittenHeartbeat(Heartbeat(None, "life", 3, 2.0, 1.0), LIFE)
        assert [counter.next(None) for _ in range(6)] == [1, 2, 3, 0, 1, 2]

    def test_it_answers_what_it_reads(self) -> None:
        counter = WrittenHeartbeat(Heartbeat("life", "life", 10, 2.0, 1.0), LIFE)
        assert [counter.next(read) for read in (4, 4, 9, 10, 300, 0.0, -5)] == [5, 5, 10, 0, 0, 1, 0]

    @pytest.mark.parametrize("read", [None, True, "7", [{"value": 1}]])
    def test_what_cannot_be_read_is_not_answered(self, read: object) -> None:
        assert WrittenHeartbeat(Heartbeat("life", "life", 10, 2.0, 1.0), LIFE).next(read) is None

    @pytest.mark.parametrize(
        ("point", "largest"),
        [
            (LIFE, 65535),
            (Point("life", RegisterType.HOLDING, 0, 1, signed=True), 32767),
            (Point("life", RegisterType.HOLDING, 0, 1, first_bit=4, bits=4), 15),
            (Point("life", RegisterType.COIL, 0, 1, kind=Kind.BOOL), 1),
        ],
    )
    def test_without_a_largest_value_it_is_what_fits(self, point: Point, largest: int) -> None:
        counter = WrittenHeartbeat(Heartbeat("other", "life", 0, 2.0, 1.0), point)
        assert counter.next(largest - 1) == largest
        assert counter.next(largest) == 0


class TestWatchdog:
    def dog(self) -> WatchdogState:
        return WatchdogState(
            Watchdog("life", alarm_s=2.0, fault_s=5.0, recovery_timeout_s=1.5, recovery_s=3.0), now_s=0.0
        )

    def test_the_way_down_and_up(self) -> None:
        dog = self.dog()
        seen = []
        for now, value in [(0, 1), (1, 2), (2, 2), (3, 2), (5, 2), (6, 2), (7, 3), (8, 4), (9, 5), (10, 6)]:
            if dog.look(value, float(now)):
                seen.append((now, str(dog.state)))
        assert seen == [(1, "NORMAL"), (3, "ALARM"), (6, "FAULT"), (7, "RECOVERY"), (10, "NORMAL")]

    def test_an_alarm_ends_with_the_next_change(self) -> None:
        dog = self.dog()
        dog.look(1, 0.0)
        dog.look(1, 2.0)
        assert dog.state == "ALARM"
        dog.look(2, 3.0)
        assert dog.state == "NORMAL"

    def test_standing_still_in_recovery_is_a_fault_again(self) -> None:
        dog = self.dog()
        dog.look(1, 0.0)
        dog.look(1, 5.0)
        dog.look(2, 6.0)
        assert dog.state == "RECOVERY"
        dog.look(2, 7.0)
        assert dog.state == "RECOVERY"
        dog.look(2, 7.5)
        assert dog.state == "FAULT"

    def test_a_value_that_is_not_known_is_no_change(self) -> None:
        dog = self.dog()
        for now in range(6):
            dog.look(None, float(now))
        assert dog.state == "FAULT"
        dog.look(1, 6.0)
        assert dog.state == "FAULT"
        dog.look(2, 7.0)
        assert dog.state == "RECOVERY"


class TestPulse:
    component = Component(
        "pcs",
        1.0,
        0.0,
        (LIFE,),
        heartbeat=Heartbeat("life", None, 0, 2.0, 1.0),
        watchdog=Watchdog("life", 1.0, 3.0, 1.0, 1.0),
    )

    def test_what_is_published_and_what_people_hear(self) -> None:
        image = Image(self.component, Overlay(self.component))
        pulse = Pulse("/components/pcs", self.component, now_s=0.0)
        (block,) = blocks(self.component.points)
        assert pulse.keys == {"modbus_heartbeat": None, "heartbeat_state": "INIT", "watchdog_state": "INIT"}
        for now, word in enumerate((1, 2, 2, 2, 3)):
            image.take([(block, [word])], float(now), 0.0)
            pulse.feel(image, float(now))
            pulse.watch(image, float(now))
        assert pulse.keys == {"modbus_heartbeat": 3, "heartbeat_state": "NORMAL", "watchdog_state": "NORMAL"}
        assert list(pulse.news) == [
            ("/components/pcs: watchdog NORMAL: life changes as it should", 2),
            ("/components/pcs: watchdog ALARM: life has not changed for 1.0 s", 3),
            ("/components/pcs: heartbeat life is no longer detected; published as not connected", 1),
            ("/components/pcs: heartbeat life changes again", 1),
            ("/components/pcs: watchdog NORMAL: life changes as it should", 2),
        ]
        image.lose()
        pulse.feel(image, 9.0)
        assert pulse.keys["heartbeat_state"] == "FAULT"
        assert not pulse.is_alive

    def test_without_either_nothing_is_added(self) -> None:
        component = Component("pcs", 1.0, 0.0, (LIFE,))
        pulse = Pulse("/components/pcs", component, now_s=0.0)
        assert not pulse.feel(Image(component, Overlay(component)), 1.0)
        assert pulse.keys == {}
        assert pulse.is_alive
