"""Texts of ``fims_listen``: blocks of the original's formats (fims.md A5) and lines of our ``--json``. No I/O.

A block is a line for each label, in order. The columns of the labels changed over the years and are not looked at. A
body may have line ends of its own, and goes on until ``Timestamp:``.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson

from ess_bus.message import METHODS, Message, Status, encode_body
from ess_bus.uri import check
from tools.record.entry import Entry
from tools.record.packing import MAX_BODY

_LABEL: Final = re.compile(rb"(Method|Uri|ReplyTo|Process Name|Username|Body|Timestamp):[ \t]*")
_STAMP: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\.(\d{1,6})")
_NOTHING: Final = (b"(null)", b"null", b"")
# The original's database took both.
_OTHER_NAMES: Final = {"delete": "del"}
_Stamped = tuple[int, Message]


class CaptureError(ValueError):
    """A text is not what ``fims_listen`` prints; what is wrong begins with the number of the line."""


@dataclass(slots=True)
class Capture:
    """Collects what is read.

    Attributes:
        skip_bad: whether what cannot be used is passed over.
        skipped: what could not be used, with the number of the line where it begins; only if that is allowed.
        strays: lines that belong to no message: prompts, ``signal of type 2 caught.``
        unfinished: the line where a last message begins that has no end, as after Ctrl-C.
    """

    skip_bad: bool = False
    skipped: list[str] = field(default_factory=list)
    strays: int = 0
    unfinished: int | None = None

    def entries(self, lines: Iterable[bytes]) -> Iterator[Entry]:
        """Yield the messages of a text.

        Raises:
            CaptureError: something cannot be used, and is not to be skipped.
        """
        first_us: int | None = None
        elapsed = 0
        for at_us, message in self._messages(lines):
            first_us = at_us if first_us is None else first_us
            # Local times repeat an hour each autumn: what came later never was earlier.
            elapsed = max(elapsed, at_us - first_us)
            yield Entry(at_us, elapsed, 0, message)

    def _messages(self, lines: Iterable[bytes]) -> Iterator[_Stamped]:
        block: _Block | None = None
        for number, raw in enumerate(lines, 1):
            line = raw.removesuffix(b"\n").removesuffix(b"\r")
            try:
                found, block = self._take(line, number, block)
            except CaptureError:
                raise
            except (ValueError, TypeError, KeyError) as error:
                self._bad(block.line if block is not None else number, error)
                found = block = None
            if found is not None:
                yield found
        self.unfinished = None if block is None else block.line

    def _take(self, line: bytes, number: int, block: _Block | None) -> tuple[_Stamped | None, _Block | None]:
        """Return the message that this line completes, if any, and the block that is open after it."""
        label = _LABEL.match(line)
        if label is not None and label[1] == b"Method":
            if block is not None:
                self._bad(block.line, ValueError("a message without a Timestamp"))
            return None, _Block(number, label[1], line[label.end() :])
        if block is None:
            if line.startswith(b'{"'):
                return _of_json(line), None
            self.strays += bool(line.strip())
            return None, None
        if label is not None and (label[1] not in block.fields or block.last != b"Body"):
            block.begin(label[1], line[label.end() :])
            return (block.message(), None) if label[1] == b"Timestamp" else (None, block)
        block.go_on(line)
        return None, block

    def _bad(self, line: int, error: Exception) -> None:
        text = f"line {line}: {error if not isinstance(error, KeyError) else f'{error} is missing'}"
        if not self.skip_bad:
            raise CaptureError(text)
        self.skipped.append(text)


class _Block:
    """A message that is being read."""

    def __init__(self, line: int, label: bytes, value: bytes) -> None:
        self.line = line
        self.fields = {label: value}
        self.last = label
        self._size = len(value)

    def begin(self, label: bytes, value: bytes) -> None:
        """Take a line with a label."""
        if label in self.fields:
            raise ValueError(f"two lines of {label.decode()}")
        self.fields[label] = value
        self.last = label

    def go_on(self, line: bytes) -> None:
        """Take a line that belongs to the body."""
        if self.last != b"Body":
            raise ValueError(f"expected the next label, got {line[:40]!r}")
        self._size += len(line)
        if self._size > MAX_BODY:
            raise ValueError(f"a body of more than {MAX_BODY} bytes")
        self.fields[b"Body"] += b"\n" + line

    def message(self) -> _Stamped:
        """Return what was read; raises ValueError if it is not a message."""
        body = _text(self.fields, b"Body", b"(null)")
        replyto = _text(self.fields, b"ReplyTo", *_NOTHING)
        return _us(_clean(self.fields[b"Timestamp"])), Message(
            method=_method(_clean(self.fields[b"Method"])),
            uri=check(_clean(self.fields.get(b"Uri", b""))),
            body=body,
            replyto=None if replyto is None else check(_clean(replyto)),
            process_name=_clean(_text(self.fields, b"Process Name", *_NOTHING) or b""),
            username=_clean(_text(self.fields, b"Username", *_NOTHING) or b"") or None,
        )


def _text(fields: dict[bytes, bytes], label: bytes, *nothing: bytes) -> bytes | None:
    # The original ends some of these lines in one space.
    text = fields.get(label, b"").removesuffix(b" ")
    return None if text in nothing or not text else text


def _clean(text: bytes) -> str:
    return text.decode(errors="replace").strip()


def _method(text: str) -> str:
    method = _OTHER_NAMES.get(text, text)
    if method not in METHODS:
        raise ValueError(f"method {text[:20]!r}, expected one of {', '.join(sorted(METHODS))}")
    return method


def _us(text: str) -> int:
    """Return microseconds since 1970. Old builds did not pad: ``13:56:09.24117`` is 24,117 microseconds after 09."""
    found = _STAMP.fullmatch(text)
    if found is None:
        raise ValueError(f"Timestamp {text[:40]!r}, expected one such as 2026-01-31 12:00:00.000000")
    seconds = int(datetime.fromisoformat(found[1]).astimezone().timestamp())
    return seconds * 1_000_000 + int(found[2])


def _of_json(line: bytes) -> _Stamped:
    fields = orjson.loads(line)
    stamp = datetime.fromisoformat(fields["timestamp"])
    status = fields.get("status")
    replyto = fields.get("replyto")
    message = Message(
        method=_method(fields["method"]),
        uri=check(fields["uri"]),
        body=_body(fields["body"], fields.get("encoding")),
        replyto=None if replyto is None else check(replyto),
        process_name=str(fields.get("process_name") or ""),
        username=None if fields.get("username") is None else str(fields["username"]),
        status=None if status is None else Status(status),
    )
    return int(stamp.timestamp()) * 1_000_000 + stamp.microsecond, message


def _body(value: Any, encoding: str | None) -> bytes | None:
    match encoding:
        case None:
            return None
        case "json":
            return b"null" if value is None else encode_body(value)
        case "text":
            return str(value).encode()
        case "base64":
            return base64.b64decode(value, validate=True)
    raise ValueError(f"encoding {encoding!r}, expected json, text or base64")
