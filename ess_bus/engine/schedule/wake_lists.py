"""`WakeLists`: calls functions with listed variables, each entry at its own rate (engine.md 3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ess_bus.engine.assets import managers
from ess_bus.engine.functions.registry import FUNCTIONS
from ess_bus.engine.schedule.grid import Grid
from ess_bus.engine.schedule.wake_entry import LISTS, Entry, entries
from ess_bus.engine.timing import NEVER, SLACK_S

if TYPE_CHECKING:
    from ess_bus.engine.functions.registry import Engine

# The lists that run by themselves.
WAKE_MONITOR: Final = "wake_monitor"
# A list that runs by itself and is also asked for regularly does not run twice as often: averages would be wrong.
_AGAIN_S: Final = 0.09
# How long a turn calls functions; the rest of a long list has its turn when messages have had theirs.
_SLICE_S: Final = 0.001


@dataclass(slots=True)
class _Beat:
    """The entries of one rate, in their order."""

    grid: Grid
    entries: list[Entry]
    last_s: float = -NEVER


class WakeLists:
    """Runs the lists ``/schedule/wake_monitor/<asset>``; one of the engine's `Timed`.

    Entries that are off, or whose function is not known or not the engine's, cost nothing.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._beats: dict[float, _Beat] = {}
        self._lists: dict[str, list[Entry]] = {}
        # What is due and has not been called yet, in its order.
        self._waiting: dict[Entry, None] = {}
        self._is_stale = True
        self._due_s = NEVER

    def due_s(self) -> float:
        """Return when the first entry is due, on the engine's steady clock."""
        if self._is_stale:
            self._arrange()
        if self._waiting:
            return self._engine.steady_s
        return self._engine.steady_s - self._engine.uptime_s + self._due_s

    def run(self) -> None:
        """Call what is due, once each, as far as a turn goes."""
        if self._is_stale:
            self._arrange()
        now_s = self._engine.uptime_s
        due = [beat for beat in self._beats.values() if beat.grid.next_s <= now_s + SLACK_S]
        for beat in due:
            beat.last_s = now_s
            # What waits still would be called twice in a row.
            skipped = beat.grid.step(now_s) + any(entry in self._waiting for entry in beat.entries)
            if skipped:
                self._engine.timings.skipped(skipped)
        if due:
            self._due_s = min(beat.grid.next_s for beat in self._beats.values())
            found = [entry for beat in due for entry in beat.entries if entry not in self._waiting]
            ordered = found if len(due) == 1 else sorted(found, key=lambda entry: entry.order)
            self._waiting.update(dict.fromkeys(ordered))
        self._call_waiting()

    def changed(self) -> None:
        """Take notice that a list has changed."""
        self._is_stale = True
        self._lists.clear()

    def run_list(self, name: str, asset: str, with_children: bool) -> None:
        """Call all entries of an asset's list now, and of the lists of the assets below it.

        Raises:
            ValueError: there is no such list.
        """
        if not any(table.startswith(f"{LISTS}/{name}/") for table in self._engine.datamap.tables):
            raise ValueError(f"there is no list {LISTS}/{name}/{asset}")
        wanted = self._below(asset) if with_children else {asset}
        found = [entry for entry in self._entries(name) if wanted is None or entry.list_of in wanted]
        if name == WAKE_MONITOR:
            found = [entry for entry in found if not self._has_just_run(entry)]
        for entry in found:
            self._call(entry)

    def shown(self) -> dict[str, Any]:
        """Return rate -> number of entries."""
        if self._is_stale:
            self._arrange()
        return {f"{rate:g}": len(beat.entries) for rate, beat in sorted(self._beats.items())}

    # -- inside ----------------------------------------------------------------------------------------------------

    def _call_waiting(self) -> None:
        begun_s = self._engine.stopwatch()
        while self._waiting:
            entry = next(iter(self._waiting))
            del self._waiting[entry]
            self._call(entry)
            if self._engine.stopwatch() - begun_s >= _SLICE_S:
                return

    def _call(self, entry: Entry) -> None:
        engine, place = self._engine, entry.place
        if entry.enable is not None and not engine.read(entry.enable):
            return
        variable = engine.find(place.table, place.name)
        if variable is None:
            engine.warn(f"list {place}", f"{LISTS}: {place} of the list of {entry.list_of} is not there")
            return
        engine.invoke(entry.function, entry.asset, place, variable, variable.value)

    def _arrange(self) -> None:
        """Sort the entries by their rates; one that stays keeps its times."""
        self._is_stale = False
        self._lists.clear()
        now_s = self._engine.uptime_s
        beats: dict[float, _Beat] = {}
        for entry in self._entries(WAKE_MONITOR):
            beat = beats.get(entry.rate_s)
            if beat is None:
                known = self._beats.get(entry.rate_s)
                beat = beats[entry.rate_s] = _Beat(known.grid if known else Grid(0.0, entry.rate_s), [])
                if known is None:
                    beat.grid.seek(now_s)
                    beat.grid.index = max(beat.grid.index, 1)  # not while the engine has just been loaded
                else:
                    beat.last_s = known.last_s
            beat.entries.append(entry)
        self._beats = beats
        listed = {entry for beat in beats.values() for entry in beat.entries}
        self._waiting = {entry: None for entry in self._waiting if entry in listed}
        self._due_s = min((beat.grid.next_s for beat in beats.values()), default=NEVER)

    def _entries(self, name: str) -> list[Entry]:
        """Return the entries of all lists of a name that the engine has something to do for, in their order."""
        if name not in self._lists:
            found = []
            for entry in entries(self._engine.datamap, self._engine.name, name):
                if isinstance(entry, ValueError):
                    self._engine.warn(str(entry), str(entry))
                elif entry.function in FUNCTIONS:
                    found.append(entry)
                else:
                    text = f"{LISTS}/{name}/{entry.list_of}: {entry.place}: the function {entry.function} is not known"
                    self._engine.warn(f"list {entry.function}", f"{text}; its entries are left out")
            self._lists[name] = sorted(found, key=lambda entry: entry.order)
        return self._lists[name]

    def _has_just_run(self, entry: Entry) -> bool:
        beat = self._beats.get(entry.rate_s)
        return beat is not None and self._engine.uptime_s - beat.last_s < min(entry.rate_s * 0.9, _AGAIN_S)

    def _below(self, asset: str) -> set[str] | None:
        """Return an asset and those below it; ``None`` for all."""
        root = self._engine.name
        return None if asset in (root, "ess") else {asset, *managers(self._engine.datamap, root).get(asset, ())}
