"""`Asked`: which replytos a client of the original's protocol has been given, so that its answers count as replies."""

from __future__ import annotations

from typing import Final

# Requests that one client has not answered; older ones are forgotten, and what answers them travels as a plain `set`.
SIZE: Final = 1000


class Asked:
    """Remembers the requests that were delivered to one client.

    A client of layout version 1 answers with an ordinary `set` to the replyto. To the broker a reply is something else
    than a command: rules that deny commands do not concern it, and nobody need hear it. It also carries the token of
    its request, which that client never saw.
    """

    def __init__(self) -> None:
        self._tokens: dict[str, str | None] = {}
        self._answered: set[str] = set()

    def note(self, replyto: str, token: str | None) -> None:
        """A request was delivered."""
        if replyto in self._tokens and replyto not in self._answered and self._tokens[replyto] != token:
            # Two who share a replyto are both waiting: nothing says whose answer comes first, so either may take it.
            token = None
        elif replyto not in self._tokens and len(self._tokens) >= SIZE:
            oldest = next(iter(self._tokens))
            self._answered.discard(oldest)
            del self._tokens[oldest]
        self._answered.discard(replyto)
        self._tokens[replyto] = token

    def is_answer(self, uri: str) -> bool:
        """Whether a `set` to `uri` answers a request."""
        return uri in self._tokens

    def token(self, uri: str) -> str | None:
        """Return the token of the request that an answer to `uri` belongs to, if it is clear which one that is."""
        self._answered.add(uri)
        return self._tokens[uri]
