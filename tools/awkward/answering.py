"""From a request and a deed to the bytes that are sent: what is wrong is made here. No I/O."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from tools.awkward import frames
from tools.awkward.frames import Request
from tools.awkward.misdeeds import Deed, Misdeed

# What the registers of a unit hold from an address on.
Look = Callable[[int, int], Sequence[int]]

_WRITE_COIL = 5
# Functions whose answers look the same.
_OTHER_FUNCTION = {1: 2, 2: 1, 3: 4, 4: 3, 5: 6, 6: 5, 15: 16, 16: 15}


def chunks(transaction: int, asked: Request, words: Sequence[int], deed: Deed, look: Look) -> list[bytes]:
    """Return what is sent, each element at a time of its own; nothing if there is no answer.

    Args:
        transaction: the transaction id of the request.
        asked: the request.
        words: what a read of it found.
        deed: what is wrong with the answer.
        look: what other registers hold, for answers to what was not asked.
    """

    def sent(pdu: bytes, unit: int = asked.unit) -> bytes:
        return frames.framed(transaction, unit, pdu)

    match deed.misdeed:
        case Misdeed.STALL | Misdeed.CLOSE:
            return []
        case Misdeed.REFUSE:
            return [sent(frames.exception(asked.function, deed.code))]
        case Misdeed.WRONG_TRANSACTION:
            return [_elsewhere(transaction, asked, look)]
        case Misdeed.WRONG_UNIT:
            other = asked.unit % 247 + 1
            return [sent(frames.answer(asked, look(other, asked.start)), other)]
        case Misdeed.STRAY:
            return [_elsewhere(transaction, asked, look) + sent(frames.answer(asked, words))]
    return _mangled(sent(_bent(asked, words, deed.misdeed)), deed)


def _mangled(frame: bytes, deed: Deed) -> list[bytes]:
    chance = random.Random(deed.seed)
    match deed.misdeed:
        case Misdeed.CUT:
            return [frame[: chance.randrange(1, len(frame))]]
        case Misdeed.GARBAGE:
            return [chance.randbytes(chance.randrange(1, 300))]
        case Misdeed.DUPLICATE:
            return [frame + frame]
        case Misdeed.SPLIT:
            return [frame[at : at + 1] for at in range(len(frame))]
    return [frame]


def _elsewhere(transaction: int, asked: Request, look: Look) -> bytes:
    """Return the answer to an earlier transaction that read other addresses; nobody asked for it."""
    start = (asked.start + 1) % (1 + (1 << 16) - asked.count)
    return frames.framed(transaction - 1, asked.unit, frames.answer(asked, look(asked.unit, start)))


def _bent(asked: Request, words: Sequence[int], misdeed: Misdeed) -> bytes:
    """Return an answer that is wrong in itself, or the right one if that is not what the misdeed is."""
    pdu = frames.answer(asked, words)
    match misdeed:
        case Misdeed.WRONG_FUNCTION:
            return bytes((_OTHER_FUNCTION[pdu[0]],)) + pdu[1:]
        case Misdeed.WRONG_ECHO if asked.is_write:
            # The last two bytes are the value or the count, of FC5 FF00 or 0000.
            return pdu[:-2] + bytes((pdu[-2] ^ 0xFF, 0)) if asked.function == _WRITE_COIL else _off_by_one(pdu)
        case Misdeed.WRONG_COUNT if not asked.is_write:
            return bytes((pdu[0], (pdu[1] + 2) & 0xFF)) + pdu[2:]
        case Misdeed.SHORT if not asked.is_write:
            missing = 1 if asked.table.is_bits else 2
            return bytes((pdu[0], pdu[1] - missing)) + pdu[2:-missing]
        case Misdeed.SHORT | Misdeed.WRONG_COUNT:
            return pdu[:-1]
    return pdu


def _off_by_one(pdu: bytes) -> bytes:
    return pdu[:-1] + bytes((pdu[-1] ^ 1,))
