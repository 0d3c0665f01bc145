"""`Message` and its frame: what travels between a client and the broker.

A frame is what routing needs, a NUL, and a msgpack tail::

    set /components/bms_1/soc NUL [replyto, process_name, username, status, token, body]

The broker cuts at the NUL and never looks at the tail of a message that it can deliver (docs/wire.md, section 3). A
*reply* is a `set` to the replyto URI (fims.md A3.1); on the wire its verb is ``reply``, so that an answer can be told
from a command.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import product
from typing import Any, Final, NamedTuple

import msgpack

from ess_bus.errors import ProtocolError, UriError
from ess_bus.uri import check as check_uri

METHODS: Final = frozenset({"get", "set", "pub", "post", "del"})
REPLY_VERB: Final = "reply"
# How deep JSON may be nested: far beyond any real body, far below the recursion limits of Python and orjson.
MAX_DEPTH: Final = 64


class Status(StrEnum):
    """What a reply says about the request."""

    OK = "ok"
    REFUSED = "refused"
    NO_ONE_LISTENING = "no_one_listening"
    BUSY = "busy"
    DENIED = "denied"


class Message(NamedTuple):
    """One message on the bus.

    Attributes:
        method: ``get``, ``set``, ``pub``, ``post`` or ``del``; a reply is a ``set``.
        uri: where it is sent.
        body: any bytes, JSON by convention; ``None`` is no body at all (a listener shows ``(null)``).
        replyto: where the sender waits for the answer.
        process_name: what the sending process calls itself.
        username: who runs it, as the sender says.
        status: set on replies only; anything but `Status.OK` is an error and `body` explains it.
        token: chosen by the sender of a request and copied into its reply, so that two who share a replyto can tell
            their answers apart.
    """

    # A tuple, because a hundred thousand of them are made in a second: a frozen dataclass takes ten times as long.
    method: str
    uri: str
    body: bytes | None = None
    replyto: str | None = None
    process_name: str = ""
    username: str | None = None
    status: Status | None = None
    token: str | None = None

    @property
    def is_reply(self) -> bool:
        """Whether this message answers a request."""
        return self.status is not None

    def json(self) -> Any:
        """Decode the body.

        Raises:
            ValueError: the body is missing, is not JSON, or is nested deeper than `MAX_DEPTH`.
        """
        # Imported here: fims_send is started thousands of times a day and prints bodies as they are.
        import orjson

        if self.body is None:
            raise ValueError("there is no body; expected JSON")
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise ValueError(f"the body is not JSON: {error}") from None
        # Counting is cheap, and a body with so few brackets cannot be nested deeper.
        if self.body.count(b"[") + self.body.count(b"{") > MAX_DEPTH and _is_deep(value):
            raise ValueError(f"the body is nested deeper than {MAX_DEPTH} levels")
        return value


def encode_body(value: Any) -> bytes | None:
    """Return a value as a message body: bytes and ``None`` as they are, everything else as JSON.

    Raises:
        TypeError: the value has no JSON form.
    """
    if value is None or isinstance(value, bytes):
        return value
    import orjson  # see `Message.json`

    return orjson.dumps(value)


def error_body(reason: str) -> bytes | None:
    """Return the body of an error reply; a JSON object, because receivers of the original choke on bare texts."""
    return encode_body({"error": reason})


def header(method: str, uri: str) -> bytes:
    """Return the routing part of a frame, without the NUL."""
    return f"{method} {uri}".encode()


def split_header(head: bytes) -> tuple[str, str]:
    """Return (verb, uri) of a routing part.

    Raises:
        ProtocolError: it is not UTF-8, or has no space between verb and URI.
    """
    try:
        verb, space, uri = head.decode().partition(" ")
    except UnicodeDecodeError:
        raise ProtocolError(f"the header {head[:40]!r} is not UTF-8") from None
    if not space:
        raise ProtocolError(f"the header {head[:40]!r} has no URI")
    return verb, uri


def encode(message: Message) -> bytes:
    """Return the frame of `message`."""
    return prefix(message) + pack_body(message.body)


def prefix(message: Message) -> bytes:
    """Return the frame of `message` without its body: what a sender that repeats itself need not encode again."""
    verb = REPLY_VERB if message.is_reply else message.method
    tail = (message.replyto, message.process_name, message.username, message.status, message.token)
    packed: bytes = msgpack.packb(tail)
    # An array of five, marked as one of six: the body follows.
    return header(verb, message.uri) + b"\0" + _ARRAY_OF_SIX + packed[1:]


def pack_body(body: bytes | None) -> bytes:
    """Return a body as the last field of a tail (msgpack's nil and bin formats)."""
    if body is None:
        return b"\xc0"
    size = len(body)
    if size < 1 << 8:
        return b"\xc4%c" % size + body
    return (b"\xc5" + size.to_bytes(2) if size < 1 << 16 else b"\xc6" + size.to_bytes(4)) + body


def decode(frame: bytes) -> Message:
    """Parse a frame that came from the network.

    Raises:
        ProtocolError: it is not a message frame.
    """
    end = frame.find(0)
    if end < 0:
        raise ProtocolError("a frame without a NUL")
    verb, uri = split_header(frame[:end])
    if verb not in METHODS and verb != REPLY_VERB:
        raise ProtocolError(f"unknown verb {verb[:20]!r}")
    return decode_tail(verb, uri, frame[end + 1 :])


def decode_tail(verb: str, uri: str, tail: bytes) -> Message:
    """Return the message of a frame whose header was read already.

    Raises:
        ProtocolError: the tail is malformed, or contradicts the verb.
    """
    try:
        fields = msgpack.unpackb(tail, use_list=False, max_array_len=6)
    except (ValueError, RecursionError, msgpack.UnpackException) as error:
        raise ProtocolError(f"a message tail that is not msgpack: {error or type(error).__name__}") from None
    if fields.__class__ is not tuple or tuple(map(type, fields)) not in _TAILS:
        raise ProtocolError("a message tail with wrong fields")
    replyto, process_name, username, status, token, body = fields
    if replyto is not None:
        _require_routable(replyto)
    if status is not None:
        status = _status(status)
    if (verb == REPLY_VERB) is (status is None):
        raise ProtocolError(f"verb {verb!r} and status {status!r} contradict each other")
    method = "set" if verb == REPLY_VERB else verb
    return _new(Message, (method, uri, body, replyto, process_name, username, status, token))


class Repetition:
    """The last message with some header, for those after it that differ in nothing but the body.

    A sender repeats itself: the bytes before the body are the same in each of its pubs to a URI.
    """

    __slots__ = ("_fields", "_size", "_start")

    def __init__(self) -> None:
        self._start = b"\0"
        self._size = 1
        self._fields: tuple[Any, ...] = ()

    def decode(self, verb: str, uri: str, frame: bytes, end: int) -> Message:
        """Return the message of a frame whose header ends at `end`.

        Raises:
            ProtocolError: as `decode_tail`.
        """
        if frame.startswith(self._start):
            at = self._size
            kind = frame[at : at + 1]
            # msgpack's two usual formats of bytes: with a length of one byte, and of two.
            if kind == b"\xc4":
                body = frame[at + 2 :]
                if len(body) == frame[at + 1]:
                    return _new(Message, (verb, uri, body, *self._fields))
            elif kind == b"\xc5":
                body = frame[at + 3 :]
                if len(body) == frame[at + 1] << 8 | frame[at + 2]:
                    return _new(Message, (verb, uri, body, *self._fields))
        message = decode_tail(verb, uri, frame[end + 1 :])
        start = prefix(message)
        if message.replyto is None and message.token is None and frame.startswith(start):
            self._start, self._size, self._fields = start, len(start), message[3:]
        return message


def address_of(frame: bytes) -> tuple[str | None, str | None]:
    """Return (replyto, token) of a message frame: where its sender waits; nothing if it is malformed."""
    try:
        message = decode(frame)
    except ProtocolError:
        return None, None
    return message.replyto, message.token


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        containers = [inner for inner in level if isinstance(inner, list | dict)]
        level = [part for inner in containers for part in (inner.values() if isinstance(inner, dict) else inner)]
        if not containers:
            return False
    return True


def _require_routable(replyto: str) -> None:
    try:
        check_uri(replyto)
    except UriError as error:
        raise ProtocolError(f"a replyto that cannot be routed: {error}") from None


def _status(text: str) -> Status:
    try:
        return Status(text)
    except ValueError:
        raise ProtocolError(f"unknown status {text[:20]!r}") from None


_new: Final = tuple.__new__
_ARRAY_OF_SIX: Final = b"\x96"
_TEXT, _NIL_OR_TEXT, _NIL_OR_BYTES = (str,), (str, type(None)), (bytes, type(None))
# Every combination of types that replyto, process_name, username, status, token and body may have.
_TAILS: Final = frozenset(product(_NIL_OR_TEXT, _TEXT, _NIL_OR_TEXT, _NIL_OR_TEXT, _NIL_OR_TEXT, _NIL_OR_BYTES))
