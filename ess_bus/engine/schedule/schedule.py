"""`Schedule`: the scheduled items of an engine (engine.md 3.1, 3.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from ess_bus.engine.schedule.grid import MIN_PERIOD_S, Grid
from ess_bus.engine.schedule.item import LIVE, MEMORY, Item, number_of, period, seconds
from ess_bus.engine.schedule.running import Runner
from ess_bus.engine.timing import NEVER, SLACK_S
from ess_bus.engine.variable import Variable
from ess_bus.reference import Reference

# More items than this are a mistake of whoever makes them.
MAX_ITEMS: Final = 2000


@dataclass(frozen=True, slots=True)
class Plan:
    """When an item shall run, in seconds.

    Attributes:
        every: from run to run; 0 for one run.
        offset: where in the period; 0 counts from the start of the item, everything else from that of the engine.
        after: so much later than now.
        lasting: how long; 0 for ever.
    """

    every: float = 0.0
    offset: float = 0.0
    after: float = 0.0
    lasting: float = 0.0

    @classmethod
    def read(cls, given: dict[str, Any]) -> Plan:
        """Return what ``every``, ``offset``, ``after`` or ``in``, and ``for`` say.

        Raises:
            ValueError: one of them is no duration.
        """
        after = seconds("after", given.get("after", 0)) or seconds("in", given.get("in", 0))
        return cls(
            every=period("every", given.get("every", 0)),
            offset=seconds("offset", given.get("offset", 0)),
            after=after,
            lasting=seconds("for", given.get("for", 0)),
        )


class Schedule:
    """Runs items at their times; one of the engine's `Timed`.

    An item is bound to a variable, and its variable's parameters say all about it: a set of one of them counts from
    the next run on.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._items: dict[Variable, Item] = {}
        self._due_s = NEVER

    # -- as the engine sees it -------------------------------------------------------------------------------------

    def due_s(self) -> float:
        """Return when the first item is due, on the engine's steady clock."""
        return self._runner.steady_s(self._due_s)

    def run(self) -> None:
        """Run what is due, each item once."""
        now_s = self._runner.uptime_s
        until_s = now_s + SLACK_S
        due = [item for item in self._items.values() if item.due_s <= until_s]
        for item in sorted(due, key=_order) if len(due) > 1 else due:
            # One that ran before it may have stopped it or put it off.
            if self._items.get(item.variable) is item and item.due_s <= until_s:
                self._run(item, now_s)
        self._look_ahead()

    # -- as commands see it ----------------------------------------------------------------------------------------

    def start(self, place: Reference, plan: Plan, parameters: dict[str, Any] | None = None) -> None:
        """Run an item by a plan from now on; one that runs already begins anew.

        Raises:
            ValueError: there can be no such item; the text says why.
        """
        variable = self._runner.variable(place)
        now_s = self._runner.uptime_s
        begin_s = now_s + plan.after
        end_s = begin_s + plan.lasting if plan.lasting else 0
        shown = {"repTime": plan.every, "endTime": round(end_s, 6), **(parameters or {})}
        variable.parameters.update(shown if not plan.offset else {**shown, "offset": plan.offset})
        if not plan.offset:
            variable.parameters.pop("offset", None)
        self._begin(place, variable, begin_s)

    def load(self, place: Reference) -> None:
        """Run an item as its parameters say: ``runAfter`` from now, each ``repTime``, for ``runFor`` or to ``endTime``.

        One whose ``endTime`` is over rests.

        Raises:
            ValueError: there can be no such item; the text says why.
        """
        variable = self._runner.variable(place)
        parameters = variable.parameters
        parameters["repTime"] = period("repTime", parameters.get("repTime", 0))
        begin_s = self._runner.uptime_s + seconds("runAfter", parameters.get("runAfter", 0))
        if (lasting := seconds("runFor", parameters.get("runFor", 0))) > 0:
            parameters["endTime"] = round(begin_s + lasting, 6)
        self._begin(place, variable, begin_s)

    def adopt_all(self) -> None:
        """Take up the items of a configuration that has been loaded."""
        for place in self._runner.scheduled():
            self.adopt(place)

    def adopt(self, place: Reference) -> None:
        """Take up an item that is defined with actions and ``runTime`` or ``repTime``; what is wrong with it is named.

        One that has been scheduled already is left alone, and one with ``fcn`` schedules itself when it is set.
        """
        variable = self._runner.variable(place)
        if MEMORY in variable.memory or not variable.actions or "fcn" in variable.parameters:
            return
        if not (number_of(variable, "repTime") or number_of(variable, "runTime")):
            return
        try:
            variable.parameters["repTime"] = period("repTime", variable.parameters.get("repTime", 0))
            self._begin(place, variable, seconds("runTime", variable.parameters.get("runTime", 0)))
        except ValueError as error:
            self._runner.fail(f"{place} adopt", f"{place}: {error}; it is not scheduled")

    def stop(self, place: Reference, delay_s: float = 0.0) -> None:
        """End an item, now or in so many seconds.

        Raises:
            LookupError: it is not scheduled.
        """
        item = self._item_at(place)
        if item is None:
            raise LookupError(f"{place} is not scheduled")
        end_s = self._runner.uptime_s + delay_s
        item.variable.parameters["endTime"] = round(end_s, 6)
        if delay_s > 0:
            item.plan()
        else:
            self._end(item)
        self._look_ahead()

    def is_active(self, place: Reference) -> bool:
        """Tell whether a variable is scheduled."""
        return self._item_at(place) is not None

    def require(self, place: Reference) -> None:
        """Make the variable of an item if it is not there.

        Raises:
            ValueError: there cannot be one.
        """
        self._runner.variable(place)

    def changed(self, place: Reference, variable: Variable, names: Iterable[str]) -> None:
        """Take notice that somebody has set parameters of a variable."""
        if not LIVE.intersection(names):
            return
        item, parameters = self._items.get(variable), variable.parameters
        if item is None:
            if variable.memory.get(MEMORY) and "active" in names and parameters.get("active") is True:
                self._again(place, variable)
            return
        if parameters.get("active") is False or item.end_s <= self._runner.uptime_s:
            self._end(item)
        else:
            self._replan(item, set(names))
        self._look_ahead()

    def shown(self) -> dict[str, Any]:
        """Return id -> what people are told of an item, for all that are scheduled."""
        shown = {}
        for item in sorted(self._items.values(), key=lambda item: (item.name, str(item.place))):
            # Ids should be unique; where they are not, nothing is hidden.
            shown[str(item.place) if item.name in shown else item.name] = {
                "runTime": item.variable.parameters.get("runTime"),
                "repTime": item.variable.parameters.get("repTime"),
                "runs": item.runs,
                "uri": str(item.place),
                "func": item.function or "",
            }
        return shown

    # -- inside ----------------------------------------------------------------------------------------------------

    def _begin(self, place: Reference, variable: Variable, begin_s: float) -> None:
        if variable not in self._items and len(self._items) >= MAX_ITEMS:
            raise ValueError(f"more than {MAX_ITEMS} scheduled items")
        self._items.pop(variable, None)
        item = Item(
            place, variable, _grid(variable, begin_s, self._runner.uptime_s), number_of(variable, "repTime") <= 0
        )
        idle = self._runner.idle(item)
        if idle is not None:
            variable.parameters.update(active=False, response=idle)
            self._look_ahead()
            return
        variable.memory[MEMORY] = self._items[variable] = item
        variable.parameters["runCnt"] = 0
        variable.parameters["active"] = True
        item.plan()
        if item.is_over:
            self._end(item)
        self._look_ahead()

    def _again(self, place: Reference, variable: Variable) -> None:
        """Start an item that has ended, for somebody has set its ``active`` to true."""
        if number_of(variable, "endTime") <= self._runner.uptime_s:
            variable.parameters["endTime"] = 0
        self.load(place)

    def _replan(self, item: Item, names: set[str]) -> None:
        """Follow changed parameters; a period that cannot be is replaced by what was there."""
        variable, now_s = item.variable, self._runner.uptime_s
        if names & {"repTime", "offset"}:
            every = number_of(variable, "repTime", -1)
            if every != 0 and not MIN_PERIOD_S <= every < NEVER:
                variable.parameters["repTime"] = 0 if item.once else item.grid.period_s
                text = f"{item.place}: repTime: expected seconds, {MIN_PERIOD_S:g} at least; it stays as it was"
                self._runner.fail(f"{item.place} repTime", text)
            last_s = item.grid.last_s if item.runs else None
            item.grid = _grid(variable, item.grid.next_s if last_s is None else last_s, now_s)
            if last_s is not None and item.grid.next_s <= last_s:
                item.grid.index += 1
            item.once = number_of(variable, "repTime") == 0
        if "runTime" in names:
            item.grid = _grid(variable, max(number_of(variable, "runTime"), now_s), now_s)
        elif not item.once:
            item.grid.seek(now_s)
        item.plan()

    def _run(self, item: Item, now_s: float) -> None:
        variable = item.variable
        if item.is_over:
            self._end(item)
            return
        if item.once:
            item.runs += 1
            variable.parameters["runCnt"] = item.runs
            self._end(item)
        else:
            skipped = item.grid.step(now_s)
            if skipped:
                self._runner.skipped(skipped)
                variable.parameters["skipped"] = number_of(variable, "skipped") + skipped
            item.plan()
            if not self._runner.is_on(item):
                return
            item.runs += 1
            variable.parameters["runCnt"] = item.runs
        times, switches = item.times, item.switches
        failure = self._runner.run(item)
        if failure is not None:
            # It would do the same at each run.
            variable.parameters.update(enabled=False, response=failure)
        if self._items.get(variable) is item:
            if item.times != times:
                self._replan(item, {"repTime"})
            elif item.switches != switches:
                item.plan()

    def _end(self, item: Item) -> None:
        self._items.pop(item.variable, None)
        item.due_s = NEVER
        item.variable.parameters.update(active=False, runEnd=round(self._runner.uptime_s, 6))

    def _item_at(self, place: Reference) -> Item | None:
        variable = self._runner.find(place)
        return None if variable is None else self._items.get(variable)

    def _look_ahead(self) -> None:
        self._due_s = min([item.due_s for item in self._items.values()], default=NEVER)


def _order(item: Item) -> tuple[float, float, str]:
    return item.order


def _grid(variable: Variable, begin_s: float, now_s: float) -> Grid:
    """Return the grid of an item that shall not run before `begin_s`."""
    every, offset = number_of(variable, "repTime"), number_of(variable, "offset")
    if every <= 0:
        return Grid(begin_s, 1.0)
    grid = Grid(offset % every if offset else begin_s, every)
    grid.seek(max(begin_s, now_s))
    return grid
