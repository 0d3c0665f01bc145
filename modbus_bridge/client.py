"""``modbus_client``: polls one device and speaks for it on the bus."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import NoReturn

import click

from ess_bus import endpoint, uri
from ess_bus.client import AsyncBus
from ess_bus.commandline import run
from ess_bus.message import Message
from ess_bus.process import process_options, run_until_stopped
from modbus_bridge.component import ComponentTask
from modbus_bridge.config import load_client
from modbus_bridge.config.model import ClientConfiguration
from modbus_bridge.line import Line
from modbus_bridge.probe.command import EXAMPLES, with_probe
from modbus_bridge.process import begin, log_briefly, log_warnings

log = logging.getLogger(__name__)

_EPILOG = f"""
\b
Examples:
  modbus_client pcs_1.json
  modbus_client pcs_1.json --bus plant -v
  fims_send -m get -u /components/pcs_1 -r /me
  fims_send -m set -u /components/pcs_1/active_power_setpoint -r /me 50
{EXAMPLES}

\b
Exit status:
  0  stopped by SIGTERM or SIGINT, or probed
  1  the file cannot be used, or there is no broker; with --probe, the device tells nothing
  2  wrong usage
"""


async def serve(configuration: ClientConfiguration, bus_endpoint: str, name: str) -> None:
    """Poll, publish and answer until cancelled.

    Raises:
        Disconnected: there is no broker at the start.
    """
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(log_briefly)
    tasks: dict[str, ComponentTask] = {}

    def wake_all() -> None:
        for task in tasks.values():
            task.wake()

    device_ids = {point.device_id for component in configuration.components for point in component.points}
    line = Line(configuration.connection, device_ids, wake_all)
    try:
        async with AsyncBus(bus_endpoint, name=name) as bus:
            tasks |= {component.id: ComponentTask(component, line, bus) for component in configuration.components}
            try:
                async with asyncio.TaskGroup() as group:
                    messages = await bus.subscribe(*(task.uri for task in tasks.values()))
                    for task in tasks.values():
                        group.create_task(task.poll_forever())
                        group.create_task(task.serve_forever())
                    await bus.announce()
                    log.info("%s: %d components of %s", name, len(tasks), line.address)
                    async for message in messages:
                        await _dispatch(message, tasks)
            finally:
                for task in tasks.values():
                    await task.retire()
    finally:
        line.close()


async def _dispatch(message: Message, tasks: dict[str, ComponentTask]) -> None:
    parts = uri.segments(message.uri)
    task = tasks.get(parts[1]) if len(parts) > 1 else None
    if task is not None and not message.is_reply:
        await task.take(message)


@click.command("modbus_client", epilog=_EPILOG)
@click.argument("config", type=click.Path(path_type=Path), required=False)
@with_probe
@process_options
def command(config: Path, bus: str | None, process_name: str | None, verbose: bool) -> None:
    """Poll the Modbus TCP device that the file CONFIG describes and publish it as /components/ID.

    Sets on /components/ID and /components/ID/REGISTER are written to the device; the reply says what the device did.
    With --probe nothing is published: what the device at HOST:PORT tells is printed, by name if there is a CONFIG.
    """
    begin(verbose)
    configuration, warnings = load_client(config)
    log_warnings(config, warnings)
    name = process_name or f"modbus_client@{configuration.connection.name.replace(' ', '_')}"
    run_until_stopped(serve(configuration, endpoint.resolve(bus), name))


def main() -> NoReturn:
    """Run the command."""
    run(command, "modbus_client")


if __name__ == "__main__":
    main()
