"""What an operand's text means: one place, or one for each asset below a manager (engine.md 1.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ess_bus import assets
from ess_bus.hints import did_you_mean
from ess_bus.reference import Reference


@dataclass(frozen=True, slots=True)
class Tree:
    """The assets of a site.

    Attributes:
        children: manager -> the managers below it, or where there are none its instances.
    """

    children: Mapping[str, tuple[str, ...]]

    @classmethod
    def of_tables(cls, tables: Iterable[str], root: str) -> Tree:
        """Return the tree that names of tables tell of; `root` is the engine."""
        managers = assets.managers(tables, root)
        below = tuple(name for name in managers if name != root)
        return cls({name: tuple(found) for name, found in managers.items()} | ({root: below} if below else {}))

    @classmethod
    def of_answer(cls, answer: Any, root: str) -> Tree:
        """Return the tree that an engine's ``get /ess/amap`` shows; what is not of that shape is passed over."""
        children: dict[str, tuple[str, ...]] = {}
        waiting = [(root, answer)]
        while waiting:
            name, shown = waiting.pop()
            if not isinstance(shown, Mapping):
                continue
            managers = [(below["name"], below) for below in _named(shown.get("aMs"))]
            instances = [below["name"] for below in _named(shown.get("aIs"))]
            if name not in children:
                children[name] = tuple(sorted(below for below, _ in managers) or sorted(instances))
                waiting += managers
        return cls(children)


def places(text: object, asset: str, tree: Tree) -> list[Reference]:
    """Return where an operand's values are.

    Args:
        text: ``name`` of the asset's own, ``/table:name``, or ``manager:name`` for all assets below a manager; each
            may end with ``@parameter``.
        asset: the asset of the calculator.
        tree: the assets.

    Raises:
        ValueError: it is none of these; the text says what was expected.
    """
    if not isinstance(text, str) or not text:
        raise ValueError(f"expected a variable's name, got {text!r:.40}")
    if text.startswith("/"):
        return [Reference.parse(text)]
    manager, colon, name = text.rpartition(":")
    if not colon:
        return [Reference.parse(f"/status/{asset}:{text}")]
    if manager not in tree.children:
        raise ValueError(f"{text[:80]}: there is no asset {manager[:40]!r}{did_you_mean(manager, tree.children)}")
    below = tree.children[manager]
    if not below:
        raise ValueError(f"{text[:80]}: nothing is below {manager}")
    return [Reference.parse(f"/status/{child}:{name}") for child in below]


def _named(shown: Any) -> list[Mapping[str, Any]]:
    entries = shown if isinstance(shown, list) else []
    return [entry for entry in entries if isinstance(entry, Mapping) and isinstance(entry.get("name"), str)]
