"""What every long-running process shares: its options, its log, how it is told to stop, and what it says of itself."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from ess_bus.endpoint import runtime_folder
from ess_bus.errors import EssError
from ess_bus.service import logs
from ess_bus.service.running import Address, Service
from ess_bus.uri import segments

Function = TypeVar("Function", bound=Callable[..., Any])

_PR_SET_PDEATHSIG = 1
_LOOPBACK = "127.0.0.1"
_METRICS = "ess_bus.metrics"
_LOG_FORMAT = "ess_bus.log_format"


def one_segment(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
    """Check an option that becomes one segment of a URI."""
    if text is not None and (segments(text) != (text,) or not text.isprintable()):
        raise click.BadParameter(f"expected one word without '/', got {text!r}")
    return text


def bus_option(function: Function) -> Function:
    """Add ``--bus`` to a click command."""
    text = (
        "A bus name, ipc://PATH or tcp://HOST:PORT (with keys: ESS_BUS_KEY, ESS_BUS_SERVER_KEY)."
        "  [env: ESS_BUS; default: bus]"
    )
    return click.option("--bus", metavar="BUS", help=text, shell_complete=bus_names)(function)


def bus_names(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the names of this user's buses that start with what was typed, for a shell that completes it."""
    names = sorted(path.stem for path in runtime_folder().glob("*.sock"))
    return [name for name in names if name.startswith(begun)]


def verbose_option(function: Function) -> Function:
    """Add ``-v`` to a click command."""
    return click.option("-v", "--verbose", is_flag=True, help="Log what happens in detail.")(function)


def metrics_address(text: str) -> Address:
    """Return where metrics shall be served: ``PORT``, ``HOST:PORT`` or ``[IPv6]:PORT``.

    Raises:
        ValueError: it is none of them.
    """
    host, colon, port = text.rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not (port.isascii() and port.isdecimal() and 1 <= int(port) <= 65535) or (colon and not host):
        raise ValueError(f"expected PORT or HOST:PORT with a port of 1 to 65535, got {text!r}")
    return Address(host or _LOOPBACK, int(port))


def metrics_option(function: Function) -> Function:
    """Add ``--metrics`` to a click command; `service` and `begin` find what it says."""

    def keep_metrics(context: click.Context, _parameter: click.Parameter, text: str | None) -> None:
        try:
            context.meta[_METRICS] = None if text is None else metrics_address(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    option = click.option(
        "--metrics",
        metavar="[HOST:]PORT",
        expose_value=False,
        callback=keep_metrics,
        help=f"Serve what this process counts to Prometheus, on {_LOOPBACK} unless HOST is given (ess-bus[metrics]).",
    )
    return option(function)


def service_options(function: Function) -> Function:
    """Add ``--metrics`` and ``--log-format`` to a click command; `begin` finds what they say."""

    def keep_format(context: click.Context, _parameter: click.Parameter, style: str) -> None:
        context.meta[_LOG_FORMAT] = style

    log_format = click.option(
        "--log-format",
        type=click.Choice(logs.FORMATS),
        default=logs.TEXT,
        show_default=True,
        expose_value=False,
        callback=keep_format,
        help="The log as lines of text, or of JSON.",
    )
    return metrics_option(log_format(function))


def process_options(function: Function) -> Function:
    """Add ``--bus``, ``--process-name``, ``--metrics``, ``--log-format`` and ``-v`` to a click command."""
    name_option = click.option(
        "--process-name",
        envvar="ESS_PROCESS_NAME",
        callback=one_segment,
        metavar="NAME",
        help="The name on the bus, where /processes/NAME answers.  [env: ESS_PROCESS_NAME]",
    )
    return bus_option(name_option(service_options(verbose_option(function))))


def begin(verbose: bool) -> Service:
    """Do what every process does first: start its log, and under ess_site arrange to end when that dies.

    Return how it is watched: what the command that runs has found in `service_options`.
    """
    context = click.get_current_context()
    command = context.info_name or Path(sys.argv[0]).name
    start_log(verbose, context.meta.get(_LOG_FORMAT, logs.TEXT), context.params.get("process_name") or command)
    end_with_parent()
    return service(command)


def service(command: str) -> Service:
    """Return how the command that runs is watched, by what `metrics_option` has found."""
    return Service(command, click.get_current_context().meta.get(_METRICS))


def start_log(verbose: bool, style: str = logs.TEXT, process: str = "") -> None:
    """Log to stderr, details only if asked for; `process` is what lines of JSON call this process."""
    logs.start("debug" if verbose else "info", style, process)


@contextmanager
def until_stopped() -> Iterator[None]:
    """End the block quietly when SIGTERM or SIGINT arrives; for processes that run a plain loop."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        logging.getLogger(__name__).debug("stopped by a signal")


def run_until_stopped(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` until it ends or SIGTERM or SIGINT cancels it; for processes that run on asyncio."""

    async def cancelled_by_signals() -> None:
        running = asyncio.ensure_future(main)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, running.cancel)
        await running

    try:
        asyncio.run(cancelled_by_signals())
    except asyncio.CancelledError:
        logging.getLogger(__name__).debug("stopped by a signal")
    except ExceptionGroup as group:
        # A task group wraps whatever ends it; what is raised on purpose is for a person, in one line.
        if group.split(EssError)[1] is not None:
            raise
        raise _first(group) from None


def _first(error: Exception) -> Exception:
    return _first(error.exceptions[0]) if isinstance(error, ExceptionGroup) else error


def end_with_parent() -> None:
    """Ask the kernel for a SIGTERM when ess_site dies, so that even a kill -9 leaves nothing behind.

    The same holds for an ess_site that ess_view has started.
    """
    parent = os.environ.get("ESS_SITE_PID")
    if parent is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if str(os.getppid()) != parent:  # it died before the kernel knew
        sys.exit(0)
