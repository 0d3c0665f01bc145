"""Modbus TCP connections of masters: where one answers, one listens, and who may stay."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from ess_bus.errors import EssError
from modbus_bridge.config.model import Tcp
from modbus_bridge.serving.desk import Desk
from modbus_bridge.serving.master import Master
from modbus_bridge.serving.seldom import Seldom
from modbus_bridge.sockets import keep_alive, reason_of

log = logging.getLogger(__name__)

MAX_MASTERS: Final = 100
# How long a master may leave its answers unread. Modbus answers are small: a whole buffer of them is a lot.
PATIENCE_S: Final = 10.0
# A peer that vanished without a word is noticed after about a minute; masters that are idle stay.
_KEEP_ALIVE: Final = {"idle_s": 30, "every_s": 10, "probes": 3}

Heard = Callable[[str], None]


class ListenError(EssError):
    """The address cannot be listened on."""


class TcpListener:
    """Answers masters at one address."""

    def __init__(
        self,
        desk: Desk,
        max_masters: int = MAX_MASTERS,
        patience_s: float = PATIENCE_S,
        on_change: Heard = lambda _text: None,
    ) -> None:
        """Answer from `desk`; `on_change` is told in a sentence when a master comes or goes."""
        self.desk = desk
        self.patience_s = patience_s
        self.max_masters = max_masters
        self._on_change = on_change
        self._server: asyncio.Server | None = None
        self._masters: dict[Master, str] = {}
        self._refused = Seldom(period_s=60.0)
        self._garbage = Seldom(period_s=60.0)

    @property
    def masters(self) -> list[str]:
        """The addresses of the masters that are connected."""
        return list(self._masters.values())

    @property
    def port(self) -> int:
        """The port that is listened on."""
        assert self._server is not None  # noqa: S101 - it was started
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self, host: str, port: int) -> None:
        """Begin to listen.

        Raises:
            ListenError: the port is in use, is reserved, or the address is not one of this machine.
        """
        try:
            self._server = await asyncio.get_running_loop().create_server(lambda: Master(self), host, port)
        except OSError as error:
            raise ListenError(f"cannot listen on {host}:{port}: {reason_of(error)}") from None

    def close(self) -> None:
        """Stop to listen and close the connections."""
        if self._server is not None:
            self._server.close()
        for master in list(self._masters):
            master.close()

    def admit(self, master: Master, transport: asyncio.Transport) -> bool:
        """Take a new connection in, or say that there are too many."""
        address = _shown(transport.get_extra_info("peername"))
        if len(self._masters) >= self.max_masters:
            if (before := self._refused.due(asyncio.get_running_loop().time())) is not None:
                more = f"; {before} others since the last such line" if before else ""
                log.warning(
                    "the master %s is not let in: %d are connected, which is the most%s",
                    address, self.max_masters, more,
                )  # fmt: skip
            return False
        self._masters[master] = address
        keep_alive(transport.get_extra_info("socket"), **_KEEP_ALIVE)
        self._on_change(f"Master {address} connected")
        return True

    def gone(self, master: Master, reason: str) -> None:
        """Hear that a connection has ended."""
        address = self._masters.pop(master, None)
        if address is not None:
            self._on_change(f"Master {address} disconnected{reason}")

    def misunderstood(self, master: Master, header: bytes) -> None:
        """Hear that a master sent something that is not Modbus TCP."""
        if (before := self._garbage.due(asyncio.get_running_loop().time())) is not None:
            more = f"; {before} others since the last such line" if before else ""
            address = self._masters.get(master, "a master")
            log.warning(
                "%s sent something that is not Modbus TCP (%s); its connection is closed%s",
                address, header.hex(), more,
            )  # fmt: skip


def _shown(peer: object) -> str:
    if isinstance(peer, tuple) and len(peer) >= 2:
        host, port = peer[:2]
        return str(Tcp(host, port))
    return "unknown"
