"""Control frames: what a client and the broker say to each other, apart from messages (docs/wire.md, section 4).

A control frame is a verb that starts with ``!``, a NUL, and a msgpack array of fields:

==============  ==============  ==============================================================================
verb            direction       fields
==============  ==============  ==============================================================================
!hello          to the broker   version, name, user, pid, id of the broker it was with before or "",
                                subscriptions ((uri, mode), ...)
!welcome        to the client   version, broker id, largest message in bytes
!who            to the client   (none): the broker does not know this connection and asks for its hello
!subscribe      to the broker   sequence, subscriptions to add or to change ((uri, mode), ...)
!unsubscribe    to the broker   sequence, URIs to take back (uri, ...)
!replace        to the broker   sequence, the complete new list of subscriptions ((uri, mode), ...)
!subscribed     to the client   sequence, error text or nil: in force, or refused as a whole
!ping / !pong   both            number: the answer proves life, and that all before it was handled
!undelivered    to the client   status, method, uri, replyto or nil, token or nil, detail or nil
!dropped        to the client   how many messages for it were lost because it did not read
!error          to the client   text: a frame of it was not understood and was not delivered
!bye            to the broker   (none): forget this connection
==============  ==============  ==============================================================================
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

import msgpack

from ess_bus.errors import ProtocolError

VERSION: Final = 2
# The process name of what the broker says itself.
BROKER_NAME: Final = "fims_server"
# Below it every process that serves answers for itself, is heard when it starts, and is missed when it is gone.
PROCESSES: Final = "/processes"
# Below it every client waits for the answers to its own requests, each at a URI that is used once.
REPLIES: Final = "/_reply"
MARK: Final = b"!"


class Verb(StrEnum):
    """The first word of a control frame."""

    HELLO = "!hello"
    WELCOME = "!welcome"
    WHO = "!who"
    SUBSCRIBE = "!subscribe"
    UNSUBSCRIBE = "!unsubscribe"
    REPLACE = "!replace"
    SUBSCRIBED = "!subscribed"
    PING = "!ping"
    PONG = "!pong"
    UNDELIVERED = "!undelivered"
    DROPPED = "!dropped"
    ERROR = "!error"
    BYE = "!bye"


class Mode(StrEnum):
    """What a subscription asks for."""

    ALL = "all"
    PUB_ONLY = "pub"
    # A listener: it receives everything, and a request that reaches nobody else still counts as not delivered.
    PASSIVE = "passive"


Subscriptions = dict[str, Mode]


def encode(verb: Verb, *fields: object) -> bytes:
    """Return a control frame."""
    packed: bytes = msgpack.packb(fields)
    return verb.encode() + b"\0" + packed


def decode(frame: bytes) -> tuple[Verb, tuple[Any, ...]]:
    """Return verb and fields of a control frame; the fields are still to be matched against what the verb needs.

    Raises:
        ProtocolError: it is not a control frame.
    """
    verb, nul, tail = frame.partition(b"\0")
    try:
        fields = msgpack.unpackb(tail, use_list=False)
        known = Verb(verb.decode())
    except (ValueError, RecursionError, msgpack.UnpackException):
        raise ProtocolError(f"not a control frame: {frame[:40]!r}") from None
    if not nul or not isinstance(fields, tuple):
        raise ProtocolError(f"{known}: the fields are not an array")
    return known, fields


def pack_subscriptions(subscriptions: Subscriptions) -> tuple[tuple[str, str], ...]:
    """Return subscriptions as fields of a control frame."""
    return tuple((uri, mode.value) for uri, mode in subscriptions.items())


def unpack_subscriptions(field: object) -> Subscriptions:
    """Return subscriptions from a field that came from the network.

    Raises:
        ProtocolError: it is not an array of (uri, mode).
    """
    if not isinstance(field, tuple):
        raise ProtocolError("subscriptions are not an array")
    found: Subscriptions = {}
    for entry in field:
        match entry:
            case (str() as uri, "all" | "pub" | "passive" as mode):
                found[uri] = Mode(mode)
            case _:
                raise ProtocolError(f"a subscription is not (uri, mode): {str(entry)[:60]}")
    return found


def unpack_uris(field: object) -> list[str]:
    """Return URIs from a field that came from the network.

    Raises:
        ProtocolError: it is not an array of texts.
    """
    if not isinstance(field, tuple) or not all(isinstance(uri, str) for uri in field):
        raise ProtocolError("URIs are not an array of texts")
    return list(field)
