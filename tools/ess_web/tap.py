"""`Tap`: which messages a page listens to, and how it gets them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ess_bus.message import METHODS, Message
from ess_bus.uri import check, is_under
from tools.ess_web.values import shortened

MAX_BODY: Final = 1000


@dataclass(frozen=True, slots=True)
class Tap:
    """A filter.

    Attributes:
        prefix: of the URIs.
        method: only this one; "" is all.
        text: must be in the URI, the name of the sender or the body; upper and lower case are the same.
    """

    prefix: str = "/"
    method: str = ""
    text: str = ""

    @classmethod
    def parse(cls, asked: Any) -> Tap:
        """Return the filter that a page asks for.

        Raises:
            ValueError: it is none; the text says what was expected.
        """
        if not isinstance(asked, dict) or not all(isinstance(value, str) for value in asked.values()):
            raise ValueError('listen: expected {"prefix": URI, "method": METHOD, "text": TEXT}')
        method = asked.get("method", "")
        if method and method not in METHODS:
            raise ValueError(f"listen: method: expected {', '.join(sorted(METHODS))}, got {method[:20]!r}")
        return cls(check(asked.get("prefix") or "/"), method, asked.get("text", "")[:200].lower())

    def wants(self, message: Message) -> bool:
        """Tell whether a message is to be shown."""
        if (self.method and message.method != self.method) or not is_under(message.uri, self.prefix):
            return False
        text = self.text
        return (
            not text
            or text in message.uri.lower()
            or text in message.process_name.lower()
            or text in (message.body or b"").decode(errors="replace").lower()
        )


def line(message: Message, at: float) -> dict[str, Any]:
    """Return a message as the page gets it; `at` is in seconds since 1970."""
    body = None if message.body is None else shortened(message.body[: 4 * MAX_BODY].decode(errors="replace"), MAX_BODY)
    return {
        "at": at,
        "method": message.method,
        "uri": message.uri,
        "replyto": message.replyto,
        "process": message.process_name,
        "user": message.username,
        "status": message.status,
        "body": body,
    }
