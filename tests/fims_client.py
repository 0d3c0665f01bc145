"""A client of the original's protocol, written from its description alone (fims.md A1.4, B1).

It shares no code with the broker, so that the two cannot agree on a mistake.
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

LARGEST = 924_288
HANDSHAKE = struct.pack("<HHI", 1, 0, LARGEST)


class Received(NamedTuple):
    """A message as it came: bytes, empty where the length is 0."""

    method: bytes
    uri: bytes
    replyto: bytes
    process_name: bytes
    username: bytes
    body: bytes


def packet(
    method: bytes | str,
    uri: bytes | str,
    body: bytes | str = b"",
    replyto: bytes | str = b"",
    process_name: bytes | str = b"v1",
    username: bytes | str = b"",
    pads: bytes = b"\xaa\xbb\xcc",
) -> bytes:
    """Return a message as a C++ client packs it, with whatever its stack holds in the pad bytes."""
    texts = [
        text if isinstance(text, bytes) else text.encode() for text in (method, uri, replyto, process_name, username)
    ]
    body = body if isinstance(body, bytes) else body.encode()
    lengths = bytes(len(text) for text in texts)
    return lengths + pads + struct.pack("<I", len(body)) + b"".join(texts) + body


def parse(data: bytes) -> Received:
    lengths, (size,) = data[:5], struct.unpack("<I", data[8:12])
    ends = [12 + sum(lengths[: field + 1]) for field in range(5)]
    method, uri, replyto, process_name, username = (
        data[end - length : end] for end, length in zip(ends, lengths, strict=True)
    )
    assert len(data) == ends[-1] + size
    return Received(method, uri, replyto, process_name, username, data[ends[-1] :])


class FimsClient:
    """One connection, as the original's library keeps it."""

    def __init__(
        self, path: Path | str, name: bytes | str = b"v1", *, joins: bool = True, send_buffer: int = 0
    ) -> None:
        self.name = name if isinstance(name, bytes) else name.encode()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if send_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        self.socket.settimeout(10)
        try:
            self.socket.connect(str(path))
            if joins:
                self.join()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def join(self) -> None:
        greeting = self.socket.recv(100)
        assert len(greeting) == 8
        version, largest = struct.unpack("<HxxI", greeting)
        assert version == 1
        self.socket.send(struct.pack("<HHI", 1, 0x5A5A, largest))
        self.socket.send(self.name)

    def subscribe(self, *uris: bytes | str, pub_only: bool = False) -> bytes:
        """Send the complete new list; return the body of the first packet that comes, as the library takes it."""
        self.ask_to_subscribe(*uris, pub_only=pub_only)
        return self.receive().body

    def ask_to_subscribe(self, *uris: bytes | str, pub_only: bool = False) -> None:
        encoded = [uri if isinstance(uri, bytes) else uri.encode() for uri in uris]
        flags = b"".join(bytes((pub_only, len(uri))) for uri in encoded)
        body = bytes((len(encoded),)) + flags + b"".join(encoded)
        self.socket.send(packet("sub", b"", body, process_name=self.name))

    def send(
        self, method: str, uri: bytes | str, body: bytes | str = b"", replyto: str = "", username: str = ""
    ) -> None:
        self.socket.send(packet(method, uri, body, replyto, self.name, username))

    def receive_packet(self, timeout_s: float = 60.0) -> bytes:
        """Return the next packet; empty when the server has closed the connection."""
        self.socket.settimeout(timeout_s)
        try:
            return self.socket.recv(LARGEST + 1)
        except ConnectionResetError:
            return b""

    def receive(self, timeout_s: float = 60.0) -> Received:
        return parse(self.receive_packet(timeout_s))

    def request(self, method: str, uri: str, body: bytes | str = b"", replyto: str = "/me") -> bytes:
        """Do what ``fims_send -r`` does: subscribe to the replyto, send, and return the body of the first message."""
        assert self.subscribe(replyto) == b"SUCCESS"
        self.send(method, uri, body, replyto)
        return self.receive().body

    def sync(self) -> None:
        """Return when the server has handled all that was sent; only for who hears of nothing else now."""
        assert self.subscribe("/sync/only") == b"SUCCESS"

    def close(self) -> None:
        self.socket.close()
