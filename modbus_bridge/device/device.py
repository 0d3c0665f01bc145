"""One connection to one device: read and write, with every answer checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NoReturn

from modbus_bridge.config.model import Connection, RegisterType, Serial
from modbus_bridge.device import pdu
from modbus_bridge.device.errors import DeviceDiffers, DeviceRefused, DeviceSilent
from modbus_bridge.device.rtu import RtuWire
from modbus_bridge.device.tcp import TcpWire
from modbus_bridge.device.wire import Wire
from modbus_bridge.protocol import GATEWAY_PATH, GATEWAY_TARGET

# The unit behind it is what is silent.
_GATEWAY: Final = (GATEWAY_PATH, GATEWAY_TARGET)


class Device:
    """A Modbus device; one request at a time, the caller sees to that.

    Retrying and backing off are the caller's business.
    """

    def __init__(self, connection: Connection, on_lost: Callable[[], None]) -> None:
        """`on_lost` is called when the other side closes the connection, whether a request is under way or not."""
        self.address = str(connection.address)
        self._wire = _wire(connection, on_lost)

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands."""
        return self._wire.is_open

    async def connect(self) -> None:
        """Open the connection.

        Raises:
            DeviceUnreachable: it cannot be opened within the configured time.
        """
        await self._wire.open()

    def close(self) -> None:
        """Close the connection; it may be opened again."""
        self._wire.close()

    async def read(self, table: RegisterType, device_id: int, start: int, count: int) -> list[int]:
        """Return `count` registers, or bits as 0 and 1.

        Raises:
            DeviceError: one of its kinds.
        """
        request = pdu.read_request(table, start, count)
        answer = await self._wire.exchange(device_id, request)
        try:
            return pdu.read_values(request, answer, count)
        except pdu.Refusal as refusal:
            self._refused(refusal.code, device_id)
        except pdu.WrongAnswer as error:
            self._wrong(error)

    async def write(
        self, table: RegisterType, device_id: int, start: int, words: Sequence[int], *, multi_write: bool = False
    ) -> None:
        """Write one coil (FC5), one register (FC6), or several (FC15, FC16; with `multi_write` a single one too).

        Raises:
            DeviceError: one of its kinds.
            ValueError: no request can say that.
        """
        request = pdu.write_request(table, start, words, multi_write=multi_write)
        answer = await self._wire.exchange(device_id, request)
        try:
            pdu.check_written(request, answer)
        except pdu.Refusal as refusal:
            self._refused(refusal.code, device_id)
        except pdu.WrongEcho as error:
            raise DeviceDiffers(f"{self.address} confirms {error}; what was written is unknown") from None
        except pdu.WrongAnswer as error:
            self._wrong(error)

    def _refused(self, code: int, device_id: int) -> NoReturn:
        if code in _GATEWAY:
            raise DeviceSilent(f"no answer from device id {device_id} behind {self.address}") from None
        raise DeviceRefused(code) from None

    def _wrong(self, error: pdu.WrongAnswer) -> NoReturn:
        # What comes next cannot be trusted either.
        self.close()
        raise DeviceSilent(f"{self.address} answered something else than what was asked: {error}") from None


def _wire(connection: Connection, on_lost: Callable[[], None]) -> Wire:
    address = connection.address
    if isinstance(address, Serial):
        return RtuWire(address, connection.request_timeout_s, on_lost)
    return TcpWire(address, connection.connect_timeout_s, connection.request_timeout_s, on_lost)
