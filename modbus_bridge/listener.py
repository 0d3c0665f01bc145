"""The only file of the server that knows pymodbus: Modbus TCP connections of masters.

pymodbus decodes, checks and encodes the requests. Its own server is not used: while a request is being worked on (a
write waits for an answer from the bus), it answers with the transaction id of whatever request came last on that
connection, so that a master that gave up waiting and asked again would take one write's answer for another's.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from typing import Final, Protocol, cast

from pymodbus.constants import ExcCodes
from pymodbus.datastore import ModbusServerContext
from pymodbus.framer import FramerSocket
from pymodbus.pdu import DecodePDU, ExceptionResponse, ModbusPDU

from ess_bus.errors import EssError
from modbus_bridge.config.model import RegisterType
from modbus_bridge.plan import MAX_BITS, MAX_REGISTERS
from modbus_bridge.registers import Fault

log = logging.getLogger(__name__)

_TABLES: Final = {
    1: RegisterType.COIL,
    2: RegisterType.DISCRETE,
    3: RegisterType.HOLDING,
    4: RegisterType.INPUT,
    5: RegisterType.COIL,
    6: RegisterType.HOLDING,
    15: RegisterType.COIL,
    16: RegisterType.HOLDING,
    22: RegisterType.HOLDING,
    23: RegisterType.HOLDING,
}
_WRITE_COIL = 5
# pymodbus takes any value but 0 for "on"; the specification (6.5) allows two.
_COIL_VALUES = (b"\xff\x00", b"\x00\x00")
_HEADER_BYTES = 7
# Unit id, function code and at most 252 bytes of data (Modbus over TCP, 3.1.3).
_LENGTHS = range(2, 255)


class ListenError(EssError):
    """The address cannot be listened on."""


class Tables(Protocol):
    """What answers the masters."""

    async def read(self, table: RegisterType, start: int, count: int) -> list[int]:
        """Return words (or bits as 0 and 1), or raise `Fault`."""

    async def write(self, table: RegisterType, start: int, words: Sequence[int]) -> None:
        """Carry out a write, or raise `Fault`."""


class Listener:
    """Serves `tables` to masters that ask for `device_id`; ``None`` means for any."""

    def __init__(self, tables: Tables, device_id: int | None) -> None:
        self._context = cast(ModbusServerContext, _Context(tables))
        self._device_id = device_id
        self._decoder = DecodePDU(True)
        self._framer = FramerSocket(self._decoder)
        self._server: asyncio.Server | None = None
        self._masters: set[asyncio.StreamWriter] = set()

    async def start(self, host: str, port: int) -> None:
        """Begin to listen.

        Raises:
            ListenError: the port is in use, is reserved, or the address is not one of this machine.
        """
        try:
            self._server = await asyncio.start_server(self._serve, host, port)
        except OSError as error:
            # asyncio wraps the text of bind() in a sentence; a name that cannot be resolved has a negative number.
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            raise ListenError(f"cannot listen on {host}:{port}: {reason}") from None

    def close(self) -> None:
        """Stop to listen and close the connections."""
        if self._server is not None:
            self._server.close()
        for writer in self._masters:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        master = writer.get_extra_info("peername")
        log.debug("master %s connected", master)
        self._masters.add(writer)
        try:
            while (frame := await _read_frame(reader)) is not None:
                writer.write(await self._answer(*frame))
                await writer.drain()
                # A master that sends requests without end must leave the others their turn.
                await asyncio.sleep(0)
        except (asyncio.IncompleteReadError, ConnectionError):
            log.debug("master %s left", master)
        finally:
            self._masters.discard(writer)
            writer.close()

    async def _answer(self, transaction_id: int, device_id: int, body: bytes) -> bytes:
        answer = await self._execute(device_id, body)
        answer.transaction_id = transaction_id
        answer.dev_id = device_id
        return self._framer.buildFrame(answer)

    async def _execute(self, device_id: int, body: bytes) -> ModbusPDU:
        function_code = body[0]
        if function_code not in _TABLES:
            return ExceptionResponse(function_code & 0x7F, ExcCodes.ILLEGAL_FUNCTION)
        if self._device_id not in (None, device_id):
            return ExceptionResponse(function_code, ExcCodes.GATEWAY_NO_RESPONSE)
        request = self._decoder.decode(body)
        if request is None or (function_code == _WRITE_COIL and body[3:5] not in _COIL_VALUES):
            return ExceptionResponse(function_code, ExcCodes.ILLEGAL_VALUE)
        try:
            return await request.datastore_update(self._context, device_id)
        except Fault as fault:
            log.debug("function %d refused with exception %d: %s", function_code, fault.code, fault)
            return ExceptionResponse(function_code, fault.code)


class _Context:
    """The part of pymodbus' datastore that its requests call."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def async_getValues(  # noqa: N802 - pymodbus' name
        self, _device_id: int, function_code: int, address: int, count: int = 1
    ) -> list[int] | list[bool] | ExcCodes:
        table = _TABLES[function_code]
        if not 1 <= count <= (MAX_BITS if table.is_bits else MAX_REGISTERS):
            return ExcCodes.ILLEGAL_VALUE
        words = await self._tables.read(table, address, count)
        return [bool(word) for word in words] if table.is_bits else words

    async def async_setValues(  # noqa: N802 - pymodbus' name
        self, _device_id: int, function_code: int, address: int, values: Sequence[int] | Sequence[bool]
    ) -> ExcCodes | None:
        await self._tables.write(_TABLES[function_code], address, [int(value) for value in values])
        return None


async def _read_frame(reader: asyncio.StreamReader) -> tuple[int, int, bytes] | None:
    """Return (transaction id, device id, function code and data), or ``None`` for what is not Modbus TCP."""
    header = await reader.readexactly(_HEADER_BYTES)
    transaction_id, protocol, length = (int.from_bytes(header[at : at + 2], "big") for at in (0, 2, 4))
    if protocol != 0 or length not in _LENGTHS:
        # Where the next frame begins cannot be known any more.
        log.warning("a master sent something that is not Modbus TCP (%s); its connection is closed", header.hex())
        return None
    return transaction_id, header[6], await reader.readexactly(length - 1)
