"""`Composer`: the frames of what a client sends."""

from __future__ import annotations

import logging
from typing import Final

from ess_bus import uri
from ess_bus.client.replies import error_reply
from ess_bus.errors import TooLarge
from ess_bus.message import METHODS, Message, Status, encode, pack_body, prefix

log = logging.getLogger(__name__)

# How many pairs of method and URI are remembered.
CACHE_SIZE: Final = 10_000


class Composer:
    """Writes messages in the name of one client.

    Attributes:
        name: what the client calls itself on the bus.
        username: in whose name it sends.
        max_message: the broker's limit in bytes, 0 before it is known.
        sent: messages composed.
    """

    def __init__(self, name: str, username: str | None) -> None:
        self.name = _printable(name)
        self.username = None if username is None else _printable(username)
        self.max_message = 0
        self.sent = 0
        # (method, URI) -> the frame without the body.
        self._prefixes: dict[tuple[str, str], bytes] = {}

    def frame(self, method: str, target: str, body: bytes | None) -> bytes:
        """Return the frame of a message without a replyto; a sender that repeats itself encodes only the body anew.

        Raises:
            ValueError, UriError, TooLarge: as `compose`.
        """
        start = self._prefixes.get((method, target))
        if start is None:
            message = self.message(method, target, None)
            _require_sendable(message)
            if len(self._prefixes) >= CACHE_SIZE:
                self._prefixes.clear()
            start = self._prefixes[method, target] = prefix(message)
        frame = start + pack_body(body)
        if len(frame) > self.max_message:
            return self._checked(target, frame)
        self.sent += 1
        return frame

    def compose(self, message: Message) -> bytes:
        """Return the frame of a message of this client.

        Raises:
            ValueError: the method is unknown.
            UriError: the URI or the replyto cannot be routed.
            TooLarge: the broker would not take it.
        """
        _require_sendable(message)
        return self._checked(message.uri, encode(message))

    def _checked(self, target: str, frame: bytes) -> bytes:
        if len(frame) > self.max_message and self.max_message:
            raise TooLarge(target, len(frame), self.max_message)
        self.sent += 1
        return frame

    def message(
        self, method: str, target: str, body: bytes | None, replyto: str | None = None, token: str | None = None
    ) -> Message:
        """Return a message in this client's name."""
        return Message(method, target, body, replyto, self.name, self.username, None, token)

    def answer(self, request: Message, status: Status, body: bytes | None) -> bytes | None:
        """Return the frame of a reply, or ``None`` if nobody waits for one."""
        if request.replyto is None:
            return None
        reply = Message("set", request.replyto, body, None, self.name, request.username, status, request.token)
        try:
            return self.compose(reply)
        except TooLarge as error:
            reason = error.of_answer(request.uri) if request.method == "get" and status is Status.OK else str(error)
            reply = error_reply(reply, Status.REFUSED, reason)
        try:
            return self.compose(reply)
        except TooLarge as error:  # the token and the user name, which are the request's, leave no room for anything
            log.warning("%s: %s cannot be answered: %s", self.name, request.process_name[:80], error)
            return None


def _require_sendable(message: Message) -> None:
    if message.method not in METHODS:
        raise ValueError(f"unknown method {message.method!r}, expected one of {', '.join(sorted(METHODS))}")
    uri.check(message.uri)
    if message.replyto is not None:
        uri.check(message.replyto)


def _printable(name: str) -> str:
    """Return a name that survives the wire and a line of a log, whatever the command line or the system called it."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name)
