"""`Trail`: what was commanded, by whom, and what became of it, as JSON lines.

A command (set, post, del) gives a line when it was routed, and one with the same `id` when its answer passed or none
came in time::

    {"id":"3f9a-1","time":"2026-05-01T10:00:00.123+00:00","user":"alice","address":"pid 71","process":
     "fims_send","verb":"set","uri":"/ess/limit","body":"5","replyto":"/me","outcome":"delivered"}
    {"id":"3f9a-1","time":"2026-05-01T10:00:00.127+00:00","user":"ess","address":"pid 12","process":
     "ess_controller","outcome":"ok"}

The time is this machine's clock, in UTC. `user` is who the connection belongs to; what a message claims to be from is
`claimed_user`.
"""

from __future__ import annotations

import codecs
import secrets
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol

import orjson

from ess_bus.message import Message
from ess_bus.uri import normal

COMMANDS: Final = frozenset({"set", "post", "del"})
MAX_BODY: Final = 1024
ANSWER_WITHIN_S: Final = 60.0
# Answers that are waited for at a time; beyond that, the one that waits longest is given up.
MAX_WAITING: Final = 10_000
RECORD_WITHIN_S: Final = 1.0
NOT_RECORDED: Final = "it cannot be recorded in the audit trail, and must be"


class Outcome(StrEnum):
    """What became of a command, or of the answer to it."""

    RECEIVED = "received"  # only where a record is required: written before it is routed
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    BUSY = "busy"
    DENIED = "denied"
    OK = "ok"
    REFUSED = "refused"
    UNANSWERED = "unanswered"


class Sink(Protocol):
    """Where lines go; see `AuditFile`."""

    def append(self, line: bytes) -> None:
        """Write a line soon."""

    def record(self, line: bytes, timeout_s: float) -> bool:
        """Write a line now, and return whether it is there."""

    def statistics(self) -> dict[str, Any]:
        """Return how the sink is doing."""


class Author(NamedTuple):
    """Who sent something: the user that the connection belongs to, its address, and what the process calls itself."""

    user: str
    address: str
    process: str


class _Waiting(NamedTuple):
    id: str
    token: str | None
    until: float


