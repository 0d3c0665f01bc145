"""`Message` and its frame: what travels between a client and the broker.

A frame is what routing needs, a NUL, and a msgpack tail::

    set /components/bms_1/soc NUL [replyto, process_name, username, status, body, token]

The broker cuts at the NUL and never looks at the tail of a message that it can deliver. A *reply* is a `set` to the
replyto URI (fims.md A3.1); on the wire its verb is ``reply``, so that an answer can be told from a command.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

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


@dataclass(frozen=True, slots=True)
class Message:
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
    verb = REPLY_VERB if message.is_reply else message.method
    tail = (message.replyto, message.process_name, message.username, message.status, message.body, message.token)
    packed: bytes = msgpack.packb(tail)
    return header(verb, message.uri) + b"\0" + packed


def decode(frame: bytes) -> Message:
    """Parse a frame that came from the network.

    Raises:
        ProtocolError: it is not a message frame.
    """
    head, nul, tail = frame.partition(b"\0")
    if not nul:
        raise ProtocolError("a frame without a NUL")
    verb, uri = split_header(head)
    if verb not in METHODS and verb != REPLY_VERB:
        raise ProtocolError(f"unknown verb {verb[:20]!r}")
    replyto, process_name, username, status, body, token = _decode_tail(tail)
    if (verb == REPLY_VERB) != (status is not None):
        raise ProtocolError(f"verb {verb!r} and status {status!r} contradict each other")
    method = "set" if verb == REPLY_VERB else verb
    return Message(method, uri, body, replyto, process_name, username, status, token)


def replyto_of(frame: bytes) -> str | None:
    """Return the replyto of a message frame, or ``None`` if it has none or is malformed."""
    try:
        return decode(frame).replyto
    except ProtocolError:
        return None


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        containers = [inner for inner in level if isinstance(inner, list | dict)]
        level = [part for inner in containers for part in (inner.values() if isinstance(inner, dict) else inner)]
        if not containers:
            return False
    return True


_Tail = tuple[str | None, str, str | None, Status | None, bytes | None, str | None]


def _decode_tail(tail: bytes) -> _Tail:
    try:
        fields = msgpack.unpackb(tail, use_list=False)
    except (ValueError, RecursionError, msgpack.UnpackException) as error:
        raise ProtocolError(f"a message tail that is not msgpack: {error or type(error).__name__}") from None
    match fields:
        case (str() | None, str(), str() | None, str() | None as status, bytes() | None, str() | None):
            pass
        case _:
            raise ProtocolError("a message tail with wrong fields")
    try:
        if fields[0] is not None:
            check_uri(fields[0])
        return *fields[:3], None if status is None else Status(status), *fields[4:]
    except UriError as error:
        raise ProtocolError(f"a replyto that cannot be routed: {error}") from None
    except ValueError:
        raise ProtocolError(f"unknown status {str(status)[:20]!r}") from None
