"""Modbus TCP: one connection, one request at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

from modbus_bridge.config.model import Tcp
from modbus_bridge.device.errors import DeviceLost, DeviceSilent, DeviceUnreachable
from modbus_bridge.device.tcp_frame import NotModbus, Splitter, frame
from modbus_bridge.device.wire import Waiting
from modbus_bridge.sockets import keep_alive, reason_of

# An answer that comes twice is passed over; a device that talks on and on is not believed any more.
_MOST_STRAY_FRAMES: Final = 16
# A peer that vanished without a word is noticed by the next request; this is for connections that wait for minutes.
_KEEP_ALIVE: Final = {"idle_s": 10, "every_s": 5, "probes": 3}


class TcpWire:
    """A `Wire` over TCP.

    Whatever goes wrong with a request closes the connection, so that an answer that comes too late can never be taken
    for the answer to a later request.
    """

    def __init__(
        self, address: Tcp, connect_timeout_s: float, request_timeout_s: float, on_lost: Callable[[], None]
    ) -> None:
        self._address = address
        self._connect_timeout_s = connect_timeout_s
        self._request_timeout_s = request_timeout_s
        self._on_lost = on_lost
        self._connection: _Connection | None = None
        self._transaction = 0

    @property
    def is_open(self) -> bool:
        """Whether the connection stands, as far as anybody told."""
        return self._connection is not None and self._connection.is_open

    async def open(self) -> None:
        """Connect; see `Wire.open`."""
        self.close()
        loop = asyncio.get_running_loop()
        connection = _Connection(self._on_lost)
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                await loop.create_connection(lambda: connection, self._address.host, self._address.port)
        except TimeoutError:
            raise DeviceUnreachable(f"no connection to {self._address} (no answer)") from None
        except (OSError, UnicodeError) as error:
            raise DeviceUnreachable(f"no connection to {self._address} ({_reason(error)})") from None
        self._connection = connection

    def close(self) -> None:
        """Close it; see `Wire.close`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()

    async def exchange(self, unit: int, pdu: bytes) -> bytes:
        """Ask; see `Wire.exchange`."""
        connection = self._connection
        if connection is None or not connection.is_open:
            raise DeviceLost(f"{self._address} closed the connection")
        self._transaction = transaction = self._transaction + 1 & 0xFFFF
        try:
            return await connection.ask(transaction, unit, pdu, self._request_timeout_s)
        except TimeoutError:
            self.close()
            raise DeviceSilent(f"no answer from {self._address} (device id {unit})") from None
        except NotModbus as error:
            self.close()
            raise DeviceSilent(f"{self._address} sent {error}") from None
        except OSError:
            # Reset, or no route any more; whatever the kernel says of a connection that is gone.
            self.close()
            raise DeviceLost(f"{self._address} closed the connection") from None
        except asyncio.CancelledError:
            # Given up half-way: the answer may still come.
            self.close()
            raise


class _Connection(asyncio.Protocol):
    """One TCP connection from its begin to its end."""

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self.is_open = False
        self._on_lost = on_lost
        self._waiting = Waiting()
        self._splitter = Splitter()
        self._transport: asyncio.Transport
        self._transaction = 0
        self._unit = 0
        self._stray = 0

    def ask(self, transaction: int, unit: int, pdu: bytes, timeout_s: float) -> asyncio.Future[bytes]:
        """Send a request; its future fails with TimeoutError, NotModbus or ConnectionError."""
        self._transaction = transaction
        self._unit = unit
        answer = self._waiting.begin(timeout_s)
        self._transport.write(frame(transaction, unit, pdu))
        return answer

    def abort(self) -> None:
        """Close without a word to anybody."""
        if self.is_open:
            self.is_open = False
            self._transport.abort()
        self._waiting.stop(ConnectionAbortedError())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.is_open = True
        keep_alive(transport.get_extra_info("socket"), **_KEEP_ALIVE)

    def data_received(self, data: bytes) -> None:
        try:
            for transaction, unit, pdu in self._splitter.feed(data):
                self._take(transaction, unit, pdu)
        except NotModbus as error:
            self._waiting.failed(error)
            self._drop()

    def connection_lost(self, error: Exception | None) -> None:
        self._waiting.stop(error or ConnectionResetError())
        self._drop()

    def _take(self, transaction: int, unit: int, pdu: bytes) -> None:
        if not self._waiting.is_waiting or transaction != self._transaction:
            self._stray += 1
            if self._stray > _MOST_STRAY_FRAMES:
                raise NotModbus("answers that nobody asked for")
        elif unit != self._unit:
            raise NotModbus(f"an answer of device id {unit} instead of {self._unit}")
        else:
            self._stray = 0
            self._waiting.answered(pdu)

    def _drop(self) -> None:
        # Only what the other side did is told, not our own abort().
        if self.is_open:
            self.is_open = False
            self._transport.abort()
            self._on_lost()


def _reason(error: OSError | UnicodeError) -> str:
    if isinstance(error, UnicodeError):
        return "not the name of a host"
    return reason_of(error).lower()
