"""HybridOS on a bus: ``/hybridos`` is what it sees, and takes its orders."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any, Final

from ess_bus.client import AsyncBus
from ess_bus.errors import Disconnected, Refused
from ess_bus.message import Message
from ess_bus.service.running import Pulse
from ess_bus.uri import segments
from ess_bus.values import assignments
from modbus_bridge.device import DeviceError
from tools.hybridos.master import Master
from tools.hybridos.orders import order

log = logging.getLogger(__name__)

URI: Final = "/hybridos"
ROUND_S: Final = 1.0
_BEATS: Final = "beats"


class HybridosProcess:
    """Beats and looks each second, publishes what it saw, and writes what is set."""

    def __init__(self, bus: AsyncBus, master: Master) -> None:
        self._bus = bus
        self._master = master
        self._beats = True

    async def serve(self, pulse: Pulse) -> None:
        """Serve until cancelled; `pulse` is told of each round."""
        await self._bus.serve(URI, self._answer)
        await self._bus.announce(kind="hybridos")
        pulse.ready()
        log.info("master of %s, answering %s", self._master.address, URI)
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            pulse.beat()
            await self._master.round(beat=self._beats)
            with suppress(Disconnected):
                await self._bus.publish(URI, self._shown())
            due_s = max(due_s + ROUND_S, loop.time())
            await asyncio.sleep(due_s - loop.time())
            self._master.rounds.lateness_s = loop.time() - due_s

    def _shown(self) -> dict[str, Any]:
        return {"state": self._master.state, _BEATS: self._beats, **self._master.seen}

    async def _answer(self, message: Message) -> Any:
        path = segments(message.uri)[1:]
        try:
            if message.method == "get":
                return self._got(path)
            if message.method != "set":
                raise ValueError(f"{message.method} is not something HybridOS does")
            await self._set(path, message.json())
        except (LookupError, ValueError, DeviceError) as error:
            log.info("refused %s %s: %s", message.method, message.uri, error)
            raise Refused(message.uri, str(error)) from None
        return message.json()

    def _got(self, path: tuple[str, ...]) -> Any:
        shown = self._shown()
        if not path:
            return shown
        if len(path) > 1 or path[0] not in shown:
            raise LookupError(f"nothing to get at {'/'.join(path)}; expected one of {', '.join(shown)}")
        return shown[path[0]]

    async def _set(self, path: tuple[str, ...], body: Any) -> None:
        """Write what a set orders; nothing, if something of it is wrong."""
        values = assignments(path, body)
        beats = values.pop(_BEATS, self._beats)
        if not isinstance(beats, bool):
            raise ValueError(f"{_BEATS}: expected true or false, got {str(beats)[:40]!r}")
        await self._master.write(*(order(name, value) for name, value in values.items()))
        self._beats = beats
