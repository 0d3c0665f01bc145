"""Between the bus and the registers: what owners publish goes in, what masters write becomes a set."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from typing import Any

from ess_bus import uri as uris
from ess_bus import values
from ess_bus.client import AsyncBus
from ess_bus.errors import BusError, Refused
from ess_bus.message import Message
from modbus_bridge import codec
from modbus_bridge.config.model import Kind, Point, RegisterType, ServedPoint
from modbus_bridge.registers import DEVICE_FAILURE, ILLEGAL_VALUE, Fault, Registers

log = logging.getLogger(__name__)

# Masters wait for an answer about this long; a later one would not be taken.
WRITE_TIMEOUT_S = 1.0
# As the originals (modbus.md 2.3).
GET_TIMEOUT_S = 2.0
_ASK_EVERY_S = 1.0


class Mirror:
    """Registers that follow their owners on the bus."""

    def __init__(self, points: Sequence[ServedPoint], bus: AsyncBus) -> None:
        self._registers = Registers(points)
        self._bus = bus
        self._variables: dict[str, dict[str, list[ServedPoint]]] = {}
        for served in points:
            self._variables.setdefault(served.uri, {}).setdefault(served.point.id, []).append(served)
        # Owner -> the variables that are known now, and those that were heard since the owner was asked last.
        self._known: dict[str, set[str]] = {uri: set() for uri in self._variables}
        self._fresh: dict[str, set[str]] = {uri: set() for uri in self._variables}
        self._answering: set[str] = set()
        self._gaps = bus.gaps
        self._unusable: set[tuple[str, str]] = set()

    @property
    def uris(self) -> list[str]:
        """The URIs of all owners."""
        return list(self._variables)

    async def follow(self) -> None:
        """Ask every owner for its values, and go on asking.

        Owners publish what changes, and a process that is gone changes nothing: only a question tells a value that
        stands still from one that nobody keeps any more.
        """
        told = False
        while True:
            reasons = [reason for reason in await asyncio.gather(*map(self._ask, self._variables)) if reason]
            if reasons and not told:
                more = f" (and {len(reasons) - 1} more like this)" if len(reasons) > 1 else ""
                log.warning("%s%s; registers answer exception 4 until their owners are heard", reasons[0], more)
            elif told and not reasons:
                log.info("all owners are heard")
            told = bool(reasons)
            await asyncio.sleep(_ASK_EVERY_S)

    async def _ask(self, uri: str) -> str | None:
        """Ask one owner; return why nothing of it is known."""
        self._notice_gaps()
        self._fresh[uri].clear()
        try:
            assigned = values.assignments((), await self._bus.get(uri, timeout_s=GET_TIMEOUT_S))
        except (BusError, ValueError) as error:
            # One that only ever publishes is believed; one that used to answer and fell silent is gone.
            if uri in self._answering and not self._fresh[uri]:
                self._forget(uri)
            return None if self._known[uri] else str(error)
        self._answering.add(uri)
        # What was heard in a pub or set by a master is as new as this answer, or newer.
        heard = self._known[uri] | self._fresh[uri]
        self._update(uri, {name: value for name, value in assigned.items() if name not in heard})
        return None

    def take(self, message: Message) -> None:
        """Take over what an owner publishes; anything else in it is ignored."""
        for uri in (message.uri, message.uri.rpartition("/")[0]):
            owner = uris.normal(uri)
            if owner in self._variables:
                try:
                    assigned = values.assignments(uris.relative(message.uri, owner) or (), message.json())
                except ValueError as error:
                    log.debug("%s: ignored: %s", message.uri, error)
                else:
                    self._update(owner, assigned)
                return

    async def read(self, table: RegisterType, start: int, count: int) -> list[int]:
        """Return words for a master, or raise `Fault`: without the bus nobody knows what they are now."""
        self._notice_gaps()
        if not self._bus.connected:
            raise Fault(DEVICE_FAILURE, "there is no broker")
        return self._registers.read(table, start, count)

    async def write(self, table: RegisterType, start: int, words: Sequence[int]) -> None:
        """Set every variable that a master's write covers, or raise `Fault`.

        Nothing is set unless all of it can be; if an owner refuses, what was accepted before stays accepted.
        """
        orders = [
            (served, new_words, _value(served.point, new_words))
            for served, new_words in self._registers.touched(table, start, words)
        ]
        deadline_s = time.monotonic() + WRITE_TIMEOUT_S
        for served, new_words, value in orders:
            await self._set(served, value, deadline_s - time.monotonic())
            self._registers.store(served, new_words)
            self._note(served.uri, served.point.id, value)
            others = (other for other in self._variables[served.uri][served.point.id] if other is not served)
            self._store(others, value)

    async def _set(self, served: ServedPoint, value: Any, timeout_s: float) -> None:
        uri = f"{served.uri}/{served.point.id}"
        if timeout_s <= 0:
            raise Fault(DEVICE_FAILURE, f"{uri}: no time left to set it")
        try:
            await self._bus.request("set", uri, {"value": value}, timeout_s=timeout_s)
        except Refused as error:
            log.info("a master's write was refused: %s", error)
            raise Fault(ILLEGAL_VALUE, str(error)) from None
        except BusError as error:
            log.warning("a master's write failed: %s", error)
            raise Fault(DEVICE_FAILURE, str(error)) from None

    def _notice_gaps(self) -> None:
        """Forget everything if something may have been missed; the owners are asked again."""
        if self._gaps != self._bus.gaps:
            self._gaps = self._bus.gaps
            for uri in self._variables:
                self._forget(uri)

    def _forget(self, uri: str) -> None:
        self._answering.discard(uri)
        self._update(uri, dict.fromkeys(self._variables[uri]))

    def _update(self, uri: str, assigned: dict[str, Any]) -> None:
        variables = self._variables[uri]
        for name, value in assigned.items():
            if name in variables:
                self._note(uri, name, value)
                self._store(variables[name], value)

    def _note(self, uri: str, name: str, value: Any) -> None:
        self._fresh[uri].add(name)
        (self._known[uri].discard if value is None else self._known[uri].add)(name)

    def _store(self, points: Iterable[ServedPoint], value: Any) -> None:
        for served in points:
            words = None
            if value is not None:
                try:
                    words = codec.encode(served.point, value)
                    self._unusable.discard((served.uri, served.point.id))
                except ValueError as error:
                    self._note_unusable(served, error)
            self._registers.store(served, words)

    def _note_unusable(self, served: ServedPoint, error: ValueError) -> None:
        variable = (served.uri, served.point.id)
        if variable not in self._unusable:
            self._unusable.add(variable)
            log.warning("%s/%s: %s; its register answers exception 4", *variable, error)


def _value(point: Point, words: Sequence[int]) -> Any:
    """Return what a master means by these words: a plain number also for enums and bit fields (modbus.md 2.5)."""
    value = codec.decode(point, words) if point.kind is Kind.BOOL else codec.number(point, words)
    if value is None:
        raise Fault(ILLEGAL_VALUE, f"{point.id}: not a finite number")
    return value
