"""Everything that reads bytes from the network, given what it does not expect."""

import random
import tracemalloc

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ess_bus import batch, control, message
from ess_bus.control import Verb
from ess_bus.errors import ProtocolError
from tests.fuzz import CONTROLS, FRAMES, TARGETS, attack, bomb, mutated

HEADS = [b"", b"*", b"set /a\0", b"reply /r\0", b"get /bus\0", *(verb.encode() + b"\0" for verb in Verb)]
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=20) | st.binary(),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize("name", TARGETS)
def test_accidents_to_real_frames_end_in_nothing_but_protocol_errors(name):
    chance = random.Random(name)
    seeds = TARGETS[name][0]
    understood = sum(attack(name, mutated(chance.choice(seeds), seeds, chance)) for _ in range(600))
    assert understood > 10


@pytest.mark.parametrize("name", TARGETS)
def test_the_frames_that_are_changed_are_understood_as_they_are(name):
    assert all(attack(name, seed) for seed in TARGETS[name][0])


@pytest.mark.parametrize("name", ["message", "control", "broker", "client"])
@settings(max_examples=60, deadline=None)
@given(head=st.sampled_from(HEADS), value=values)
def test_well_formed_msgpack_of_the_wrong_shape_is_no_worse(name, head, value):
    attack(name, head + msgpack.packb(value))


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=60, deadline=None)
@given(head=st.sampled_from(HEADS), tail=st.binary(max_size=200))
def test_neither_are_random_bytes(name, head, tail):
    attack(name, head + tail)


@pytest.mark.parametrize(
    ("decode", "head"),
    [
        (message.decode, b"pub /a\0"),
        (control.decode, b"!hello\0"),
        (batch.unpack, b"*"),
    ],
)
@pytest.mark.parametrize("levels", [1, 20, 500])
def test_arrays_that_claim_to_be_huge_cost_no_more_than_a_frame_of_the_largest_size(decode, head, levels):
    frame = head + bomb(levels, 1 << 20)
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError):
            decode(frame)
        assert tracemalloc.get_traced_memory()[1] < 96 << 20
    finally:
        tracemalloc.stop()


def test_frames_that_are_refused_leave_nothing_behind():
    frames = [mutated(seed, FRAMES, random.Random(number)) for number in range(20) for seed in CONTROLS]

    def refuse_all() -> int:
        for frame in frames:
            for name in ("control", "message", "batch"):
                attack(name, frame)
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = min(refuse_all() for _ in range(2))
        after = min(refuse_all() for _ in range(5))
    finally:
        tracemalloc.stop()
    assert after - before < 20_000
