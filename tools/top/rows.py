"""The rows of `fims_top`: which part of a tree is shown, in which order, and how each value reads."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

import orjson

from tools.top.tree import UNKNOWN, Node, Tree

NOT_VALID: Final = "null (not valid)"
_LONGEST: Final = 120


class Sort(StrEnum):
    """By what the rows of one level are ordered."""

    NAME = "name"
    RATE = "rate"
    AGE = "age"


class Row(NamedTuple):
    """A line of the table.

    Attributes:
        uri: of the node.
        name: its last segment; its whole URI where the tree is not shown as one.
        depth: how far it is indented.
        is_open: whether what is below is shown; ``None`` where nothing is.
        value: as text; empty where nothing was said of it.
        rate: messages a second, here and below.
        age_s: seconds since the last one.
        is_old: news is overdue, or who said it has ended.
        is_valid: the value is not null.
    """

    uri: str
    name: str
    depth: int
    is_open: bool | None
    value: str
    rate: float
    age_s: float
    is_old: bool
    is_valid: bool


@dataclass(frozen=True)
class Choice:
    """What a person wants to see.

    Attributes:
        root: the URI at the top.
        closed: URIs whose children are not shown; where `is_closed` is true, those whose children are.
        is_closed: whether what nobody has opened is closed.
        filter: part of a URI, or a pattern with ``*``; with one, everything that matches is shown.
        sort: the order within one level.
    """

    root: str = "/"
    closed: frozenset[str] = field(default_factory=frozenset)
    is_closed: bool = False
    filter: str = ""
    sort: Sort = Sort.NAME

    def opens(self, uri: str) -> bool:
        """Tell whether what is below a URI is shown."""
        return (uri in self.closed) is self.is_closed

    def toggled(self, uri: str) -> Choice:
        """Return it with a URI opened or closed."""
        return replace(self, closed=self.closed ^ {uri})

    def next_sort(self) -> Choice:
        """Return it with the next order."""
        orders = list(Sort)
        return replace(self, sort=orders[(orders.index(self.sort) + 1) % len(orders)])


def rows(tree: Tree, choice: Choice, now_s: float) -> list[Row]:
    """Return the rows from the top, at `now_s`."""
    top = find(tree, choice.root) or tree.root
    matching = _matching(top, choice.filter) if choice.filter else None
    found: list[Row] = []
    _add(tree, top, 0, choice, now_s, matching, found)
    return found


def leaves(tree: Tree, choice: Choice, now_s: float) -> list[Row]:
    """Return only what has a value or was sent something, in one list, under whole URIs."""
    top = find(tree, choice.root) or tree.root
    wanted = [node for node in top.walk() if (node.value is not UNKNOWN or (node.count and not node.children))]
    if choice.filter:
        wanted = [node for node in wanted if matches(node.uri, choice.filter)]
    return [_row(tree, node, node.uri, 0, None, now_s) for node in _sorted(wanted, choice.sort, now_s)]


def find(tree: Tree, uri: str) -> Node | None:
    """Return the node of a URI, if something was seen there."""
    node: Node | None = tree.root
    for part in uri.split("/"):
        if part and node is not None:
            node = node.children.get(part)
    return node


def matches(uri: str, text: str) -> bool:
    """Tell whether a URI is meant by a filter: it contains it, or matches it where it has a ``*``."""
    return fnmatchcase(uri.lower(), text.lower()) if "*" in text else text.lower() in uri.lower()


def text_of(value: Any) -> str:
    """Return a value as one line that can do a terminal no harm."""
    if value is UNKNOWN:
        return ""
    if value is None:
        return NOT_VALID
    if isinstance(value, bytes):
        text = value[: _LONGEST + 1].decode(errors="replace")
    else:
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
    text = "".join(one if one.isprintable() else " " for one in text[: _LONGEST + 1])
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _add(
    tree: Tree, node: Node, depth: int, choice: Choice, now_s: float, matching: set[int] | None, found: list[Row]
) -> None:
    is_open = None if not node.children else matching is not None or choice.opens(node.uri)
    found.append(_row(tree, node, node.name if depth else node.uri, depth, is_open, now_s))
    if is_open:
        children = node.children.values()
        shown = [one for one in children if matching is None or id(one) in matching]
        for child in _sorted(shown, choice.sort, now_s):
            _add(tree, child, depth + 1, choice, now_s, matching, found)


def _sorted(nodes: list[Node], sort: Sort, now_s: float) -> list[Node]:
    if sort is Sort.RATE:
        return sorted(nodes, key=lambda one: (-one.rate(now_s), one.uri))
    if sort is Sort.AGE:
        return sorted(nodes, key=lambda one: (now_s - one.last_s, one.uri))
    return sorted(nodes, key=lambda one: one.uri)


def _matching(top: Node, text: str) -> set[int]:
    """Return the nodes that match, all above them, and all below them."""
    found: set[int] = set()
    for node in top.walk():
        if id(node) not in found and matches(node.uri, text):
            found.update(id(one) for one in node.walk())
            above = node.parent
            while above is not None and id(above) not in found:
                found.add(id(above))
                above = above.parent
    return found


def _row(tree: Tree, node: Node, name: str, depth: int, is_open: bool | None, now_s: float) -> Row:
    return Row(
        uri=node.uri,
        name=name,
        depth=depth,
        is_open=is_open,
        value=text_of(node.value),
        rate=node.rate(now_s),
        age_s=max(0.0, now_s - node.last_s),
        is_old=tree.is_old(node, now_s),
        is_valid=node.value is not None,
    )
