"""``modbus_client --probe``: its options, and which of the two things the command then does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from ess_bus.process import begin
from modbus_bridge.addresses import address_of
from modbus_bridge.config.model import RegisterType
from modbus_bridge.probe.order import DEFAULT_PORT, Order, addresses_of

Checked = TypeVar("Checked")

EXAMPLES = """\
  modbus_client --probe 10.0.0.5:502                 which registers are there, and what is in them
  modbus_client --probe 10.0.0.5:502 pcs_1.json      the same by name
  modbus_client --probe /dev/ttyUSB0:9600:8N1 --device-id 3 --range 0-499 --table holding
  modbus_client --probe 10.0.0.5 pcs_1.json --only 'cell_*' --watch"""


_FLAGS = {
    "watch": "--watch",
    "interval_s": "--interval",
    "as_json": "--json",
    "tables": "--table",
    "addresses": "--range",
    "device_id": "--device-id",
    "only": "--only",
    "all_rows": "--all",
    "max_requests": "--max-requests",
    "timeout_s": "--timeout",
}


def with_probe(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--probe`` and its options to a click command that takes `files`; with it, the command is not called."""

    @_options
    @click.pass_context
    @wraps(function)
    def either(context: click.Context, /, probe: str | None, verbose: bool, **given: Any) -> Any:
        options = {name: given.pop(name) for name in _FLAGS}
        files: tuple[Path, ...] = given["files"]
        if probe is None:
            _refuse_alone(context)
            if not files:
                raise click.MissingParameter(ctx=context, param_type="argument", param_hint="'CONFIG'")
            return function(verbose=verbose, **given)
        _refuse_others(context)
        return _probe(_order(probe, options, files), verbose=verbose)

    for parameter in vars(either)["__click_params__"]:
        if parameter.name == "files":
            # Only a probe can do without; see above.
            parameter.required = False
    return either


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    number = click.IntRange(0, 255)
    tables = click.Choice([table.value for table in RegisterType])
    for option in reversed(
        (
            click.option(
                "--probe",
                metavar="HOST:PORT",
                callback=_target,
                help="Only print what the device there (or at /dev/LINE:BAUD:8N1) tells; see down to --timeout.",
            ),
            click.option("--watch", is_flag=True, help="Go on reading until Ctrl-C."),
            click.option(
                "--interval", "interval_s", metavar="SECONDS", callback=_seconds, help="How often.  [default: 1]"
            ),
            click.option("--json", "as_json", is_flag=True, help="Print a line of JSON each time."),
            click.option(
                "--device-id", metavar="N", type=number, help="Which unit is asked.  [default: as in CONFIG, or 1]"
            ),
            click.option("--table", "tables", multiple=True, type=tables, help="Only this one; may be repeated."),
            click.option(
                "--range", "addresses", metavar="A-B", callback=_addresses, help="Only these.  [default: 0-9999]"
            ),
            click.option("--only", metavar="PATTERN", help="Only names like this, such as 'cell_*'."),
            click.option("--all", "all_rows", is_flag=True, help="Without CONFIG: registers that are 0, too."),
            click.option(
                "--max-requests",
                metavar="N",
                type=click.IntRange(1),
                help="Without CONFIG: the most reads to search a table with.  [default: 2000]",
            ),
            click.option(
                "--timeout",
                "timeout_s",
                metavar="SECONDS",
                callback=_seconds,
                help="How long an answer may take.  [default: as in CONFIG, or 1]",
            ),
        )
    ):
        function = option(function)
    return function


def _refuse_alone(context: click.Context) -> None:
    """Refuse options that only belong to a probe."""
    for name, flag in _FLAGS.items():
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{flag} belongs to --probe")


def _refuse_others(context: click.Context) -> None:
    """Refuse options that do not belong to a probe."""
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if given and name not in {*_FLAGS, "probe", "files", "verbose"}:
            raise click.UsageError(f"{parameter.opts[0]} and --probe exclude each other")


def _order(target: str, options: dict[str, Any], files: tuple[Path, ...]) -> Order:
    if len(files) > 1:
        raise click.UsageError(f"--probe takes one CONFIG at most, got {len(files)}")
    if options["only"] and not files:
        raise click.UsageError("--only needs CONFIG")
    options["tables"] = tuple(map(RegisterType, options["tables"]))
    chosen = {name: value for name, value in options.items() if value is not None}
    return Order(target, config=files[0] if files else None, **chosen)


def _probe(order: Order, *, verbose: bool) -> int:
    # Only now: a bridge that polls does not need it.
    from modbus_bridge.probe.run import run_probe

    begin(verbose)
    if not verbose:
        # Each row says itself what is wrong with it.
        logging.getLogger("modbus_bridge").setLevel(logging.ERROR)
    return run_probe(order)


def _target(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
    if text is not None:
        _checked(lambda typed: address_of(typed, DEFAULT_PORT), text)
    return text


def _addresses(_context: click.Context, _parameter: click.Parameter, text: str | None) -> range | None:
    return None if text is None else _checked(addresses_of, text)


def _seconds(_context: click.Context, _parameter: click.Parameter, text: str | None) -> float | None:
    return None if text is None else _checked(_positive, text)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 86_400:
        raise ValueError(f"expected seconds from 0.01 on, got {text!r}")
    return value


def _checked(parse: Callable[[str], Checked], text: str) -> Checked:
    try:
        return parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
