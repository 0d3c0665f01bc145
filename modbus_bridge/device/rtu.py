"""Modbus RTU: one serial line, one request at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from modbus_bridge.config.model import Serial
from modbus_bridge.device.errors import DeviceLost, DeviceSilent, DeviceUnreachable
from modbus_bridge.device.wire import Waiting
from modbus_bridge.protocol import READS
from modbus_bridge.rtu.frame import AnswerSplitter, frame
from modbus_bridge.rtu.port import PortError, SerialPort


class RtuWire:
    """A `Wire` over a serial line.

    An answer carries nothing that tells which request it belongs to. What comes while nobody asks is thrown away, as
    are frames of other units; the caller does not ask a unit that was silent for as long as an answer may take, so
    that a late one comes while nobody asks.
    """

    def __init__(self, address: Serial, request_timeout_s: float, on_lost: Callable[[], None]) -> None:
        self._address = address
        self._request_timeout_s = request_timeout_s
        self._on_lost = on_lost
        self._port = SerialPort(address, self._received, self._lost)
        self._waiting: Waiting | None = None
        self._splitter: AnswerSplitter | None = None
        self._request = b""
        # What has come since the request, while its echo is looked for.
        self._heard: bytes | None = None
        self._echoes = False
        self._quiet_at_s = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the line is open."""
        return self._port.is_open

    async def open(self) -> None:
        """Open the line; see `Wire.open`."""
        self.close()
        self._echoes = False
        try:
            self._port.open()
        except PortError as error:
            raise DeviceUnreachable(str(error)) from None
        self._waiting = Waiting()

    def close(self) -> None:
        """Close the line; see `Wire.close`."""
        self._port.close()
        if self._waiting is not None:
            self._waiting.stop(ConnectionAbortedError())
            self._waiting = None

    async def exchange(self, unit: int, pdu: bytes) -> bytes:
        """Ask; see `Wire.exchange`."""
        await self._silence()
        if self._waiting is None:
            raise DeviceLost(f"{self._address} is gone")
        self._request = frame(unit, pdu)
        self._heard = b""
        self._splitter = AnswerSplitter(unit, pdu[0])
        sending_s = self._port.duration_s(len(self._request))
        answer = self._waiting.begin(self._request_timeout_s + sending_s)
        self._quiet_at_s = time.monotonic() + sending_s + self._port.silence_s
        self._port.write(self._request)
        try:
            return await answer
        except TimeoutError:
            # An adapter that has stopped to echo must not be waited for again.
            self._echoes = self._echoes and self._heard is None
            raise DeviceSilent(f"no answer from {self._address} (device id {unit})") from None
        except OSError:
            raise DeviceLost(f"{self._address} is gone") from None
        except asyncio.CancelledError:
            # Given up half-way: the answer may still come, and must not meet the next request.
            self._quiet_at_s = time.monotonic() + self._request_timeout_s
            raise
        finally:
            self._splitter = None

    async def _silence(self) -> None:
        # Also the rest of an answer that was not waited for has to end first.
        latest_s = time.monotonic() + self._request_timeout_s
        while (rest_s := self._quiet_at_s - time.monotonic()) > 0:
            if self._quiet_at_s > latest_s + self._port.silence_s:
                raise DeviceSilent(f"{self._address} is never silent")
            await asyncio.sleep(rest_s)

    def _received(self, data: bytes) -> None:
        self._quiet_at_s = max(self._quiet_at_s, time.monotonic() + self._port.silence_s)
        if self._splitter is None or self._waiting is None or not (data := self._without_echo(data)):
            return
        if (found := self._splitter.feed(data)) is not None:
            self._splitter = None
            self._waiting.answered(found.pdu)

    def _without_echo(self, data: bytes) -> bytes:
        """Leave out what this end has sent itself, on adapters that hear their own voice.

        The echo of a write looks like its confirmation. Such an adapter is known by the reads before: no answer to a
        read looks like its request.
        """
        if self._heard is None:
            return data
        self._heard = heard = self._heard + data
        request = self._request
        if self._echoes:
            at = heard.find(request)
        elif request[1] in READS and heard.startswith(request):
            self._echoes = True
            at = 0
        elif request[1] in READS and request.startswith(heard):
            return b""
        else:
            self._heard = None
            return heard
        if at < 0:
            return b""
        self._heard = None
        return heard[at + len(request) :]

    def _lost(self) -> None:
        if self._waiting is not None:
            self._waiting.stop(ConnectionResetError())
            self._waiting = None
        self._on_lost()
