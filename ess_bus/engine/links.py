"""Links and vlinks: one value under several names (engine.md 2.5).

A link shows the very same variable in ``/status/<asset>``. A vlink lets a variable read and write the value of another
one and keep its own parameters and actions. Both may name what is a link itself; both are made when they are loaded or
set, and again by the functions that the original has for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

from ess_bus.engine.datamap import DataMap
from ess_bus.engine.meaning import KEEP, Assignment
from ess_bus.engine.variable import Variable
from ess_bus.reference import Reference

LINKS: Final = "/links"
VLINKS: Final = "/vlinks"

Node = TypeVar("Node")


class Links:
    """Makes what the tables below ``/links`` and ``/vlinks`` ask for.

    Args:
        datamap: holds the tables and the variables.
        report: told (what, text) where an entry is wrong and left out, each time it is met.
        apply: carries out an assignment, with all that follows.
        shown: told of a place that shows another value now.
    """

    def __init__(
        self,
        datamap: DataMap,
        report: Callable[[str, str], None],
        apply: Callable[[Assignment], None],
        shown: Callable[[str, str], None],
    ) -> None:
        self._datamap, self._report, self._apply, self._shown = datamap, report, apply, shown

    def run(self, asset: str | None = None) -> None:
        """Make the links of an asset, or all of them; a link to a link shows what that one shows."""
        wanted = dict(self._links())
        targets = {place: target for place, (target, _) in wanted.items()}
        for place, (_, entry) in wanted.items():
            if asset is not None and place.table != f"/status/{asset}":
                continue
            try:
                end = _end(place, targets)
            except ValueError as error:
                self._report(str(place), f"{place}: links {error}; left out")
                continue
            if self._datamap.alias(place, end):
                self._shown(place.table, place.name)
            self._set_default(end, entry)

    def run_values(self, asset: str | None = None) -> None:
        """Let the variables of a table below ``/vlinks`` follow, or those of all of them."""
        create = self._datamap.create
        wanted = list(self._vlinks())
        holders = {create(follower): create(holder) for _, follower, holder, _ in wanted}
        for where, place, target, entry in wanted:
            if asset is not None and where.table != f"{VLINKS}/{asset}":
                continue
            follower = create(place)
            try:
                holder = _end(follower, holders)
            except ValueError:
                self._report(str(where), f"{where}: vlinks run in a circle at {place}; left out")
                continue
            if holder is follower:
                self._report(str(where), f"{where}: {place} follows itself; left out")
                continue
            if follower.follow(holder):
                for table, name in follower.places:
                    self._shown(table, name)
            self._set_default(target, entry)

    def resolve(self, asset: str, name: str) -> Variable:
        """Return what a function means by a name: the link's target; ``/status/<asset>:<name>`` where there is none.

        Then that becomes a link, as in the original, so that it can be seen what was looked for.
        """
        entry, place = Reference(f"{LINKS}/{asset}", name), Reference(f"/status/{asset}", name)
        if self._datamap.find(entry.table, entry.name) is None:
            self._apply(Assignment(entry, str(place)))
            self.run(asset)
        return self._datamap.create(place)

    def _links(self) -> Iterator[tuple[Reference, tuple[Reference, Variable]]]:
        for where, entry in self._entries(LINKS):
            try:
                target = link(entry.value, entry.parameters)
                place = Reference(f"/status/{where.table.removeprefix(LINKS + '/')}", where.name)
                self._require_free(place, target)
            except ValueError as error:
                self._report(str(where), f"{where}: {error}; left out")
                continue
            yield place, (target, entry)

    def _vlinks(self) -> Iterator[tuple[Reference, Reference, Reference, Variable]]:
        for where, entry in self._entries(VLINKS):
            try:
                follower, holder = vlink(entry.value, entry.parameters)
                self._require_free(follower, holder)
            except ValueError as error:
                self._report(str(where), f"{where}: {error}; left out")
                continue
            yield where, follower, holder, entry

    def _require_free(self, *places: Reference) -> None:
        for place in places:
            obstacle = None if self._datamap.find(place.table, place.name) else self._datamap.obstacle(place)
            if obstacle is not None:
                raise ValueError(obstacle)

    def _entries(self, root: str) -> Iterator[tuple[Reference, Variable]]:
        for table, entries in list(self._datamap.below(root)):
            if table != root:
                yield from ((Reference(table, name), one) for name, one in list(entries.items()) if not is_note(name))

    def _set_default(self, place: Reference, entry: Variable) -> None:
        default = entry.parameters.get("default", KEEP)
        if default == KEEP or isinstance(default, dict) or self._datamap.create(place).value is not None:
            return
        self._apply(Assignment(place, default))


def is_note(name: str) -> bool:
    """Tell whether an entry is a remark: they stand between the links of real files."""
    return name.startswith("note")


def link(value: Any, parameters: Mapping[str, Any]) -> Reference:
    """Return what a link shows: its value, or ``linkvar`` or ``lval``.

    Raises:
        ValueError: it names no variable.
    """
    others = [parameters[key] for key in ("linkvar", "lval") if key in parameters]
    for given in (value, *others):
        if isinstance(given, str) and given.startswith("/"):
            return _place(given)
    return _place(value)


def vlink(value: Any, parameters: Mapping[str, Any]) -> tuple[Reference, Reference]:
    """Return (who follows, whom) of a vlink.

    Raises:
        ValueError: one of them is not a variable.
    """
    if "vlink" not in parameters:
        raise ValueError("expected vlink with /table:name")
    return _place(value), _place(parameters["vlink"])


def _place(given: Any) -> Reference:
    if not isinstance(given, str):
        raise ValueError(f"expected the text /table:name, got {str(given)[:40]!r}")
    place = Reference.parse(given)
    if place.parameter is not None or "[" in given:
        raise ValueError(f"{given!r}: expected a variable, not a part of one")
    return place


def _end(start: Node, following: Mapping[Node, Node]) -> Node:
    """Return where a chain ends.

    Raises:
        ValueError: it never does; the text shows the circle.
    """
    trail = [start]
    while True:
        here = following.get(trail[-1], trail[-1])
        if here == trail[-1]:
            return here
        trail.append(here)
        if here in trail[:-1]:
            raise ValueError(f"run in a circle: {' -> '.join(str(one) for one in trail[-6:])}")
