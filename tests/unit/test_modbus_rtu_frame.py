"""Frames of serial lines: the same ones however the bytes come in, and none in garbage."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modbus_bridge.rtu.frame import MAX_FRAME_BYTES, AnswerSplitter, Frame, RequestSplitter, crc16, frame, silence_s

READ = b"\x03\x00\x6b\x00\x03"
READ_ANSWER = b"\x03\x06\x02\x2b\x00\x00\x00\x64"
WRITE_MANY = b"\x10\x00\x01\x00\x02\x04\x00\x0a\x01\x02"
REQUESTS = (
    READ,
    b"\x06\x00\x01\x00\x03",
    b"\x05\x00\xac\xff\x00",
    b"\x0f\x00\x13\x00\x0a\x02\xcd\x01",
    WRITE_MANY,
    b"\x16\x00\x04\x00\xf2\x00\x25",
    b"\x17\x00\x03\x00\x06\x00\x0e\x00\x01\x02\x00\xff",
    b"\x2b\x0e\x01\x00",
    b"\x11",
)


def cuts(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[begin:end] for begin, end in pairwise(edges)]


def test_the_crc_is_that_of_the_specification() -> None:
    # The example of 6.2.2: 02 07 -> 41 12 on the line.
    assert crc16(b"\x02\x07") == 0x1241
    assert frame(2, b"\x07") == b"\x02\x07\x41\x12"
    assert crc16(b"123456789") == 0x4B37


def test_the_silence_between_frames() -> None:
    assert silence_s(9600, 11) == pytest.approx(0.00401, abs=1e-5)
    assert silence_s(115200, 11) == 0.00175


class TestRequests:
    @given(
        st.lists(st.tuples(st.integers(0, 247), st.sampled_from(REQUESTS)), min_size=1, max_size=5),
        st.lists(st.integers(0, 10_000), max_size=12),
    )
    def test_any_split_gives_the_same_frames(self, sent: list[tuple[int, bytes]], places: list[int]) -> None:
        splitter = RequestSplitter()
        stream = b"".join(frame(unit, pdu) for unit, pdu in sent)
        found = [one for part in cuts(stream, places) for one in splitter.feed(part)]
        assert found == [Frame(unit, pdu) for unit, pdu in sent]
        assert not splitter.is_waiting
        assert splitter.dropped == 0

    @given(st.lists(st.binary(max_size=300), max_size=5))
    def test_garbage_is_dropped_and_what_follows_a_silence_is_found(self, garbage: list[bytes]) -> None:
        splitter = RequestSplitter()
        for part in garbage:
            for one in splitter.feed(part):
                # Only what really has a right CRC.
                assert frame(*one) in b"".join(garbage)
        splitter.silence()
        assert splitter.feed(frame(1, READ)) == [Frame(1, READ)]

    def test_what_other_devices_answer_is_passed_over(self) -> None:
        splitter = RequestSplitter()
        stream = frame(2, READ) + frame(2, READ_ANSWER) + frame(3, b"\x83\x02") + frame(1, WRITE_MANY)
        assert splitter.feed(stream) == [Frame(2, READ), Frame(1, WRITE_MANY)]
        assert splitter.dropped == 0

    def test_a_byte_of_noise_before_a_request(self) -> None:
        splitter = RequestSplitter()
        assert splitter.feed(b"\xff\x03" + frame(1, READ) + frame(1, READ))[-1] == Frame(1, READ)

    def test_silence_ends_a_function_of_unknown_length_and_drops_half_a_request(self) -> None:
        splitter = RequestSplitter()
        assert splitter.feed(frame(1, b"\x41\x01\x02\x03")) == []
        assert splitter.is_waiting
        assert splitter.silence() == [Frame(1, b"\x41\x01\x02\x03")]
        assert splitter.feed(frame(1, READ)[:-1]) == []
        assert splitter.silence() == []
        assert splitter.dropped == 7

    def test_it_keeps_no_more_than_a_frame(self) -> None:
        splitter = RequestSplitter()
        for _ in range(100):
            splitter.feed(b"\x01\x41" * 50)
        assert splitter.dropped > 100 * 100 - 2 * MAX_FRAME_BYTES


class TestAnswers:
    @given(st.binary(max_size=60), st.lists(st.integers(0, 10_000), max_size=12))
    def test_the_answer_is_found_behind_any_noise_however_it_comes(self, noise: bytes, places: list[int]) -> None:
        splitter = AnswerSplitter(9, 3)
        answer = frame(9, READ_ANSWER)
        found = [splitter.feed(part) for part in cuts(noise.replace(b"\x09", b"") + answer, places)]
        assert [one for one in found if one is not None] == [Frame(9, READ_ANSWER)]

    @given(st.lists(st.binary(max_size=300), max_size=5))
    def test_garbage_is_no_answer(self, garbage: list[bytes]) -> None:
        splitter = AnswerSplitter(9, 3)
        for part in garbage:
            found = splitter.feed(part)
            assert found is None or frame(*found) in b"".join(garbage)

    def test_noise_that_begins_like_a_long_answer_does_not_hide_the_answer(self) -> None:
        answer = frame(1, READ_ANSWER)
        assert AnswerSplitter(1, 3).feed(b"\x01\x03\xf0" + answer) == Frame(1, READ_ANSWER)

    def test_an_exception_is_an_answer_and_that_of_another_unit_or_function_is_not(self) -> None:
        assert AnswerSplitter(1, 3).feed(frame(1, b"\x83\x02")) == Frame(1, b"\x83\x02")
        assert AnswerSplitter(1, 3).feed(frame(2, READ_ANSWER)) is None
        assert AnswerSplitter(1, 4).feed(frame(1, READ_ANSWER)) is None

    def test_a_wrong_crc_is_no_answer(self) -> None:
        answer = bytearray(frame(1, READ_ANSWER))
        answer[4] ^= 1
        assert AnswerSplitter(1, 3).feed(bytes(answer)) is None
