"""Runs the web server and follows the bus, in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator
from typing import Final

import uvicorn

from ess_bus.errors import ConfigurationError, Problem
from ess_bus.service.running import Pulse
from tools.ess_web.api import Api
from tools.ess_web.following import Following
from tools.ess_web.guard import Guard
from tools.ess_web.history import EVERY_S
from tools.ess_web.hub import Hub

# How long open streams may take to end.
_FAREWELL_S: Final = 2


class _Server(uvicorn.Server):
    """One that leaves signals to whoever runs the loop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        ConfigurationError: it cannot be had.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigurationError(f"cannot listen on {host} port {port}", [Problem("", reason or str(error))]) from None


async def serve(sock: socket.socket, hosts: set[str], api: Api, hub: Hub, following: Following, pulse: Pulse) -> None:
    """Serve until cancelled."""
    config = uvicorn.Config(
        Guard(api.app(), hosts),
        log_config=None,
        log_level="warning",
        access_log=False,
        http="h11",
        ws="none",
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_FAREWELL_S,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    tasks = [
        asyncio.create_task(following.run()),
        asyncio.create_task(_sample(hub)),
        asyncio.create_task(pulse.beat_forever()),
    ]
    pulse.ready()
    try:
        done, _ = await asyncio.wait([serving, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        api.stopping, server.should_exit = True, True
        for task in tasks:
            task.cancel()
        await asyncio.gather(serving, *tasks, return_exceptions=True)


async def _sample(hub: Hub) -> None:
    """Record trends, once a second by the clock."""
    while True:
        hub.sample(time.time())
        await asyncio.sleep(EVERY_S - time.time() % EVERY_S)
