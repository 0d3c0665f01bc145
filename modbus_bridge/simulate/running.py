"""A simulated device as a process: it answers masters until it is stopped."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import randrange
from typing import Final

from ess_bus.service.measures import Measure
from ess_bus.service.running import Service
from modbus_bridge.config.model import ServerConfiguration
from modbus_bridge.serving import metrics
from modbus_bridge.serving.desk import Desk
from modbus_bridge.serving.listener_tcp import ListenError, TcpListener
from modbus_bridge.serving.process import Options, contents, listening, placed
from modbus_bridge.simulate.device import SimulatedDevice
from modbus_bridge.simulate.sources import apply_values

log = logging.getLogger(__name__)

# Numbers wander once a second, some of them at a time: masters do not wait for thousands.
_DRIFT_S: Final = 1.0
_TURNS: Final = 20


@dataclass(frozen=True, slots=True)
class Simulation:
    """What the command line says of the values: `seed` of the random ones, a file of others, whether they wander."""

    seed: int | None = None
    values: Path | None = None
    drift: bool = False


async def simulate(
    configuration: ServerConfiguration, options: Options, simulation: Simulation, service: Service
) -> None:
    """Answer masters until cancelled.

    Raises:
        ListenError: the address cannot be used.
        ConfigurationError: the file of values cannot be used.
    """
    configuration = placed(configuration, options)
    seed = randrange(1_000_000) if simulation.seed is None else simulation.seed
    device = SimulatedDevice(configuration.units, seed)
    if simulation.values is not None:
        apply_values(simulation.values, device)
    desk = Desk(device.units, configuration.id)
    try:
        listener = await listening(desk, configuration.address, options.max_masters)
    except ListenError as error:
        raise ListenError(f"{error}; --listen HOST:PORT serves somewhere else") from None
    where = f"{configuration.address}"
    if isinstance(listener, TcpListener):
        where = where.rpartition(":")[0] + f":{listener.port}"
    log.info("simulating %s: %s at %s (--seed %d)", configuration.id, contents(configuration), where, seed)

    def measures() -> Iterator[Measure]:
        return metrics.of_masters(desk.requests, desk.exceptions, len(listener.masters))

    try:
        with service.running(measures, name=configuration.id) as pulse:
            pulse.ready()
            async with asyncio.TaskGroup() as group:
                group.create_task(pulse.beat_forever())
                await _live(device, simulation.drift)
    finally:
        listener.close()


async def _live(device: SimulatedDevice, drift: bool) -> None:
    if not drift:
        await asyncio.Event().wait()
    for turn in itertools.cycle(range(_TURNS)):
        await asyncio.sleep(_DRIFT_S / _TURNS)
        device.wander(turn, _TURNS)
