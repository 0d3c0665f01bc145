"""`Routes`: from (verb, URI) to the outboxes that receive it. Whole-segment prefix match, one copy per client."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ess_bus.broker.outbox import Outbox
from ess_bus.control import Mode
from ess_bus.uri import segments

CACHE_SIZE: Final = 10_000

# Header of a pub with its NUL -> everyone who receives it: what makes routing one dictionary look-up.
PubRoutes = dict[bytes, tuple[Outbox, ...]]
MayReceive = Callable[[str], Callable[[Outbox], bool] | None]


class Recipients(NamedTuple):
    """Who receives a message: the audience, which can handle it, and passive listeners, which only look on."""

    audience: tuple[Outbox, ...]
    listeners: tuple[Outbox, ...]


@dataclass(slots=True)
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    modes: dict[Outbox, Mode] = field(default_factory=dict)


class Routes:
    """A trie of segments, with bounded caches in front of it that every change of a subscription clears.

    Args:
        may_receive: for a URI, tells which of its subscribers may receive it; ``None`` is all of them.
    """

    def __init__(self, may_receive: MayReceive | None = None) -> None:
        self._may_receive = may_receive
        self._root = _Node()
        self._caches: dict[str, PubRoutes] = {}

    def cache(self, user: str) -> PubRoutes:
        """Return the cache for the pubs of one user; what is in it was allowed to that user."""
        return self._caches.setdefault(user, {})

    def set(self, outbox: Outbox, uri: str, mode: Mode) -> None:
        """Let a client receive what is sent to `uri` or below."""
        node = self._root
        for segment in segments(uri):
            node = node.children.setdefault(segment, _Node())
        node.modes[outbox] = mode
        self.forget()

    def remove(self, outbox: Outbox, uri: str) -> None:
        """Take a subscription back; nodes that nobody needs any more go with it."""
        path = [("", self._root)]
        for segment in segments(uri):
            child = path[-1][1].children.get(segment)
            if child is None:
                return
            path.append((segment, child))
        path[-1][1].modes.pop(outbox, None)
        while len(path) > 1 and not path[-1][1].modes and not path[-1][1].children:
            segment, _ = path.pop()
            del path[-1][1].children[segment]
        self.forget()

    def match(self, verb: str, uri: str) -> Recipients:
        """Return everyone whose subscription covers `uri`."""
        audience: dict[Outbox, None] = {}
        listeners: dict[Outbox, None] = {}
        may = None if self._may_receive is None else self._may_receive(uri)
        for modes in self._covering(uri):
            for outbox, mode in modes.items():
                if may is not None and not may(outbox):
                    continue
                if mode is Mode.PASSIVE:
                    listeners[outbox] = None
                elif mode is Mode.ALL or verb == "pub":
                    audience[outbox] = None
        return Recipients(tuple(audience), tuple(outbox for outbox in listeners if outbox not in audience))

    def remember(self, cache: PubRoutes, head: bytes, recipients: Recipients) -> None:
        """Keep an answer of `match` for the next pub with the same header."""
        if len(cache) >= CACHE_SIZE:
            cache.clear()
        cache[head] = recipients.audience + recipients.listeners

    def forget(self) -> None:
        """Clear the caches: what may be routed has changed."""
        for cache in self._caches.values():
            cache.clear()

    def _covering(self, uri: str) -> list[dict[Outbox, Mode]]:
        node = self._root
        found = [node.modes] if node.modes else []
        # Not `segments`: a reply's URI is used once, and would only push out of its memory what is used again.
        for segment in uri.split("/"):
            if not segment:
                continue
            child = node.children.get(segment)
            if child is None:
                break
            node = child
            if node.modes:
                found.append(node.modes)
        return found