class Trail:
    """Makes the lines and remembers which commands wait for an answer.

    Args:
        sink: takes the lines.
        required: a command that cannot be recorded is refused.
        answer_within_s: how long an answer is waited for.
        clock: the time of a line.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        required: bool = False,
        answer_within_s: float = ANSWER_WITHIN_S,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._sink = sink
        self._required = required
        self._answer_within_s = answer_within_s
        self._clock = clock
        # Ids are unique across restarts, and short.
        self._prefix = secrets.token_hex(4)
        self._number = 0
        self._expected: dict[str, deque[_Waiting]] = {}
        self._waiting = 0

    def receive(self, command: Message, author: Author) -> str | None:
        """Return the id of a command that is about to be routed; ``None``: refuse it, it cannot be recorded."""
        self._number += 1
        name = f"{self._prefix}-{self._number}"
        if self._required:
            line = self._line(name, {**_described(command, author), "outcome": Outcome.RECEIVED})
            if not self._sink.record(line, RECORD_WITHIN_S):
                self._append(name, {"outcome": Outcome.DENIED, "reason": NOT_RECORDED})
                return None
        return name

    def deny(self, command: Message, author: Author, reason: str) -> None:
        """Record a command that is not routed."""
        self._number += 1
        about = {**_described(command, author), "outcome": Outcome.DENIED, "reason": reason[:MAX_BODY]}
        self._append(f"{self._prefix}-{self._number}", about)

    def settle(self, name: str, command: Message, author: Author, outcome: Outcome, reason: str | None = None) -> None:
        """Say what became of a command."""
        about = {} if self._required else _described(command, author)
        self._append(name, {**about, "outcome": outcome, **_given(reason)})

    def expect(self, name: str, command: Message, now: float) -> None:
        """Wait for the answer to a command that was delivered, if its sender asked for one."""
        if command.replyto is None:
            return
        if self._waiting >= MAX_WAITING:
            self._give_up(next(iter(self._expected)), "too many commands wait for an answer")
        waiting = _Waiting(name, command.token, now + self._answer_within_s)
        self._expected.setdefault(normal(command.replyto), deque()).append(waiting)
        self._waiting += 1

    def answer(self, reply: Message, author: Author, outcome: Outcome, reason: str | None = None) -> bool:
        """Record the answer to a command; return whether this message is one. Only the first answer counts."""
        if not self._expected:
            return False
        replyto = normal(reply.uri)
        for waiting in self._expected.get(replyto, ()):
            # Programs that know no tokens answer without one.
            if reply.token in (None, waiting.token):
                self._append(self._done(replyto, waiting), {**author._asdict(), "outcome": outcome, **_given(reason)})
                return True
        return False

    def forget(self, name: str, command: Message) -> None:
        """Wait no longer for the answer to a command: it did not arrive after all."""
        replyto = normal(command.replyto or "/")
        for waiting in self._expected.get(replyto, ()):
            if waiting.id == name:
                self._done(replyto, waiting)
                return

    def tick(self, now: float) -> None:
        """Give up the commands that have waited too long."""
        for replyto, waiting in list(self._expected.items()):
            while waiting and waiting[0].until <= now:
                self._give_up(replyto, f"no answer within {self._answer_within_s:g} s")

    def statistics(self) -> dict[str, Any]:
        """Return lines written, lost and waiting for the disk, why it fails, and commands whose answer is awaited."""
        return {**self._sink.statistics(), "unanswered": self._waiting}

    def _give_up(self, replyto: str, reason: str) -> None:
        name = self._done(replyto, self._expected[replyto][0])
        self._append(name, {"outcome": Outcome.UNANSWERED, "reason": reason})

    def _done(self, replyto: str, waiting: _Waiting) -> str:
        there = self._expected[replyto]
        there.remove(waiting)
        self._waiting -= 1
        if not there:
            del self._expected[replyto]
        return waiting.id

    def _append(self, name: str, fields: dict[str, Any]) -> None:
        self._sink.append(self._line(name, fields))

    def _line(self, name: str, fields: dict[str, Any]) -> bytes:
        return _dump({"id": name, "time": _stamp(self._clock()), **fields})


def gap_line(lost: int) -> bytes:
    """Return the line that stands where lines are missing."""
    return _dump({"time": _stamp(datetime.now(UTC)), "lost": lost})


def shown_body(body: bytes | None) -> dict[str, Any]:
    """Return the fields that show a body.

    `body` is its text. Where it is not UTF-8, `body_escaped` says so: bytes that are none are ``\\xNN`` and a backslash
    is two. Where it is longer than `MAX_BODY` bytes, `body_size` gives the whole size and `body` is its beginning.
    """
    if body is None:
        return {"body": None}
    beginning = body[:MAX_BODY]
    cut = len(beginning) < len(body)
    fields: dict[str, Any] = {}
    try:
        # A character that is cut in two at the limit is left out, not taken for a wrong byte.
        fields["body"] = codecs.getincrementaldecoder("utf-8")().decode(beginning, final=not cut)
    except UnicodeDecodeError:
        fields["body"] = beginning.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")
        fields["body_escaped"] = True
    if cut:
        fields["body_size"] = len(body)
    return fields


def _described(command: Message, author: Author) -> dict[str, Any]:
    claimed = command.username
    return {
        **author._asdict(),
        **({"claimed_user": claimed} if claimed not in (None, author.user) else {}),
        "verb": command.method,
        "uri": command.uri,
        **shown_body(command.body),
        **({"replyto": command.replyto} if command.replyto is not None else {}),
    }


def _given(reason: str | None) -> dict[str, str]:
    return {} if reason is None else {"reason": reason[:MAX_BODY]}


def _stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _dump(fields: dict[str, Any]) -> bytes:
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)
