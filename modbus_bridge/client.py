"""``modbus_client``: polls one device and speaks for it on the bus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

from ess_bus import endpoint
from ess_bus.client import AsyncBus
from ess_bus.commandline import run
from ess_bus.errors import ConfigurationError, Problem
from ess_bus.process import begin, process_options, run_until_stopped
from ess_bus.service.running import Service
from modbus_bridge.check import file_options
from modbus_bridge.config import load_client
from modbus_bridge.config.model import ClientConfiguration, Serial, Tcp
from modbus_bridge.convert.options import client_conversions, print_converted_client
from modbus_bridge.face.host import Host
from modbus_bridge.probe.command import EXAMPLES, with_probe
from modbus_bridge.process import log_briefly, log_warnings

_EPILOG = f"""
\b
Examples:
  modbus_client pcs_1.json
  modbus_client pcs_1.json --bus plant -v
  modbus_client --check *_client.json
  modbus_client --schema > modbus_client.schema.json
  modbus_client pcs_1.json --expand
  modbus_client pcs_1.json --server --listen 127.0.0.1:1502 > simulator.json
  fims_send -m get -u /components/pcs_1 -r /me
  fims_send -m set -u /components/pcs_1/active_power_setpoint -r /me 50
{EXAMPLES}

\b
Exit status:
  0  stopped by SIGTERM or SIGINT, or printed what was asked for
  1  a file cannot be used, there is no broker, or another process answers for one of its components;
     with --probe, the device tells nothing
  2  wrong usage
"""


async def serve(
    configuration: ClientConfiguration,
    bus_endpoint: str,
    name: str,
    load: Callable[[], ClientConfiguration],
    service: Service,
) -> None:
    """Poll, publish and answer until cancelled; `load` reads the configuration again.

    Raises:
        Disconnected: there is no broker at the start.
        EssError: another process answers for one of the components.
    """
    asyncio.get_running_loop().set_exception_handler(log_briefly)
    async with AsyncBus(bus_endpoint, name=name) as bus:
        host = Host(bus, name, load)
        with service.running(host.measures, bus) as pulse:
            await host.run(configuration, pulse)


@click.command("modbus_client", epilog=_EPILOG)
@with_probe
@file_options(load_client, "client")
@client_conversions
@process_options
def command(
    config: Path,
    strict: bool,
    bus: str | None,
    process_name: str | None,
    listen: Tcp | Serial | None,
    *,
    verbose: bool,
    expand: bool,
    server: bool,
) -> None:
    """Poll the Modbus device (TCP or RTU) that the file CONFIG describes and publish it as /components/ID.

    Sets on /components/ID and /components/ID/REGISTER are written to the device; the reply says what the device did.
    With --probe nothing is published: what the device at HOST:PORT tells is printed, by name if there is a CONFIG.
    """
    service = begin(verbose)

    def load() -> ClientConfiguration:
        found, warnings = load_client(config, strict=strict)
        log_warnings(config, warnings)
        return found

    def load_again() -> ClientConfiguration:
        # A pipe would be waited for, and neither a reload nor SIGTERM could end that.
        if config.exists() and not config.is_file():
            raise ConfigurationError(config, [Problem("", "not a regular file, so it cannot be read again")])
        return load()

    configuration = load()
    if print_converted_client(configuration, config, expand=expand, server=server, listen=listen):
        return
    name = process_name or f"modbus_client@{configuration.connection.name.replace(' ', '_')}"
    run_until_stopped(serve(configuration, endpoint.resolve(bus), name, load_again, service))


def main() -> NoReturn:
    """Run the command."""
    run(command, "modbus_client")


if __name__ == "__main__":
    main()
