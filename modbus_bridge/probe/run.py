"""Carrying out a probe: search or load, read, print, and with ``--watch`` go on."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import click

from ess_bus.errors import EssError
from ess_bus.process import run_until_stopped
from modbus_bridge.addresses import address_of, with_settings_of
from modbus_bridge.config.model import Connection, RegisterType, Tcp
from modbus_bridge.device import DeviceError
from modbus_bridge.probe import output, points, text
from modbus_bridge.probe.line import ProbeLine
from modbus_bridge.probe.order import DEFAULT_ADDRESSES, DEFAULT_DEVICE_ID, DEFAULT_PORT, Order
from modbus_bridge.probe.scan import Scan, Table, points_of
from modbus_bridge.probe.session import Session

log = logging.getLogger(__name__)

# How often a person sees ages grow.
_REFRESH_S = 0.25
# Lines of a terminal that are not rows: the heading, and where the cursor waits.
_OTHER_LINES = 3


class ProbeError(EssError):
    """There is nothing to show; the text is one line that says why."""


def run_probe(order: Order) -> int:
    """Carry out `order` until it is done, or until SIGINT or SIGTERM; return the exit status.

    Raises:
        EssError: as `probe`.
    """
    status = 0

    async def main() -> None:
        nonlocal status
        status = await probe(order)

    run_until_stopped(main())
    return status


async def probe(order: Order) -> int:
    """Carry out `order` and return the exit status.

    Raises:
        ProbeError: the device cannot be reached, or tells nothing.
        ConfigurationError: the file cannot be used.
    """
    connection, components = _load(order)
    device_ids = {point.device_id for wanted in components.values() for point in wanted}
    line = ProbeLine(connection, device_ids or {_device_id(order)})
    try:
        tables: list[Table] = []
        if order.config is None:
            tables = await _search(order, line)
            components = {"": points_of(tables, _device_id(order))}
        session = Session(line, components)
        await session.read()
        _check(session)
        return await _show(order, session, tables)
    finally:
        line.close()


def _load(order: Order) -> tuple[Connection, points.Components]:
    if order.config is None:
        return _redirected(Connection("probe", Tcp("")), order), {}
    connection, components, warnings = points.load(order, order.config)
    if warnings:
        log.warning("%s: %d lines of it have no effect; modbus_client --check says which", order.config, len(warnings))
    if not components:
        raise ProbeError(f"{order.config}: none of its points is wanted")
    return _redirected(connection, order), components


def _redirected(connection: Connection, order: Order) -> Connection:
    """Return `connection` with the address that was typed, and with its time-out."""
    address = with_settings_of(address_of(order.target, DEFAULT_PORT), connection.address)
    if order.timeout_s is None:
        return replace(connection, address=address)
    return replace(connection, address=address, connect_timeout_s=order.timeout_s, request_timeout_s=order.timeout_s)


def _device_id(order: Order) -> int:
    return DEFAULT_DEVICE_ID if order.device_id is None else order.device_id


async def _search(order: Order, line: ProbeLine) -> list[Table]:
    addresses = DEFAULT_ADDRESSES if order.addresses is None else order.addresses
    scan = Scan(line, _device_id(order), addresses, order.max_requests)
    tables: list[Table] = []
    with _status() as status:
        for table in order.tables or tuple(RegisterType):
            try:
                tables.append(await scan.table(table, lambda so_far: status and status.update(_progress(so_far))))
            except DeviceError as error:
                raise ProbeError(str(error)) from None
    line.reasons.clear()
    if not order.as_json:
        output.say(text.summary(tables))
    if not any(table.ranges for table in tables):
        raise ProbeError(f"{line.address}: nothing of device id {_device_id(order)} can be read")
    return tables


def _progress(table: Table) -> str:
    return f"{table.type}: {table.count} found in {table.requests} requests"


def _status() -> AbstractContextManager[Any]:
    """Return what shows a person that the search goes on."""
    if sys.stderr is None or not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status("searching")


def _check(session: Session) -> None:
    """Raise if the device told nothing, for one and the same reason."""
    reasons = {row.reason for row in session.sheet.rows}
    if not session.sheet.fresh and len(reasons) == 1:
        raise ProbeError(f"{session.line.address}: {reasons.pop()}")


async def _show(order: Order, session: Session, tables: list[Table]) -> int:
    look = output.Look(named=order.config is not None, all_rows=order.all_rows)
    if order.as_json:
        click.echo(output.document(session.line.address, tables, session.sheet))
    elif output.is_terminal() and order.watch:
        await _live(session, order.interval_s, look)
    elif output.is_terminal():
        from rich.console import Console

        Console().print(output.rich_table(session.sheet, look), soft_wrap=True)
    else:
        output.plain(session.sheet, look)
    changes = output.Changes(session.sheet, look)
    while order.watch:
        await asyncio.sleep(order.interval_s)
        await session.read()
        if order.as_json:
            click.echo(output.document(session.line.address, [], session.sheet))
        else:
            changes.print()
    return 0 if session.sheet.fresh else 1


async def _live(session: Session, interval_s: float, look: output.Look) -> None:
    """Keep a table on the terminal up to date until cancelled; ages grow also while the device is waited for."""
    from rich.console import Console
    from rich.live import Live

    console = Console()
    reading = asyncio.create_task(_read_forever(session, interval_s))
    try:
        with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
            while not reading.done():
                most = max(1, console.height - _OTHER_LINES)
                live.update(output.rich_table(session.sheet, look, most), refresh=True)
                await asyncio.wait([reading], timeout=_REFRESH_S)
        await reading
    finally:
        reading.cancel()


async def _read_forever(session: Session, interval_s: float) -> None:
    next_s = time.monotonic() + interval_s
    while True:
        await asyncio.sleep(max(0.0, next_s - time.monotonic()))
        next_s = max(next_s + interval_s, time.monotonic())
        await session.read()
