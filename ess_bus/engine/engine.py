"""`Engine`: the data map brought to life: links, actions, and what has changed since it was last published."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from ess_bus.engine import functions
from ess_bus.engine.actions import effects
from ess_bus.engine.actions.reading import read
from ess_bus.engine.assets import asset_of
from ess_bus.engine.cascade import Cascade
from ess_bus.engine.datamap import DataMap
from ess_bus.engine.links import LINKS, VLINKS, Links
from ess_bus.engine.meaning import Assignment
from ess_bus.engine.sending import Outgoing, Sender
from ess_bus.engine.severity import Severity
from ess_bus.engine.target import Target
from ess_bus.engine.timing import Timed, earliest
from ess_bus.engine.variable import Variable
from ess_bus.reference import Reference
from ess_bus.uri import is_under

log = logging.getLogger(__name__)

# Mistakes that are remembered, so that each is logged once.
MAX_REPORTS: Final = 1000
COMMANDS: Final = "/system/commands"
EVENTS: Final = "/events"
# What a command does unless its definition says something else.
_COMMANDS: Final = {"link": "RunAllLinks2", "vlink": "RunAllVLinks"}


class Engine:
    """Holds and changes values; knows neither the bus nor a clock: it is told the time.

    ::

        set, report(path, body) -> assignments, checked -> values -> onSet actions -> values ... -> take_changes()
                                                                                           -> take_messages()

    Args:
        name: what it is called on the bus.

    Attributes:
        now_s: the time in seconds since 1970, as it was told last.
        steady_s: the same of a clock that nobody sets; periods and time-outs are of this one.
        served: the roots that it answers for, beside its name.
        timed: what happens by itself, in the order in which it happens within a turn.
    """

    def __init__(self, name: str = "ess") -> None:
        self.name = name
        self.now_s = self.steady_s = 0.0
        self.timed: list[Timed] = []
        self.served: tuple[str, ...] = ()
        self.datamap = DataMap()
        self._cascade = Cascade(self)
        self.links = Links(self.datamap, self.warn, self._cascade.apply, self._mark_place)
        self._changed: dict[str, set[str]] = {}
        self._sender = Sender(name, self.datamap, self._cascade.apply, self.warn)
        self._reported: set[str] = set()

    # -- what the process asks for ---------------------------------------------------------------------------------

    def advance(self, now_s: float, steady_s: float | None = None) -> None:
        """Take the time; it is that of everything that follows. One clock will do where nobody sets it."""
        self.now_s = now_s
        self.steady_s = now_s if steady_s is None else steady_s

    def due_s(self) -> float:
        """Return when something wants to happen by itself, on the steady clock; infinity if nothing does."""
        return earliest(self.timed)

    def tick(self) -> None:
        """Let everything happen that is due."""
        for timed in self.timed:
            if timed.due_s() <= self.steady_s:
                timed.run()

    def load(self, assignments: Iterable[Assignment]) -> None:
        """Take a configuration: definitions first, then links, then the actions of everything that has a value.

        Messages of these actions are not sent: what a file says is no command that somebody has given.
        """
        defined = {}
        for assignment in assignments:
            variable = self.datamap.apply(self._with_command(assignment))[0]
            if assignment.runs_actions:
                defined[variable] = assignment.place
        self.links.run()
        self.links.run_values()
        for variable, place in defined.items():
            if variable.value is not None:
                self._cascade.act(place, variable)
        self._changed.clear()
        self.datamap.take_restyled()
        self._sender.take()

    def set(self, path: str, body: Any) -> None:
        """Apply a set or pub, wholly or not at all, and everything that follows from it.

        Raises:
            ValueError: nothing was changed; the text says where the body is wrong and what was expected.
        """
        self._carry_out(self.datamap.assignments(path, body))

    def report(self, path: str, body: Any) -> list[str]:
        """Apply what the owner of values tells, and all that follows; return what is wrong with values, now not valid.

        Raises:
            ValueError: nothing was changed; the text says where the body is wrong and what was expected.
        """
        assignments, problems = self.datamap.report(path, body)
        self._carry_out(assignments)
        return problems

    def invalidate(self, path: str) -> None:
        """Make every variable at or below a path not valid, and all that follows from them."""
        for table, variables in list(self.datamap.below(path)):
            for name, variable in list(variables.items()):
                if not variable.locked:
                    self._cascade.apply(Assignment(Reference(table, name), None))

    def take_changes(self) -> dict[str, dict[str, Any]]:
        """Return table -> variable -> value of everything that changed since the last call."""
        changed, self._changed = self._changed, {}
        tables = self.datamap.tables
        return {
            table: {name: tables[table][name].value for name in sorted(names)}
            for table, names in sorted(changed.items())
        }

    def take_messages(self) -> list[Outgoing]:
        """Return what actions and functions have sent since the last call, in order."""
        return self._sender.take()

    # -- what actions and functions ask for ------------------------------------------------------------------------

    def find(self, table: str, name: str) -> Variable | None:
        """Return a variable, or ``None``."""
        return self.datamap.find(table, name)

    def read(self, target: Target) -> Any:
        """Return a value, parameter or bit; ``None`` if it is not valid or not there."""
        variable = self.datamap.find(target.place.table, target.place.name)
        if variable is None:
            self.warn(f"{target} missing", f"{target.place}: an action reads it and it is not there; not valid")
            return None
        if target.place.parameter not in (None, "value"):
            return variable.parameters.get(str(target.place.parameter))
        try:
            return variable.value if target.bit is None else variable.cell.bit(target.bit)
        except ValueError:
            return None

    def put(self, place: Reference, value: Any) -> None:
        """Set a variable or a parameter, and run what follows.

        Raises:
            ValueError: the variable cannot hold it.
        """
        if place.parameter not in (None, "value"):
            self._cascade.apply(Assignment(place._replace(parameter=None), parameters={str(place.parameter): value}))
        else:
            self._cascade.apply(self.datamap.checked(Assignment(place._replace(parameter=None), value)))

    def send(self, method: str, uri: str, body: Any, replyto: str | None = None) -> None:
        """Send a message with the next turn of the process."""
        self._sender.send(method, uri, body, replyto)

    def event(self, source: str, message: str, severity: Severity) -> None:
        """Tell people of something that has happened: a post to ``/events``."""
        self._sender.send("post", EVENTS, {"source": source, "message": message, "severity": int(severity)})

    def send_value(self, send: effects.Send) -> None:
        """Send the value of an action's ``fims``."""
        self._sender.send_value(send, self.served)

    def call(self, call: effects.Call, place: Reference, variable: Variable) -> None:
        """Call a function; an unknown one was named when its action was loaded."""
        function = functions.FUNCTIONS.get(call.function)
        if function is None or (call.value is None and not function.takes_invalid):
            return
        if call.on is not None:
            found = self.datamap.find(call.on.place.table, call.on.place.name)
            place, variable = (place, variable) if found is None else (call.on.place._replace(parameter=None), found)
        asset = call.asset or asset_of(place.table, self.name)
        try:
            function.run(functions.Call(self, asset, place, variable, call.value))
        except ValueError as error:
            self.warn(f"{place} {call.function}", f"{place}: {call.function}: {error}")

    def mark(self, variable: Variable) -> None:
        """Note that a variable has changed."""
        for table, name in variable.shown_at():
            self._mark_place(table, name)

    def warn(self, mistake: str, text: str) -> None:
        """Log a mistake of the configuration once, not at every tick nor with every new value."""
        if mistake not in self._reported:
            if len(self._reported) >= MAX_REPORTS:
                self._reported.clear()
            self._reported.add(mistake)
            log.warning("%s", text)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _carry_out(self, assignments: list[Assignment]) -> None:
        for assignment in assignments:
            place = assignment.place
            for problem in problems(assignment):
                self.warn(f"{place} {problem}", f"{place}: {problem}")
            self._cascade.apply(self._with_command(assignment))
        tables = [assignment.place.table for assignment in assignments]
        if any(is_under(table, LINKS) for table in tables):
            self.links.run()
        if any(is_under(table, VLINKS) for table in tables):
            self.links.run_values()

    def _with_command(self, assignment: Assignment) -> Assignment:
        """Give the commands ``link`` and ``vlink`` their function where the configuration does not define them."""
        place = assignment.place
        if place.table != COMMANDS or place.name not in _COMMANDS or assignment.actions is not None:
            return assignment
        variable = self.datamap.find(place.table, place.name)
        if variable is not None and variable.actions:
            return assignment
        actions = {"onSet": [{"func": [{"func": _COMMANDS[place.name]}]}]}
        return replace(assignment, actions=actions)

    def _mark_place(self, table: str, name: str) -> None:
        self._changed.setdefault(table, set()).add(name)


def problems(assignment: Assignment) -> list[str]:
    """Return what of an assignment's actions is not carried out, and why."""
    if not assignment.actions:
        return []
    return read(assignment.actions, assignment.place)[1]
