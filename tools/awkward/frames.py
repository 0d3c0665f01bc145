"""Requests and answers of Modbus TCP as bytes (Modbus Application Protocol 1.1b3, Modbus over TCP 1.0b). No I/O."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from modbus_bridge.config.model import RegisterType

ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
ILLEGAL_VALUE: Final = 3

HEADER_BYTES: Final = 7
_READS: Final = {
    1: RegisterType.COIL,
    2: RegisterType.DISCRETE,
    3: RegisterType.HOLDING,
    4: RegisterType.INPUT,
}
_WRITES: Final = {
    5: RegisterType.COIL,
    6: RegisterType.HOLDING,
    15: RegisterType.COIL,
    16: RegisterType.HOLDING,
}
_COIL_VALUES: Final = {0xFF00: 1, 0x0000: 0}
_MAX_READ_REGISTERS, _MAX_READ_BITS = 125, 2000
_MAX_WRITTEN_REGISTERS, _MAX_WRITTEN_BITS = 123, 1968


class Refusal(Exception):
    """A request that is answered with a Modbus exception.

    Attributes:
        code: the exception code.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Header:
    """What precedes a request: MBAP, with the length of what follows behind the unit id."""

    transaction: int
    protocol: int
    length: int
    unit: int

    @property
    def is_modbus(self) -> bool:
        """Whether what follows can be a request, and where it ends."""
        return self.protocol == 0 and 1 <= self.length <= 253


@dataclass(frozen=True, slots=True)
class Request:
    """One read or write.

    Attributes:
        unit: the unit id.
        function: the function code.
        table: what is read or written.
        start: the first address.
        count: how many registers or bits.
        words: what is to be written; of bits 0 and 1. Empty for a read.
    """

    unit: int
    function: int
    table: RegisterType
    start: int
    count: int
    words: tuple[int, ...] = ()

    @property
    def is_write(self) -> bool:
        """Whether it changes something."""
        return self.function in _WRITES


def header(data: bytes) -> Header:
    """Take the first `HEADER_BYTES` of a frame apart."""
    transaction, protocol, length, unit = struct.unpack(">HHHB", data)
    return Header(transaction, protocol, length - 1, unit)


def request(unit: int, pdu: bytes) -> Request:
    """Return what is asked for.

    Raises:
        Refusal: it cannot be answered otherwise.
    """
    function = pdu[0]
    if function in _READS:
        return _read(unit, function, pdu[1:])
    if function in _WRITES:
        return _write_one(unit, function, pdu[1:]) if function in (5, 6) else _write_many(unit, function, pdu[1:])
    raise Refusal(ILLEGAL_FUNCTION)


def answer(asked: Request, words: Sequence[int]) -> bytes:
    """Return the right answer to a read that found `words`, or to a write."""
    if asked.is_write:
        return _echo(asked)
    data = packed(words) if asked.table.is_bits else struct.pack(f">{len(words)}H", *words)
    return bytes((asked.function, len(data))) + data


def exception(function: int, code: int) -> bytes:
    """Return a refusal."""
    return bytes((function & 0x7F | 0x80, code))


def framed(transaction: int, unit: int, pdu: bytes) -> bytes:
    """Return what travels."""
    return struct.pack(">HHHB", transaction & 0xFFFF, 0, len(pdu) + 1, unit & 0xFF) + pdu


def packed(bits: Sequence[int]) -> bytes:
    """Return bits as bytes, the first one lowest."""
    data = bytearray((len(bits) + 7) // 8)
    for index, bit in enumerate(bits):
        data[index // 8] |= (bit & 1) << index % 8
    return bytes(data)


def _read(unit: int, function: int, data: bytes) -> Request:
    table = _READS[function]
    start, count = _two_numbers(data)
    _check(start, count, _MAX_READ_BITS if table.is_bits else _MAX_READ_REGISTERS)
    return Request(unit, function, table, start, count)


def _write_one(unit: int, function: int, data: bytes) -> Request:
    table = _WRITES[function]
    start, value = _two_numbers(data)
    if table.is_bits:
        if value not in _COIL_VALUES:
            raise Refusal(ILLEGAL_VALUE)
        value = _COIL_VALUES[value]
    return Request(unit, function, table, start, 1, (value,))


def _write_many(unit: int, function: int, data: bytes) -> Request:
    table = _WRITES[function]
    start, count = _two_numbers(data[:4])
    _check(start, count, _MAX_WRITTEN_BITS if table.is_bits else _MAX_WRITTEN_REGISTERS)
    size = (count + 7) // 8 if table.is_bits else 2 * count
    if len(data) != 5 + size or data[4] != size:
        raise Refusal(ILLEGAL_VALUE)
    body = data[5:]
    if table.is_bits:
        return Request(unit, function, table, start, count, tuple(body[at // 8] >> at % 8 & 1 for at in range(count)))
    return Request(unit, function, table, start, count, struct.unpack(f">{count}H", body))


def _two_numbers(data: bytes) -> tuple[int, int]:
    if len(data) != 4:
        raise Refusal(ILLEGAL_VALUE)
    first, second = struct.unpack(">HH", data)
    return first, second


def _check(start: int, count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise Refusal(ILLEGAL_VALUE)
    if start + count > 1 << 16:
        raise Refusal(ILLEGAL_ADDRESS)


def _echo(asked: Request) -> bytes:
    second = asked.count
    if asked.function == 5:
        second = 0xFF00 if asked.words[0] else 0
    elif asked.function == 6:
        second = asked.words[0]
    return struct.pack(">BHH", asked.function, asked.start, second)
