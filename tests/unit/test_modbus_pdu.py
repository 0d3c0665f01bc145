"""Requests, answers and TCP frames: whatever the bytes are, they are an answer or one of the errors that are named."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modbus_bridge.config.model import RegisterType
from modbus_bridge.device import pdu, tcp_frame

registers = st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=125)
frames = st.builds(tcp_frame.Frame, st.integers(0, 0xFFFF), st.integers(0, 255), st.binary(min_size=1, max_size=253))


class TestFrames:
    @given(st.lists(frames, max_size=5), st.lists(st.integers(0, 10_000), max_size=12))
    def test_any_split_gives_the_same_frames(self, sent: list[tcp_frame.Frame], places: list[int]) -> None:
        stream = b"".join(tcp_frame.frame(*one) for one in sent)
        edges = sorted({0, len(stream), *(place % (len(stream) + 1) for place in places)})
        splitter = tcp_frame.Splitter()
        assert [one for begin, end in pairwise(edges) for one in splitter.feed(stream[begin:end])] == sent

    @given(st.lists(st.binary(max_size=400), max_size=5))
    def test_garbage_is_an_error_or_a_frame_but_nothing_else(self, parts: list[bytes]) -> None:
        splitter = tcp_frame.Splitter()
        with suppress(tcp_frame.NotModbus):
            for part in parts:
                for one in splitter.feed(part):
                    assert tcp_frame.frame(*one) in b"".join(parts)

    @pytest.mark.parametrize("header", ["0001 0001 0006", "0001 0000 0001", "0001 0000 00ff", "0001 0000 ffff"])
    def test_what_is_no_header(self, header: str) -> None:
        with pytest.raises(tcp_frame.NotModbus, match="not Modbus TCP"):
            tcp_frame.Splitter().feed(bytes.fromhex(header) + bytes(7))


class TestReads:
    @given(registers, st.sampled_from((RegisterType.HOLDING, RegisterType.INPUT)))
    def test_registers(self, words: list[int], table: RegisterType) -> None:
        request = pdu.read_request(table, 7, len(words))
        body = b"".join(word.to_bytes(2, "big") for word in words)
        assert pdu.read_values(request, bytes((request[0], len(body))) + body, len(words)) == words

    @given(
        st.lists(st.integers(0, 1), min_size=1, max_size=2000),
        st.sampled_from((RegisterType.COIL, RegisterType.DISCRETE)),
    )
    def test_bits(self, bits: list[int], table: RegisterType) -> None:
        request = pdu.read_request(table, 7, len(bits))
        size = (len(bits) + 7) // 8
        # The padding is whatever the device likes.
        number = sum(bit << at for at, bit in enumerate(bits)) | (1 << 8 * size) - (1 << len(bits))
        answer = bytes((request[0], size)) + number.to_bytes(size, "little")
        assert pdu.read_values(request, answer, len(bits)) == bits

    @given(st.sampled_from(RegisterType), st.integers(1, 125), st.binary(max_size=260))
    def test_garbage(self, table: RegisterType, count: int, answer: bytes) -> None:
        request = pdu.read_request(table, 0, count)
        with suppress(pdu.Refusal, pdu.WrongAnswer):
            assert len(pdu.read_values(request, answer, count)) == count
            assert answer[0] == request[0]

    def test_an_exception(self) -> None:
        with pytest.raises(pdu.Refusal) as caught:
            pdu.read_values(pdu.read_request(RegisterType.HOLDING, 0, 1), b"\x83\x02", 1)
        assert caught.value.code == 2


class TestWrites:
    @given(
        st.sampled_from((RegisterType.HOLDING, RegisterType.COIL)),
        st.integers(0, 0xFFFF),
        st.lists(st.integers(0, 1), min_size=1, max_size=123),
        st.booleans(),
        st.binary(max_size=10),
    )
    def test_only_the_echo_confirms(
        self, table: RegisterType, start: int, words: list[int], multi_write: bool, garbage: bytes
    ) -> None:
        request = pdu.write_request(table, start, words, multi_write=multi_write)
        pdu.check_written(request, request[:5])
        with suppress(pdu.Refusal, pdu.WrongAnswer, pdu.WrongEcho):
            pdu.check_written(request, garbage)
            assert garbage == request[:5]
