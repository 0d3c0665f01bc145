"""Read blocks."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from modbus_bridge.config.model import Connection, Point, RegisterType, Serial, Tcp
from modbus_bridge.polling.plan import Block, Limits, blocks, split
from modbus_bridge.protocol import MAX_READ_BITS, MAX_READ_REGISTERS


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


def test_points_may_share_registers() -> None:
    parts = [replace(point(3), id=f"part_{bit}", first_bit=bit, bits=1) for bit in range(3)]
    found = blocks([*parts, point(0, 4), point(2, 1), point(4)])
    assert spans(found) == [(0, 5)]
    assert [found[0].words(part, [10, 11, 12, 13, 14]) for part in parts] == [[13]] * 3
    # What lies in the same registers is one request, however often it is split.
    assert split(blocks(parts)[0]) == blocks(parts)


def test_a_device_may_allow_less() -> None:
    address = Tcp("h")
    ten = Limits.of(Connection("c", address, max_registers=10, max_bits=16))
    assert spans(blocks([point(offset) for offset in range(25)], ten)) == [(0, 10), (10, 10), (20, 5)]
    assert spans(blocks([point(offset, table=RegisterType.COIL) for offset in (0, 15, 16)], ten)) == [(0, 16), (16, 1)]
    assert spans(blocks([point(0, 8), point(8, 4), point(12, 40)], ten)) == [(0, 8), (8, 4), (12, 40)]
    no_gaps = Limits.of(Connection("c", address, read_gaps=False))
    assert spans(blocks([point(0), point(1), point(3)], no_gaps)) == [(0, 2), (3, 1)]
    assert Limits.of(Connection("c", address, max_registers=1000, max_bits=10000)) == Limits()


def test_the_slower_a_register_travels_the_less_a_gap_is_worth() -> None:
    slow, fast = (Limits.of(Connection("c", Serial("/dev/x", rate))).max_gap for rate in (9600, 115200))
    assert 8 <= slow < 20 < fast < 64
    paused = Limits.of(Connection("c", Tcp("h"), pause_s=0.025))
    assert spans(blocks([point(0), point(124)], paused)) == [(0, 125)]


@st.composite
def maps(draw: st.DrawFn) -> list[Point]:
    found: list[Point] = []
    for table in draw(st.sets(st.sampled_from(RegisterType), min_size=1)):
        offset = 0
        for number in range(draw(st.integers(1, 80))):
            # Also back: points may share registers.
            offset = max(0, offset + draw(st.sampled_from((-2, -1, 0, 0, 0, 1, 5, 70, 1200))))
            size = 1 if table.is_bits else draw(st.sampled_from((1, 1, 2, 4, 60)))
            found.append(replace(point(offset, size, table), id=f"{table}_{number}"))
            offset += size
    return draw(st.permutations(found))


limits = st.builds(
    Limits, st.integers(1, MAX_READ_REGISTERS), st.integers(1, MAX_READ_BITS), st.integers(0, MAX_READ_REGISTERS)
)


@given(maps(), limits)
def test_every_point_is_read_exactly_once_and_no_request_is_too_long(points: list[Point], limits: Limits) -> None:
    found = blocks(points, limits)
    assert sorted(p.id for block in found for p in block.points) == sorted(p.id for p in points)
    for block in found:
        most = limits.max_bits if block.type.is_bits else limits.max_registers
        assert 1 <= block.count <= most or len({(p.offset, p.size) for p in block.points}) == 1
        assert block.start == block.points[0].offset
        assert block.start + block.count == max(p.end for p in block.points)
        assert all(block.start <= p.offset and p.end <= block.start + block.count for p in block.points)
        assert len(set(range(block.start, block.start + block.count)) - _covered(block)) <= len(block.points) * 16 * (
            limits.max_gap
        )


def _covered(block: Block) -> set[int]:
    return {address for p in block.points for address in range(p.offset, p.end)}


@given(maps())
def test_splitting_ends_and_loses_nothing(points: list[Point]) -> None:
    todo, single = blocks(points), []
    while todo:
        block = todo.pop()
        parts = split(block)
        if len(parts) == 1:
            assert parts == [block]
            assert len({(p.offset, p.size) for p in block.points}) == 1
            single += [p.id for p in block.points]
            continue
        assert all(1 <= part.count <= block.count for part in parts)
        todo += parts
    assert sorted(single) == sorted(p.id for p in points)
