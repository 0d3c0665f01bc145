"""The only file of the client that knows pymodbus: one TCP connection to one device, four calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from pymodbus import ModbusException
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.pdu import ModbusPDU

from modbus_bridge.config.model import Connection, RegisterType, Tcp

_EXCEPTION_NAMES = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledge",
    6: "device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target does not respond",
}
_GATEWAY_TARGET_SILENT = 11


class DeviceError(Exception):
    """A request to a device failed; the text is one line."""


class DeviceUnreachable(DeviceError):
    """There is no connection: refused, reset, no route, or no such host. Concerns every unit behind the connection."""


class DeviceLost(DeviceUnreachable):
    """The connection broke while a request was under way; whether the request had its effect is unknown."""


class DeviceSilent(DeviceError):
    """One unit did not answer in time, or answered something else than what was asked."""


class DeviceRefused(DeviceError):
    """The device answered with a Modbus exception; the connection is fine.

    Attributes:
        code: the exception code (Modbus Application Protocol 1.1b3, section 7).
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"the device refuses: {_EXCEPTION_NAMES.get(code, 'exception')} (exception {code})")
        self.code = code


class Device:
    """A Modbus TCP device; one request at a time, the caller sees to that.

    A request that fails on the way closes the connection, so that an answer that comes too late can never be taken for
    the answer to a later request. Retrying and backing off are the caller's business.
    """

    def __init__(self, connection: Connection, on_lost: Callable[[], None]) -> None:
        self.address = str(connection.address)
        assert isinstance(connection.address, Tcp)  # noqa: S101 - the loader refuses serial lines so far
        self._tcp = connection.address
        self._connection = connection
        self._on_lost = on_lost
        self._client = self._new_client()
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def is_connected(self) -> bool:
        """Whether the TCP connection stands."""
        return self._client.connected

    async def connect(self) -> None:
        """Open the connection.

        Raises:
            DeviceUnreachable: it cannot be opened within the configured time.
        """
        self._client.close()
        # A fresh one each time: what the old connection still has to say must not reach the new one.
        self._client = self._new_client()
        self._lost = asyncio.get_running_loop().create_future()
        if not await self._client.connect():
            raise DeviceUnreachable(f"no connection to {self.address}")

    def close(self) -> None:
        """Close the connection; it may be opened again."""
        self._client.close()

    async def read(self, table: RegisterType, device_id: int, start: int, count: int) -> list[int]:
        """Return `count` registers, or bits as 0 and 1.

        Raises:
            DeviceError: one of its three kinds.
        """
        match table:
            case RegisterType.HOLDING:
                request = self._client.read_holding_registers
            case RegisterType.INPUT:
                request = self._client.read_input_registers
            case RegisterType.COIL:
                request = self._client.read_coils
            case RegisterType.DISCRETE:
                request = self._client.read_discrete_inputs
        answer = await self._ask(lambda: request(start, count=count, device_id=device_id), device_id)
        # The bits of an answer fill whole bytes; the rest is padding.
        values = [int(bit) for bit in answer.bits[:count]] if table.is_bits else list(answer.registers)
        if len(values) != count:
            self.close()
            raise DeviceSilent(f"{self.address} answered {len(values)} values instead of {count}")
        return values

    async def write(self, table: RegisterType, device_id: int, start: int, words: Sequence[int]) -> None:
        """Write one coil (FC5), one register (FC6) or several registers (FC16).

        Raises:
            DeviceError: one of its three kinds.
        """

        def request() -> Awaitable[ModbusPDU]:
            if table.is_bits:
                return self._client.write_coil(start, bool(words[0]), device_id=device_id)
            if len(words) == 1:
                return self._client.write_register(start, words[0], device_id=device_id)
            return self._client.write_registers(start, list(words), device_id=device_id)

        await self._ask(request, device_id)

    async def _ask(self, request: Callable[[], Awaitable[ModbusPDU]], device_id: int) -> ModbusPDU:
        asking = asyncio.ensure_future(request())
        try:
            # pymodbus does not end a request when its connection breaks; it would wait for the time-out.
            either: set[asyncio.Future[Any]] = {asking, self._lost}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise DeviceLost(f"{self.address} closed the connection")
            answer = asking.result()
        except ModbusException:
            raise DeviceSilent(f"no answer from {self.address} (device id {device_id})") from None
        finally:
            # Also when this task is cancelled half-way: the answer may still come.
            if not asking.done() or asking.cancelled() or asking.exception() is not None:
                asking.cancel()
                self.close()
        if not answer.isError():
            return answer
        if answer.exception_code == _GATEWAY_TARGET_SILENT:
            raise DeviceSilent(f"no answer from device id {device_id} behind {self.address}")
        raise DeviceRefused(answer.exception_code)

    def _new_client(self) -> AsyncModbusTcpClient:
        return AsyncModbusTcpClient(
            self._tcp.host,
            port=self._tcp.port,
            timeout=self._connection.request_timeout_s,
            retries=0,
            reconnect_delay=0,
            trace_connect=self._connection_changed,
        )

    def _connection_changed(self, connected: bool) -> None:
        # pymodbus reports only what the other side did, not our own close().
        if not connected and not self._lost.done():
            self._lost.set_result(None)
            self._on_lost()
