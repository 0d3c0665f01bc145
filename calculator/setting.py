"""`Setter`: sets values on one engine, those of all tables at once; what it refuses does not hold up the rest."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from calculator.core import REASON, Values
from calculator.metrics import Exchanges
from ess_bus.client import Bus
from ess_bus.errors import Refused, TooLarge, UriError
from ess_bus.message import Message

log = logging.getLogger(__name__)

ANSWER_TIMEOUT_S: Final = 5.0
# What is wrong with the values, and would be so again: all else is wrong with the way to the engine.
_OF_VALUES: Final = (Refused, TooLarge, UriError)
_Refusals = dict[tuple[str, str], str]


class Setter:
    """Sets results, and creates operands.

    Args:
        bus: an open connection.
        prefix: the engine's.

    Attributes:
        exchanges: what became of everything that was set.
    """

    def __init__(self, bus: Bus, prefix: str) -> None:
        self._bus, self._prefix = bus, prefix
        self.exchanges = Exchanges()
        self._refused: dict[tuple[str, str], Any] = {}
        self._not_created: set[tuple[str, str]] = set()

    def begin_again(self) -> None:
        """Offer what was refused once more: the engine is another one, or what it has is."""
        self._refused.clear()

    def offer(self, results: Values) -> Values:
        """Set results and return what the engine has taken.

        One that it refuses is made not valid: neither must it hold up the others, nor its old value stand.

        Raises:
            BusError: the engine cannot be reached; it may have taken some of them.
        """
        wanted = {
            table: {name: value for name, value in members.items() if self._refused.get((table, name), ...) != value}
            for table, members in results.items()
        }
        taken, refused = self._set(wanted)
        for table, members in taken.items():
            for name in members:
                self._refused.pop((table, name), None)
        withdrawn: Values = {}
        for (table, name), reason in refused.items():
            if (table, name) not in self._refused:
                log.warning("%s:%s cannot be set, it is not valid: %s", table, name, reason)
            self._refused[table, name] = results[table][name]
            withdrawn.setdefault(table, {})[name] = {"value": None, REASON: f"cannot be set: {reason}"}
        for (table, name), reason in self._set(withdrawn)[1].items():
            log.debug("%s:%s: %s", table, name, reason)
        return taken

    def create(self, absent: Values, is_variable: Callable[[str], bool]) -> Values:
        """Create variables and return those that are there now; what cannot be created is named once.

        Args:
            absent: table -> variable -> its first value.
            is_variable: whether there is a variable at a path: what is set below it would be its parameters, or even
                its value.

        Raises:
            BusError: the engine cannot be reached.
        """
        below = [table for table in absent if is_variable(table)]
        created, refused = self._set({table: absent[table] for table in absent if table not in below})
        refused |= {(table, name): f"{table} is a variable, not a table" for table in below for name in absent[table]}
        for table, members in created.items():
            log.info("creating %s", ", ".join(f"{table}:{name}" for name in members))
        for (table, name), reason in refused.items():
            if (table, name) not in self._not_created:
                log.warning("%s:%s is used, is not there and cannot be created: %s", table, name, reason)
        self._not_created = set(refused)
        return created

    def _set(self, values: Values) -> tuple[Values, _Refusals]:
        """Set values, by tables and then by names where a table is refused; return what was taken, and why not."""
        taken: Values = {}
        refused: _Refusals = {}
        parts = [(table, members) for table, members in values.items() if members]
        while parts:
            begun_s = time.monotonic()
            outcomes = self._bus.set_all(
                [(self._prefix + table, members) for table, members in parts], ANSWER_TIMEOUT_S
            )
            took = [len(members) for (_, members), one in zip(parts, outcomes, strict=True) if isinstance(one, Message)]
            self.exchanges.answered(len(parts), sum(took), time.monotonic() - begun_s)
            again = []
            for (table, members), outcome in zip(parts, outcomes, strict=True):
                if isinstance(outcome, Message):
                    taken.setdefault(table, {}).update(members)
                elif not isinstance(outcome, _OF_VALUES):
                    raise outcome
                elif len(members) > 1:
                    again += [(table, {name: value}) for name, value in members.items()]
                else:
                    (name,) = members
                    refused[table, name] = str(outcome)
                    self.exchanges.refused += 1
            parts = again
        return taken, refused
