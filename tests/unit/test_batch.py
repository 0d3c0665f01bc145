import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ess_bus import batch
from ess_bus.errors import ProtocolError

frames = st.lists(st.binary(max_size=300), min_size=1, max_size=40)


@given(frames)
def test_what_was_packed_is_unpacked(found):
    packed = batch.pack(found)
    assert ([packed] if len(found) == 1 else batch.unpack(packed)) == found


def test_one_frame_travels_as_it_is():
    assert batch.pack([b"pub /a\0"]) == b"pub /a\0"


def test_many_frames_are_one_that_starts_with_the_mark():
    assert batch.pack([b"a", b"bc"]) == b"*\x92\xc4\x01a\xc4\x02bc"


def test_no_frames_at_all_are_a_batch_too():
    assert batch.unpack(b"*\x90") == []


@given(st.lists(st.integers(0, 2 * batch.FULL_BYTES), min_size=1, max_size=12))
def test_a_batch_takes_what_fits_in_order_and_always_something(sizes):
    found = [bytes(size) for size in sizes]
    frame, count = batch.take(found)
    assert 1 <= count <= len(found)
    assert frame == batch.pack(found[:count])
    assert count == 1 or sum(sizes[:count]) <= batch.FULL_BYTES
    assert count == len(found) or sum(sizes[: count + 1]) > batch.FULL_BYTES


def test_exactly_full_is_not_too_much():
    half = bytes(batch.FULL_BYTES // 2)
    assert batch.take([half, half, b"x"])[1] == 2


def test_a_large_frame_travels_alone():
    large = bytes(batch.FULL_BYTES + 1)
    assert batch.take([large, b"x"]) == (large, 1)
    assert batch.take([b"x", large]) == (b"x", 1)


def test_frames_are_taken_from_anything_that_can_be_gone_through():
    assert batch.take(iter([b"a", b"b"])) == (batch.pack([b"a", b"b"]), 2)


NOT_FRAMES = [
    b"",
    b"\xc1",
    b"\x91",
    b"\x01",
    b"\xa1x",
    b"\x81\xc4\x01a\xc4\x01b",
    b"\x91\xa1x",
    b"\x92\xc4\x01a\xc0",
    b"\x90\x90",
    b"\xdd\xff\xff\xff\xff",
]


@pytest.mark.parametrize("rest", NOT_FRAMES, ids=repr)
def test_what_is_not_an_array_of_frames_is_an_error(rest):
    with pytest.raises(ProtocolError, match="a batch that is not"):
        batch.unpack(b"*" + rest)


def test_a_deep_array_is_an_error_and_not_the_end():
    with pytest.raises(ProtocolError):
        batch.unpack(b"*" + b"\x91" * 100_000)


@given(st.binary(max_size=200))
def test_any_bytes_are_frames_or_an_error(data):
    try:
        found = batch.unpack(b"*" + data)
    except ProtocolError:
        return
    assert all(isinstance(frame, bytes) for frame in found)
    assert batch.unpack(batch.MARK + msgpack.packb(found)) == found
