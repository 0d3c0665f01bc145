"""Options that ``fims_record`` and ``fims_replay`` share, and how what they say is checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from tools.fims import completing
from tools.record import selection

Function = TypeVar("Function", bound=Callable[..., Any])


def uri_options(text: str) -> Callable[[Function], Function]:
    """Add ``-u`` and ``--without``."""

    def add(function: Function) -> Function:
        without = click.option(
            "--without",
            multiple=True,
            metavar="URI",
            callback=checked(selection.uris),
            shell_complete=completing.uris,
            help="But not this URI and below; may be repeated.",
        )
        return click.option(
            "-u",
            "uris",
            multiple=True,
            metavar="URI",
            callback=checked(selection.uris),
            shell_complete=completing.uris,
            help=f"{text} this URI and below; may be repeated.  [default: everything]",
        )(without(function))

    return add


def time_options(function: Function) -> Function:
    """Add ``--from`` and ``--to``."""
    text = "such as 2026-01-31T12:00:00 (local time), or +90s, +5min, +1h from the first message."
    until = click.option("--to", "until", metavar="TIME", callback=_moment, help=f"Only before this, {text}")
    return click.option("--from", "since", metavar="TIME", callback=_moment, help=f"Only from then on, {text}")(
        until(function)
    )


def checked(check: Callable[[Any], Any]) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Return a callback for click that checks a value which was given, and says what is wrong with it."""

    def callback(_context: click.Context, _parameter: click.Parameter, value: Any) -> Any:
        try:
            return None if value is None else check(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return callback


_moment = checked(selection.moment)
