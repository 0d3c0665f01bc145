"""Where requests of masters arrive, whatever line they came on: unit by unit, one answer for each."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from modbus_bridge import protocol
from modbus_bridge.config.model import RegisterType
from modbus_bridge.process import log_error
from modbus_bridge.serving import identification, requests
from modbus_bridge.serving.faults import DEVICE_FAILURE, ILLEGAL_FUNCTION, NO_SUCH_UNIT, Fault
from modbus_bridge.serving.requests import MaskWrite

log = logging.getLogger(__name__)

_HOLDING = RegisterType.HOLDING


class Tables(Protocol):
    """What answers for a unit."""

    async def read(self, table: RegisterType, start: int, count: int) -> list[int]:
        """Return words (or bits as 0 and 1), or raise `Fault`."""

    async def write(self, table: RegisterType, start: int, words: Sequence[int]) -> None:
        """Carry out a write, or raise `Fault`."""


@runtime_checkable
class ReadyTables(Tables, Protocol):
    """A unit that has its words at hand, as they travel."""

    def packed(self, table: RegisterType, start: int, count: int) -> bytes | bytearray:
        """Return what answers a read, or raise `Fault`."""

    async def mask_write(self, change: MaskWrite) -> None:
        """Change bits of a holding register, so that no write comes in between; or raise `Fault`."""


class Desk:
    """Carries out requests and counts them."""

    def __init__(self, units: Mapping[int | None, Tables], product: str = "modbus_server") -> None:
        """Answer for `units`; the one of ``None`` answers for every unit that has none of its own."""
        self.units = units
        self.requests = 0
        self.exceptions: Counter[int] = Counter()
        self._product = product

    @property
    def units(self) -> Mapping[int | None, Tables]:
        """What answers; may be replaced at any time."""
        return self._units

    @units.setter
    def units(self, units: Mapping[int | None, Tables]) -> None:
        self._units = units
        self._ready = {unit: tables for unit, tables in units.items() if isinstance(tables, ReadyTables)}

    def serves(self, device_id: int) -> bool:
        """Tell whether anything answers for a unit."""
        return device_id in self._units or None in self._units

    def answer(self, device_id: int, pdu: bytes) -> bytes | Awaitable[bytes]:
        """Return the answer to a request, or what to await for it."""
        self.requests += 1
        if pdu[0] not in protocol.READS:
            return self._carry_out(device_id, pdu)
        unit = device_id if device_id in self._units else None
        ready = self._ready.get(unit)
        if ready is None:
            return self._carry_out(device_id, pdu)
        try:
            start, count = requests.read_of(pdu)
            return requests.read_answer(pdu[0], ready.packed(protocol.READS[pdu[0]], start, count))
        except Fault as fault:
            return self._refusal(pdu, fault)

    async def _carry_out(self, device_id: int, pdu: bytes) -> bytes:
        try:
            return await self._execute(device_id, pdu)
        except Fault as fault:
            return self._refusal(pdu, fault)
        except Exception as error:  # noqa: BLE001
            # A mistake of this program must neither leave the master without an answer nor end its connection.
            log_error(f"a request ({pdu[:16].hex()}) failed", error)
            return self._refusal(pdu, Fault(DEVICE_FAILURE, repr(error)))

    async def _execute(self, device_id: int, pdu: bytes) -> bytes:
        function = pdu[0]
        if function not in _FUNCTIONS:
            raise Fault(ILLEGAL_FUNCTION, "no such function")
        tables = self._units.get(device_id) or self._units.get(None)
        if tables is None:
            raise Fault(NO_SUCH_UNIT, f"there is no unit {device_id}")
        if function in protocol.READS:
            start, count = requests.read_of(pdu)
            return await _read(tables, function, start, count)
        if function in protocol.WRITES:
            await tables.write(*requests.write_of(pdu))
        elif function == protocol.MASK_WRITE:
            await _mask_write(tables, requests.mask_write_of(pdu))
        elif function == protocol.READ_WRITE:
            return await _read_write(tables, pdu)
        elif function == protocol.DIAGNOSTICS:
            return identification.echoed(pdu)
        elif function == protocol.IDENTIFY:
            return identification.answer(pdu, self._product)
        return requests.write_answer(pdu)

    def _refusal(self, pdu: bytes, fault: Fault) -> bytes:
        self.exceptions[fault.code] += 1
        log.debug("function %d refused with exception %d: %s", pdu[0], fault.code, fault)
        return requests.exception(pdu[0], fault.code)


_FUNCTIONS = frozenset(
    (
        *protocol.READS,
        *protocol.WRITES,
        protocol.MASK_WRITE,
        protocol.READ_WRITE,
        protocol.DIAGNOSTICS,
        protocol.IDENTIFY,
    )
)


async def _read(tables: Tables, function: int, start: int, count: int) -> bytes:
    table = protocol.READS[function]
    words = await tables.read(table, start, count)
    data = requests.packed_bits(words) if table.is_bits else requests.packed_registers(words)
    return requests.read_answer(function, data)


async def _mask_write(tables: Tables, change: MaskWrite) -> None:
    if isinstance(tables, ReadyTables):
        await tables.mask_write(change)
    else:
        current = await tables.read(_HOLDING, change.address, 1)
        await tables.write(_HOLDING, change.address, [change.applied(current[0])])


async def _read_write(tables: Tables, pdu: bytes) -> bytes:
    order = requests.read_write_of(pdu)
    # Nothing is written if the other half of the request cannot be carried out.
    await tables.read(_HOLDING, order.read_start, order.read_count)
    await tables.write(*order.write)
    words = await tables.read(_HOLDING, order.read_start, order.read_count)
    return requests.read_answer(pdu[0], requests.packed_registers(words))
