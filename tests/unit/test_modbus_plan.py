"""Read blocks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modbus_bridge.config.model import Point, RegisterType
from modbus_bridge.plan import MAX_BITS, MAX_REGISTERS, Block, blocks, split


def point(offset: int, size: int = 1, table: RegisterType = RegisterType.HOLDING, device_id: int = 1) -> Point:
    return Point(f"{table}_{device_id}_{offset}", table, offset, device_id, size)


def spans(found: list[Block]) -> list[tuple[int, int]]:
    return [(block.start, block.count) for block in found]


def test_adjacent_points_are_one_request_whatever_their_order() -> None:
    assert spans(blocks([point(12, 2), point(10), point(11)])) == [(10, 4)]


def test_a_small_gap_is_read_along_and_a_wide_one_is_not() -> None:
    assert spans(blocks([point(0), point(64)])) == [(0, 65)]
    assert spans(blocks([point(0), point(66)])) == [(0, 1), (66, 1)]


def test_tables_and_units_are_never_mixed() -> None:
    found = blocks([point(0), point(1, table=RegisterType.INPUT), point(2, device_id=2)])
    assert {(block.type, block.device_id) for block in found} == {
        (RegisterType.HOLDING, 1),
        (RegisterType.INPUT, 1),
        (RegisterType.HOLDING, 2),
    }


def test_a_point_is_never_cut_at_the_limit() -> None:
    points = [point(offset) for offset in range(124)] + [point(124, 4)]
    assert spans(blocks(points)) == [(0, 124), (124, 4)]


def test_bits_have_their_own_limit() -> None:
    points = [point(offset, table=RegisterType.COIL) for offset in range(0, 2500, 2)]
    assert [count for _, count in spans(blocks(points))] == [1999, 499]


def test_splitting_goes_for_the_gaps_first_and_then_halves_down_to_one_point() -> None:
    (block,) = blocks([point(0), point(1), point(5), point(6, 2)])
    first, second = split(block)
    assert spans([first, second]) == [(0, 2), (5, 3)]
    assert spans(split(second)) == [(5, 1), (6, 2)]
    assert split(split(second)[1]) == [split(second)[1]]


@st.composite
def maps(draw: st.DrawFn) -> list[Point]:
    found: list[Point] = []
    for table in draw(st.sets(st.sampled_from(RegisterType), min_size=1)):
        offset = 0
        for _ in range(draw(st.integers(1, 80))):
            offset += draw(st.sampled_from((0, 0, 0, 1, 5, 70, 1200)))
            size = 1 if table.is_bits else draw(st.sampled_from((1, 2, 4)))
            found.append(point(offset, size, table))
            offset += size
    return found


@given(maps())
def test_every_point_is_read_exactly_once_and_no_request_is_too_long(points: list[Point]) -> None:
    found = blocks(points)
    assert sorted(p.id for block in found for p in block.points) == sorted(p.id for p in points)
    for block in found:
        assert 1 <= block.count <= (MAX_BITS if block.type.is_bits else MAX_REGISTERS)
        assert all(block.start <= p.offset and p.end <= block.start + block.count for p in block.points)


@given(maps())
def test_splitting_ends_and_loses_nothing(points: list[Point]) -> None:
    todo, single = blocks(points), []
    while todo:
        block = todo.pop()
        if len(block.points) == 1:
            single.append(block.points[0].id)
            continue
        parts = split(block)
        assert len(parts) > 1
        todo += parts
    assert sorted(single) == sorted(p.id for p in points)
