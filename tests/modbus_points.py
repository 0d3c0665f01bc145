"""Points for tests of what they mean: by hand, as real configurations have them, and at random."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from modbus_bridge.config.model import Kind, Point, RegisterType

# (size, scale, signed, float, shift) of configurations that are in use somewhere.
REAL = [
    (1, None, False, False, 0),
    (1, None, True, False, 0),
    (1, None, False, False, 100),
    (1, None, False, False, -10),
    (1, 10, False, False, 0),
    (1, 10, True, False, 0),
    (1, 100, True, False, 0),
    (1, 1000, False, False, 0),
    (1, 10000, False, False, 0),
    (1, 0.1, False, False, 0),
    (1, 0.01, True, False, 0),
    (1, 0.001, False, False, 0),
    (1, 0.0005, False, False, 0),
    (1, 0.0001, False, False, 0),
    (1, -10, True, False, 0),
    (1, -10.0, False, False, 0),
    (1, -1, False, False, 0),
    (1, -100, False, False, 0),
    (1, 60, True, False, 0),
    (1, 2000, False, False, 0),
    (1, 2.5, False, False, 0),
    (1, 2.849, True, False, 0),
    (1, 8, False, False, 0),
    (1, 128, False, False, 0),
    (1, 32, False, False, -273),
    (1, 16384, False, False, -1),
    (2, None, False, False, 0),
    (2, None, True, False, 0),
    (2, None, False, False, 100),
    (2, 10, True, False, 0),
    (2, 20, False, False, 0),
    (2, 100000, True, False, 0),
    (2, 0.1, True, False, 0),
    (2, 0.01, False, False, 0),
    (2, 2.5, False, False, 0),
    (2, 1000, False, False, -2000000),
    (2, None, False, True, 0),
    (2, 1000, False, True, 0),
    (2, 0.017453, False, True, 0),
    (4, None, False, False, 0),
    (4, None, True, False, 0),
    (4, None, False, False, 100),
    (4, 2.5, False, False, 0),
    (4, None, False, True, 0),
]


def point(**changes: Any) -> Point:
    """Return a holding register `p` at 0 with these changes; `word_swap` reverses the words of any size."""
    scale = changes.pop("scale", None)
    if changes.pop("word_swap", False):
        changes["word_order"] = tuple(reversed(range(changes.get("size", 1))))
    defaults: dict[str, Any] = {"id": "p", "type": RegisterType.HOLDING, "offset": 0, "device_id": 1}
    return Point(**(defaults | {"scale": None if scale is None else Fraction(repr(scale))} | changes))


def words_for(some: Point) -> st.SearchStrategy[tuple[int, ...]]:
    """Return any words that the registers of a point can have, extremes often."""
    word = st.integers(0, 1) if some.type.is_bits else st.sampled_from((0, 1, 0x7FFF, 0x8000, 0xFFFF)) | words
    return st.tuples(*[word] * some.size)


words = st.integers(0, 0xFFFF)


@st.composite
def real_numbers(draw: st.DrawFn) -> Point:
    """Numbers as real configurations have them, in any word order and with any mask."""
    size, scale, signed, is_float, shift = draw(st.sampled_from(REAL))
    return point(
        size=size,
        scale=scale,
        signed=signed,
        is_float=is_float,
        shift=shift,
        word_order=draw(st.just(()) | st.permutations(range(size)).map(tuple)),
        invert_mask=draw(st.just(0) | st.integers(0, (1 << 16 * size) - 1)),
    )


@st.composite
def parts(draw: st.DrawFn) -> dict[str, Any]:
    """Which bits of a register of size 1 or 2 belong to a point."""
    size = draw(st.sampled_from((1, 2)))
    first_bit = draw(st.integers(0, 16 * size - 1))
    return {"size": size, "first_bit": first_bit, "bits": draw(st.integers(0, 16 * size - first_bit))}


@st.composite
def any_points(draw: st.DrawFn, name: str = "p", offset: int = 0) -> Point:
    """Registers of every kind, with every twist that goes with it."""
    some: dict[str, Any] = draw(_kinds)
    width = point(**some).width
    whole = 16 * point(**some).size
    extra: dict[str, Any] = {
        "id": name,
        "offset": offset,
        "invert_mask": draw(st.just(0) | st.integers(0, (1 << whole) - 1)),
        "invalid": draw(st.just(frozenset()) | st.frozensets(st.integers(0, (1 << width) - 1), max_size=2)),
    }
    if some.get("kind") in (Kind.ENUM, Kind.BIT_FIELD):
        extra["strings"] = {0: "none", width - 1: "last"}
    if some.get("kind") is Kind.INDIVIDUAL_BITS:
        extra["strings"] = {0: f"{name}_low"} | ({width - 1: f"{name}_high"} if width > 1 else {})
    return point(**some | extra)


_kinds = st.one_of(
    real_numbers().map(
        lambda some: {
            "size": some.size,
            "scale": None if some.scale is None else float(some.scale),
            "signed": some.signed,
            "is_float": some.is_float,
            "shift": some.shift,
            "word_order": some.word_order,
        }
    ),
    parts().flatmap(
        lambda some: st.sampled_from(
            [
                some | {"signed": True},
                some | {"scale": 10},
                some | {"kind": Kind.BOOL},
                some | {"kind": Kind.BOOL, "use_bool": False, "scale": -1},
                some | {"kind": Kind.ENUM, "word_swap": True},
                some | {"kind": Kind.BIT_FIELD},
                some | {"kind": Kind.INDIVIDUAL_BITS, "word_swap": True},
            ]
        )
    ),
    st.integers(1, 5).map(lambda size: {"size": size, "kind": Kind.TEXT}),
)
