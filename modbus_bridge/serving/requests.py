"""What a master asks for: requests without their framing, taken apart, and their answers put together; pure.

A request or answer is a *PDU*: the function code and its data (Modbus Application Protocol 1.1b3, section 6).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from modbus_bridge import protocol
from modbus_bridge.config.model import RegisterType
from modbus_bridge.serving.faults import ILLEGAL_VALUE, Fault

_COIL_VALUES: Final = {protocol.ON: 1, protocol.OFF: 0}
_TWO = struct.Struct(">HH")
_THREE = struct.Struct(">HHH")
_WRITE_HEAD = struct.Struct(">HHB")
_READ_WRITE_HEAD = struct.Struct(">HHHHB")


class Write(NamedTuple):
    """New words for registers from `start` on, or bits as 0 and 1."""

    table: RegisterType
    start: int
    words: tuple[int, ...]


class MaskWrite(NamedTuple):
    """One holding register becomes ``(current & and_mask) | (or_mask & ~and_mask)``."""

    address: int
    and_mask: int
    or_mask: int

    def applied(self, current: int) -> int:
        """Return the new word where the register holds `current`."""
        return current & self.and_mask | self.or_mask & ~self.and_mask & 0xFFFF


class ReadWrite(NamedTuple):
    """A write of holding registers, and then a read of some."""

    read_start: int
    read_count: int
    write: Write


def read_of(pdu: bytes) -> tuple[int, int]:
    """Return (start, count) of a request with functions 1 to 4.

    Raises:
        Fault: illegal value.
    """
    if len(pdu) != 5:
        raise _malformed(pdu)
    start, count = _TWO.unpack_from(pdu, 1)
    return start, _checked(count, protocol.MAX_READ_BITS if pdu[0] <= 2 else protocol.MAX_READ_REGISTERS)


def write_of(pdu: bytes) -> Write:
    """Return what a request with functions 5, 6, 15 or 16 writes.

    Raises:
        Fault: illegal value.
    """
    if pdu[0] in (protocol.WRITE_COILS, protocol.WRITE_REGISTERS):
        return _write_many(pdu)
    if len(pdu) != 5:
        raise _malformed(pdu)
    address, value = _TWO.unpack_from(pdu, 1)
    if pdu[0] == protocol.WRITE_REGISTER:
        return Write(RegisterType.HOLDING, address, (value,))
    if value not in _COIL_VALUES:
        raise Fault(ILLEGAL_VALUE, f"a coil takes FF00 or 0000, got {value:04X}")
    return Write(RegisterType.COIL, address, (_COIL_VALUES[value],))


def mask_write_of(pdu: bytes) -> MaskWrite:
    """Return what a request with function 22 changes.

    Raises:
        Fault: illegal value.
    """
    if len(pdu) != 7:
        raise _malformed(pdu)
    return MaskWrite(*_THREE.unpack_from(pdu, 1))


def read_write_of(pdu: bytes) -> ReadWrite:
    """Return what a request with function 23 writes and reads.

    Raises:
        Fault: illegal value.
    """
    if len(pdu) < 10:
        raise _malformed(pdu)
    read_start, read_count, start, count, size = _READ_WRITE_HEAD.unpack_from(pdu, 1)
    _checked(read_count, protocol.MAX_READ_REGISTERS)
    _checked(count, protocol.MAX_READ_WRITE_REGISTERS)
    if size != 2 * count or len(pdu) != 10 + size:
        raise _malformed(pdu)
    return ReadWrite(read_start, read_count, Write(RegisterType.HOLDING, start, registers(pdu[10:])))


def read_answer(function: int, data: bytes | bytearray) -> bytes:
    """Return the answer to a read: `data` is what travels, registers or packed bits."""
    return bytes((function, len(data))) + data


def write_answer(pdu: bytes) -> bytes:
    """Return the answer to a write that was carried out: an echo of it, or of where it began and how much it was."""
    return pdu[:5] if pdu[0] in (protocol.WRITE_COILS, protocol.WRITE_REGISTERS) else pdu


def exception(function: int, code: int) -> bytes:
    """Return the answer to a request that cannot be carried out."""
    return bytes((function | protocol.EXCEPTION, code))


def registers(data: bytes) -> tuple[int, ...]:
    """Return the words of registers as they travel."""
    return struct.unpack(f">{len(data) // 2}H", data)


def packed_registers(words: Sequence[int]) -> bytes:
    """Return registers as they travel."""
    return struct.pack(f">{len(words)}H", *words)


def bits(data: bytes, count: int) -> tuple[int, ...]:
    """Return `count` bits of those that travel in `data`, the first in the lowest place of the first byte."""
    number = int.from_bytes(data, "little")
    return tuple(number >> index & 1 for index in range(count))


def packed_bits(values: Iterable[int]) -> bytes:
    """Return bits as they travel, filled up with zeros to whole bytes."""
    digits = bytes(values)
    # The number whose binary digits are the bits, last one first: no loop in Python over 2,000 of them.
    number = int(digits[::-1].translate(_DIGITS) or b"0", 2)
    return number.to_bytes((len(digits) + 7) // 8, "little")


_DIGITS = bytes((ord("1") if value else ord("0")) for value in range(256))


def _write_many(pdu: bytes) -> Write:
    if len(pdu) < 7:
        raise _malformed(pdu)
    start, count, size = _WRITE_HEAD.unpack_from(pdu, 1)
    are_bits = pdu[0] == protocol.WRITE_COILS
    _checked(count, protocol.MAX_WRITE_BITS if are_bits else protocol.MAX_WRITE_REGISTERS)
    if size != ((count + 7) // 8 if are_bits else 2 * count) or len(pdu) != 6 + size:
        raise _malformed(pdu)
    if are_bits:
        return Write(RegisterType.COIL, start, bits(pdu[6:], count))
    return Write(RegisterType.HOLDING, start, registers(pdu[6:]))


def _checked(count: int, most: int) -> int:
    if not 1 <= count <= most:
        raise Fault(ILLEGAL_VALUE, f"expected a count of 1 to {most}, got {count}")
    return count


def _malformed(pdu: bytes) -> Fault:
    return Fault(ILLEGAL_VALUE, f"function {pdu[0]} with {len(pdu) - 1} bytes of data")
