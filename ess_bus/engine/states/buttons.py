"""`Buttons`: what asks a machine for a request: its commands, and the buttons of user interfaces.

A request may have both. They are pressed at any time, and taken when the machine has its turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ess_bus.engine.datamap import DataMap
from ess_bus.engine.states.common import E_STOPS
from ess_bus.engine.states.machine import Machine
from ess_bus.engine.states.model import Request
from ess_bus.engine.states.shown import Put
from ess_bus.reference import Reference

Watch = Callable[[Reference, Callable[[], None]], None]

# Guards look at these for as long as they are held down; all others are released by who takes them.
_HELD: Final = frozenset(E_STOPS)


class Buttons:
    """Those of all machines.

    Args:
        datamap: the engine's variables.
        watch: calls something with every change of the value at a place.
        wake: called with the asset whose machine has something to take.
        put: sets a variable, with all that follows.
    """

    def __init__(self, datamap: DataMap, watch: Watch, wake: Callable[[str], None], put: Put) -> None:
        self._datamap, self._watch, self._wake, self._put = datamap, watch, wake, put
        self._watched: set[tuple[str, Reference]] = set()
        # (table, name) of what was pressed and not taken yet -> the asset for which it was.
        self._pressed: dict[tuple[str, str], str] = {}

    def prepare(self, machine: Machine) -> None:
        """Watch those of a machine, make its commands, and forget what was pressed before its time."""
        for request in machine.table.requests:
            for place in _places(machine.asset, request):
                self._follow(machine.asset, place)
                variable = self._datamap.find(place.table, place.name)
                if variable is None:
                    if place.table == f"/controls/{machine.asset}":
                        self._put(place, False)
                elif place.name not in _HELD and _is_pressed(variable.value):
                    self._put(place, _released(variable.value))

    def take(self, machine: Machine) -> None:
        """Ask a machine for what was pressed since its last turn; of off and on together, off counts."""
        downward = ""
        for request in machine.table.requests:
            for place in _places(machine.asset, request):
                if self._pressed.get((place.table, place.name)) != machine.asset:
                    continue
                taken = self._take(machine, place)
                if taken is None:
                    continue
                if taken.upward and downward:
                    machine.refuse(taken.name, f"{downward} was asked for at the same time")
                    continue
                machine.ask(taken.name, in_person=place.table.startswith("/assets/"))
                downward = downward or ("" if taken.upward else taken.name)

    def _take(self, machine: Machine, place: Reference) -> Request | None:
        """Take what was pressed; of the requests that it asks for, return the one that fits the state.

        What is held down is what guards look at; only that it was pressed and released is told here.
        """
        del self._pressed[place.table, place.name]
        variable = self._datamap.find(place.table, place.name)
        if variable is not None and place.name not in _HELD:
            self._put(place, _released(variable.value))
        elif variable is None or _is_pressed(variable.value):
            return None
        asked = [one for one in machine.table.requests if place in _places(machine.asset, one)]
        possible = [one for one in asked if machine.state in one.source] or asked
        return possible[0]

    def _follow(self, asset: str, place: Reference) -> None:
        if (asset, place) in self._watched:
            return
        self._watched.add((asset, place))

        def press() -> None:
            variable = self._datamap.find(place.table, place.name)
            if variable is not None and _is_pressed(variable.value):
                self._pressed[place.table, place.name] = asset
                self._wake(asset)

        self._watch(place, press)


def _places(asset: str, request: Request) -> list[Reference]:
    """Return where a request of an asset's machine is asked for."""
    names = (*((request.command,) if request.command else ()), *request.held)
    places = [Reference(f"/controls/{asset}", name) for name in names]
    if request.button:
        places.append(Reference(f"/assets/{asset}/summary", request.button))
    return places


def _is_pressed(value: Any) -> bool:
    """Tell whether a command or a button asks for something; buttons of user interfaces may hold a text."""
    return value not in ("", "Init", "No") if isinstance(value, str) else bool(value)


def _released(value: Any) -> Any:
    """Return what a command holds that was taken."""
    return "Init" if isinstance(value, str) else False if isinstance(value, bool) else 0
