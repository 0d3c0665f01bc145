"""The words of a state machine's table: states, checks, guards, requests and their steps. Data, and nothing that runs.

A table says when a request may begin, which steps it has, how long each may take, what must hold meanwhile and what
happens if it does not. `running` carries a table out, `docs/states.md` is drawn from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """What an ESS, a BMS or a PCS can be in."""

    INIT = "Init"
    OFF = "Off"
    STARTING = "Starting"
    READY = "Ready"
    RUNNING = "Running"
    STANDBY = "Standby"
    SHUTDOWN = "Shutdown"
    FAULT = "Fault"


class Of(StrEnum):
    """Whose variables a check is about."""

    OWN = "own"
    ESS = "ess"
    EVERY_BMS = "every BMS"
    ANY_BMS = "any BMS"
    EVERY_PCS = "every PCS"
    ANY_PCS = "any PCS"


@dataclass(frozen=True, slots=True)
class Check:
    """A statement that is true, false, or not known because a value of it is not valid.

    Attributes:
        words: the statement in words, as people read it when it does not hold.
        expression: the same over variables of one asset: ``{DCClosed}`` is ``/status/<asset>:DCClosed``,
            ``{controls:EStop}`` is ``/controls/<asset>:EStop``, ``{ui:maint_mode}`` is
            ``/assets/<asset>/summary:maint_mode``, ``{option:near_zero_kw}`` an option of ``/states/<asset>``.
            With ``?`` before the bracket closes, what is not there or not valid counts as false; with ``!``, only
            what is not there.
        of: the assets for which it must hold.
    """

    words: str
    expression: str
    of: Of = Of.OWN


@dataclass(frozen=True, slots=True)
class Guard:
    """What must go on holding.

    Attributes:
        check: as soon as it is false, or not known for ``stale_s``, `request` begins.
        request: the name of a request of the same machine.
        fault: people get a fault, otherwise an alarm.
    """

    check: Check
    request: str
    fault: bool = True


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to the machine of each BMS or PCS."""

    of: Of
    request: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a request: it is over when its checks hold.

    Attributes:
        words: what it does: "close the DC contactors".
        checks: what must be so afterwards. Where it is so already, nothing is commanded.
        commands: variables of ``/controls/<asset>`` that are true while it lasts, anew with each attempt.
        asks: requests to other machines; it lasts until all of these have ended.
        timeout: the option with the time for each attempt in seconds; not for `asks`, whose steps have their own.
        tries: the option with the number of attempts; ``""`` is one.
        only_if: left out where this does not hold.
        always: command it even where the checks hold already: what is seen may be older than what was commanded before.
        goes_on: if it fails, the next step comes all the same.
        takes_back: at its beginning, what this machine has raised in the lists of faults is taken back.
    """

    words: str
    checks: tuple[Check, ...] = ()
    commands: tuple[str, ...] = ()
    asks: tuple[Ask, ...] = ()
    timeout: str = ""
    tries: str = ""
    only_if: Check | None = None
    always: bool = False
    goes_on: bool = False
    takes_back: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """Something that is asked of a machine.

    Attributes:
        name: what it is called: ``start``.
        words: what it does, for people.
        steps: in order.
        ends_in: the state afterwards; ``None`` where devices decide (the machine's `follows`).
        source: from which states; it is refused in others.
        requires: must hold when it is asked for, each known.
        in_person: must hold in addition if a person asks, not another machine.
        keeps: what must go on holding while it lasts.
        during: the state that is shown meanwhile; ``None`` is the one before.
        command: the variable of ``/controls/<asset>`` that asks for it; is taken and set to false.
        held: variables of ``/controls/<asset>`` that ask for it as long as they are true.
        button: the variable of ``/assets/<asset>/summary`` with which a person asks for it.
        interrupts: requests that end where this one begins.
        or_else: the request that follows if a step fails; ``""``: it just ends.
        done_in, done_if: states in which there is nothing left to do, if these checks hold.
        upward: it brings the plant closer to power: in doubt, it is what does not happen.
        calls_off: what machines of devices do upward ends where it begins, whoever has asked for it.
    """

    name: str
    words: str
    steps: tuple[Step, ...]
    ends_in: State | None = None
    source: frozenset[State] = frozenset(State)
    requires: tuple[Check, ...] = ()
    in_person: tuple[Check, ...] = ()
    keeps: tuple[Guard, ...] = ()
    during: State | None = None
    command: str = ""
    held: tuple[str, ...] = ()
    button: str = ""
    interrupts: frozenset[str] = frozenset()
    or_else: str = ""
    done_in: frozenset[State] = frozenset()
    done_if: tuple[Check, ...] = ()
    upward: bool = False
    calls_off: bool = False


@dataclass(frozen=True, slots=True)
class Follow:
    """A change of state that devices make by themselves, while nothing is asked for.

    Attributes:
        source: in these states.
        to: the new state.
        checks: when all of them hold.
        words: what is told as its reason; ``""`` is nothing.
        fault: it is a fault.
    """

    source: frozenset[State]
    to: State
    checks: tuple[Check, ...]
    words: str = ""
    fault: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """An option of ``/states/<asset>``.

    Attributes:
        default: also says of what type it is.
        words: what it is, with its unit.
        low, high: the numbers that are possible.
        choices: the texts that are possible; empty: any.
    """

    default: float | bool | str
    words: str
    low: float = 0
    high: float = 3600
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of machine.

    Attributes:
        kind: ``ess``, ``bms`` or ``pcs``.
        title: what it is, for people.
        requests: in the order of their precedence, the most urgent first.
        follows: the first that holds counts.
        always: guards in all states and during all requests. In Init, what is not known is waited for.
        keeps: guards of a state, while nothing is asked for.
        options: name -> option.
        inputs: what the configuration must fill: place -> what it is.
        known: what a request that is taken up after a restart waits for.
        rest: what must hold in Fault; while it does not, everything is made safe again and again.
        no_maintenance: holds while it is known that nobody operates the devices one by one; ``None``: not its business.
        power: the checks that must hold, beside the state Running, so that power is allowed; empty: not its business.
    """

    kind: str
    title: str
    requests: tuple[Request, ...]
    follows: tuple[Follow, ...]
    options: dict[str, Option]
    inputs: dict[str, str]
    always: tuple[Guard, ...] = ()
    keeps: dict[State, tuple[Guard, ...]] = field(default_factory=dict)
    known: tuple[Check, ...] = ()
    rest: tuple[Check, ...] = ()
    no_maintenance: Check | None = None
    power: tuple[Check, ...] = ()

    def request(self, name: str) -> Request:
        """Return a request by its name.

        Raises:
            KeyError: there is none.
        """
        for request in self.requests:
            if request.name == name:
                return request
        raise KeyError(name)

    def checks(self) -> Iterator[Check]:
        """Yield every check that it looks at."""
        guards = [*self.always, *(guard for keeps in self.keeps.values() for guard in keeps)]
        for request in self.requests:
            guards += request.keeps
            yield from (*request.requires, *request.in_person, *request.done_if)
            for step in request.steps:
                yield from step.checks
                if step.only_if is not None:
                    yield step.only_if
        yield from (guard.check for guard in guards)
        for follow in self.follows:
            yield from follow.checks
        yield from (*self.known, *self.rest, *self.power)
        if self.no_maintenance is not None:
            yield self.no_maintenance
