"""The order in which calculations run, so that one pass is enough, and the circles that have none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from calculator.calculation import OWN, Aliases, Calculation
from ess_bus.reference import Reference


def ordered(calculations: Iterable[Calculation], aliases: Aliases) -> list[Calculation]:
    """Return the calculations, each behind those whose results it uses, else in alphabetical order.

    Those that run in a circle with others are no calculations any more: each names the circle as its problem. Its own
    value is no circle: that is a value of before.
    """
    by_place = {aliases.get(one.result, one.result): one for one in sorted(calculations, key=lambda one: one.result)}
    while True:
        sorter = TopologicalSorter({place: _uses(one, place, aliases, by_place) for place, one in by_place.items()})
        try:
            return [by_place[place] for place in sorter.static_order()]
        except CycleError as error:
            circle: list[Reference] = error.args[1][:-1]
        # The sorter names it against the arrows; it begins where the alphabet does, whatever it met first.
        circle.reverse()
        begin = circle.index(min(circle))
        trail = [*circle[begin:], *circle[:begin], circle[begin]]
        shown = " -> ".join(map(str, trail if len(trail) <= 12 else [*trail[:6], *trail[-6:]]))
        for place in circle:
            by_place[place] = replace(by_place[place], operation=None, problem=f"runs in a circle: {shown}")


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
