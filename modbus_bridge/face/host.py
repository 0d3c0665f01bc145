"""The messages of a bridge process: handed to its components, or answered for the process itself."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Final

from ess_bus import uri as uris
from ess_bus.client import AsyncBus
from ess_bus.client.ownership import require_all_unowned, watch
from ess_bus.errors import BusError, ConfigurationError, EssError
from ess_bus.hints import did_you_mean
from ess_bus.message import Message
from ess_bus.service.measures import Measure
from ess_bus.service.running import Pulse
from modbus_bridge.config.model import ClientConfiguration
from modbus_bridge.face import metrics
from modbus_bridge.face.bridge import GONE, Bridge, uri_of, uris_of
from modbus_bridge.face.lasting import lasting
from modbus_bridge.face.standstill import BEAT_S, Standstill
from modbus_bridge.process import log_error

log = logging.getLogger(__name__)

Load = Callable[[], ClientConfiguration]
_RELOAD: Final = "_reload"
_FRAGMENTS: Final = ("_stats", "_config", "_server", "_help", _RELOAD)
_MAX_PROBLEMS: Final = 10
# Each is a look at the file as it is then: more than a few that wait tell nothing more.
_MAX_RELOADS: Final = 8


class Host:
    """Receives for one process, and reads its configuration again when it is told to."""

    def __init__(self, bus: AsyncBus, name: str, load: Load) -> None:
        self._bus = bus
        self._name = name
        self._load = load
        self._reloading = asyncio.Lock()
        self._reloads = 0
        self._bridge: Bridge | None = None
        self._standstill = Standstill(_clock())

    def measures(self) -> Iterator[Measure]:
        """Yield what can be counted of the bridge."""
        return iter(()) if self._bridge is None else metrics.measures(self._bridge.stats())

    async def run(self, configuration: ClientConfiguration, pulse: Pulse) -> None:
        """Poll, publish and answer until cancelled; `pulse` is told that the loop turns.

        Raises:
            EssError: another process answers for one of the components; both would write each set to a device.
        """
        doubtful = await require_all_unowned(self._bus, uris_of(configuration))
        async with asyncio.TaskGroup() as group:
            group.create_task(watch(self._bus, doubtful))
            bridge = self._bridge = Bridge(configuration, self._bus, group)
            try:
                self._messages = await self._bus.subscribe(*bridge.uris)
                bridge.start()
                group.create_task(lasting(self._name, bridge.tell_forever))
                group.create_task(lasting(self._name, lambda: self._publish_stats(bridge)))
                group.create_task(lasting(self._name, self._beat_forever))
                await self._bus.announce()
                pulse.ready()
                group.create_task(pulse.beat_forever())
                log.info("%s: %d components of %s", self._name, len(bridge.components), bridge.address)
                async for message in self._messages:
                    if not message.is_reply:
                        await self._take(message, bridge, group)
            finally:
                await bridge.stop()
                bridge.close()

    async def _take(self, message: Message, bridge: Bridge, group: asyncio.TaskGroup) -> None:
        try:
            await self._dispatch(message, bridge, group)
        except Exception as error:  # noqa: BLE001 - whatever it is: the next message is handled
            log_error(f"{message.method} {message.uri}", error)
            with suppress(BusError):
                await self._bus.refuse(message, f"internal error: {type(error).__name__}")

    async def _dispatch(self, message: Message, bridge: Bridge, group: asyncio.TaskGroup) -> None:
        parts = uris.segments(message.uri)
        if _RELOAD in parts[2:] and message.method in ("set", "post"):
            await self._begin_reload(message, bridge, group)
            return
        task = bridge.components.get(parts[1]) if parts[0] == "components" and len(parts) > 1 else None
        if task is not None:
            await task.take(message, time.monotonic() - self._standstill.age_s(_clock()))
        elif uris.is_under(message.uri, uri_of(bridge.configuration)):
            await self._answer(message, parts[2:], bridge)
        else:
            # Between two configurations: nobody should have to wait for an answer that never comes.
            with suppress(BusError):
                await self._bus.refuse(message, GONE)

    async def _answer(self, message: Message, path: tuple[str, ...], bridge: Bridge) -> None:
        fragment = path[0] if path else "_stats"
        with suppress(BusError):
            if len(path) > 1 or fragment not in _FRAGMENTS:
                hint = did_you_mean(fragment, _FRAGMENTS) or f"; expected one of {', '.join(_FRAGMENTS)}"
                await self._bus.refuse(message, f"{'/'.join(path)}: unknown request{hint}")
            elif fragment == _RELOAD:
                await self._bus.refuse(message, f"{_RELOAD} needs a set")
            elif message.method != "get":
                await self._bus.refuse(message, f"{message.method} is not supported here; expected get")
            elif fragment == "_stats":
                await self._bus.reply(message, bridge.stats())
            else:
                await self._bus.reply(message, bridge.document(fragment))

    async def _begin_reload(self, message: Message, bridge: Bridge, group: asyncio.TaskGroup) -> None:
        if self._reloads >= _MAX_RELOADS:
            with suppress(BusError):
                await self._bus.refuse(message, f"{_MAX_RELOADS} reloads are waiting already")
            return
        self._reloads += 1
        group.create_task(self._reload(message, bridge)).add_done_callback(self._end_reload)

    def _end_reload(self, _task: asyncio.Task[None]) -> None:
        self._reloads -= 1

    async def _reload(self, message: Message, bridge: Bridge) -> None:
        async with self._reloading:
            try:
                answer = await self._replace(bridge)
            except ConfigurationError as error:
                reason = f"{error.source}: {'; '.join(map(str, error.problems[:_MAX_PROBLEMS]))}"
                more = len(error.problems) - _MAX_PROBLEMS
                reason += f" (and {more} more)" if more > 0 else ""
                log.warning("not reloaded: %s", reason)
                with suppress(BusError):
                    await self._bus.refuse(message, f"nothing was changed: {reason}")
            except EssError as error:
                log.warning("not reloaded: %s", error)
                with suppress(BusError):
                    await self._bus.refuse(message, f"nothing was changed: {error}")
            except Exception as error:  # noqa: BLE001 - a reload that fails must not end what works
                log_error("not reloaded", error)
                with suppress(BusError):
                    await self._bus.refuse(message, f"not reloaded: {type(error).__name__}: {error}")
            else:
                with suppress(BusError):
                    await self._bus.reply(message, answer)

    async def _replace(self, bridge: Bridge) -> dict[str, Any]:
        # Reading and checking a large file takes a while; polls go on meanwhile.
        configuration = await asyncio.to_thread(self._load)
        await require_all_unowned(self._bus, set(uris_of(configuration)) - set(bridge.uris))
        try:
            # First, since the broker may refuse it: then nothing has changed.
            await self._messages.replace(*{*bridge.uris, *uris_of(configuration)})
            changes = await bridge.apply(configuration)
        finally:
            # If the broker goes away meanwhile, this is what is subscribed to when it is back.
            with suppress(BusError):
                await self._messages.replace(*bridge.uris)
        log.info("reloaded: %s", ", ".join(f"{len(ids)} {what}" for what, ids in changes.items()))
        return {"gcom": "Modbus Reload", "status": "Success", **changes}

    async def _beat_forever(self) -> None:
        while True:
            if (stood_s := self._standstill.beat(_clock())) > 0:
                log.warning("this process stood still for %.1f s; what was asked meanwhile is too old", stood_s)
            await asyncio.sleep(BEAT_S)

    async def _publish_stats(self, bridge: Bridge) -> None:
        next_s = time.monotonic()
        while True:
            connection = bridge.configuration.connection
            next_s = max(next_s + connection.stats_period_s, time.monotonic())
            await asyncio.sleep(next_s - time.monotonic())
            if connection.stats_uri is not None:
                with suppress(BusError):
                    await self._bus.publish(connection.stats_uri, bridge.stats())


def _clock() -> float:
    """Return a time that goes on while the machine is suspended, where there is one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
