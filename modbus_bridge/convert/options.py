"""The options of `modbus_client` and `modbus_server` that print another file instead of running."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from ess_bus.errors import Problem
from modbus_bridge.addresses import address_of
from modbus_bridge.config.model import ClientConfiguration, Serial, ServerConfiguration, Tcp
from modbus_bridge.convert.client_file import client_document
from modbus_bridge.convert.from_server import client_of
from modbus_bridge.convert.server_file import server_document
from modbus_bridge.convert.simulator import simulator_of
from modbus_bridge.convert.text import pretty

Function = TypeVar("Function", bound=Callable[..., Any])


def address(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Tcp | Serial | None:
    """Check an option that is an address (see `modbus_bridge.addresses`)."""
    try:
        return None if text is None else address_of(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def client_conversions(function: Function) -> Function:
    """Add ``--expand``, ``--server`` and ``--listen`` to the command of a client."""
    expand = click.option(
        "--expand",
        is_flag=True,
        help="Print the configuration with all defaults and templates written out, and end.",
    )
    server = click.option(
        "--server", is_flag=True, help="Print the configuration of a server that plays the device, and end."
    )
    listen = click.option(
        "--listen",
        callback=address,
        metavar="HOST:PORT",
        help="With --server: where that listens.  [default: 127.0.0.1 and the port of the device]",
    )
    return expand(server(listen(function)))


def server_conversion(function: Function) -> Function:
    """Add ``--client`` to the command of a server."""
    help_text = "Print the configuration of a client that reads all of it, and end."
    return click.option("--client", is_flag=True, help=help_text)(function)


def print_converted_client(
    configuration: ClientConfiguration, source: Path, listen: Tcp | Serial | None, *, expand: bool, server: bool
) -> bool:
    """Print what was asked for; return whether anything was.

    Raises:
        click.UsageError: the options exclude each other.
    """
    if expand and server:
        raise click.UsageError("--expand and --server exclude each other")
    if listen is not None and not server:
        raise click.UsageError("--listen belongs to --server")
    if expand:
        click.echo(pretty(client_document(configuration)), nl=False)
    elif server:
        served, left_out = simulator_of(configuration, listen)
        print_notes(source, left_out)
        click.echo(pretty(server_document(served)), nl=False)
    return expand or server


def print_converted_server(configuration: ServerConfiguration, source: Path, listen: Tcp | Serial | None) -> None:
    """Print a client of the server, that listens at `listen` or where its file says."""
    client, notes = client_of(configuration if listen is None else replace(configuration, address=listen))
    print_notes(source, notes)
    click.echo(pretty(client_document(client, defaults=False)), nl=False)


def print_notes(source: Path, notes: Iterable[Problem]) -> None:
    """Say on stderr what is different after a conversion, a line each."""
    for note in notes:
        click.echo(f"{source}: {note}", err=True)
