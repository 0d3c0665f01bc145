"""Requests and answers without their frames: function code and data (Modbus Application Protocol 1.1b3, 6); pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from struct import Struct
from typing import Final

from modbus_bridge import protocol
from modbus_bridge.config.model import RegisterType

_READ_FUNCTIONS: Final = {table: function for function, table in protocol.READS.items()}
# Function code, address, and a value or a count: reads, single writes, and the echo of every write.
_HEAD: Final = Struct(">BHH")
_BITS_OF_BYTE: Final = tuple(tuple(byte >> bit & 1 for bit in range(8)) for byte in range(256))


class WrongAnswer(ValueError):
    """Something that is no answer to the request at all."""


class WrongEcho(ValueError):
    """A write was answered with the echo of another one."""


class Refusal(Exception):
    """A Modbus exception.

    Attributes:
        code: its number.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


def read_request(table: RegisterType, start: int, count: int) -> bytes:
    """Return the request for `count` registers or bits (FC1 to FC4)."""
    return _HEAD.pack(_READ_FUNCTIONS[table], start, count)


def read_values(request: bytes, answer: bytes, count: int) -> list[int]:
    """Return the registers of an answer, or its bits as 0 and 1.

    Raises:
        Refusal: the device answered with an exception.
        WrongAnswer: it is no answer to `request`.
    """
    function = request[0]
    size = 2 * count if function > 2 else (count + 7) // 8
    if len(answer) != size + 2 or answer[0] != function or answer[1] != size:
        _check_function(request, answer)
        stated = f"{answer[1]} bytes stated, " if len(answer) > 1 else ""
        raise WrongAnswer(f"{stated}{max(0, len(answer) - 2)} bytes of values instead of {size}")
    if function > 2:
        return list(_words(count).unpack_from(answer, 2))
    # The bits of an answer fill whole bytes; the rest is padding.
    return [bit for byte in answer[2:] for bit in _BITS_OF_BYTE[byte]][:count]


def write_request(table: RegisterType, start: int, words: Sequence[int], *, multi_write: bool = False) -> bytes:
    """Return the request for one coil (FC5), one register (FC6), or several of them (FC15, FC16).

    `multi_write` takes FC15 or FC16 for a single one as well: some devices know no other write.

    Raises:
        ValueError: the table cannot be written, or `words` are too many for a request.
    """
    count = len(words)
    if table is RegisterType.HOLDING:
        if count == 1 and not multi_write:
            return _HEAD.pack(protocol.WRITE_REGISTER, start, words[0])
        _check_count(count, protocol.MAX_WRITE_REGISTERS)
        return _HEAD.pack(protocol.WRITE_REGISTERS, start, count) + bytes((2 * count,)) + _words(count).pack(*words)
    if table is not RegisterType.COIL:
        raise ValueError(f"{table} cannot be written")
    if count == 1 and not multi_write:
        return _HEAD.pack(protocol.WRITE_COIL, start, protocol.ON if words[0] else protocol.OFF)
    _check_count(count, protocol.MAX_WRITE_BITS)
    size = (count + 7) // 8
    bits = sum(1 << index for index, word in enumerate(words) if word)
    return _HEAD.pack(protocol.WRITE_COILS, start, count) + bytes((size,)) + bits.to_bytes(size, "little")


def check_written(request: bytes, answer: bytes) -> None:
    """Check that an answer confirms a write.

    Raises:
        Refusal: the device answered with an exception.
        WrongAnswer: it is no answer to a write.
        WrongEcho: it confirms something else.
    """
    if answer == request[: _HEAD.size]:
        return
    _check_function(request, answer)
    if len(answer) != _HEAD.size:
        raise WrongAnswer(f"{len(answer)} bytes instead of {_HEAD.size}")
    _, address, value = _HEAD.unpack(answer)
    _, asked_address, asked_value = _HEAD.unpack_from(request)
    raise WrongEcho(f"{value} at address {address} instead of {asked_value} at {asked_address}")


def _check_function(request: bytes, answer: bytes) -> None:
    function = request[0]
    if answer[:1] == bytes((function | protocol.EXCEPTION,)):
        if len(answer) != 2:
            raise WrongAnswer(f"an exception of {len(answer)} byte{'s' * (len(answer) != 1)} instead of 2")
        raise Refusal(answer[1])
    if answer[:1] != request[:1]:
        found = str(answer[0]) if answer else "none"
        raise WrongAnswer(f"function code {found} instead of {function}")


def _check_count(count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise ValueError(f"{count} values in a write; expected 1 to {most}")


@cache
def _words(count: int) -> Struct:
    return Struct(f">{count}H")
