"""Between the bus and the registers: what owners publish goes in, what masters write becomes a set."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from ess_bus import uri as uris
from ess_bus import values
from ess_bus.client import AsyncBus
from ess_bus.errors import BusError, Busy, Outcome, Refused, RequestTimeout
from ess_bus.message import Message
from ess_bus.outcomes import Outcomes
from modbus_bridge.config.model import RegisterType, ServedUnit
from modbus_bridge.serving.faults import DEVICE_BUSY, DEVICE_FAILURE, ILLEGAL_VALUE, Fault
from modbus_bridge.serving.registers import Registers, words_in
from modbus_bridge.serving.requests import MaskWrite
from modbus_bridge.serving.sets import Sets
from modbus_bridge.serving.variables import Variables

log = logging.getLogger(__name__)

# Masters wait for an answer about this long; a later one would not be taken.
WRITE_TIMEOUT_S = 1.0
# The rest is left to the owner: a set that has hardly any time would only end in not knowing.
_TURN_TIMEOUT_S = WRITE_TIMEOUT_S / 2
# As the originals (modbus.md 2.3).
GET_TIMEOUT_S = 2.0
_ASK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class LastWrite:
    """What a master wrote last, and what became of it; `at_s` is wall clock time, for people."""

    at_s: float
    assigned: dict[str, Any]
    outcome: str


class Mirror:
    """Registers of one or more units that follow their owners on the bus."""

    def __init__(self, units: Sequence[ServedUnit], bus: AsyncBus) -> None:
        """Lay out the registers.

        Raises:
            ValueError: two variables of a unit overlap.
        """
        registers = {unit.device_id: Registers(unit.points, unit.left_out) for unit in units}
        self.units = {device_id: MirroredUnit(self, one) for device_id, one in registers.items()}
        self.variables = Variables(registers.values())
        self.last_write: LastWrite | None = None
        self.sets = Sets()
        # Owner -> when all that is known of it was said, or confirmed.
        self._confirmed_s: dict[str, float] = {}
        self._bus = bus
        owners = self.variables.owners
        # Owner -> the names that were heard since it was asked last.
        self._fresh: dict[str, set[str]] = {uri: set() for uri in owners}
        # Writes to an owner are carried out one after another, whichever masters they come from.
        self._turns = {uri: asyncio.Lock() for uri in owners}
        self._answering: set[str] = set()
        self._gaps = bus.gaps
        self._lost = False
        self._told = False
        self._outcomes = Outcomes()

    async def follow(self) -> None:
        """Ask every owner for its values, and go on asking.

        Owners publish what changes, and a process that is gone changes nothing: only a question tells a value that
        stands still from one that nobody keeps any more.
        """
        while True:
            await self.ask()
            await asyncio.sleep(_ASK_EVERY_S)

    async def ask(self) -> None:
        """Ask every owner once."""
        found = await asyncio.gather(*map(self._ask, self.variables.owners))
        reasons = [reason for reason in found if reason]
        if reasons and not self._told:
            more = f" (and {len(reasons) - 1} more like this)" if len(reasons) > 1 else ""
            log.warning("%s%s; registers answer exception 4 until their owners are heard", reasons[0], more)
        elif self._told and not reasons:
            log.info("all owners are heard")
        self._told = bool(reasons)

    def adopt(self, other: Mirror) -> None:
        """Take over what another one has heard, as far as it is served here too."""
        for uri in set(self.variables.owners) & set(other.variables.owners):
            self.variables.update(uri, dict(other.variables.heard(uri)))
            if uri in other._confirmed_s:
                self._confirmed_s[uri] = other._confirmed_s[uri]
        self._answering |= other._answering & set(self.variables.owners)
        self.sets = other.sets

    def ages_s(self, now_s: float) -> dict[str, float | None]:
        """Return owner -> the age in seconds of the oldest that is known of it; ``None`` if it was never heard.

        That of one that answers questions is confirmed by its answers, that of one that only publishes by its pubs.
        """
        confirmed = self._confirmed_s
        return {uri: now_s - confirmed[uri] if uri in confirmed else None for uri in self.variables.owners}

    def take(self, message: Message) -> None:
        """Take over what an owner publishes; anything else in it is ignored."""
        for uri in (message.uri, message.uri.rpartition("/")[0]):
            owner = uris.normal(uri)
            if owner in self._fresh:
                try:
                    assigned = values.assignments(uris.relative(message.uri, owner) or (), message.json())
                except ValueError as error:
                    log.debug("%s: ignored: %s", message.uri, error)
                else:
                    self._update(owner, assigned)
                    if owner not in self._answering:
                        self._confirmed_s[owner] = time.monotonic()
                return

    def check(self) -> None:
        """Make unknown what may not be so any more: without the bus nobody knows what the values are now."""
        lost = not self._bus.connected
        if self._gaps != self._bus.gaps or (lost and not self._lost):
            for uri in self.variables.owners:
                self._forget(uri)
        self._gaps, self._lost = self._bus.gaps, lost

    async def write(
        self, registers: Registers, table: RegisterType, start: int, count: int, words: Callable[[], Sequence[int]]
    ) -> None:
        """Set every variable that a master's write covers, or raise `Fault`; `words` are asked for when it is its turn.

        Nothing is set unless all of it can be. The variables of one owner travel in one set, which it takes or refuses
        as a whole; if one of several owners refuses, what was accepted before stays accepted.
        """
        self.check()
        deadline_s = time.monotonic() + WRITE_TIMEOUT_S
        slots = registers.touched(table, start, count)
        owners = sorted({served.uri for slot in slots for served in slot.served})
        async with AsyncExitStack() as turns:
            for uri in owners:
                await self._take_turn(turns, uri, deadline_s - WRITE_TIMEOUT_S + _TURN_TIMEOUT_S)
            new = words()
            orders: dict[str, dict[str, Any]] = {}
            for slot in slots:
                for uri, assigned in self.variables.assignments(slot, words_in(slot, start, new)).items():
                    orders.setdefault(uri, {}).update(assigned)
            await self._set_all(orders, deadline_s)

    async def _take_turn(self, turns: AsyncExitStack, uri: str, deadline_s: float) -> None:
        try:
            async with asyncio.timeout(deadline_s - time.monotonic()):
                await turns.enter_async_context(self._turns[uri])
        except TimeoutError:
            raise Fault(DEVICE_BUSY, f"{uri}: an earlier write is still under way") from None

    async def _set_all(self, orders: dict[str, dict[str, Any]], deadline_s: float) -> None:
        done: dict[str, Any] = {}
        for uri, assigned in orders.items():
            named = {f"{uri}/{name}": value for name, value in assigned.items()}
            try:
                await self._set(uri, assigned, deadline_s)
            except Fault as fault:
                before = f"; already set: {', '.join(done)}" if done else ""
                outcome = f"exception {fault.code}: {fault}{before}"
                level = logging.INFO if fault.code == ILLEGAL_VALUE else logging.WARNING
                if (text := self._outcomes.failed(_write_of(named), f"failed, {outcome}")) is not None:
                    log.log(level, "%s", text)
                self.last_write = LastWrite(time.time(), {**done, **named}, outcome)
                raise
            if (text := self._outcomes.succeeded(_write_of(named))) is not None:
                log.info("%s", text)
            self._update(uri, assigned)
            done |= named
        self.last_write = LastWrite(time.time(), done, "ok")

    async def _set(self, owner: str, assigned: dict[str, Any], deadline_s: float) -> None:
        timeout_s = deadline_s - time.monotonic()
        if timeout_s <= 0:
            raise Fault(DEVICE_FAILURE, f"{owner}: no time left to set it")
        uri, body = owner, {name: {"value": value} for name, value in assigned.items()}
        if len(assigned) == 1:
            ((name, body),) = body.items()
            uri = f"{owner}/{name}"
        begun_s = time.monotonic()
        try:
            await self._bus.request("set", uri, body, timeout_s=timeout_s)
            self.sets.taken(time.monotonic() - begun_s)
        except Refused as error:
            self.sets.refused(time.monotonic() - begun_s)
            raise Fault(ILLEGAL_VALUE, str(error)) from None
        except Busy as error:
            self.sets.unanswered += 1
            raise Fault(DEVICE_BUSY, str(error)) from None
        except BusError as error:
            self.sets.unanswered += 1
            if error.outcome is Outcome.UNKNOWN:
                self.variables.doubt(owner, assigned)
            # How long it was waited for is what was left of the time, another one with each write.
            reason = f"no answer from {uri} in time" if isinstance(error, RequestTimeout) else str(error)
            raise Fault(DEVICE_FAILURE, reason) from None

    async def _ask(self, uri: str) -> str | None:
        """Ask one owner; return why nothing of it is known."""
        self.check()
        fresh = self._fresh[uri]
        fresh.clear()
        heard = self.variables.heard(uri)
        try:
            assigned = values.assignments((), await self._bus.get(uri, timeout_s=GET_TIMEOUT_S))
        except (BusError, ValueError) as error:
            # One that only ever publishes is believed; one that used to answer and fell silent is gone.
            if uri in self._answering and not fresh:
                self._forget(uri)
            return None if heard else str(error)
        self._answering.add(uri)
        self._confirmed_s[uri] = time.monotonic()
        # What was heard in a pub or set by a master is as new as this answer, or newer.
        lacking = self.variables.lacking(uri, assigned)
        self._update(uri, {name: value for name, value in lacking.items() if name not in fresh})
        return None

    def _forget(self, uri: str) -> None:
        self._answering.discard(uri)
        self._fresh[uri].clear()
        self.variables.forget(uri)

    def _update(self, uri: str, assigned: dict[str, Any]) -> None:
        self._fresh[uri].update(assigned)
        self.variables.update(uri, assigned)


def _write_of(names: Iterable[str]) -> str:
    return f"a master's write of {', '.join(names)}"


class MirroredUnit:
    """The tables of one unit; see `modbus_bridge.serving.desk.ReadyTables`."""

    def __init__(self, mirror: Mirror, registers: Registers) -> None:
        self._mirror = mirror
        self.registers = registers

    def packed(self, table: RegisterType, start: int, count: int) -> bytes | bytearray:
        """Return what answers a read, or raise `Fault`."""
        self._mirror.check()
        return self.registers.packed(table, start, count)

    async def read(self, table: RegisterType, start: int, count: int) -> list[int]:
        """Return words, or raise `Fault`."""
        self._mirror.check()
        return self.registers.read(table, start, count)

    async def write(self, table: RegisterType, start: int, words: Sequence[int]) -> None:
        """Carry out a write, or raise `Fault`."""
        await self._mirror.write(self.registers, table, start, len(words), lambda: words)

    async def mask_write(self, change: MaskWrite) -> None:
        """Change bits of a holding register as it is known when it is this write's turn, or raise `Fault`."""
        table, address = RegisterType.HOLDING, change.address

        def words() -> list[int]:
            return [change.applied(self.registers.read(table, address, 1)[0])]

        await self._mirror.write(self.registers, table, address, 1, words)
