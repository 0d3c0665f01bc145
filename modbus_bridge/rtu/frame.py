"""Modbus RTU frames: unit id, function code and data, CRC; cut out of a stream of bytes by either end; pure.

A frame ends where the line is silent for 3.5 characters (Modbus over Serial Line 1.02, 2.5.1.1). What a program sees of
a serial adapter has no such times any more: bytes come late and in lumps. So frames are told by their lengths, which
follow from the function code, and by their CRC; silence only ends what cannot become a frame.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from modbus_bridge.protocol import EXCEPTION

# Unit id, at most 253 bytes of function code and data, CRC.
MAX_FRAME_BYTES: Final = 256
_CRC_BYTES: Final = 2


def _crc_of_byte(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value


_CRC_TABLE: Final = tuple(_crc_of_byte(value) for value in range(256))


class Frame(NamedTuple):
    """A frame whose CRC was right; `pdu` is function code and data."""

    unit: int
    pdu: bytes


def crc16(data: bytes) -> int:
    """Return the CRC of `data` (Modbus over Serial Line 1.02, 6.2.2); it travels low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc


def frame(unit: int, pdu: bytes) -> bytes:
    """Return the frame that carries `pdu` to or from `unit`."""
    body = bytes((unit,)) + pdu
    return body + crc16(body).to_bytes(2, "little")


def silence_s(baud_rate: int, bits_per_character: int) -> float:
    """Return the least time between two frames, in seconds: 3.5 characters, 1.75 ms above 19200 baud."""
    return 0.00175 if baud_rate > 19200 else 3.5 * bits_per_character / baud_rate


class AnswerSplitter:
    """Finds the answer to one request in what arrives on the line.

    Noise before the answer, and frames of others, are passed over. The answer is believed wherever it begins: a byte
    of noise that looks like the begin of a long frame must not hide it.
    """

    def __init__(self, unit: int, function: int) -> None:
        self._unit = unit
        self._functions = (function, function | EXCEPTION)
        self._buffer = b""

    def feed(self, data: bytes) -> Frame | None:
        """Return the answer as soon as it is complete."""
        # Nothing that begins before the last 256 bytes can still become a frame that was not one before.
        self._buffer = buffer = self._buffer[-MAX_FRAME_BYTES:] + data
        for start in range(len(buffer) - 3):
            if buffer[start] != self._unit or buffer[start + 1] not in self._functions:
                continue
            if (found := _cut(buffer, start, answer_bytes)) is not None:
                self._buffer = buffer[start + len(found.pdu) + 1 + _CRC_BYTES :]
                return found
        return None


class RequestSplitter:
    """Finds the requests in what arrives at a device; what other devices answer on the same line is passed over.

    Attributes:
        dropped: how many bytes were no part of any frame.
    """

    def __init__(self) -> None:
        self.dropped = 0
        self._buffer = b""

    @property
    def is_waiting(self) -> bool:
        """Whether bytes are kept that may be the begin of a frame; `silence` must follow when no more come."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """Return the requests that are complete now, to whatever unit."""
        self._buffer += data
        found: list[Frame] = []
        while len(self._buffer) > _CRC_BYTES:
            request = _cut(self._buffer, 0, request_bytes)
            taken = request or _cut(self._buffer, 0, answer_bytes)
            if request is not None:
                found.append(request)
            if taken is not None:
                self._buffer = self._buffer[len(taken.pdu) + 1 + _CRC_BYTES :]
            elif self._may_grow():
                break
            else:
                self._drop(1)
        return found

    def silence(self) -> list[Frame]:
        """Return what the silence of the line completes: a request whose length its function code does not tell.

        Call it when the line was silent for `silence_s` or longer; everything else that was kept is dropped.
        """
        buffer, self._buffer = self._buffer, b""
        whole = _checked(buffer) if 4 <= len(buffer) <= MAX_FRAME_BYTES else None
        if whole is None:
            self.dropped += len(buffer)
            return []
        return [whole]

    def _may_grow(self) -> bool:
        if len(self._buffer) >= MAX_FRAME_BYTES:
            return False
        lengths = (request_bytes(self._buffer, 0), answer_bytes(self._buffer, 0))
        # An unknown function code (0) is ended by silence.
        return any(length is None or length == 0 or len(self._buffer) < length <= MAX_FRAME_BYTES for length in lengths)

    def _drop(self, count: int) -> None:
        self._buffer = self._buffer[count:]
        self.dropped += count


def request_bytes(buffer: bytes, start: int) -> int | None:
    """Return how long the request is that begins at `start`: ``None`` not known yet, 0 for unknown function codes."""
    match buffer[start + 1]:
        case 1 | 2 | 3 | 4 | 5 | 6 | 8:
            return 8
        case 7 | 11 | 12 | 17:
            return 4
        case 15 | 16:
            return _with_count(buffer, start, 6)
        case 20 | 21:
            return _with_count(buffer, start, 2)
        case 22:
            return 10
        case 23:
            return _with_count(buffer, start, 10)
        case 24:
            return 6
        case 43:
            return 7
        case _:
            return 0


def answer_bytes(buffer: bytes, start: int) -> int | None:
    """Return how long the answer is that begins at `start`: ``None`` not known yet, 0 for unknown function codes."""
    match buffer[start + 1]:
        case 1 | 2 | 3 | 4 | 12 | 17 | 20 | 21 | 23:
            return _with_count(buffer, start, 2)
        case 5 | 6 | 8 | 11 | 15 | 16:
            return 8
        case 7:
            return 5
        case 22:
            return 10
        case code if code & EXCEPTION:
            return 5
        case _:
            return 0


def _with_count(buffer: bytes, start: int, at: int) -> int | None:
    if len(buffer) <= start + at:
        return None
    return at + 1 + buffer[start + at] + _CRC_BYTES


def _cut(buffer: bytes, start: int, length_of: Callable[[bytes, int], int | None]) -> Frame | None:
    length = length_of(buffer, start)
    if not length or length > MAX_FRAME_BYTES or len(buffer) < start + length:
        return None
    return _checked(buffer[start : start + length])


def _checked(data: bytes) -> Frame | None:
    if crc16(data[:-_CRC_BYTES]) != int.from_bytes(data[-_CRC_BYTES:], "little"):
        return None
    return Frame(data[0], data[1:-_CRC_BYTES])
