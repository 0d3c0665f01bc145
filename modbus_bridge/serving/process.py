"""A running server: its bus, its registers, its masters, and what it answers on the bus about itself."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from ess_bus import uri as uris
from ess_bus.client import AsyncBus
from ess_bus.errors import BusError, ConfigurationError, Problem
from ess_bus.message import Message
from ess_bus.service.measures import Measure
from ess_bus.service.running import Pulse
from modbus_bridge.addresses import with_settings_of
from modbus_bridge.config.model import Serial, ServerConfiguration, Tcp
from modbus_bridge.events import INFO, Events
from modbus_bridge.process import log_error
from modbus_bridge.serving import interface, metrics
from modbus_bridge.serving.desk import Desk
from modbus_bridge.serving.listener_rtu import RtuListener
from modbus_bridge.serving.listener_tcp import MAX_MASTERS, ListenError, TcpListener
from modbus_bridge.serving.mirror import Mirror
from modbus_bridge.serving.notices import Notices

log = logging.getLogger(__name__)

AnyListener = TcpListener | RtuListener
Load = Callable[[], tuple[ServerConfiguration, list[Problem]]]

_SOURCE: Final = "Modbus Server"


async def listening(
    desk: Desk, address: Tcp | Serial, max_masters: int = MAX_MASTERS, on_change: Callable[[str], None] = log.debug
) -> AnyListener:
    """Return what answers masters at an address; close it in the end.

    Raises:
        ListenError: the address cannot be used.
    """
    if isinstance(address, Serial):
        line = RtuListener(desk, address)
        line.start()
        return line
    listener = TcpListener(desk, max_masters, on_change=on_change)
    await listener.start(address.host, address.port)
    return listener


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says: `listen` instead of the file's address, and how many masters may be connected."""

    listen: Tcp | Serial | None = None
    max_masters: int = MAX_MASTERS


def placed(configuration: ServerConfiguration, options: Options) -> ServerConfiguration:
    """Return what the file says, at the address that the command line says."""
    if options.listen is None:
        return configuration
    return replace(configuration, address=with_settings_of(options.listen, configuration.address))


def contents(configuration: ServerConfiguration) -> str:
    """Return how much is served, for a line of the log."""
    count = len(configuration.units)
    return f"{_points(configuration)} points" + (f" in {count} units" if count > 1 else "")


def _points(configuration: ServerConfiguration) -> int:
    return sum(len(unit.points) for unit in configuration.units)


