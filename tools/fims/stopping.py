"""How a listener is told to stop: by a signal, or by its own ``--timeout``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click

from tools.fims import compat, options


def seconds(_context: click.Context, _parameter: click.Parameter, text: str | None) -> float | None:
    """Check an option that takes seconds; for click's `callback`."""
    try:
        return None if text is None else options.seconds(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@contextmanager
def naming_signals() -> Iterator[None]:
    """With ``FIMS_COMPAT=1``, name the signal that ends the block, as the original does (fims.md B5)."""
    if not compat.wanted():
        yield
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        yield
    except KeyboardInterrupt as interrupt:
        sys.stderr.write(f"signal of type {interrupt.args[0]} caught.\n")
        raise


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt(number)
