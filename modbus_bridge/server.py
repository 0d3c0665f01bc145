"""``modbus_server``: offers variables of the bus to Modbus masters."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import click

from ess_bus import endpoint, uri
from ess_bus.client import AsyncBus
from ess_bus.commandline import run
from ess_bus.errors import BusError
from ess_bus.message import Message
from ess_bus.process import process_options, run_until_stopped
from modbus_bridge.check import file_options
from modbus_bridge.config import load_server
from modbus_bridge.config.model import ServerConfiguration, Tcp
from modbus_bridge.listener import Listener
from modbus_bridge.mirror import Mirror
from modbus_bridge.process import begin, log_briefly, log_warnings

log = logging.getLogger(__name__)

_EPILOG = """
\b
Examples:
  modbus_server ess.json
  modbus_server ess.json --bus plant -v
  modbus_server --check *_server.json
  modbus_server --schema > modbus_server.schema.json

\b
What a master sees:
  exception 2  the address is outside of what the file defines
  exception 3  a write was refused by the variable's owner, or covers a value in part
  exception 4  the value is unknown, or the owner of a written variable did not answer

\b
Exit status:
  0  stopped by SIGTERM or SIGINT
  1  a file cannot be used, the port is in use, or there is no broker
  2  wrong usage
"""


async def serve(configuration: ServerConfiguration, bus_endpoint: str, name: str) -> None:
    """Follow the owners of the variables and answer masters until cancelled.

    Raises:
        Disconnected: there is no broker at the start.
        ListenError: the port cannot be used.
    """
    asyncio.get_running_loop().set_exception_handler(log_briefly)
    unit, address = configuration.units[0], configuration.address
    assert isinstance(address, Tcp)  # noqa: S101 - the loader refuses serial lines so far
    own_uri = f"/interfaces/{configuration.id}"
    async with AsyncBus(bus_endpoint, name=name) as bus:
        mirror = Mirror(unit.points, bus)
        # pub_only: a request to an owner must never be counted as delivered because this process heard it.
        messages = await bus.subscribe(*mirror.uris, pub_only=True)
        await messages.add(own_uri)
        listener = Listener(mirror, unit.device_id)
        await listener.start(address.host, address.port)
        log.info("%s: %d points at %s", name, len(unit.points), address)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(mirror.follow())
                await bus.announce()
                async for message in messages:
                    await _dispatch(message, own_uri, mirror, bus)
        finally:
            listener.close()


async def _dispatch(message: Message, own_uri: str, mirror: Mirror, bus: AsyncBus) -> None:
    if message.method == "pub":
        mirror.take(message)
    elif uri.is_under(message.uri, own_uri) and not message.is_reply:
        with suppress(BusError):
            await bus.refuse(message, f"{message.method} is not supported here")


@click.command("modbus_server", epilog=_EPILOG)
@file_options(load_server, "server")
@process_options
def command(config: Path, strict: bool, bus: str | None, process_name: str | None, verbose: bool) -> None:
    """Serve the registers that the file CONFIG describes over Modbus TCP.

    What the owners of the variables publish is what a master reads; what a master writes becomes a set on the bus, and
    the master is told whether it was accepted.
    """
    begin(verbose)
    configuration, warnings = load_server(config, strict=strict)
    log_warnings(config, warnings)
    name = process_name or f"modbus_server@{configuration.id.replace(' ', '_')}"
    run_until_stopped(serve(configuration, endpoint.resolve(bus), name))


def main() -> NoReturn:
    """Run the command."""
    run(command, "modbus_server")


if __name__ == "__main__":
    main()
