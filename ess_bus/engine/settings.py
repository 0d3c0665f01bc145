"""`Settings`: what people have set, kept across restarts.

Kept are variables with the parameter ``persist``, those that ``Persist`` of ``/config/ess`` lists (``/table:name``, or
a table with all below it), and every ``maint_mode`` below ``/assets``: who works on a battery must not find that a
restart has given it back to the site. Commands are never kept, nor what leads to one (`never_kept`); but each emergency
stop of an ESS is: only who has pressed it, or may release it, must do so. And so is what state machines do to take the
plant down, until it is done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from ess_bus.engine.cell import Kind, kind_of
from ess_bus.engine.datamap import DataMap
from ess_bus.engine.meaning import Assignment
from ess_bus.engine.never_kept import why_command
from ess_bus.engine.severity import Severity
from ess_bus.engine.states.common import E_STOPS
from ess_bus.engine.states.ess import ESS
from ess_bus.engine.states.options import KIND, STATES
from ess_bus.engine.states.states import KEPT, States
from ess_bus.engine.timing import NEVER
from ess_bus.engine.variable import Variable
from ess_bus.reference import Reference
from ess_bus.uri import is_under, segments

log = logging.getLogger(__name__)

# A change is handed over this much later at most, with what has changed meanwhile.
DELAY_S: Final = 0.25
# How often it is asked whether a failing disk is well again.
LOOK_S: Final = 1.0
PERSIST: Final = "persist"
_LIST: Final = Reference("/config/ess", "Persist")
_ALWAYS: Final = "maint_mode"


class Store(Protocol):
    """Keeps rows, by itself and in its own time."""

    def write(self, rows: Mapping[str, Any]) -> None:
        """Keep these values; ``None`` forgets one."""

    def trouble(self) -> str | None:
        """Return why the last writing has failed, ``None`` if all is well."""


class Host(Protocol):
    """What settings need of their engine."""

    steady_s: float
    datamap: DataMap
    states: States

    def put(self, place: Reference, value: Any, parameters: dict[str, Any] | None = None) -> None:
        """Set a variable, and run what follows."""

    def watch(self, place: Reference, wake: Callable[[], None]) -> None:
        """Call `wake` with every change of the value that is shown at a place."""

    def event(self, source: str, message: str, severity: Severity) -> None:
        """Tell people of something that has happened."""

    def warn(self, mistake: str, text: str) -> None:
        """Log a mistake of the configuration, once."""

    def silently(self, do: Callable[[], None]) -> None:
        """Do something of which nothing is sent."""


class Settings:
    """Keeps the settings of one engine; one of its `Timed` parts.

    Args:
        host: the engine.
        store: where they are kept.
    """

    def __init__(self, host: Host, store: Store) -> None:
        self._host, self._store = host, store
        self._kept: set[tuple[str, str]] = set()
        self._watched: set[tuple[str, str]] = set()
        self._changed: set[tuple[str, str]] = set()
        self._due_s = NEVER
        self._trouble: str | None = None

    # -- which -----------------------------------------------------------------------------------------------------

    def choose(self) -> None:
        """Find out anew what is kept; who is told to keep a command is told why not."""
        datamap = self._host.datamap
        listed, prefixes = self._listed()
        self._kept.clear()
        refused: list[str] = []
        for table, variables in datamap.tables.items():
            is_listed = any(is_under(table, prefix) for prefix in prefixes)
            for name, variable in variables.items():
                place = Reference(table, name)
                asked = variable.parameters.get(PERSIST) is True or place in listed
                is_stop = self._is_emergency(place)
                if variable.parameters.get(PERSIST) is False or not (asked or is_listed or is_stop or _is_mode(place)):
                    continue
                reason = None if is_stop else why_command(datamap, place)
                if reason is None:
                    self._keep(place)
                elif asked:
                    self._host.warn(f"{place} {PERSIST}", f"{place} is not kept across restarts: {reason}")
                elif is_listed:
                    refused.append(str(place))
        if refused:
            more = f" and {len(refused) - 5} more" if len(refused) > 5 else ""
            names = f"{', '.join(refused[:5])}{more}"
            self._host.warn(
                f"{_LIST} {names}", f"{_LIST}: not kept across restarts, as commands or values of devices: {names}"
            )

    def _keep(self, place: Reference) -> None:
        one = place.table, place.name
        self._kept.add(one)
        if one not in self._watched:
            self._watched.add(one)
            self._host.watch(place, lambda: self._note(one))

    def concerns(self, assignment: Assignment) -> bool:
        """Tell whether a definition may change what is kept."""
        place = assignment.place
        return (
            (assignment.parameters is not None and PERSIST in assignment.parameters)
            or (assignment.actions is not None and bool(self._kept))
            or place == _LIST
            or (_is_mode(place) and tuple(place[:2]) not in self._kept)
            or segments(place.table)[0] in ("links", "vlinks", "states")
        )

    def kept(self) -> list[Reference]:
        """Return what is kept, alphabetically."""
        return [Reference(*one) for one in sorted(self._kept)]

    def _listed(self) -> tuple[set[Reference], list[str]]:
        found = self._host.datamap.find(_LIST.table, _LIST.name)
        listed: set[Reference] = set()
        prefixes: list[str] = []
        texts = [] if found is None or found.value is None else str(found.value).split(",")
        for text in (text.strip() for text in texts):
            if not text.startswith("/") or not segments(text):
                self._host.warn(f"{_LIST} {text}", f"{_LIST}: expected /table:name or /table, got {text[:60]!r}")
            elif ":" in text:
                listed.add(Reference.parse(text)._replace(parameter=None))
            else:
                prefixes.append(text)
        return listed, prefixes

    def _is_emergency(self, place: Reference) -> bool:
        if place.name not in E_STOPS or not place.table.startswith("/controls/"):
            return False
        kind = self._host.datamap.find(f"{STATES}/{place.table.removeprefix('/controls/')}", KIND)
        return kind is not None and kind.value == ESS.kind

    # -- keeping ---------------------------------------------------------------------------------------------------

    def _note(self, one: tuple[str, str]) -> None:
        if one in self._kept:
            self._changed.add(one)
            delay_s = 0 if self._is_emergency(Reference(*one)) else DELAY_S
            self._due_s = min(self._due_s, self._host.steady_s + delay_s)

    def remember(self, place: Reference, text: str | None) -> None:
        """Keep what a state machine must not forget, at once; ``None`` forgets it."""
        self._store.write({str(place): text})
        self._due_s = min(self._due_s, self._host.steady_s + LOOK_S)

    def due_s(self) -> float:
        """Return when something is to be written, or a failing disk to be looked at."""
        return self._due_s

    def run(self) -> None:
        """Hand over what has changed, and say how the disk is."""
        changed, self._changed, self._due_s = self._changed, set(), NEVER
        rows = {}
        for table, name in changed:
            variable = self._host.datamap.find(table, name)
            if variable is not None and (table, name) in self._kept and _fits(variable.value):
                # An emergency stop that is not valid counts as pressed.
                is_stop = variable.value is None and self._is_emergency(Reference(table, name))
                rows[str(Reference(table, name))] = True if is_stop else variable.value
        if rows:
            self._store.write(rows)
        trouble = self._store.trouble()
        if trouble != self._trouble:
            self._trouble = trouble
            text = "settings are kept again" if trouble is None else f"settings are not kept: {trouble}"
            self._host.event("settings", text, Severity.INFO if trouble is None else Severity.ALARM)
        if rows or trouble is not None:
            self._due_s = self._host.steady_s + LOOK_S

    # -- restoring -------------------------------------------------------------------------------------------------

    def restore(self, rows: Mapping[str, Any]) -> int:
        """Set what was kept, once the configuration is loaded; return how many settings that were.

        Their actions run, as those of a configuration, and nothing is sent.
        """
        count = 0
        for text, value in sorted(rows.items()):
            try:
                place = Reference.parse(text)
                if place.name == KEPT and is_under(place.table, STATES):
                    self._host.states.resume(place.table.removeprefix(f"{STATES}/"), str(value))
                    continue
                variable = self._host.datamap.find(place.table, place.name)
                if variable is None or tuple(place[:2]) not in self._kept:
                    raise ValueError("it is no setting any more")
                _require_type(variable, value)
                self._host.silently(_put(self._host, place, value))
                count += 1
            except ValueError as error:
                log.warning("%s is not restored: %s", text[:80], error)
        self._changed.clear()
        self._due_s = NEVER
        return count


def _put(host: Host, place: Reference, value: Any) -> Callable[[], None]:
    return lambda: host.put(place, value)


def _is_mode(place: Reference) -> bool:
    return place.name == _ALWAYS and segments(place.table)[0] == "assets"


def _fits(value: Any) -> bool:
    """Tell whether a value is kept: one that is not valid is forgotten, a list is of a device."""
    return value is None or isinstance(value, bool | int | float | str)


def _require_type(variable: Variable, value: Any) -> None:
    kind = variable.cell.kind
    if kind is not Kind.UNKNOWN and kind_of(value) is not kind:
        raise ValueError(f"a {kind_of(value)} was kept, and it is a {kind} now")
