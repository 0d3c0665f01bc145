"""The misbehaving device's plan, registers, records and bytes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from modbus_bridge.config.model import RegisterType
from tools.awkward import Answer, Deed, Misdeed, Odds, Records, Script, frames
from tools.awkward.answering import chunks
from tools.awkward.frames import Refusal, Request
from tools.awkward.misdeeds import MEANINGS, OF_CONNECTIONS
from tools.awkward.registers import Registers, scattered

HOLDING, COIL = RegisterType.HOLDING, RegisterType.COIL
READ = Request(1, 3, HOLDING, 10, 3)
WORDS = (0x0102, 0x0304, 0x0506)
RIGHT = bytes.fromhex("0007 0000 0009 01 03 06 0102 0304 0506")


def test_odds_come_out_as_they_were_given_and_the_same_with_the_same_seed() -> None:
    odds = {Misdeed.STALL: 0.1, Misdeed.REFUSE: 0.2}
    one, other = Odds(odds, seed=5, codes=(4, 6)), Odds(odds, seed=5, codes=(4, 6))
    deeds = [one.asked(READ) for _ in range(5000)]
    assert deeds == [other.asked(READ) for _ in range(5000)]
    counts = Counter(deed.misdeed for deed in deeds)
    assert counts[Misdeed.STALL] == pytest.approx(500, abs=100)
    assert counts[Misdeed.REFUSE] == pytest.approx(1000, abs=150)
    refusals = [deed for deed in deeds if deed.misdeed is Misdeed.REFUSE]
    assert {deed.code for deed in refusals} == {4, 6}
    assert not any(deed.carried_out for deed in refusals)
    # A write that is not answered may have had its effect or not.
    assert {deed.carried_out for deed in deeds if deed.misdeed is Misdeed.STALL} == {True, False}


def test_odds_of_connections_are_not_those_of_requests() -> None:
    plan = Odds({Misdeed.HANG_UP: 1.0, Misdeed.STALL: 1.0})
    assert plan.connected() is Misdeed.HANG_UP
    assert plan.asked(READ).misdeed is Misdeed.STALL


@pytest.mark.parametrize("odds", [{Misdeed.STALL: 1.5}, {Misdeed.STALL: -0.1}, {Misdeed.STALL: 0.6, Misdeed.LATE: 0.6}])
def test_odds_that_cannot_be_are_refused(odds: Any) -> None:
    with pytest.raises(ValueError, match="probabilities"):
        Odds(odds)


def test_a_script_is_played_once() -> None:
    plan = Script([Misdeed.LATE, Deed(Misdeed.REFUSE, 6, carried_out=False)], connections=[Misdeed.DEAF])
    assert [plan.asked(READ).misdeed for _ in range(3)] == [Misdeed.LATE, Misdeed.REFUSE, Misdeed.NONE]
    assert [plan.connected() for _ in range(2)] == [Misdeed.DEAF, Misdeed.NONE]


def test_every_misdeed_is_explained() -> None:
    assert set(MEANINGS) == set(Misdeed) - {Misdeed.NONE}


def test_registers_change_with_each_read_and_differ_everywhere() -> None:
    places = [
        scattered(number, unit, table, address)
        for number in range(3)
        for unit in (1, 2)
        for table in RegisterType
        for address in range(50)
    ]
    assert len(set(places)) > 0.98 * len(places)
    registers = Registers()
    assert registers.read(1, 1, HOLDING, 0, 20) != registers.read(2, 1, HOLDING, 0, 20)
    registers.write(1, HOLDING, 5, [77, 78])
    for number in (3, 4):
        assert registers.read(number, 1, HOLDING, 5, 2) == (77, 78)
    assert set(registers.read(1, 1, COIL, 0, 100)) == {0, 1}


def test_records_are_kept_for_a_while_and_come_newest_first() -> None:
    records = Records(keep_s=10.0)
    for at_s in (0.0, 8.0, 11.0):
        records.answered(Answer(at_s, 1, HOLDING, 10, (int(at_s), 2)))
    assert [answer.at_s for answer in records.answers(1, HOLDING)] == [11.0, 8.0]
    assert [*records.answers(2, HOLDING)] == []
    newest = next(records.answers(1, HOLDING))
    assert (newest.part(11, 1), newest.part(10, 2), newest.part(9, 1), newest.part(11, 2)) == (
        (2,),
        (11, 2),
        None,
        None,
    )


@pytest.mark.parametrize(
    ("pdu", "expected"),
    [
        ("01 0003 0009", Request(1, 1, COIL, 3, 9)),
        ("03 000a 0003", READ),
        ("05 0003 ff00", Request(1, 5, COIL, 3, 1, (1,))),
        ("06 0003 0102", Request(1, 6, HOLDING, 3, 1, (0x0102,))),
        ("0f 0003 0003 01 05", Request(1, 15, COIL, 3, 3, (1, 0, 1))),
        ("10 0003 0002 04 0001 0002", Request(1, 16, HOLDING, 3, 2, (1, 2))),
    ],
)
def test_requests(pdu: str, expected: Request) -> None:
    assert frames.request(1, bytes.fromhex(pdu)) == expected


@pytest.mark.parametrize(
    ("pdu", "code"),
    [
        ("2b 0e 01 00", 1),
        ("03 ffff 0002", 2),
        ("03 0000 0000", 3),
        ("03 0000 007e", 3),
        ("03 0000 00", 3),
        ("05 0000 0001", 3),
        ("10 0000 0002 04 0001", 3),
        ("10 0000 0002 02 0001 0002", 3),
    ],
)
def test_requests_that_cannot_be_answered(pdu: str, code: int) -> None:
    with pytest.raises(Refusal) as caught:
        frames.request(1, bytes.fromhex(pdu))
    assert caught.value.code == code


def look(unit: int, start: int) -> tuple[int, ...]:
    return (0x1111 * unit, start, 0)


def sent(misdeed: Misdeed, asked: Request = READ, **more: Any) -> list[bytes]:
    return chunks(7, asked, WORDS, Deed(misdeed, **more), look)


def test_right_answers() -> None:
    assert sent(Misdeed.NONE) == [RIGHT]
    assert sent(Misdeed.NONE, Request(1, 6, HOLDING, 3, 1, (9,)))[0][7:] == bytes.fromhex("06 0003 0009")
    assert sent(Misdeed.NONE, Request(1, 5, COIL, 3, 1, (1,)))[0][7:] == bytes.fromhex("05 0003 ff00")
    assert sent(Misdeed.NONE, Request(1, 16, HOLDING, 3, 2, (9, 8)))[0][7:] == bytes.fromhex("10 0003 0002")
    bits = Request(1, 1, COIL, 0, 9)
    assert chunks(7, bits, (1, 0, 0, 0, 0, 0, 0, 1, 1), Deed(), look)[0][7:] == bytes.fromhex("01 02 81 01")


def test_wrong_answers() -> None:
    assert sent(Misdeed.STALL) == sent(Misdeed.CLOSE) == []
    assert sent(Misdeed.REFUSE, code=6)[0][7:] == bytes.fromhex("83 06")
    assert sent(Misdeed.DUPLICATE) == [RIGHT + RIGHT]
    assert sent(Misdeed.SPLIT) == [RIGHT[at : at + 1] for at in range(len(RIGHT))]
    (cut,) = sent(Misdeed.CUT, seed=3)
    assert 0 < len(cut) < len(RIGHT)
    assert RIGHT.startswith(cut)
    assert sent(Misdeed.GARBAGE, seed=3) != [RIGHT]
    (stray,) = sent(Misdeed.STRAY)
    assert stray.endswith(RIGHT)
    assert stray[:2] == b"\x00\x06"
    assert sent(Misdeed.WRONG_TRANSACTION)[0][:2] == b"\x00\x06"
    assert sent(Misdeed.WRONG_UNIT)[0][6:11] == bytes.fromhex("02 03 06 2222")
    assert sent(Misdeed.WRONG_FUNCTION)[0][7] == 4
    assert sent(Misdeed.SHORT)[0] == bytes.fromhex("0007 0000 0007 01 03 04 0102 0304")
    assert sent(Misdeed.WRONG_COUNT)[0] == RIGHT[:8] + b"\x08" + RIGHT[9:]


@pytest.mark.parametrize(
    "asked", [Request(1, 6, HOLDING, 3, 1, (9,)), Request(1, 16, HOLDING, 3, 1, (9,)), Request(1, 5, COIL, 3, 1, (0,))]
)
def test_a_wrong_echo_confirms_another_write(asked: Request) -> None:
    wrong, right = sent(Misdeed.WRONG_ECHO, asked)[0], sent(Misdeed.NONE, asked)[0]
    assert len(wrong) == len(right)
    assert wrong != right


@pytest.mark.parametrize("misdeed", [each for each in Misdeed if each not in OF_CONNECTIONS])
@pytest.mark.parametrize("function", [1, 2, 3, 4, 5, 6, 15, 16])
def test_every_misdeed_is_possible_with_every_request(misdeed: Misdeed, function: int) -> None:
    bits = function in (1, 2, 5, 15)
    asked = Request(1, function, COIL if bits else HOLDING, 3, 1, (1,) if function > 4 else ())
    pieces = chunks(7, asked, (1,), Deed(misdeed), look)
    assert bool(pieces) is (misdeed not in (Misdeed.STALL, Misdeed.CLOSE))
