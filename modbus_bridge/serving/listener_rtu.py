"""A serial line on which this process is one or more units: Modbus RTU.

On a line there are no transaction ids. A master that asks again has given up what it asked before, so an answer that
comes too late for that is never sent, and a request that was overtaken before its turn is not carried out.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from modbus_bridge import protocol
from modbus_bridge.config.model import Serial
from modbus_bridge.rtu.frame import Frame, RequestSplitter, frame
from modbus_bridge.rtu.port import PortError, SerialPort
from modbus_bridge.serving.desk import Desk
from modbus_bridge.serving.listener_tcp import ListenError

log = logging.getLogger(__name__)

# To all units; nobody answers (Modbus over Serial Line 1.02, 2.1).
_BROADCAST: Final = 0
_BROADCASTABLE: Final = (*protocol.WRITES, protocol.MASK_WRITE)
# A USB adapter hands bytes on every 16 ms: what is shorter is no silence.
_LEAST_SILENCE_S: Final = 0.05
_REOPEN_EVERY_S: Final = 1.0


class RtuListener:
    """Answers the master of a serial line for the units that `desk` has; for all others it is silent."""

    def __init__(self, desk: Desk, address: Serial) -> None:
        self._desk = desk
        self._address = address
        self._port = SerialPort(address, self._received, self._lost)
        self._splitter = RequestSplitter()
        self._waiting: deque[Frame] = deque()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def masters(self) -> list[str]:
        """The masters that are connected: on a line, nobody says so."""
        return []

    @property
    def is_open(self) -> bool:
        """Whether the line is there."""
        return self._port.is_open

    @property
    def is_behind(self) -> bool:
        """Whether requests wait while an earlier one is worked on."""
        return bool(self._waiting)

    def start(self) -> None:
        """Open the line.

        Raises:
            ListenError: it cannot be opened.
        """
        self._loop = asyncio.get_running_loop()
        try:
            self._port.open()
        except PortError as error:
            raise ListenError(str(error)) from None

    def close(self) -> None:
        """Close the line; a write that is under way is not waited for."""
        self._port.close()
        self._wait_for(None)
        if self._task is not None:
            self._task.cancel()

    def _received(self, data: bytes) -> None:
        self._take(self._splitter.feed(data))
        self._wait_for(self._silence if self._splitter.is_waiting else None, self._least_silence_s)

    @property
    def _least_silence_s(self) -> float:
        return max(self._port.silence_s, _LEAST_SILENCE_S)

    def _silence(self) -> None:
        self._take(self._splitter.silence())

    def _lost(self) -> None:
        log.warning("%s is gone; it is opened again as soon as it is there", self._address)
        self._splitter.silence()
        self._waiting.clear()
        self._wait_for(self._reopen, _REOPEN_EVERY_S)

    def _reopen(self) -> None:
        try:
            self._port.open()
        except PortError as error:
            log.debug("%s", error)
            self._wait_for(self._reopen, _REOPEN_EVERY_S)
        else:
            log.info("%s is open again", self._address)

    def _take(self, frames: list[Frame]) -> None:
        self._waiting.extend(frames)
        if self._waiting and self._task is None:
            self._task = self._loop.create_task(self._work())

    async def _work(self) -> None:
        try:
            while self._waiting:
                request = self._waiting.popleft()
                if request.unit == _BROADCAST:
                    await self._carry_out_for_all(request.pdu)
                elif self._desk.serves(request.unit) and not self._waiting:
                    await self._answer(request)
        finally:
            self._task = None

    async def _answer(self, request: Frame) -> None:
        answer = self._desk.answer(request.unit, request.pdu)
        pdu = answer if isinstance(answer, bytes) else await answer
        await asyncio.sleep(self._port.silence_s)
        if self._waiting:
            log.warning("%s: unit %d answered too late: the master has asked again", self._address, request.unit)
        else:
            self._port.write(frame(request.unit, pdu))

    async def _carry_out_for_all(self, pdu: bytes) -> None:
        for device_id in self._desk.units if pdu[0] in _BROADCASTABLE else ():
            answer = self._desk.answer(_BROADCAST if device_id is None else device_id, pdu)
            if not isinstance(answer, bytes):
                await answer

    def _wait_for(self, call: Callable[[], None] | None, delay_s: float = 0.0) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(delay_s, call) if call is not None else None
