"""Whole blocks of registers give exactly what their points give one by one."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modbus_bridge.config.model import Kind, Point, RegisterType
from modbus_bridge.polling.decoder import decoder_of
from modbus_bridge.polling.plan import Block, blocks, split
from modbus_bridge.values import codec
from tests.modbus_points import any_points, point, words


def one_by_one(block: Block, registers: list[int]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for some in block.points:
        values |= codec.published(some, block.words(some, registers))
    return values


@st.composite
def any_blocks(draw: st.DrawFn) -> Block:
    """Blocks with gaps, and with points that lie on top of each other."""
    start = draw(st.integers(0, 60_000))
    points: list[Point] = []
    offset = start
    for number in range(draw(st.integers(1, 12))):
        points.append(draw(any_points(f"p{number}", offset)))
        offset = draw(st.integers(offset, points[-1].end + 3))
    return Block(RegisterType.HOLDING, 1, start, max(some.end for some in points) - start, tuple(points))


@given(any_blocks(), st.data())
def test_any_block(block: Block, data: st.DataObject) -> None:
    registers = data.draw(st.lists(words, min_size=block.count, max_size=block.count))
    # Types and signs of zeros count: they are what is published.
    assert ordered(decoder_of(block)(registers)) == ordered(one_by_one(block, registers))


def ordered(values: dict[str, Any]) -> list[str]:
    return sorted(f"{key}: {value!r}" for key, value in values.items())


@given(
    st.lists(
        st.builds(
            lambda use_bool, scale, mask, invalid: {
                "use_bool": use_bool,
                "scale": scale,
                "invert_mask": mask,
                "invalid": invalid,
            },
            st.booleans(),
            st.sampled_from((None, -1)),
            st.integers(0, 1),
            st.sampled_from((frozenset(), frozenset({1}))),
        ),
        min_size=1,
        max_size=20,
    ),
    st.data(),
)
def test_coils(changes: list[dict[str, Any]], data: st.DataObject) -> None:
    points = [
        point(id=f"c{offset}", type=RegisterType.COIL, kind=Kind.BOOL, offset=offset, **change)
        for offset, change in enumerate(changes)
    ]
    (block,) = blocks(points)
    bits = data.draw(st.lists(st.integers(0, 1), min_size=block.count, max_size=block.count))
    assert ordered(decoder_of(block)(bits)) == ordered(one_by_one(block, bits))


@pytest.mark.parametrize("registers", [[7, 0x7FC0, 0, 0xFFFF], (7, 0x7FC0, 0, 0xFFFF)])
def test_lists_and_tuples(registers: Any) -> None:
    (block,) = blocks(
        [
            point(id="tenths", scale=10),
            point(id="measured", offset=1, size=2, is_float=True),
            point(id="flags", offset=3, kind=Kind.INDIVIDUAL_BITS, strings={15: "high"}),
        ]
    )
    assert decoder_of(block)(registers) == {"tenths": 0.7, "measured": None, "high": True}


def test_a_block_is_compiled_once() -> None:
    (block,) = blocks([point()])
    assert decoder_of(block) is decoder_of(block)


def test_decoders_are_gone_with_their_blocks() -> None:
    points = [point(id=f"p{offset}", offset=offset) for offset in range(8)]
    compiled = []
    for _ in range(3):
        (whole,) = blocks(points)
        compiled += [weakref.ref(decoder_of(block)) for block in (whole, *split(whole))]
    del whole, _
    gc.collect()
    assert [alive for alive in compiled if alive() is not None] == []
