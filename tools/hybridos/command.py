"""The command ``hybridos``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from ess_bus import commandline, endpoint
from ess_bus.client import AsyncBus, Bus
from ess_bus.client.ownership import require_unowned
from ess_bus.process import begin, process_options, run_until_stopped
from ess_bus.service.running import Service
from modbus_bridge.process import log_warnings
from tools.hybridos.hand import by_hand
from tools.hybridos.master import Master
from tools.hybridos.orders import COMMANDS, Order, order_of_word
from tools.hybridos.process import URI, HybridosProcess
from tools.hybridos.registers import Registers, load

_NAME: Final = "hybridos"


def _orders(_context: click.Context, _parameter: click.Parameter, words: tuple[str, ...]) -> list[Order]:
    try:
        return [order_of_word(word) for word in words]
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command(
    epilog=f"""\b
Orders: {", ".join(COMMANDS)}, power=KW (discharging is positive), reactive=KVAR

\b
Examples:
  hybridos configs/clou/clou_client.json on power=250       write two registers, and end
  hybridos configs/clou/clou_client.json --watch            print what changes, until Ctrl-C
  hybridos configs/clou/clou_client.json --bus plant        beat, look, and take orders on the bus:
  fims_send --bus plant -m set -u /hybridos/command -r /me '"on"'
  fims_send --bus plant -m set -u /hybridos -r /me '{{"power": 250, "reactive": 0}}'
  fims_send --bus plant -m set -u /hybridos/beats -r /me false     be silent, as one that hangs
  fims_send --bus plant -m get -u /hybridos | jq

\b
Exit status:
  0  the orders were written; stopped by SIGTERM or Ctrl-C
  1  bad configuration, no broker, or the controller refuses or cannot be reached
  2  wrong usage"""
)
@click.argument("path", metavar="CONFIG", type=click.Path(path_type=Path))
@click.argument("orders", metavar="[ORDER]...", nargs=-1, callback=_orders)
@click.option("--watch", is_flag=True, help="Without a bus: print what the controller shows, as it changes.")
@click.option("--beat", is_flag=True, help="With --watch: beat too. When it ends, the controller misses it.")
@process_options
def command(
    path: Path,
    orders: list[Order],
    bus: str | None,
    process_name: str | None,
    *,
    watch: bool,
    beat: bool,
    verbose: bool,
) -> None:
    """Be HybridOS, the Modbus master above a Clou ESS controller, or some of it.

    CONFIG is the file of modbus_client with the map of the controller. With ORDERs or --watch everything is done by
    hand, without a bus. Otherwise life is counted up each second, and /hybridos on the bus shows what the registers say
    and writes what is set.
    """
    if beat and not watch:
        raise click.UsageError("--beat belongs to --watch: a beat that ends at once is one that is missed")
    service = begin(verbose)
    registers, warnings = load(path)
    log_warnings(path, warnings)
    if orders or watch:
        run_until_stopped(_by_hand(registers, orders, watch=watch, beat=beat))
        return
    name = process_name or _NAME
    with Bus(bus, name=name) as connection:
        require_unowned(connection, URI)
    run_until_stopped(_serve(registers, endpoint.resolve(bus), name, service))


async def _by_hand(registers: Registers, orders: list[Order], *, watch: bool, beat: bool) -> None:
    master = Master(registers)
    try:
        await by_hand(master, orders, watch=watch, beat=beat)
    finally:
        master.close()


async def _serve(registers: Registers, bus_endpoint: str, name: str, service: Service) -> None:
    master = Master(registers)
    try:
        async with AsyncBus(bus_endpoint, name=name) as bus:
            with service.running(master.measures, bus) as pulse:
                await HybridosProcess(bus, master).serve(pulse)
    finally:
        master.close()


def main() -> None:
    """Console entry point."""
    commandline.run(command, _NAME)


if __name__ == "__main__":
    main()
