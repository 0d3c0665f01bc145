"""The calculator on the bus: hears the engine's changes, sets the results on the engine."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from calculator import metrics
from calculator.complaints import Complaints
from calculator.core import Calculator
from calculator.definition import defines
from calculator.discovery import Found, Tables, concerns_all
from calculator.explaining import SERVED, explained, listed
from calculator.operands import Tree
from calculator.setting import ANSWER_TIMEOUT_S, Setter
from calculator.snapshot import Snapshot, flat
from ess_bus.client import Bus
from ess_bus.client.ownership import Rivals
from ess_bus.client.replies import value_of
from ess_bus.client.subscription import Subscription
from ess_bus.control import PROCESSES
from ess_bus.errors import BusError, Disconnected, Refused
from ess_bus.message import Message
from ess_bus.reference import Reference
from ess_bus.service.measures import Measure
from ess_bus.service.running import Pulse
from ess_bus.uri import is_under, join, relative

log = logging.getLogger(__name__)

# How long it waits at most for the next message, in seconds: that it was disconnected is no message.
IDLE_S: Final = 0.5
RETRY_S: Final = 0.5
# Definitions come one after the other: so long after the first all are read anew, but not more often than that.
SETTLED_S: Final = 0.2
READ_EVERY_S: Final = 0.5
# How many messages are taken at most before results are calculated: a flood must not hold them up.
BURST: Final = 1000
_FULL: Final = "full"
_LEAN: Final = "_parameters"
_VIEWS: Final = frozenset({"full", "ui", "naked", _LEAN})


class CalculatorProcess:
    """Keeps the results of one engine up to date.

    Args:
        bus: an open connection.
        engine: the engine's name on the bus.
        files: calculators that the engine may know nothing of.
        zero_on_failure: see `Calculator`.
    """

    def __init__(self, bus: Bus, engine: str, files: Tables, *, zero_on_failure: bool = False) -> None:
        self._bus, self._engine, self._files = bus, engine, files
        self._zero_on_failure = zero_on_failure
        self._prefix, self._own = f"/{engine}", f"{SERVED}/{engine}"
        self._rivals = Rivals(bus)
        self._setter = Setter(bus, self._prefix)
        self._complaints = Complaints()
        self._calculator = Calculator(Found())
        self._tables: set[str] = set()
        self._gaps = 0
        self._source: str | None = None
        self._messages: Subscription
        self._read_again_s: float | None = None
        self._read_s = float("-inf")
        self._problems: set[str] = set()
        self._retry_s = 0.0
        self._trouble: str | None = None
        self._heard_s: float | None = None

    def run(self, pulse: Pulse) -> None:
        """Work until interrupted; `pulse` is told of each turn."""
        self.start()
        pulse.ready()
        while True:
            self.turn()
            pulse.beat()

    def measures(self) -> Iterator[Measure]:
        """Yield what can be counted of this calculator."""
        is_reached = self._trouble is None
        exchanges = self._setter.exchanges
        return metrics.measures(
            self._calculator, exchanges, time.monotonic(), is_reached=is_reached, heard_s=self._heard_s
        )

    def start(self) -> None:
        """Listen, and tell that this calculator is there.

        Raises:
            EssError: another one calculates for this engine.
        """
        self._rivals.require_unowned(f"{self._own}/_owner")
        # The engine is the one source of operands: what a get answers and what is calculated from never differ.
        self._messages = self._bus.subscribe(PROCESSES, self._prefix, pub_only=True)
        self._messages.add(self._own)
        self._announce()

    def turn(self, patience_s: float = IDLE_S) -> None:
        """Handle what has arrived, or arrives before something is due, and set what is new."""
        due_s = max(self._retry_s, min(self._calculator.due_s(), self._read_again_s or float("inf")))
        for message in self._messages.burst(min(patience_s, max(0.0, due_s - time.monotonic())), BURST):
            self.handle(message, time.monotonic())
        self._rivals.check(time.monotonic())
        self.step(time.monotonic())

    def handle(self, message: Message, now_s: float) -> None:
        """Take what the engine has published, the news that it has just started, or a question."""
        if is_under(message.uri, self._own):
            self._answer(message, now_s)
            return
        below = relative(message.uri, self._prefix)
        # Others may pub there too; what the engine makes of it, it publishes itself.
        if below is None:
            if is_under(message.uri, PROCESSES) and (_body(message) or {}).get("prefix") == self._prefix:
                self._gaps = 0 if message.process_name != self._bus.name else self._gaps
        elif message.process_name == self._source and len(below) > 1:
            self._heard_s = now_s
            if below[0] == _FULL:
                self._take_parameters(join(below[1:]), _body(message) or {}, now_s)
            elif below[0] not in _VIEWS:
                self._take_values(join(below), message, now_s)

    def step(self, now_s: float) -> None:
        """Calculate what is due and set it; fetch everything first if something may have been missed."""
        if now_s < self._retry_s:
            return
        try:
            if self._gaps != self._bus.gaps or (self._read_again_s is not None and now_s >= self._read_again_s):
                gaps = self._bus.gaps
                self._refill(now_s)
                self._gaps = gaps
            if results := self._calculator.results(now_s):
                taken = self._setter.offer(results)
                for table, members in taken.items():
                    self._calculator.has_set(table, members, time.monotonic())
                if taken:
                    self._heard_s = now_s
                    self._found_again()
        except BusError as error:
            self._retry_s = now_s + RETRY_S
            self._lost(error)

    # -- what the engine tells ---------------------------------------------------------------------------------------

    def _take_values(self, table: str, message: Message, now_s: float) -> None:
        if concerns_all(table) or table not in self._tables:
            # A new table may be that of a new asset.
            self._tables.add(table)
            self._read_again(now_s)
        if self._calculator.uses(table):
            self._calculator.update(table, _body(message) or {}, now_s)

    def _take_parameters(self, table: str, variables: Mapping[str, Any], now_s: float) -> None:
        for name, parameters in variables.items():
            if not isinstance(parameters, Mapping):
                continue
            if concerns_all(table) or any(map(defines, parameters)) or isinstance(parameters.get("enable"), str):
                self._read_again(now_s)
            self._calculator.update(table, flat(name, parameters), now_s)

    def _read_again(self, now_s: float) -> None:
        if self._read_again_s is None:
            self._read_again_s = max(now_s + SETTLED_S, self._read_s + READ_EVERY_S)

    def _refill(self, now_s: float) -> None:
        """Ask the engine for everything: what is calculated, and from what."""
        # Not the full view: of a large site it does not fit into a message, and actions are most of it.
        shown = self._bus.request("get", f"{self._prefix}/{_LEAN}", timeout_s=ANSWER_TIMEOUT_S)
        try:
            tables = Snapshot.tables_of(value_of(shown))
        except ValueError as error:
            raise Refused(f"{self._prefix}/{_LEAN}", f"{error} from {shown.process_name}") from None
        amap = self._bus.get(f"{self._prefix}/amap", timeout_s=ANSWER_TIMEOUT_S)
        self._source = shown.process_name
        self._heard_s = now_s
        snapshot = Snapshot(tables, Tree.of_answer(amap, self._engine))
        found = snapshot.found(self._files, self._engine)
        self._say(found)
        calculator = Calculator(found, zero_on_failure=self._zero_on_failure, complaints=self._complaints)
        for table in snapshot.tables:
            if calculator.uses(table):
                calculator.update(table, snapshot.values(table), now_s)
        self._calculator = calculator
        self._tables = set(snapshot.tables)
        self._setter.begin_again()
        for table, values in self._setter.create(calculator.missing(), snapshot.is_variable).items():
            calculator.update(table, values, now_s)
        calculator.begin()
        self._read_again_s, self._read_s = None, now_s
        # An engine that has just come must learn whose results these are, to withdraw them when their owner is gone.
        self._announce()

    def _say(self, found: Found) -> None:
        """Log what is new of what was found: how many there are, and what is wrong beside single calculators."""
        said = {str(problem) for problem in found.warnings}
        said.add(f"calculators for {self._prefix}: {len(found.calculations)}")
        for text in sorted(said - self._problems):
            log.info("%s", text)
        self._problems = said

    # -- whether the engine is there -----------------------------------------------------------------------------------

    def _found_again(self) -> None:
        if self._trouble is not None:
            log.info("the engine takes results again")
            self._trouble = None

    def _lost(self, error: BusError) -> None:
        """Say once that the engine cannot be reached; nothing is lost, the results are set when it is back."""
        if not isinstance(error, Disconnected):
            self._gaps = 0
        if self._trouble != type(error).__name__:
            self._trouble = type(error).__name__
            log.warning("waiting for the engine at %s: %s", self._prefix, error)

    # -- what others ask ---------------------------------------------------------------------------------------------

    def _announce(self) -> None:
        self._bus.announce(kind="calculator", prefix=self._prefix)

    def _answer(self, message: Message, now_s: float) -> None:
        if message.is_reply:
            return
        parts = relative(message.uri, self._own) or ()
        try:
            if message.method != "get":
                self._bus.refuse(message, f"{message.method} is not something the calculator does")
            elif not parts:
                self._bus.reply(message, listed(self._calculator))
            elif (state := self._calculator.state(_place(parts))) is None:
                self._bus.refuse(message, f"{join(parts)} is not calculated for {self._prefix}")
            else:
                self._bus.reply(message, explained(state, now_s))
        except Disconnected as error:
            log.debug("an answer was lost: %s", error)


def _place(parts: tuple[str, ...]) -> Reference:
    return Reference(join(parts[:-1]), parts[-1])


def _body(message: Message) -> dict[str, Any] | None:
    try:
        body = message.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        log.debug("ignored %s %s", message.method, message.uri)
        return None
    return body
