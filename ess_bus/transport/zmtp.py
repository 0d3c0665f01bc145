"""ZMTP 3, the protocol of ZeroMQ's sockets, as far as this bus uses it: the NULL mechanism and messages of one frame.

No I/O. On a local socket the bus speaks it itself: libzmq puts a thread between each program and its socket, and on its
way through a broker a request then wakes twelve threads instead of four (docs/architecture.md has the figures). What is
on the wire is the same, so that a plain DEALER of libzmq is a client too. Sources: ZeroMQ RFC 23 (ZMTP 3.0) and RFC 37.
"""

from __future__ import annotations

from typing import Final

from ess_bus.errors import ProtocolError

_MORE, _LONG, _COMMAND = 1, 2, 4
_SIGNATURE: Final = b"\xff" + bytes(8) + b"\x7f"
GREETING: Final = _SIGNATURE + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
SHORT_HEADS: Final = [bytes((0, size)) for size in range(256)]
# Commands are small; no peer may make us keep more than this for one.
_LARGEST_COMMAND: Final = 4096
# Nor collect more answers than this for a peer that takes none.
_MOST_REPLIES: Final = 4096
_PEERS: Final = {"ROUTER": {b"DEALER", b"REQ", b"ROUTER"}, "DEALER": {b"ROUTER", b"REP", b"DEALER"}}


def encode(frame: bytes) -> bytes:
    """Return a message of one frame as it is on the wire."""
    return encode_head(len(frame)) + frame


def encode_head(size: int) -> bytes:
    """Return what stands before a message of one frame of `size` bytes."""
    return SHORT_HEADS[size] if size < 256 else b"\x02" + size.to_bytes(8)


def opening(socket_type: str) -> bytes:
    """Return what a socket says first: its greeting, and the READY of the NULL mechanism."""
    properties = ((b"Socket-Type", socket_type.encode()), (b"Identity", b""))
    body = b"\x05READY" + b"".join(
        bytes((len(name),)) + name + len(value).to_bytes(4) + value for name, value in properties
    )
    return GREETING + bytes((_COMMAND, len(body))) + body


class Decoder:
    """Bytes of one connection in, messages out.

    Args:
        socket_type: what this side is, ``ROUTER`` or ``DEALER``.
        largest: the largest message in bytes.

    Attributes:
        is_open: whether the other side has said READY.
        multipart: messages of several frames, which are none of ours and left out.
        replies: what is to be sent in answer to commands; whoever sends it clears it.
    """

    def __init__(self, socket_type: str, largest: int = 1 << 62) -> None:
        self._peers = _PEERS[socket_type]
        self._largest = largest
        self._has_greeted = False
        self._rest = bytearray()
        self._needed = len(GREETING)
        self._is_inside_multipart = False
        self.is_open = False
        self.multipart = 0
        self.replies = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Take what was read and return the messages that are complete now.

        Raises:
            ProtocolError: the other side does not speak this protocol, or a message is too large.
        """
        if self._rest or self._needed:
            self._rest += data
            if len(self._rest) < self._needed:
                return []
            data = bytes(self._rest)
            self._rest.clear()
            self._needed = 0
            if not self._has_greeted:
                _check_greeting(data)
                self._has_greeted = True
                data = data[len(GREETING) :]
        return self._split(data)

    def _split(self, data: bytes) -> list[bytes]:
        frames: list[bytes] = []
        position, end = 0, len(data)
        while end - position >= 2:
            flags = data[position]
            if flags & _LONG:
                start = position + 9
                if start > end:
                    break
                stop = start + int.from_bytes(data[position + 1 : start])
            else:
                start = position + 2
                stop = start + data[position + 1]
            if stop > end:
                self._require_room(flags, stop - start)
                self._needed = stop - position
                break
            if flags & ~_LONG or self._is_inside_multipart or not self.is_open or stop - start > self._largest:
                self._take_other(flags, data[start:stop])
            else:
                frames.append(data[start:stop])
            position = stop
        if position < end:
            self._rest += data[position:] if position else data
        return frames

    def _require_room(self, flags: int, size: int) -> None:
        if size > (_LARGEST_COMMAND if flags & _COMMAND else self._largest):
            raise ProtocolError(f"a frame of {size} bytes is over the limit")

    def _take_other(self, flags: int, body: bytes) -> None:
        self._require_room(flags, len(body))
        if flags & _COMMAND:
            self._command(body)
        elif not self.is_open:
            raise ProtocolError("a message before READY")
        elif flags & ~(_MORE | _LONG):
            raise ProtocolError(f"unknown flags {flags:#x} in a frame")
        else:
            self._is_inside_multipart = bool(flags & _MORE)
            self.multipart += not self._is_inside_multipart

    def _command(self, body: bytes) -> None:
        name = body[1 : 1 + body[0]] if body else b""
        if name == b"READY" and not self.is_open:
            kind = _properties(body[6:]).get(b"socket-type", b"")
            if kind not in self._peers:
                raise ProtocolError(f"a socket of type {kind[:20]!r}; expected {sorted(self._peers)[0].decode()}")
            self.is_open = True
        elif name == b"PING" and self.is_open:
            # TTL in two bytes, then a context of at most 16, which the answer repeats.
            pong = b"\x04PONG" + body[7:23]
            if len(self.replies) < _MOST_REPLIES:
                self.replies += bytes((_COMMAND, len(pong))) + pong
        elif name == b"ERROR":
            raise ProtocolError(f"the other side says {body[6:100]!r}")
        elif name != b"PONG":
            raise ProtocolError(f"an unexpected command {name[:20]!r}")


def _check_greeting(data: bytes) -> None:
    if data[0] != 0xFF or data[9] != 0x7F or data[10] < 3:
        raise ProtocolError("a greeting that is not that of ZMTP 3")
    mechanism = data[12:32].rstrip(b"\0")
    if mechanism != b"NULL":
        raise ProtocolError(f"the mechanism {mechanism!r}; a local socket takes NULL")


def _properties(data: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    position = 0
    while position < len(data):
        name_end = position + 1 + data[position]
        start = name_end + 4
        stop = start + int.from_bytes(data[name_end:start])
        if stop > len(data):
            raise ProtocolError("a READY with a property that is cut off")
        found[data[position + 1 : name_end].lower()] = data[start:stop]
        position = stop
    return found
