"""``modbus_server``: offers variables of the bus to Modbus masters, or simulates a device."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import click

from ess_bus import endpoint, uri
from ess_bus.client import AsyncBus
from ess_bus.commandline import run
from ess_bus.process import begin, process_options, run_until_stopped
from ess_bus.service.running import Service
from modbus_bridge.check import file_options
from modbus_bridge.config import load_server
from modbus_bridge.config.model import Serial, ServerConfiguration, Tcp
from modbus_bridge.convert.options import address, print_converted_server, server_conversion
from modbus_bridge.process import log_briefly, log_warnings
from modbus_bridge.serving.listener_tcp import MAX_MASTERS
from modbus_bridge.serving.process import Load, Options, Server
from modbus_bridge.simulate.running import Simulation, simulate
from modbus_bridge.simulate.sources import load as load_simulated

log = logging.getLogger(__name__)

_EPILOG = """
\b
Examples:
  modbus_server ess.json
  modbus_server ess.json --bus plant -v
  modbus_server --check *_server.json
  modbus_server --schema > modbus_server.schema.json
  modbus_server ess.json --client > client.json
  modbus_server --simulate pcs.json                    the device of a client's file, or what a server's file serves
  modbus_server --simulate pcs.json --listen 127.0.0.1:1502 --seed 7 --drift
  modbus_server --simulate pcs.json --values pcs_values.json

\b
What a master sees:
  exception 2  the address is outside of what the file defines
  exception 3  a write was refused by the variable's owner, or covers a value in part
  exception 4  the value is unknown, or the owner of a written variable did not answer
  exception 6  an earlier write to the same owner is still under way
  exception 11 there is no such unit

\b
On the bus, get /interfaces/ID tells how it is, and /interfaces/ID/_help what else it answers.

\b
Exit status:
  0  stopped by SIGTERM or SIGINT, or printed what was asked for
  1  a file cannot be used, the port is in use, or there is no broker
  2  wrong usage
"""


async def serve(
    configuration: ServerConfiguration, load: Load, options: Options, bus_endpoint: str, name: str, service: Service
) -> None:
    """Follow the owners of the variables and answer masters until cancelled.

    Raises:
        Disconnected: there is no broker at the start.
        ListenError: the port cannot be used.
    """
    asyncio.get_running_loop().set_exception_handler(log_briefly)
    async with AsyncBus(bus_endpoint, name=name) as bus:
        server = Server(configuration, load, bus, options)
        with service.running(server.measures, bus) as pulse:
            await server.run(pulse)


@click.command("modbus_server", epilog=_EPILOG)
@file_options(load_server, "server")
@click.option("--listen", callback=address, metavar="HOST:PORT", help="Instead of the file's address; or /dev/LINE.")
@click.option(
    "--max-masters", type=click.IntRange(1), default=MAX_MASTERS, show_default=True, metavar="N",
    help="How many masters may be connected at once.",
)  # fmt: skip
@click.option("--simulate", "simulated", is_flag=True, help="Serve values of its own, without any bus.")
@click.option("--seed", type=int, metavar="N", help="Of the simulated values; the same seed gives the same ones.")
@click.option(
    "--values", type=click.Path(path_type=Path), metavar="FILE",
    help='Simulated values: {"/components/x": {"id": value}}; the rest is random.',
)  # fmt: skip
@click.option("--drift", is_flag=True, help="Let simulated numbers wander.")
@server_conversion
@process_options
def command(
    config: Path,
    strict: bool,
    listen: Tcp | Serial | None,
    max_masters: int,
    simulated: bool,
    bus: str | None,
    process_name: str | None,
    verbose: bool,
    client: bool,
    **values: Any,
) -> None:
    """Serve the registers that the file CONFIG describes over Modbus, TCP or RTU.

    What the owners of the variables publish is what a master reads; what a master writes becomes a set on the bus, and
    the master is told whether it was accepted.
    """
    simulation = Simulation(**values)
    if not simulated and simulation != Simulation():
        raise click.UsageError("--seed, --values and --drift belong to --simulate")
    service = begin(verbose)
    options = Options(listen, max_masters)
    load = (
        partial(load_simulated, config, listen, strict=strict)
        if simulated
        else partial(load_server, config, strict=strict)
    )
    configuration, warnings = load()
    log_warnings(config, warnings)
    if client:
        print_converted_server(configuration, config, listen)
        return
    if simulated:
        run_until_stopped(simulate(configuration, options, simulation, service))
        return
    name = process_name or f"modbus_server@{'_'.join(uri.segments(configuration.id)).replace(' ', '_')}"
    run_until_stopped(serve(configuration, load, options, endpoint.resolve(bus), name, service))


def main() -> NoReturn:
    """Run the command."""
    run(command, "modbus_server")


if __name__ == "__main__":
    main()