class Server:
    """Follows the owners of variables and answers masters."""

    def __init__(self, configuration: ServerConfiguration, load: Load, bus: AsyncBus, options: Options) -> None:
        """Serve `configuration`; `load` reads it again. Call `run`.

        Raises:
            ConfigurationError: two variables overlap.
        """
        self._options = options
        self._configuration = placed(configuration, self._options)
        self._load = load
        self._bus = bus
        self._mirror = _mirror(configuration, bus)
        self._desk = Desk(self._mirror.units, configuration.id)
        self._notices = Notices(Events(bus, _SOURCE))
        self._own_uri = f"/interfaces/{configuration.id}"
        self._started_s = time.monotonic()
        self._reloading = asyncio.Lock()

    def measures(self) -> Iterator[Measure]:
        """Yield what can be counted of this server."""
        return metrics.measures(interface.statistics(*self._facts), self._mirror, time.monotonic())

    async def run(self, pulse: Pulse) -> None:
        """Serve until cancelled; `pulse` is told that the loop turns.

        Raises:
            Disconnected: there is no broker.
            ListenError: the address cannot be used.
        """
        # pub_only: a request to an owner must never be counted as delivered because this process heard it.
        self._messages = await self._bus.subscribe(*self._mirror.variables.owners, pub_only=True)
        await self._messages.add(self._own_uri)
        self._listener = await self._listen(self._configuration)
        log.info("%s: %s at %s", self._bus.name, contents(self._configuration), self._configuration.address)
        try:
            async with asyncio.TaskGroup() as self._group:
                self._group.create_task(self._notices.run())
                self._following = self._group.create_task(self._mirror.follow())
                await self._bus.announce()
                pulse.ready()
                self._group.create_task(pulse.beat_forever())
                async for message in self._messages:
                    self._take(message)
        finally:
            self._listener.close()

    def _take(self, message: Message) -> None:
        if message.method == "pub":
            self._mirror.take(message)
        elif uris.is_under(message.uri, self._own_uri) and not message.is_reply:
            # A reload takes its time; pubs go on being heard.
            self._group.create_task(self._answer(message))

    async def _answer(self, message: Message) -> None:
        with suppress(BusError):
            try:
                await self._bus.reply(message, await self._asked(message))
            except _Refusal as refusal:
                await self._bus.refuse(message, str(refusal))
            except Exception as error:  # noqa: BLE001
                # A mistake of this program must not take the registers from the masters.
                log_error(f"{message.method} {message.uri} failed", error)
                await self._bus.refuse(message, f"{message.method} failed: {error!r}")

    async def _asked(self, message: Message) -> Any:
        path = uris.relative(message.uri, self._own_uri) or ()
        if path == ("_reload",):
            return await self._reload()
        views: dict[tuple[str, ...], Callable[[], Any]] = {
            (): lambda: interface.status(self._configuration, *self._facts),
            ("_stats",): lambda: interface.statistics(*self._facts),
            ("_points",): lambda: interface.points(self._configuration, self._mirror),
            ("_help",): lambda: interface.HELP,
        }
        if message.method != "get" or path not in views:
            raise _Refusal(f"{interface.NOT_THERE} {self._own_uri}/_help tells what is there")
        return views[path]()

    @property
    def _facts(self) -> tuple[Mirror, Desk, list[str], float]:
        return self._mirror, self._desk, self._listener.masters, time.monotonic() - self._started_s

    async def _reload(self) -> dict[str, Any]:
        async with self._reloading:
            try:
                configuration, warnings = await asyncio.to_thread(self._load)
            except ConfigurationError as error:
                log.warning("not reloaded: %s", error)
                problems = "; ".join(map(str, error.problems))
                raise _Refusal(f"nothing is changed: {error.source}: {problems}") from None
            await self._change_to(placed(configuration, self._options))
            log.info("reloaded: %s at %s", contents(configuration), self._configuration.address)
            return {"points": _points(configuration), "warnings": [str(warning) for warning in warnings]}

    async def _change_to(self, configuration: ServerConfiguration) -> None:
        before = self._configuration
        if configuration.id != before.id:
            raise _Refusal(
                f"nothing is changed: the id is {configuration.id} now; expected {before.id} until a restart"
            )
        try:
            mirror = _mirror(configuration, self._bus)
            await self._messages.add(*mirror.variables.owners, pub_only=True)
            if configuration.address != before.address:
                old, self._listener = self._listener, await self._listen(configuration)
                old.close()
        except (ConfigurationError, ListenError, BusError) as error:
            raise _Refusal(f"nothing is changed: {error}") from None
        self._mirror.check()
        mirror.adopt(self._mirror)
        gone = set(self._mirror.variables.owners) - set(mirror.variables.owners)
        self._mirror, self._configuration = mirror, configuration
        self._desk.units = mirror.units
        self._following.cancel()
        self._following = self._group.create_task(mirror.follow())
        with suppress(BusError):
            await self._messages.remove(*gone)

    async def _listen(self, configuration: ServerConfiguration) -> AnyListener:
        return await listening(
            self._desk,
            configuration.address,
            self._options.max_masters,
            lambda text: self._notices.post(text, INFO),
        )


def _mirror(configuration: ServerConfiguration, bus: AsyncBus) -> Mirror:
    try:
        return Mirror(configuration.units, bus)
    except ValueError as error:
        raise ConfigurationError(configuration.id, [Problem("registers", str(error))]) from None


class _Refusal(Exception):
    """The answer to a request is no, for this reason."""
