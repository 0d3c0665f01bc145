"""``modbus_bridge``: what is done with configurations besides running them."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import click

from ess_bus.commandline import run
from ess_bus.errors import ConfigurationError, EssError
from modbus_bridge.config.model import Serial, Tcp
from modbus_bridge.convert.client_file import client_document
from modbus_bridge.convert.options import address, print_notes
from modbus_bridge.convert.output import write_file
from modbus_bridge.convert.server_file import server_document
from modbus_bridge.convert.simulator import simulator_of
from modbus_bridge.convert.spreadsheet import read_spreadsheet
from modbus_bridge.convert.text import pretty


@click.group(
    name="modbus_bridge",
    epilog="""\b
Examples:
  modbus_bridge convert points.xlsx -o pcs.json
  modbus_bridge convert --help                     the columns that it knows

\b
Exit status:
  0  done
  1  something is wrong in what was read, or a file cannot be written
  2  wrong usage

\b
Also:
  modbus_client --expand CONFIG    the configuration with all defaults written out
  modbus_client --server CONFIG    the configuration of a server that plays the device
  modbus_server --client CONFIG    the configuration of a client that reads it""",
)
def command() -> None:
    """Work on configurations of Modbus bridges."""


@command.command(
    epilog="""\b
Examples:
  modbus_bridge convert points.xlsx                            print it
  modbus_bridge convert points.xlsx -o pcs.json --device 10.0.0.5:502
  modbus_bridge convert points.csv --server --listen 127.0.0.1:1502 -o pcs_server.json

\b
Columns (in any order; spelling, case and spaces do not matter much):
  Id or Name                 an id is made of the name where there is none
  Register Type              Holding, Input, Coil, Discrete Input, HR, 4x, or a function code
  Address or Offset          as it travels in a request; 1000-1001 are two registers; "Address (hex)" for 3E8
  Data Type, Size, Signed    int16, uint16, int32 ... float64, bool, enum, bitfield, individual bits, string
  Scale or Multiplier        value = raw / scale, value = raw * multiplier
  Bits/Strings               0=Stop; 1=Run
  Bit, Number of bits        a part of a register
  Unit, Shift, Word order (ABCD or CDAB), Invalid, Access (R, RW)
  Component, Device id, Frequency (ms)

\b
Each sheet is a component unless it has a column Component. A sheet "connection" has keys and values,
one a row: name, ip_address, port, device_id, off_by_one, byte_swap, frequency, connection_timeout ...

\b
Exit status:
  0  converted
  1  something is wrong in the sheets (every cell is named), or the file cannot be written; nothing is written
  2  wrong usage"""
)
@click.argument("points", type=click.Path(path_type=Path))
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Write it to FILE.")
@click.option("--force", is_flag=True, help="Replace FILE.")
@click.option("--device", callback=address, metavar="HOST:PORT", help="Where the device is.")
@click.option("--server", is_flag=True, help="Make the configuration of a server that plays the device.")
@click.option("--listen", callback=address, metavar="HOST:PORT", help="With --server: where that listens.")
def convert(
    points: Path,
    output: Path | None,
    device: Tcp | Serial | None,
    listen: Tcp | Serial | None,
    *,
    force: bool,
    server: bool,
) -> None:
    """Make the configuration of a client from POINTS, a point list in a spreadsheet (.xlsx or .csv)."""
    if listen is not None and not server:
        raise click.UsageError("--listen belongs to --server")
    try:
        configuration, notes = read_spreadsheet(points, device)
    except ConfigurationError as error:
        print_notes(points, error.problems)
        count = len(error.problems)
        raise EssError(f"{points}: {count} problem{'s' * (count != 1)}; nothing is written") from None
    if server:
        served, left_out = simulator_of(configuration, listen)
        notes += left_out
        document = server_document(served)
    else:
        document = client_document(configuration, defaults=False)
    print_notes(points, notes)
    if output is None:
        click.echo(pretty(document), nl=False)
    else:
        write_file(output, pretty(document), force=force)


def main() -> NoReturn:
    """Run the command."""
    run(command, "modbus_bridge")


if __name__ == "__main__":
    main()
