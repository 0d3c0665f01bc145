"""All components of one device: started, stopped, and replaced when the configuration is read again."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any, Final

from ess_bus.client import AsyncBus
from modbus_bridge.config.model import ClientConfiguration, Component, Connection
from modbus_bridge.events import FAULT, INFO, Events
from modbus_bridge.face import about, documents
from modbus_bridge.face.component import ComponentTask
from modbus_bridge.face.lasting import lasting
from modbus_bridge.face.writer import Writer
from modbus_bridge.polling.line import Line

log = logging.getLogger(__name__)

# Every unit that Modbus knows: a configuration that is read again may name others.
_ALL_UNITS: Final = range(256)
GONE: Final = "the configuration was read again; try once more"


class Bridge:
    """The device and its components.

    Attributes:
        configuration: what it works by.
        components: by id.
    """

    def __init__(self, configuration: ClientConfiguration, bus: AsyncBus, group: asyncio.TaskGroup) -> None:
        self.configuration = configuration
        self.components: dict[str, ComponentTask] = {}
        self._bus = bus
        self._group = group
        self._loops: dict[str, list[asyncio.Task[None]]] = {}
        self._events = Events(bus, bus.name)
        self._changed = asyncio.Event()
        self._down: frozenset[int] = frozenset()
        self._open()

    @property
    def address(self) -> str:
        """Where the device is."""
        return self._line.address

    @property
    def uris(self) -> list[str]:
        """What is to be subscribed to."""
        return uris_of(self.configuration)

    def start(self) -> None:
        """Begin to poll and to serve."""
        for component in self.configuration.components:
            self._start(self._made(component))

    async def stop(self) -> None:
        """Say for the last time that nothing is known any more."""
        for component_id in list(self.components):
            await self._stop(component_id, "the process ends")

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    async def apply(self, configuration: ClientConfiguration) -> dict[str, Any]:
        """Go on with another configuration; return which components are kept, replaced, added and removed.

        Components that are the same go on without a break, as long as the connection is the same.
        """
        wanted = {component.id: component for component in configuration.components}
        same_line = _line_of(self.configuration.connection) == _line_of(configuration.connection)
        kept = {
            component_id
            for component_id, task in self.components.items()
            if same_line and task.component == wanted.get(component_id)
        }
        old, old_line = set(self.components), self._line
        self.configuration = configuration
        if not same_line:
            self._open()
        fresh = [self._made(component) for component_id, component in wanted.items() if component_id not in kept]
        for component_id in old - kept:
            await self._stop(component_id, GONE)
        if not same_line:
            old_line.close()
            self._down = frozenset()
        for task in fresh:
            self._start(task)
        self._changed.set()
        return {
            "kept": sorted(kept),
            "replaced": sorted((old - kept) & wanted.keys()),
            "added": sorted(wanted.keys() - old),
            "removed": sorted(old - wanted.keys()),
        }

    def wake_all(self) -> None:
        """Let all components find out at once what has become of the device."""
        for task in self.components.values():
            task.wake()
        self._changed.set()

    async def tell_forever(self) -> None:
        """Post an event when units stop to answer, and when they answer again."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            units = {point.device_id for each in self.configuration.components for point in each.points}
            down = frozenset(unit for unit in units if not self._line.is_up([unit]))
            lost, found = down - self._down, self._down - down
            self._down = down
            if lost:
                await self._events.post(f"{self.address} does not answer ({_ids(lost)})", FAULT)
            if found & units:
                await self._events.post(f"{self.address} answers again ({_ids(found & units)})", INFO)

    # -- what the process is asked ---------------------------------------------------------------------------------

    def stats(self, component_id: str | None = None) -> dict[str, Any]:
        """Return `_stats` of one component, or of all."""
        common: dict[str, Any] = {
            "process": about.process(self._bus.name),
            "bus": about.bus(self._bus),
            "connection": self._connection(),
        }
        if component_id is not None:
            return common | {"component": self.components[component_id].statistics()}
        return common | {"components": {each: task.statistics() for each, task in self.components.items()}}

    def document(self, fragment: str, component_id: str | None = None) -> Any:
        """Return what `_config`, `_server` or `_help` answer."""
        return documents.document(fragment, self.configuration, component_id)

    def _connection(self) -> dict[str, Any]:
        return {
            "name": self.configuration.connection.name,
            "address": self.address,
            "connected": self._line.is_up(()),
            "units_down": sorted(self._down),
            "connections_open": self._line.open_connections,
            "connections": [about.channel(each) for each in self._line.statistics],
            "write_time_ms": self._writer.times.quantiles_ms(),
            "writes_failed": self._writer.failures,
        }

    # -- one component ---------------------------------------------------------------------------------------------

    def _open(self) -> None:
        self._line = Line(self.configuration.connection, _ALL_UNITS, self.wake_all)
        self._writer = Writer(self._line, together=self.configuration.connection.write_together)

    def _made(self, component: Component) -> ComponentTask:
        return ComponentTask(component, self._line, self._writer, self._bus, self._events, self)

    def _start(self, task: ComponentTask) -> None:
        component_id = task.component.id
        self.components[component_id] = task
        self._loops[component_id] = [self._group.create_task(lasting(task.uri, loop)) for loop in task.loops()]

    async def _stop(self, component_id: str, reason: str) -> None:
        loops = self._loops.pop(component_id)
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await self.components.pop(component_id).retire(reason)


def uri_of(configuration: ClientConfiguration) -> str:
    """Return where the process itself is asked, as gen-3 names it (modbus.md 0)."""
    name = configuration.connection.name.replace(" ", "_").replace("/", "_")
    return f"/modbus_client/{name}"


def uris_of(configuration: ClientConfiguration) -> list[str]:
    """Return what a process with this configuration is asked by."""
    return [uri_of(configuration), *(f"/components/{each.id}" for each in configuration.components)]


def _line_of(connection: Connection) -> Connection:
    """Return what makes a connection to a device another one."""
    return replace(connection, name="", stats_uri=None, stats_period_s=1.0)


def _ids(units: frozenset[int]) -> str:
    return f"device id {', '.join(map(str, sorted(units)))}"
