"""How ``fims_listen`` shows a message: the original's block (fims.md A5), or one JSON object a line."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

import orjson

from ess_bus.message import Message, Status

_RESET = b"\033[0m"
_DIM, _BOLD, _RED = b"\033[2m", b"\033[1m", b"\033[31m"
_METHOD_COLOURS = {"get": b"\033[36m", "set": b"\033[33m", "pub": b"\033[32m", "post": b"\033[35m", "del": b"\033[31m"}


def block(message: Message, received: datetime, *, colours: bool = False) -> bytes:
    """Return a message as the original prints it: a blank line, then seven labels of 14 columns.

    An empty body is shown as ``(null)`` like none at all: on the original's wire they were the same.
    """
    fields = (
        (b"Method:       ", message.method.encode()),
        (b"Uri:          ", message.uri.encode()),
        (b"ReplyTo:      ", _text(message.replyto)),
        # These two end in a space in the original, and scripts match it.
        (b"Process Name: ", message.process_name.encode() + b" "),
        (b"Username:     ", _text(message.username)),
        (b"Body:         ", (message.body or b"(null)") + b" "),
        (b"Timestamp:    ", received.isoformat(" ", "microseconds")[:26].encode()),
    )
    if colours:
        paints = (_METHOD_COLOURS[message.method], _BOLD, b"", b"", b"", _RED if _is_error(message) else b"", _DIM)
        painted = zip(fields, paints, strict=True)
        return b"\n" + b"".join(_paint(_DIM, label) + _paint(paint, text) + b"\n" for (label, text), paint in painted)
    return b"\n" + b"".join([label + text + b"\n" for label, text in fields])


def json_line(message: Message, received: datetime) -> bytes:
    """Return a message as one compact JSON object, with a line end.

    Its keys are ``method``, ``uri``, ``replyto``, ``process_name``, ``username``, ``status`` (of replies: ``ok``,
    ``refused``; else null), ``body``, ``encoding`` and ``timestamp`` (ISO 8601, when it was received). ``encoding``
    says what ``body`` holds: ``json``: the body is JSON and stands there itself; ``text``: it is not, but UTF-8;
    ``base64``: neither; null: there was none.
    """
    body, encoding = _body(message)
    fields = {
        "method": message.method,
        "uri": message.uri,
        "replyto": message.replyto,
        "process_name": message.process_name,
        "username": message.username,
        "status": message.status,
        "body": body,
        "encoding": encoding,
        "timestamp": received.isoformat(timespec="microseconds"),
    }
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def _body(message: Message) -> tuple[Any, str | None]:
    if message.body is None:
        return None, None
    try:
        return message.json(), "json"
    except ValueError:
        pass
    try:
        return message.body.decode(), "text"
    except UnicodeDecodeError:
        return base64.b64encode(message.body).decode(), "base64"


def _text(value: str | None) -> bytes:
    return value.encode() if value else b"(null)"


def _is_error(message: Message) -> bool:
    return message.is_reply and message.status != Status.OK


def _paint(colour: bytes, text: bytes) -> bytes:
    return colour + text + _RESET if colour else text
