"""What holds for registers and values of every kind."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from modbus_bridge.config.model import Kind, Point
from modbus_bridge.values import codec
from tests.modbus_points import any_points, point, real_numbers, words, words_for

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just("value"), inner, max_size=2),
    max_leaves=5,
)


def is_exact(some: Point, registers: tuple[int, ...]) -> bool:
    """Tell whether a value can be expected to lead back to its bits."""
    bits = codec.raw(some, registers)
    if bits in some.invalid:
        return False
    if some.is_float:
        # Negative zero and the many forms of NaN are shown as what they mean.
        return bits != 1 << some.width - 1 and codec.decode(some, registers) is not None
    if some.signed and bits >> some.width - 1:
        bits = (1 << some.width) - bits
    # Beyond, scaled values share a float, and shifted ones do not fit into 64 bits.
    return (some.scale is None and not some.shift) or bits < 1 << 50


@given(real_numbers(), st.data())
def test_words_of_numbers_survive_the_round_trip(some: Point, data: st.DataObject) -> None:
    registers = data.draw(words_for(some))
    assume(is_exact(some, registers))
    assert codec.encode(some, codec.decode(some, registers)) == registers


@given(any_points(), st.data())
def test_words_of_every_kind_survive_the_round_trip(some: Point, data: st.DataObject) -> None:
    assume(some.kind is not Kind.TEXT)
    registers = data.draw(words_for(some))
    assume(is_exact(some, registers))
    assume(some.kind is not Kind.BOOL or codec.raw(some, registers) <= 1)
    # Individual bits together are written as a mask.
    is_mask = some.kind is Kind.INDIVIDUAL_BITS
    value = codec.raw(some, registers) if is_mask else codec.decode(some, registers)
    # The bits of others are none of a part's business.
    assert codec.changed(registers, *codec.change(some, value)) == registers


@given(st.text(st.characters(max_codepoint=255), max_size=8))
def test_texts_that_can_be_stored_survive(text: str) -> None:
    some = point(size=4, kind=Kind.TEXT)
    assume(text.isprintable())
    assert codec.decode(some, codec.encode(some, text)) == text.rstrip(" ")


@given(real_numbers(), st.data())
def test_values_survive_within_half_a_step(some: Point, data: st.DataObject) -> None:
    assume(not some.is_float and some.size < 4)
    scale = some.scale or Fraction(1)
    low, high = (-1 << some.width - 1, (1 << some.width - 1) - 1) if some.signed else (0, (1 << some.width) - 1)
    edges = sorted(float(edge / scale) + some.shift for edge in (low, high))
    value = data.draw(st.floats(*edges))
    try:
        found = codec.decode(some, codec.encode(some, value))
    except ValueError:
        # Edges are rounded, too.
        assert min(abs(value - edge) for edge in edges) <= abs(value) * 1e-9
        return
    assert abs(found - value) <= float(abs(1 / scale)) / 2 + abs(value) * 1e-15


@given(
    st.floats(-1e7, 1e7) | st.integers(-(10**7), 10**7).map(lambda hundredths: hundredths / 1000),
    st.sampled_from((None, 10, 100, 1000, 0.1, 0.01, 2.5, 2.849, -10, 60)),
    st.integers(-1000, 1000),
)
def test_rounding_is_that_of_exact_decimals(value: float, scale: float | None, shift: int) -> None:
    some = point(size=4, signed=True, scale=scale, shift=shift)
    exact = (Fraction(repr(value)) - shift) * (some.scale or 1)
    nearest = math.floor(abs(exact) + Fraction(1, 2)) * (-1 if exact < 0 else 1)
    assert codec.encode(some, value) == codec.words_of(some, nearest)


@given(any_points(), st.data())
def test_scaled_integers_are_the_nearest_floats(some: Point, data: st.DataObject) -> None:
    assume(some.kind is Kind.NUMBER and some.scale is not None and not some.is_float)
    registers = data.draw(words_for(some))
    bits = codec.raw(some, registers)
    assume(bits not in some.invalid)
    if some.signed and bits >> some.width - 1:
        bits -= 1 << some.width
    assert some.scale is not None
    assert codec.decode(some, registers) == float(bits / some.scale + some.shift)


@given(any_points(), JSON)
def test_any_value_is_encoded_or_refused(some: Point, value: Any) -> None:
    try:
        found = codec.encode(some, value)
    except ValueError:
        return
    assert len(found) == some.size
    assert all(0 <= word <= 0xFFFF for word in found)
    assert codec.raw(some, found) not in some.invalid


@given(any_points(), words, st.data())
def test_a_write_leaves_the_bits_of_others(some: Point, value: int, data: st.DataObject) -> None:
    assume(some.is_part)
    registers = data.draw(words_for(some))
    try:
        after = codec.changed(registers, *codec.change(some, value))
    except ValueError:
        return
    own = codec.words_of(replace(some, invert_mask=0), (1 << some.width) - 1)
    assert all((before ^ now) & ~mine == 0 for before, now, mine in zip(registers, after, own, strict=True))
