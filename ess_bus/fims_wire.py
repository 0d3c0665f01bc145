"""The original's own protocol, layout version 1: packets <-> values (fims.md A1.4, B1, B2). No I/O.

One packet of a SOCK_SEQPACKET socket is one message: a header of 12 bytes, five texts and the body. What opens a
connection has no header: the handshake of 8 bytes each way, and the name of the process.

==============  ==========================================================================================
handshake       u16 layout version, 2 pad, u32 largest packet in bytes
message         5 x u8 lengths (method, uri, replyto, process name, username), 3 pad, u32 length of the body,
                then the five texts and the body
body of `sub`   u8 count, count x (u8 pub only, u8 length of the URI), then the URIs
answer to it    a message without method and URI, from "fims_server", with the body SUCCESS or an error text
==============  ==========================================================================================

All numbers are little-endian. Pad bytes are never looked at: senders leave them uninitialised.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from typing import Final

from ess_bus.control import BROKER_NAME
from ess_bus.errors import ProtocolError, TooLarge
from ess_bus.message import Message

LAYOUT_VERSION: Final = 1
# The largest packet, header and texts included.
MAX_PACKET: Final = 924_288
MAX_TEXT: Final = 255
SUCCESS: Final = "SUCCESS"

_HANDSHAKE: Final = struct.Struct("<H2xI")
_HEADER: Final = struct.Struct("<BBBBB3xI")
_FIELDS: Final = ("method", "uri", "replyto", "process name", "username")
_SUBSCRIPTION_URI: Final = re.compile(rb"/[-./0-9A-Z_a-z]*")

# (URI, whether only pubs are wanted), as a `sub` lists them.
Wanted = list[tuple[str, bool]]


def encode_handshake() -> bytes:
    """Return the packet that opens a connection; both sides send the same."""
    return _HANDSHAKE.pack(LAYOUT_VERSION, MAX_PACKET)


def check_handshake(packet: bytes) -> None:
    """Check the other side's handshake.

    Raises:
        ProtocolError: it is not one, or of another version, or the largest packet is not ours.
    """
    if len(packet) != _HANDSHAKE.size:
        raise ProtocolError(f"a handshake of {len(packet)} bytes, expected {_HANDSHAKE.size}")
    version, largest = _HANDSHAKE.unpack(packet)
    if (version, largest) != (LAYOUT_VERSION, MAX_PACKET):
        ours = f"{LAYOUT_VERSION} and {MAX_PACKET}"
        raise ProtocolError(
            f"a handshake with layout version {version} and packets of {largest} bytes, expected {ours}"
        )


def decode_name(packet: bytes) -> str:
    """Return the process name that follows the handshake, printable whatever its bytes are.

    Raises:
        ProtocolError: it is empty or has more than 255 bytes.
    """
    if not 1 <= len(packet) <= MAX_TEXT:
        raise ProtocolError(f"a process name of {len(packet)} bytes, expected 1 to {MAX_TEXT}")
    text = packet.decode(errors="replace")
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def encode(message: Message) -> bytes:
    """Return the packet of `message`; a receiver of this protocol cannot tell a reply from a `set`.

    Raises:
        ProtocolError: a text has more than 255 bytes.
        TooLarge: the packet would have more than 924,288 bytes.
    """
    method, uri, body, replyto, process_name, username, _, _ = message
    texts = [(text or "").encode() for text in (method, uri, replyto, process_name, username)]
    lengths = [len(text) for text in texts]
    for field, length in zip(_FIELDS, lengths, strict=True):
        if length > MAX_TEXT:
            raise ProtocolError(f"{uri}: a {field} of {length} bytes, but the receiver takes {MAX_TEXT}")
    body = body or b""
    size = _HEADER.size + sum(lengths) + len(body)
    if size > MAX_PACKET:
        raise TooLarge(uri, size, MAX_PACKET)
    return _HEADER.pack(*lengths, len(body)) + b"".join(texts) + body


def decode(packet: bytes) -> Message:
    """Return the message of a packet; empty texts and an empty body are absent ones.

    Names are for people: what is not UTF-8 in them is replaced.

    Raises:
        ProtocolError: the lengths contradict each other, or method, URI or replyto is not UTF-8.
    """
    if len(packet) < _HEADER.size:
        raise ProtocolError(f"a packet of {len(packet)} bytes, expected a header of {_HEADER.size}")
    *lengths, size = _HEADER.unpack_from(packet)
    said = _HEADER.size + sum(lengths) + size
    if said != len(packet):
        raise ProtocolError(f"a packet of {len(packet)} bytes, but its header says {said}")
    texts = []
    start = _HEADER.size
    for length in lengths:
        texts.append(packet[start : start + length])
        start += length
    method, uri, replyto, process_name, username = texts
    try:
        verb, target, answer_to = method.decode(), uri.decode(), replyto.decode()
    except UnicodeDecodeError:
        raise ProtocolError(f"method, URI or replyto is not UTF-8: {b' '.join(texts[:3])[:80]!r}") from None
    name, user = process_name.decode(errors="replace"), username.decode(errors="replace")
    return Message(verb, target, packet[start:] or None, answer_to or None, name, user or None)


def encode_subscriptions(wanted: Sequence[tuple[str, bool]]) -> bytes:
    """Return the body of a `sub`: the complete new list, at most 255 URIs."""
    uris = [uri.encode() for uri, _ in wanted]
    flags = [bytes((pub_only, len(uri))) for uri, (_, pub_only) in zip(uris, wanted, strict=True)]
    return bytes((len(wanted),)) + b"".join(flags) + b"".join(uris)


def decode_subscriptions(body: bytes | None) -> Wanted:
    """Return what the body of a `sub` lists.

    Raises:
        ProtocolError: there is nothing in it, a URI is not allowed, or it is too short. The text is the answer that the
            original gives, where it has one.
    """
    if not body:
        raise ProtocolError("Subscribe did not have data.")
    count = body[0]
    if count == 0:
        raise ProtocolError("No uris to subscribe to.")
    start = 1 + 2 * count
    # What is longer than it says is taken: a client whose list goes through must not be told that it did not.
    if len(body) < start or len(body) < start + sum(body[2:start:2]):
        raise ProtocolError("Subscribe data is too short.")
    wanted: Wanted = []
    for pub_only, length in zip(body[1:start:2], body[2:start:2], strict=True):
        uri = body[start : start + length]
        start += length
        if not _SUBSCRIPTION_URI.fullmatch(uri):
            raise ProtocolError(f"Invalid Uri: {uri.decode(errors='surrogateescape')}")
        wanted.append((uri.decode(), bool(pub_only)))
    return wanted


def encode_answer(text: str) -> bytes:
    """Return the answer to a `sub`: `SUCCESS`, or an error text."""
    body = text.encode(errors="surrogateescape")
    return encode(Message("", "", body, None, BROKER_NAME))
