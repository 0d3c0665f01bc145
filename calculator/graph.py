"""The order in which calculations run, so that one pass is enough, and the circles that have none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from graphlib import TopologicalSorter

from calculator.calculation import OWN, Aliases, Calculation
from ess_bus.reference import Reference


def ordered(calculations: Iterable[Calculation], aliases: Aliases) -> list[Calculation]:
    """Return the calculations, each behind those whose results it uses, else in alphabetical order.

    Those that run in a circle with others are no calculations any more: each names the circle as its problem. Its own
    value is no circle: that is a value of before.
    """
    by_place = {aliases.get(one.result, one.result): one for one in sorted(calculations, key=lambda one: one.result)}
    uses = {place: _uses(one, place, aliases, by_place) for place, one in by_place.items()}
    for circle in _cut(uses):
        # It begins where the alphabet does, whatever was met first.
        begin = circle.index(min(circle))
        trail = [*circle[begin:], *circle[:begin], circle[begin]]
        shown = " -> ".join(map(str, trail if len(trail) <= 12 else [*trail[:6], *trail[-6:]]))
        for place in circle:
            by_place[place] = replace(by_place[place], operation=None, problem=f"runs in a circle: {shown}")
    return [by_place[place] for place in TopologicalSorter(uses).static_order()]


def _cut(uses: dict[Reference, list[Reference]]) -> Iterator[list[Reference]]:
    """Yield circles, and take from `uses` what those in them use, until none is left.

    Every place is entered once and left once, however many circles there are: definitions may come from anywhere.
    """
    seen: set[Reference] = set()
    for start in list(uses):
        if start in seen:
            continue
        seen.add(start)
        # From place to place that it uses; where each stands in `path`, and what is still to be looked at from there.
        path, ahead, depth = [start], [iter(uses[start])], {start: 0}
        while path:
            used = next(ahead[-1], None)
            if used is None:
                ahead.pop()
                del depth[path.pop()]
            elif used in depth:
                circle = path[depth[used] :]
                del path[depth[used] :], ahead[depth[used] :]
                for place in circle:
                    del depth[place]
                    uses[place] = []
                yield circle
            elif used not in seen:
                seen.add(used)
                depth[used] = len(path)
                path.append(used)
                ahead.append(iter(uses[used]))


def _uses(one: Calculation, place: Reference, aliases: Aliases, known: dict[Reference, Calculation]) -> list[Reference]:
    if one.operation is None:
        return []
    others = [input_.place for input_ in one.inputs if input_.name != OWN]
    places = (other._replace(parameter=None) for other in [*others, *_switched_by(one, place)])
    used = {aliases.get(other, other) for other in places}
    return sorted(used & known.keys())


def _switched_by(one: Calculation, place: Reference) -> list[Reference]:
    switches = [switch for switch in one.switches if isinstance(switch, Reference)]
    return [switch for switch in switches if switch._replace(parameter=None) not in (place, one.result)]
