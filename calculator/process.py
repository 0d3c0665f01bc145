"""The calculator on the bus: hears the engine's changes, sets the results on the engine."""

from __future__ import annotations

import logging
import time
from typing import Any, Final

from calculator.graph import Calculator
from ess_bus.client import Bus
from ess_bus.client.replies import value_of
from ess_bus.control import PROCESSES
from ess_bus.errors import BusError, Disconnected, Refused
from ess_bus.message import Message
from ess_bus.uri import join, relative

log = logging.getLogger(__name__)

TICK_S: Final = 0.02
RETRY_S: Final = 0.5
ANSWER_TIMEOUT_S: Final = 2.0
# How many messages are taken at most before results are calculated: a flood must not hold them up.
BURST: Final = 1000


class CalculatorProcess:
    """Keeps the results of one engine up to date.

    Args:
        calculator: the calculations.
        bus: an open connection.
        engine: the engine's name on the bus.
    """

    def __init__(self, calculator: Calculator, bus: Bus, engine: str) -> None:
        self._calculator = calculator
        self._bus = bus
        self._prefix = f"/{engine}"
        self._gaps = 0
        self._source: str | None = None
        self._refused: dict[tuple[str, str], Any] = {}
        self._retry_at = 0.0
        self._trouble: str | None = None

    def run(self) -> None:
        """Work until interrupted."""
        # The engine is the one source of operands: what a get answers and what is calculated from never differ.
        tables = [self._prefix + table for table in self._calculator.tables]
        messages = self._bus.subscribe(PROCESSES, *tables, pub_only=True)
        self._bus.announce(kind="calculator")
        while True:
            for message in messages.burst(TICK_S, BURST):
                self.handle(message)
            self.step(time.monotonic())

    def handle(self, message: Message) -> None:
        """Take values that the engine has published, or the news that it has just started."""
        below = relative(message.uri, self._prefix)
        try:
            values = message.json()
        except ValueError:
            values = None
        if not isinstance(values, dict):
            log.debug("ignored %s %s", message.method, message.uri)
        elif below is not None:
            # Others may pub there too; what the engine makes of it, it publishes itself.
            if message.process_name == self._source:
                self._calculator.update(join(below), values)
        elif values.get("prefix") == self._prefix:
            self._gaps = 0

    def step(self, now: float) -> None:
        """Calculate what is due and set it; fetch everything first if something may have been missed."""
        if now < self._retry_at:
            return
        try:
            if self._gaps != self._bus.gaps:
                gaps = self._bus.gaps
                self._refill()
                self._gaps = gaps
            for table, results in self._calculator.results(now).items():
                self._offer(table, results)
        except BusError as error:
            self._retry_at = now + RETRY_S
            self._lost(error)

    def _refill(self) -> None:
        self._calculator.forget()
        self._refused.clear()
        for table in self._calculator.tables:
            answer = self._bus.request("get", self._prefix + table, timeout_s=ANSWER_TIMEOUT_S)
            self._source = answer.process_name
            self._calculator.update(table, _values(answer, self._prefix + table))
        for table, values in self._calculator.missing().items():
            log.info("creating %s", ", ".join(f"{table}:{name}" for name in values))
            self._set(table, values)

    def _offer(self, table: str, results: dict[str, Any]) -> None:
        """Set results; one that the engine refuses must neither hold up the others nor leave an old value standing."""
        wanted = {name: value for name, value in results.items() if self._refused.get((table, name), ...) != value}
        if not wanted:
            return
        try:
            self._set(table, wanted)
        except Refused as error:
            if len(wanted) > 1:
                for name, value in wanted.items():
                    self._offer(table, {name: value})
                return
            ((name, value),) = wanted.items()
            if (table, name) not in self._refused:
                log.warning("%s:%s cannot be set, it is not valid: %s", table, name, error)
            self._refused[table, name] = value
            self._offer(table, {name: None})
        else:
            for name, value in wanted.items():
                if value is not None:
                    self._refused.pop((table, name), None)

    def _set(self, table: str, values: dict[str, Any]) -> None:
        self._bus.set(self._prefix + table, values, timeout_s=ANSWER_TIMEOUT_S)
        self._calculator.update(table, values)
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


def _values(answer: Message, uri: str) -> dict[str, Any]:
    """Return variable -> value of an engine's answer, or raise a `BusError`: another process may have answered."""
    table = value_of(answer)
    if not isinstance(table, dict):
        raise Refused(uri, f"expected a table from {answer.process_name}, got {str(table)[:40]!r}")
    return {name: shown.get("value") if isinstance(shown, dict) else shown for name, shown in table.items()}
