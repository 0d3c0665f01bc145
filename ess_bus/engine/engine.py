"""`Engine`: the data map brought to life: links, actions, and what has changed since it was last published."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, Final

from ess_bus.engine import reconfiguring
from ess_bus.engine.actions import effects
from ess_bus.engine.blocking import Refusing
from ess_bus.engine.calling import Caller
from ess_bus.engine.cascade import Cascade
from ess_bus.engine.commands import is_command, with_command
from ess_bus.engine.datamap import DataMap
from ess_bus.engine.dumping import Dumps, Writer
from ess_bus.engine.intake import Intake
from ess_bus.engine.links import Links
from ess_bus.engine.meaning import KEEP, Assignment
from ess_bus.engine.mistakes import Mistakes
from ess_bus.engine.publishing.changes import Changes, Publications
from ess_bus.engine.schedule.running import Runner
from ess_bus.engine.schedule.schedule import Schedule
from ess_bus.engine.schedule.timings import Timings
from ess_bus.engine.schedule.wake_entry import LISTS
from ess_bus.engine.schedule.wake_lists import WakeLists
from ess_bus.engine.sending import Outgoing, Sender
from ess_bus.engine.settings import Settings, Store
from ess_bus.engine.severity import Severity
from ess_bus.engine.states.states import States
from ess_bus.engine.target import Target
from ess_bus.engine.timing import SLACK_S, Timed, earliest
from ess_bus.engine.variable import Variable
from ess_bus.engine.wakes import Wakes
from ess_bus.reference import Reference
from ess_bus.uri import is_under

EVENTS: Final = "/events"


class Engine:
    """Holds and changes values; knows neither the bus nor a clock: it is told the time.

    ::

        set, report(path, body) -> assignments, checked -> values -> onSet actions -> values ... -> take_publications()
                                                                                           -> take_messages()

    Args:
        name: what it is called on the bus.

    Attributes:
        now_s: the time in seconds since 1970, as it was told last.
        steady_s: the same of a clock that nobody sets; periods and time-outs are of this one.
        served: the roots that it answers for, beside its name.
        timed: what happens by itself, in the order in which it happens within a turn.
        wakes: what functions want to look at again at a certain time.
        states: the state machines of its assets.
        schedule, wake_lists: the scheduled items, and the lists of variables that functions look at.
        timings: how late things happen, and how long they take by `stopwatch`, which has to be given to it.
        pause: called now and then before a large set is carried out; lets happen what is due and tells if it was.
        mistakes: what is wrong with its configuration, as far as it was told.
        reports: what it answers about itself, by the segments behind its name.
    """

    def __init__(self, name: str = "ess") -> None:
        self.name = name
        self.now_s = self.steady_s = 0.0
        self.wakes = Wakes(lambda: self.steady_s)
        self.timed: list[Timed] = [self.wakes]
        self.served: tuple[str, ...] = ()
        self.datamap = DataMap()
        self.mistakes = Mistakes()
        self._caller = Caller(self)
        self._cascade = Cascade(self)
        self._intake = Intake(self, self._cascade)
        self._changes = Changes(self.datamap)
        self.links = Links(self.datamap, self.fail, self._cascade.apply, self._changes.value)
        self._sender = Sender(name, self.datamap, self._cascade.apply, self.warn)
        self._started_s: float | None = None
        self._later: list[Callable[[], None]] = []
        self.settings: Settings | None = None
        self.dumps: Dumps | None = None
        self.configure = reconfiguring.Reconfiguration(name, self.datamap, self.extend, self.warn, self.fail)
        self.timings = Timings()
        self.stopwatch: Callable[[], float] = lambda: 0.0
        self.pause: Callable[[], bool] = lambda: False
        self.schedule = Schedule(Runner(self))
        self.wake_lists = WakeLists(self)
        self.states = States(self)
        # What is looked at first; items that publish show what has come of it.
        self.timed += [self.states, self.wake_lists, self.schedule]
        self.reports: dict[tuple[str, ...], Callable[[], Any]] = {
            ("states",): self.states.shown,
            ("schlist",): self.schedule.shown,
            ("_timings",): lambda: {**self.timings.shown(), "lists": self.wake_lists.shown()},
        }

    # -- what the process asks for ---------------------------------------------------------------------------------

    def advance(self, now_s: float, steady_s: float | None = None) -> None:
        """Take the time; it is that of everything that follows. One clock will do where nobody sets it."""
        self.now_s = now_s
        self.steady_s = now_s if steady_s is None else steady_s
        if self._started_s is None:
            self._started_s = self.steady_s

    @property
    def uptime_s(self) -> float:
        """Seconds since it was told the time first."""
        return 0.0 if self._started_s is None else self.steady_s - self._started_s

    @property
    def actions(self) -> int:
        """How many actions were carried out."""
        return self._cascade.count

    def due_s(self) -> float:
        """Return when something wants to happen by itself, on the steady clock; infinity if nothing does."""
        return earliest(self.timed)

    def tick(self) -> bool:
        """Let everything happen that is due; tell whether something was."""
        was_due = False
        for timed in self.timed:
            lateness_s = self.steady_s - timed.due_s()
            if lateness_s >= -SLACK_S:
                was_due = True
                self.timings.ticked(lateness_s)
                timed.run()
        if self._later:
            self._run_later()
        return was_due

    def load(self, assignments: Iterable[Assignment], tables: Iterable[str] = (), *, rests: bool = False) -> None:
        """Take a configuration: definitions first, then links, then the actions of everything that has a value.

        Messages of these actions are not sent: what a file says is no command that somebody has given.

        Args:
            assignments: the definitions.
            tables: tables that shall be there though they may be empty.
            rests: scheduled items wait until somebody starts them.
        """
        for table in tables:
            self.datamap.table(table)
        self.extend(assignments, rests=rests)
        self._changes.forget()

    def extend(self, assignments: Iterable[Assignment], *, rests: bool = False) -> None:
        """Take more of a configuration while running; as `load`, and what has changed is shown."""
        self.silently(lambda: self._intake.define(assignments, rests=rests))
        if self.settings is not None:
            self.settings.choose()

    def silently(self, do: Callable[[], None]) -> None:
        """Do something of which nothing is sent: what a file says is no command that somebody has given."""
        waiting = self._sender.take()
        try:
            do()
        finally:
            self._sender.put_back(waiting)

    def keep(self, store: Store) -> Settings:
        """Keep settings across restarts from now on."""
        self.settings = Settings(self, store)
        self.timed.append(self.settings)
        self.settings.choose()
        return self.settings

    def dump_to(self, writer: Writer) -> None:
        """Write dumps with this from now on, when they are asked for."""
        self.dumps = Dumps(self, writer)
        self.timed.append(self.dumps)

    def set(self, path: str, body: Any, refuse: Refusing | None = None) -> list[str]:
        """Apply a set or pub, wholly or not at all, and everything that follows; return what of the latter has failed.

        Args:
            path: what it is for.
            body: what it says.
            refuse: returns why a part of it is not taken; then nothing is.

        Raises:
            ValueError: nothing was changed; the text says where the body is wrong and what was expected.
        """
        with self.mistakes.failures() as failures:
            if is_under(path, reconfiguring.ROOT):
                self.configure.set(path, body, refuse)
            else:
                self._intake.set(path, body, refuse)
            self._run_later()
        return list(failures)

    def report(self, path: str, body: Any, refuse: Refusing | None = None) -> list[str]:
        """Apply what the owner of values tells, and all that follows; return what is wrong with values, now not valid.

        Args:
            path: what it is for.
            body: what it says.
            refuse: returns why a part of it is not taken; what is there stays, and the other parts are taken.

        Raises:
            ValueError: nothing was changed; the text says where the body is wrong and what was expected.
        """
        problems = self._intake.report(path, body, refuse)
        self._run_later()
        return problems

    def invalidate(self, path: str) -> None:
        """Make every variable at or below a path not valid, and all that follows from them."""
        for table, variables in list(self.datamap.below(path)):
            for name, variable in list(variables.items()):
                if not variable.locked:
                    self._cascade.apply(Assignment(Reference(table, name), None))

    def take_publications(self, *, everything: bool = False, pause: Callable[[], object] = bool) -> Publications:
        """Return what has changed since the last call, or all there is; `pause` is called while there is much."""
        return self._changes.everything() if everything else self._changes.take(pause)

    def take_messages(self) -> list[Outgoing]:
        """Return what actions and functions have sent since the last call, in order."""
        return self._sender.take()

    # -- what actions and functions ask for ------------------------------------------------------------------------

    def find(self, table: str, name: str) -> Variable | None:
        """Return a variable, or ``None``."""
        return self.datamap.find(table, name)

    def read(self, target: Target) -> Any:
        """Return a value, parameter or bit; ``None`` if it is not valid or not there."""
        place = target.place
        variable = self.datamap.find(place.table, place.name)
        if variable is None:
            self.warn(f"{target} missing", f"{place}: an action reads it and it is not there; not valid")
            return None
        parameter = place.parameter
        if parameter is not None and parameter != "value":
            return variable.parameters.get(parameter)
        if target.bit is None:
            return variable.cell.value
        try:
            return variable.cell.bit(target.bit)
        except ValueError:
            return None

    def put(self, place: Reference, value: Any, parameters: dict[str, Any] | None = None) -> None:
        """Set a variable, with parameters if need be, or a single parameter; and run what follows.

        Raises:
            ValueError: the variable cannot hold it.
        """
        parameter = place.parameter
        own = place if parameter is None else place._replace(parameter=None)
        if parameter is None or parameter == "value":
            variable = self.datamap.find(own.table, own.name)
            if variable is not None and parameters is None and value != KEEP and not is_command(own):
                self._cascade.take(own, variable, self.datamap.accepted(own, variable, value))
                return
            assignment = Assignment(own, value, parameters)
            self._cascade.apply(with_command(self.datamap, self.datamap.checked(assignment)))
        else:
            self._cascade.apply(Assignment(own, parameters={parameter: value}))

    def send(self, method: str, uri: str, body: Any, replyto: str | None = None) -> None:
        """Send a message with the next turn of the process."""
        self._sender.send(method, uri, body, replyto)

    def event(self, source: str, message: str, severity: Severity) -> None:
        """Tell people of something that has happened: a post to ``/events``."""
        self._sender.send("post", EVENTS, {"source": source, "message": message, "severity": int(severity)})

    def send_value(self, send: effects.Send) -> None:
        """Send the value of an action's ``fims``."""
        self._sender.send_value(send, self.served)

    def later(self, do: Callable[[], None]) -> None:
        """Do something when the actions that run now have ended: it has actions of its own, without number."""
        self._later.append(do)

    def call(self, call: effects.Call, place: Reference, variable: Variable) -> None:
        """Call the function of an action."""
        self._caller.call(call, place, variable)

    def invoke(self, name: str, asset: str | None, place: Reference, variable: Variable, value: Any) -> None:
        """Call a function of this name, if there is one, and measure how long it takes; its failure is named."""
        self._caller.invoke(name, asset, place, variable, value)

    def take_overrun(self) -> str | None:
        """Return what was stopped since the last call because too many actions would have followed."""
        overrun = self._cascade.overrun
        if overrun is not None:
            self._cascade.overrun = None
        return overrun

    def noted(self, place: Reference, variable: Variable, parameters: Collection[str]) -> None:
        """Note that parameters of a variable, or its actions, were set."""
        if is_under(place.table, LISTS):
            self.wake_lists.changed()
        self.schedule.changed(place, variable, parameters)

    def mark(self, variable: Variable) -> None:
        """Note that a variable has changed."""
        self._changes.variable(variable)

    def introduced(self, table: str, variables: Collection[str]) -> None:
        """Note that there are new variables in a table."""
        self._changes.several(table, variables)

    def watch(self, place: Reference, wake: Callable[[], None]) -> None:
        """Call `wake` with every change of the value that is shown at a place; it must only take note of it."""
        self._changes.watch(place.table, place.name, wake)

    def warn(self, mistake: str, text: str) -> None:
        """Log a mistake of the configuration once, not at every tick nor with every new value."""
        self.mistakes.warn(mistake, text)

    def fail(self, mistake: str, text: str) -> None:
        """The same of something that was asked for and is not done; who has asked by a set is told each time."""
        self.mistakes.fail(mistake, text)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _run_later(self) -> None:
        while self._later:
            self._later.pop(0)()
