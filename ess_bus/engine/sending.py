"""`Sender`: messages that actions and functions send, and the answers to those that are for this engine itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from ess_bus.engine.actions.effects import Send
from ess_bus.engine.datamap import DataMap
from ess_bus.engine.meaning import KEEP, Assignment
from ess_bus.engine.views import get, split
from ess_bus.uri import is_under, join, relative

# Messages that wait to be sent: more in one turn are a mistake, and the memory is not ours alone.
MAX_MESSAGES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that an action sends."""

    method: str
    uri: str
    body: Any
    replyto: str | None


class Sender:
    """Holds messages until the process sends them.

    Args:
        name: the engine's.
        datamap: its tables.
        apply: carries out an assignment, with all that follows.
        warn: told (what, text) of a mistake.
    """

    def __init__(
        self, name: str, datamap: DataMap, apply: Callable[[Assignment], None], warn: Callable[[str, str], None]
    ) -> None:
        self._name, self._datamap, self._apply, self._warn = name, datamap, apply, warn
        self._messages: list[Outgoing] = []

    def take(self) -> list[Outgoing]:
        """Return what waits, in order, and forget it."""
        messages, self._messages = self._messages, []
        return messages

    def put_back(self, messages: list[Outgoing]) -> None:
        """Let these wait, and nothing else."""
        self._messages = messages

    def send(self, method: str, uri: str, body: Any, replyto: str | None = None) -> None:
        """Send a message with the next turn of the process."""
        if len(self._messages) >= MAX_MESSAGES:
            self._warn("messages", f"more than {MAX_MESSAGES} messages at once; {method} {uri} is not sent")
            return
        self._messages.append(Outgoing(method, uri, body, replyto))

    def send_value(self, send: Send, served: Iterable[str]) -> None:
        """Send the value of an action's ``fims``; the bus hands nobody what he has sent himself.

        Args:
            send: what the action says.
            served: the roots that this engine answers for, beside its name.
        """
        place, message = send.target.place, send.message
        replyto = None if message.replyto is None else message.replyto.replace("{essName}", self._name)
        path, body = place.table, _body(send)
        if message.method == "get":
            path = f"{place.table}/{place.name}" + (f"@{place.parameter}" if place.parameter else "")
        own = self._own(path, served)
        if own is None or message.method == "pub":
            self.send(message.method, path, body, replyto)
        if own is not None:
            body = self._take(message.method, own, body)
            self._answer(replyto, body, served)

    def _own(self, uri: str, served: Iterable[str]) -> str | None:
        """Return the path of a URI that this engine answers for, ``None`` if somebody else does."""
        below = relative(uri, f"/{self._name}")
        if below is not None:
            return join(split(below)[1])
        return uri if any(is_under(uri, root) for root in served) else None

    def _take(self, method: str, path: str, body: Any) -> Any:
        """Handle a message to this engine and return the answer, ``None`` if it cannot be done."""
        try:
            if method == "get":
                return get(self._datamap, path)
            for assignment in self._datamap.assignments(path, body):
                self._apply(assignment)
        except (ValueError, LookupError) as error:
            self._warn(f"{method} {path}", f"an action sends {method} {path}: {error}")
            return None
        return body

    def _answer(self, replyto: str | None, body: Any, served: Iterable[str]) -> None:
        if replyto is None:
            return
        own = self._own(replyto, served)
        if own is not None:
            self._take("set", own, body)
        elif body is not None:
            self.send("set", replyto, body)


def _body(send: Send) -> Any:
    place, value = send.target.place, send.value
    if send.message.method == "get":
        return None
    if place.parameter is not None:
        return {place.name: {"value": KEEP, place.parameter: value}}
    return {place.name: value if send.message.naked else {"value": value}}
