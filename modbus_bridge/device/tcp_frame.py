"""Modbus TCP frames (Modbus Messaging on TCP/IP 1.0b, 3.1.3), and how a client cuts them out of a stream; pure."""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

# Transaction id, protocol, length of what follows, unit id.
HEADER: Final = Struct(">HHHB")
# Unit id, function code and at most 252 bytes of data.
LENGTHS: Final = range(2, 255)


class NotModbus(ValueError):
    """Bytes that are no Modbus TCP; where the next frame begins cannot be known any more."""


class Frame(NamedTuple):
    """One frame; `pdu` is function code and data."""

    transaction: int
    unit: int
    pdu: bytes


def frame(transaction: int, unit: int, pdu: bytes) -> bytes:
    """Return the frame that carries `pdu`."""
    return HEADER.pack(transaction, 0, len(pdu) + 1, unit) + pdu


class Splitter:
    """Cuts a stream into frames, however its bytes arrive."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that are complete now.

        Raises:
            NotModbus: the stream is garbage from here on.
        """
        buffer = self._buffer + data if self._buffer else data
        found: list[Frame] = []
        start = 0
        while len(buffer) - start >= HEADER.size:
            transaction, protocol, length, unit = HEADER.unpack_from(buffer, start)
            if protocol != 0 or length not in LENGTHS:
                raise NotModbus(f"something that is not Modbus TCP ({buffer[start : start + HEADER.size].hex()})")
            end = start + 6 + length
            if len(buffer) < end:
                break
            found.append(Frame(transaction, unit, buffer[start + HEADER.size : end]))
            start = end
        self._buffer = buffer[start:]
        return found
