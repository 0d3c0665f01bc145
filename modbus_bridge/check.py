"""``--check``, ``--strict`` and ``--schema``: what both bridges can say of configuration files without starting."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import click
import orjson

from ess_bus.errors import ConfigurationError, Problem
from ess_bus.output import binary_output, wants_colours

OK, REFUSED = 0, 1


class Load(Protocol):
    """A loader: the configuration in a file and the warnings about it, or a ConfigurationError."""

    def __call__(self, path: Path, *, strict: bool = False) -> tuple[object, list[Problem]]:
        """Load a file."""


Command = Callable[..., Any]


def file_options(load: Load, kind: Literal["client", "server"]) -> Callable[[Command], Command]:
    """Add CONFIG, ``--check``, ``--strict`` and ``--schema`` to a click command, which gets `config` and `strict`.

    `kind` is whose files they are. Several are only taken to be checked; then the command itself is not called.
    """

    def decorated(function: Command) -> Command:
        @functools.wraps(function)
        def wrapped(files: tuple[Path, ...], check: bool, strict: bool, **rest: Any) -> Any:
            if not files:
                raise click.UsageError("expected a CONFIG")
            if check:
                return check_files(files, load, strict=strict)
            if len(files) > 1:
                raise click.UsageError("expected one CONFIG; several can only be checked (--check)")
            return function(config=files[0], strict=strict, **rest)

        command: Command = wrapped
        for option in reversed(_options(kind)):
            command = option(command)
        return command

    return decorated


def _options(kind: Literal["client", "server"]) -> list[Callable[[Command], Command]]:
    def show(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
        if wanted and not context.resilient_parsing:
            # Imported when needed: a bridge that starts needs no schema.
            from modbus_bridge.config import schema

            document = schema.client_schema() if kind == "client" else schema.server_schema()
            binary_output().write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
            context.exit()

    return [
        click.argument("files", type=click.Path(path_type=Path), nargs=-1, metavar="CONFIG"),
        click.option("--check", is_flag=True, help="Only say what is wrong in one or more files; no bus is needed."),
        click.option("--strict", is_flag=True, help="Refuse a file for what would be left out or mended."),
        click.option(
            "--schema",
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=show,
            help="Print the JSON Schema of the files, for editors.",
        ),
    ]


def check_files(files: Sequence[Path], load: Load, *, strict: bool = False) -> int:
    """Print everything that is wrong or odd in each file, and a verdict; return the exit status."""
    colours = wants_colours(binary_output())
    refused = False
    for file in files:
        try:
            found: Sequence[Problem] = load(file, strict=strict)[1]
            is_refused = False
        except ConfigurationError as error:
            found, is_refused = error.problems, True
        refused |= is_refused
        for line in report(file, found, refused=is_refused):
            # click drops the colours where they are not wanted.
            click.echo(line, color=colours)
    return REFUSED if refused else OK


def report(file: Path, found: Sequence[Problem], *, refused: bool) -> Iterator[str]:
    """Return a line for each of the problems or warnings of a file, and the verdict, in colours."""
    colour = "red" if refused else "yellow"
    name = _printable(str(file))
    for problem in found:
        where = f"{click.style(_printable(problem.where), fg=colour)}: " if problem.where else ""
        yield f"{name}: {where}{_printable(problem.message)}"
    if refused:
        verdict = click.style("refused", fg="red", bold=True)
    elif found:
        verdict = click.style(f"ok with {len(found)} warning{'s' if len(found) > 1 else ''}", fg="yellow", bold=True)
    else:
        verdict = click.style("ok", fg="green", bold=True)
    yield f"{name}: {verdict}"


def _printable(text: str) -> str:
    """Return a text that stays on its line and does nothing to the terminal, whatever a file makes us quote."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )
