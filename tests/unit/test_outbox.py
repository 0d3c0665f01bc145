"""One client's way out of the broker, with a listener that takes what the test lets it take."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ess_bus import batch, control
from ess_bus.broker.limits import Limits
from ess_bus.broker.outbox import READING_S, Delivery, Outbox, Promise
from ess_bus.control import Verb

LIMITS = Limits(queue_messages=10, queue_bytes=100_000, window_bytes=1000, stalled_after_s=60)


class Listener:
    """Takes `room` frames; `read` gives what arrived, unpacked, without the pings, which it remembers."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.room = 1_000_000
        self.is_gone = False
        self.frames: list[bytes] = []
        self.pings: list[int] = []
        self.outbox = Outbox(self.take, limits, 0.0)
        self.outbox.client = cast(Any, SimpleNamespace(name="slow"))

    def take(self, frame: bytes) -> Delivery:
        if self.is_gone:
            return Delivery.GONE
        if not self.room:
            return Delivery.FULL
        self.room -= 1
        self.frames.append(frame)
        return Delivery.SENT

    def put(self, *frames: bytes, now: float = 0.0) -> Delivery:
        self.outbox.due.extend(frames)
        return self.outbox.flush(now)

    def read(self) -> list[bytes]:
        frames, self.frames = self.frames, []
        inner = [one for frame in frames for one in (batch.unpack(frame) if frame[:1] == batch.MARK else [frame])]
        self.pings += [control.decode(frame)[1][0] for frame in inner if frame.startswith(b"!ping")]
        return [frame for frame in inner if not frame.startswith(b"!ping")]

    def confirm(self, now: float = 0.0) -> Delivery:
        self.outbox.confirm(self.pings[-1], now)
        return self.outbox.flush(now)


@pytest.fixture
def listener() -> Listener:
    return Listener()


def pub(number: int, uri: str = "/a", size: int = 0) -> bytes:
    return f"pub {uri}\0{number:04}".encode().ljust(size, b".")


def dropped(frame: bytes) -> int:
    verb, (count,) = control.decode(frame)
    assert verb is Verb.DROPPED
    return int(count)


class TestSending:
    def test_what_is_due_in_a_burst_leaves_as_one_frame(self, listener):
        assert listener.put(pub(1), pub(2)) is Delivery.SENT
        assert listener.frames == [batch.pack([pub(1), pub(2)])]
        assert listener.outbox.due == []
        assert listener.outbox.sent == 2

    def test_nothing_due_is_nothing_to_send(self, listener):
        assert listener.put() is Delivery.SENT
        assert listener.frames == []

    def test_a_large_burst_leaves_as_several_frames_in_order(self):
        listener = Listener(Limits())
        frames = [pub(number, size=1000) for number in range(300)]
        listener.put(*frames)
        assert len(listener.frames) > 4
        assert listener.read() == frames
        assert listener.outbox.depth == (0, 0)

    def test_control_frames_are_not_counted_as_messages(self, listener):
        listener.outbox.tell(Verb.PONG, 1)
        listener.put(pub(1))
        listener.outbox.tell(Verb.PONG, 2)
        listener.put()
        assert len(listener.read()) == 3
        assert listener.outbox.sent == 1

    def test_a_closed_connection_is_gone(self, listener):
        listener.is_gone = True
        assert listener.put(pub(1)) is Delivery.GONE
        assert listener.outbox.ping() is Delivery.GONE


class TestWindow:
    def test_no_more_than_the_window_is_on_its_way(self, listener):
        for number in range(8):
            listener.put(pub(number, size=300))
        found = listener.read()
        assert found == [pub(number, size=300) for number in range(4)]  # the one that passes the window is the last
        assert listener.outbox.depth == (4, 1200)
        assert listener.confirm() is Delivery.SENT
        assert listener.read() == [pub(number, size=300) for number in range(4, 8)]
        assert listener.outbox.dropped == 0

    def test_pings_are_asked_for_each_quarter_and_carry_what_was_handed_over(self, listener):
        for number in range(4):
            listener.put(pub(number, size=200))
        listener.read()
        assert listener.pings == [400, 800]

    def test_a_ping_that_found_no_room_is_asked_again(self, listener):
        listener.room = 1
        listener.put(pub(1, size=300))
        assert listener.read() == [pub(1, size=300)]
        assert listener.pings == []
        listener.room = 9
        listener.put(pub(2))
        listener.read()
        assert listener.pings == [300 + len(pub(2))]

    @pytest.mark.parametrize("number", [-1, 0, 10**9])
    def test_a_confirmation_of_what_was_not_sent_counts_for_nothing(self, listener, number):
        for count in range(6):
            listener.put(pub(count, size=300))
        listener.read()
        listener.outbox.confirm(number, 5.0)
        assert listener.outbox.flush(5.0) is Delivery.FULL
        assert listener.read() == []

    def test_an_older_confirmation_takes_nothing_back(self, listener):
        for count in range(4):
            listener.put(pub(count, size=300))
        listener.read()
        listener.confirm()
        listener.outbox.confirm(1, 0.0)
        listener.put(pub(9, size=900))
        assert listener.read() == [pub(9, size=900)]


class TestFull:
    def test_what_the_listener_does_not_take_is_kept_in_order(self, listener):
        listener.room = 0
        assert listener.put(pub(1)) is Delivery.FULL
        assert listener.put(pub(2), pub(3)) is Delivery.FULL
        assert listener.outbox.depth[0] == 3
        assert listener.outbox.waiting_since == 0.0
        listener.room = 9
        assert listener.outbox.flush(1.0) is Delivery.SENT
        assert listener.read() == [pub(1), pub(2), pub(3)]
        assert (listener.outbox.waiting_since, listener.outbox.depth) == (None, (0, 0))

    def test_losses_are_counted_and_told_once_before_what_is_newer(self, listener):
        listener.room = 0
        for number in range(30):
            listener.put(pub(number))
        assert listener.outbox.dropped == listener.outbox.lost_now == 28
        listener.room = 9
        listener.outbox.flush(1.0)
        first, told, newest = listener.read()
        assert (first, newest) == (pub(0), pub(29))
        assert dropped(told) == 28
        assert (listener.outbox.sent, listener.outbox.dropped, listener.outbox.lost_now) == (2, 28, 0)
        listener.put(pub(30))
        assert listener.read() == [pub(30)]

    def test_a_loss_is_told_even_if_nothing_else_waits(self):
        listener = Listener(Limits(queue_bytes=1000, window_bytes=1000))
        listener.room = 0
        listener.put(pub(1))
        listener.put(pub(2, size=2000))
        listener.room = 9
        assert listener.outbox.flush(1.0) is Delivery.SENT
        first, told = listener.read()
        assert (first, dropped(told)) == (pub(1), 1)

    def test_a_copy_that_is_given_up_is_told_like_the_others(self, listener):
        listener.room = 0
        listener.put(b"set /a\0")
        listener.put(*[b"set /a\0"] * 20)
        assert listener.outbox.is_full
        listener.outbox.lose(3)
        listener.room = 9
        listener.outbox.flush(1.0)
        assert sum(dropped(frame) for frame in listener.read() if frame[:1] == b"!") == 3

    def test_who_takes_nothing_for_too_long_is_stalled(self, listener):
        assert not listener.outbox.is_stalled(1e9)
        listener.room = 0
        listener.put(pub(1), now=10.0)
        assert not listener.outbox.is_stalled(70.0)
        assert listener.outbox.is_stalled(70.1)
        listener.room = 1
        listener.put(pub(2), now=71.0)
        assert not listener.outbox.is_stalled(72.0)

    def test_confirming_is_a_sign_of_life_too(self, listener):
        for number in range(8):
            listener.put(pub(number, size=300), now=10.0)
        listener.read()
        listener.room = 0
        listener.outbox.confirm(listener.pings[-1], 69.0)
        assert not listener.outbox.is_stalled(75.0)

    def test_only_who_reads_presses(self, listener):
        listener.room = 0
        for number in range(6):
            listener.put(pub(number, f"/{number}"), now=10.0)
        assert listener.outbox.pressure(10.0) == pytest.approx(0.5)
        assert listener.outbox.pressure(10.0 + 2 * READING_S) == 0
        listener.room = 99
        listener.outbox.flush(11.0)
        assert listener.outbox.pressure(11.0) == 0


class TestPromises:
    def promise(self, listener: Listener, number: int) -> Promise:
        promise = Promise(f"set /a\0{number}".encode(), cast(Any, "sender"))
        listener.outbox.promise(promise)
        return promise

    def test_a_command_that_was_handed_over_is_owed_to_nobody(self, listener):
        promise = self.promise(listener, 1)
        assert promise.receivers == 1
        listener.put()
        assert (promise.receivers, promise.handed) == (0, True)
        assert listener.outbox.abandon() == []

    def test_commands_that_wait_come_back_when_the_client_is_given_up(self, listener):
        handed = self.promise(listener, 0)
        listener.put()
        listener.room = 0
        packed, waits, due = (self.promise(listener, number) for number in (1, 2, 3))
        listener.put(pub(1))
        listener.outbox.due.append(pub(2))
        assert listener.outbox.abandon() == [packed, waits, due]
        assert handed.handed
        assert listener.outbox.dropped == 5

    def test_one_that_another_client_was_handed_or_still_waits_for_does_not(self, listener):
        other, third = Listener(), Listener()
        first, second = self.promise(listener, 1), self.promise(listener, 2)
        other.outbox.promise(first)
        third.outbox.promise(second)
        other.put()
        listener.room = third.room = 0
        listener.put()
        third.put()
        assert listener.outbox.abandon() == []
        assert third.outbox.abandon() == [second]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(1, 6)),
        st.tuples(st.just("room"), st.integers(0, 5)),
        st.tuples(st.just("confirm"), st.just(0)),
    ),
    max_size=60,
)


@settings(max_examples=200)
@given(steps)
def test_whatever_happens_order_holds_and_everything_is_sent_told_as_lost_or_waits(done):
    listener, number = Listener(), 0
    received: list[bytes] = []
    promises: list[tuple[int, Promise]] = []
    for what, count in done:
        if what == "put":
            for _ in range(count):
                number += 1
                if number % 4 or listener.outbox.is_full:
                    listener.outbox.due.append(pub(number, f"/{number % 3}", 120))
                else:
                    promise = Promise(f"set /a\0{number:04}".encode().ljust(120, b"."), cast(Any, "sender"))
                    listener.outbox.promise(promise)
                    promises.append((number, promise))
            listener.outbox.flush(0.0)
        elif what == "room":
            listener.room = count
            listener.outbox.flush(0.0)
        else:
            received += listener.read()
            if listener.pings:
                listener.confirm()
        outbox = listener.outbox
        assert number == outbox.sent + outbox.dropped + outbox.depth[0]
    for _ in range(100):
        listener.room = 100
        listener.outbox.ping()
        received += listener.read()
        listener.confirm()
    told = sum(dropped(frame) for frame in received if frame[:1] == control.MARK)
    read = [int(frame.partition(b"\0")[2][:4]) for frame in received if frame[:1] != control.MARK]
    assert listener.outbox.depth == (0, 0)
    assert read == sorted(read)
    assert len(read) + told == number
    assert {number for number, _ in promises} <= set(read)
    assert all(promise.handed and not promise.receivers for _, promise in promises)
