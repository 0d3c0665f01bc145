"""The functions that actions may call, by name. A new one is a decorated function in a file of this folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from ess_bus.engine.numbers import is_number
from ess_bus.reference import Reference

# The data map reads actions, and these name functions.
if TYPE_CHECKING:
    from ess_bus.engine.actions.effects import Send
    from ess_bus.engine.datamap import DataMap
    from ess_bus.engine.dumping import Dumps
    from ess_bus.engine.links import Links
    from ess_bus.engine.reconfiguring import Reconfiguration
    from ess_bus.engine.schedule.schedule import Schedule
    from ess_bus.engine.schedule.timings import Timings
    from ess_bus.engine.schedule.wake_lists import WakeLists
    from ess_bus.engine.settings import Settings
    from ess_bus.engine.severity import Severity
    from ess_bus.engine.states.states import States
    from ess_bus.engine.target import Target
    from ess_bus.engine.variable import Variable
    from ess_bus.engine.wakes import Wakes


class Engine(Protocol):
    """What a function may use of the engine; what it sets has the same consequences as a set from the bus."""

    name: str
    now_s: float
    steady_s: float
    datamap: DataMap
    links: Links
    configure: Reconfiguration
    dumps: Dumps | None
    wakes: Wakes
    states: States
    settings: Settings | None
    schedule: Schedule
    wake_lists: WakeLists
    timings: Timings
    stopwatch: Callable[[], float]

    @property
    def uptime_s(self) -> float:
        """Seconds since the engine was started."""

    def find(self, table: str, name: str) -> Variable | None:
        """Return a variable, or ``None``."""

    def read(self, target: Target) -> Any:
        """Return a value, parameter or bit; ``None`` if it is not valid or not there."""

    def put(self, place: Reference, value: Any, parameters: dict[str, Any] | None = None) -> None:
        """Set a variable, with parameters if need be, or a single parameter; and run what follows."""

    def invoke(self, name: str, asset: str | None, place: Reference, variable: Variable, value: Any) -> None:
        """Call a function of this name, if there is one, and measure how long it takes; its failure is named."""

    def take_overrun(self) -> str | None:
        """Return what was stopped since the last call because too many actions would have followed."""

    def send(self, method: str, uri: str, body: Any, replyto: str | None = None) -> None:
        """Send a message."""

    def send_value(self, send: Send) -> None:
        """Send a value to whoever owns its place, as an action's ``fims`` does."""

    def event(self, source: str, message: str, severity: Severity) -> None:
        """Tell people of something that has happened."""

    def later(self, do: Callable[[], None]) -> None:
        """Do something when the actions that run now have ended."""

    def mark(self, variable: Variable) -> None:
        """Note that a variable has changed, though its value has not: it is published."""

    def watch(self, place: Reference, wake: Callable[[], None]) -> None:
        """Call `wake` with every change of the value that is shown at a place."""

    def warn(self, mistake: str, text: str) -> None:
        """Log a mistake of the configuration, once."""

    def fail(self, mistake: str, text: str) -> None:
        """The same of something that was asked for and is not done; whoever has asked is told, too."""


class Call(NamedTuple):
    """One call.

    Attributes:
        engine: in which it happens.
        asset: the asset that it is for: ``bms``.
        place, variable: the variable that it is called with.
        value: what it was called for; ``None`` (not valid) only where the function asked for it.
    """

    engine: Engine
    asset: str
    place: Reference
    variable: Variable
    value: Any

    def parameter(self, name: str, default: Any = None) -> Any:
        """Return a parameter of the variable."""
        return self.variable.parameters.get(name, default)

    def number(self, name: str, default: float) -> float:
        """Return a parameter that must be a number.

        Raises:
            ValueError: it is something else.
        """
        value = self.variable.parameters.get(name, default)
        if not is_number(value):
            raise ValueError(f"{name}: expected a number, got {str(value)[:40]!r}")
        return value

    def keep(self, **parameters: Any) -> None:
        """Set parameters of the variable, for people to see; nothing follows from that."""
        self.variable.parameters.update(parameters)


@dataclass(frozen=True, slots=True)
class Function:
    """A registered function; `takes_invalid` ones are also called for a value that is not valid."""

    name: str
    run: Callable[[Call], None]
    summary: str
    takes_invalid: bool


FUNCTIONS: Final[dict[str, Function]] = {}

# They are carried out by the process `calculator`, which sees its operands change.
ELSEWHERE: Final = {"CalculateVar": "Carried out by the calculator."}


# Functions of the original that files still name, and why there are none here.
_NOT_HERE: Final = {
    "HandleCpuStats": "what the process takes is in its metrics",
    "SetLoggingSize": "whoever starts the engine keeps its log",
    **dict.fromkeys(("InitEss", "RunInitCheck", "RunComsCheck"), "nothing says what it did"),
}


def function(*names: str, takes_invalid: bool = False) -> Callable[[Callable[[Call], None]], Callable[[Call], None]]:
    """Register a function under these names; the first line of its docstring is shown to users."""

    def register(run: Callable[[Call], None]) -> Callable[[Call], None]:
        summary = (run.__doc__ or "").partition("\n")[0]
        for name in names:
            if name in FUNCTIONS or name in ELSEWHERE:
                raise ValueError(f"there are two functions {name}")
            FUNCTIONS[name] = Function(name, run, summary, takes_invalid)
        return run

    return register


def is_known(name: str) -> bool:
    """Tell whether an action may call a function of this name."""
    return name in FUNCTIONS or name in ELSEWHERE


def why_not(name: str) -> str:
    """Return why there is no function of this name, in brackets behind a space, or nothing."""
    return f" ({_NOT_HERE[name]})" if name in _NOT_HERE else ""


def known() -> dict[str, str]:
    """Return name -> one line about it of everything that an action may call."""
    return dict(sorted({**{name: one.summary for name, one in FUNCTIONS.items()}, **ELSEWHERE}.items()))
