"""`Routes`: from (verb, URI) to the clients that receive it. Whole-segment prefix match, one copy per client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ess_bus.broker.clients import Client
from ess_bus.control import Mode
from ess_bus.uri import segments

CACHE_SIZE: Final = 10_000


class Recipients(NamedTuple):
    """Who receives a message: the audience, which can handle it, and passive listeners, which only look on."""

    audience: tuple[Client, ...]
    listeners: tuple[Client, ...]


@dataclass(slots=True)
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    modes: dict[Client, Mode] = field(default_factory=dict)


class Routes:
    """A trie of segments, with a bounded cache of header -> recipients in front of it.

    The cache is what makes routing one dictionary look-up; it is dropped whenever a subscription changes, and
    replies, whose URIs are used once, are kept out of it by the caller.
    """

    def __init__(self) -> None:
        self._root = _Node()
        self.cache: dict[bytes, Recipients] = {}

    def set(self, client: Client, uri: str, mode: Mode) -> None:
        """Let `client` receive what is sent to `uri` or below."""
        node = self._root
        for segment in segments(uri):
            node = node.children.setdefault(segment, _Node())
        node.modes[client] = mode
        self.cache.clear()

    def remove(self, client: Client, uri: str) -> None:
        """Take a subscription back; nodes that nobody needs any more go with it."""
        path = [("", self._root)]
        for segment in segments(uri):
            child = path[-1][1].children.get(segment)
            if child is None:
                return
            path.append((segment, child))
        path[-1][1].modes.pop(client, None)
        while len(path) > 1 and not path[-1][1].modes and not path[-1][1].children:
            segment, _ = path.pop()
            del path[-1][1].children[segment]
        self.cache.clear()

    def match(self, verb: str, uri: str) -> Recipients:
        """Return everyone whose subscription covers `uri`."""
        audience: dict[Client, None] = {}
        listeners: dict[Client, None] = {}
        for node in self._walk(uri):
            for client, mode in node.modes.items():
                if mode is Mode.PASSIVE:
                    listeners[client] = None
                elif mode is Mode.ALL or verb == "pub":
                    audience[client] = None
        return Recipients(tuple(audience), tuple(client for client in listeners if client not in audience))

    def remember(self, head: bytes, recipients: Recipients) -> None:
        """Keep an answer of `match` for the next message with the same header."""
        if len(self.cache) >= CACHE_SIZE:
            self.cache.clear()
        self.cache[head] = recipients

    def _walk(self, uri: str) -> Iterator[_Node]:
        node: _Node | None = self._root
        for segment in segments(uri):
            if node is None:
                return
            yield node
            node = node.children.get(segment)
        if node is not None:
            yield node
