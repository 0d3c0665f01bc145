"""`Tree`: what was seen on the bus, by URI and variable. The time is passed in, in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ess_bus.message import Message
from ess_bus.uri import join, segments
from ess_bus.values import naked

# A bus on which every URI is used once must not fill our memory.
MOST_NODES: Final = 50_000
# Rates are those of so many seconds, so that they follow what happens, and do not flicker.
_WINDOW_S: Final = 5.0
# What is overdue by so many of its own pauses is old, but not before so many seconds.
_PAUSES: Final = 3
_OLD_S: Final = 2.0
UNKNOWN: Final = object()


class Node:
    """A segment of a URI, or a variable.

    Attributes:
        name: the segment.
        uri: all of them.
        parent: the node above; ``None`` for the root.
        children: what is below.
        value: what was said last; `UNKNOWN` if nothing was said of this node itself.
        method: with which method.
        sender: by whom.
        count: messages to this URI; for a variable, those that named it.
        last_s: when the last one came, here or below.
        messages: the messages here and below.
    """

    __slots__ = (
        *("_before", "_begun_s", "_since", "children", "count", "last_s", "messages", "method"),
        *("name", "parent", "sender", "uri", "value"),
    )

    def __init__(self, name: str, parent: Node | None, now_s: float) -> None:
        self.name = name
        self.parent = parent
        self.uri: str = join((*segments(parent.uri), name)) if parent is not None else "/"
        self.children: dict[str, Node] = {}
        self.value: Any = UNKNOWN
        self.method = self.sender = ""
        self.count = self.messages = 0
        self.last_s = self._begun_s = now_s
        # (messages, seconds) of the window before, and the messages at its end.
        self._before: tuple[int, float] = (0, 0.0)
        # The first one is the beginning, and not an interval.
        self._since = 1

    def rate(self, now_s: float) -> float:
        """Return messages a second, here and below, lately; 0 once news is overdue."""
        if self.is_old(now_s):
            return 0.0
        count, seconds = self._before
        span_s = now_s - self._begun_s
        return max(0, count + self.messages - self._since) / max(seconds + span_s, 1.0)

    def is_old(self, now_s: float) -> bool:
        """Tell whether news is overdue, judged by how often it came."""
        rate = self.messages / max(now_s - self._begun_s, 1.0) if self._before == (0, 0.0) else self._pace()
        return now_s - self.last_s > max(_OLD_S, _PAUSES / rate if rate > 0 else _OLD_S)

    def seen(self, now_s: float) -> None:
        """Count a message here or below."""
        if now_s - self._begun_s >= _WINDOW_S:
            self._before = (self.messages - self._since, now_s - self._begun_s)
            self._since, self._begun_s = self.messages, now_s
        self.messages += 1
        self.last_s = now_s

    def walk(self) -> Iterator[Node]:
        """Yield this node and all below."""
        yield self
        for child in self.children.values():
            yield from child.walk()

    def _pace(self) -> float:
        count, seconds = self._before
        return count / seconds if seconds else 0.0


class Tree:
    """What was seen.

    Args:
        now_s: when it begins.
        hidden: pass over what begins with an underscore: where clients wait for answers.

    Attributes:
        root: the node of ``/``.
        messages: all that were counted.
        left_out: messages to URIs for which there was no room.
        gone: names of processes that have ended: what they said last need not hold any more.
    """

    def __init__(self, now_s: float, *, hidden: bool = True) -> None:
        self.root = Node("/", None, now_s)
        self.messages = self.left_out = 0
        self.gone: set[str] = set()
        self._hidden = hidden
        self._nodes = 1

    def is_old(self, node: Node, now_s: float) -> bool:
        """Tell whether what a node shows need not hold any more."""
        return node.is_old(now_s) or node.sender in self.gone

    def __len__(self) -> int:
        return self._nodes

    def add(self, message: Message, now_s: float) -> None:
        """Count a message, and keep what it says of values."""
        parts = segments(message.uri)
        if self._hidden and parts and parts[0].startswith("_"):
            return
        node: Node | None = self.root
        self.messages += 1
        self.root.seen(now_s)
        for part in parts:
            node = self._child(node, part, now_s) if node is not None else None
            if node is None:
                self.left_out += 1
                return
            node.seen(now_s)
        if node is None:  # cannot be: the root is there
            return
        self.gone.discard(message.process_name)
        node.count += 1
        node.method, node.sender = message.method, message.process_name
        if message.method in ("pub", "set", "post") and not message.is_reply:
            self._tell(node, message, now_s)

    def _tell(self, node: Node, message: Message, now_s: float) -> None:
        try:
            body = message.json()
        except ValueError:
            node.value = message.body
            return
        value = naked(body)
        if not isinstance(value, dict):
            node.value = value
            return
        if value.get("gone") is True and node.parent is self.root.children.get("processes"):
            self.gone.add(node.name)  # the broker tells so (docs/wire.md)
        for name, inner in value.items():
            child = self._child(node, name, now_s)
            if child is None:
                self.left_out += 1
                continue
            child.count += 1
            child.value = naked(inner)
            child.method, child.sender = message.method, message.process_name
            child.seen(now_s)

    def _child(self, node: Node, name: str, now_s: float) -> Node | None:
        child = node.children.get(name)
        if child is None and self._nodes < MOST_NODES:
            child = node.children[name] = Node(name, node, now_s)
            self._nodes += 1
        return child
