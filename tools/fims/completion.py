"""Completion in bash, zsh and fish, of all commands by click's own means. Imported only when a shell asks.

A command that is built with click completes by itself. Those that read their options with getopt are described to click
here, for as long as it takes to complete a word.
"""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class, shell_complete

from ess_bus.message import METHODS
from ess_bus.process import bus_names
from tools.fims import completing
from tools.fims.options import Option
from tools.launch import COMMANDS

SHELLS = ("bash", "zsh", "fish")


def script(shell: str) -> str:
    """Return the text that makes a shell complete every command of this project.

    Raises:
        ValueError: it is none of `SHELLS`.
    """
    if shell not in SHELLS:
        raise ValueError(f"no completion for {shell!r}, expected one of {', '.join(SHELLS)}")
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has had these three since 8.0
    nothing = click.Command(None)
    parts = [kind(nothing, {}, name, variable(name)) for name in COMMANDS]
    # Not source(): for bash it starts another bash each time, to warn about versions of before 2016.
    return "".join(part.source_template % part.source_vars() for part in parts)


def variable(name: str) -> str:
    """Return the environment variable by which a shell asks the command `name` to complete a word."""
    return f"_{name}_COMPLETE".upper()


def complete(name: str, options: tuple[Option, ...], instruction: str) -> int:
    """Answer a shell for a command that reads `options` with getopt; return the exit status."""
    return shell_complete(as_click(name, options), {}, name, variable(name), instruction)


def as_click(name: str, options: tuple[Option, ...]) -> click.Command:
    """Return what click needs to know to complete the command line of `name`."""
    parameters: list[click.Parameter] = [_as_option(*option) for option in options]
    return click.Command(name, params=[*parameters, click.Argument(["body"], nargs=-1)], add_help_option=False)


def _as_option(flags: tuple[str, ...], value: str, text: str) -> click.Option:
    summary = text.partition("\n")[0]
    match value:
        case "":
            return click.Option(flags, is_flag=True, help=summary)
        case "METHOD":
            return click.Option(flags, type=click.Choice(sorted(METHODS)), help=summary)
        case "SHELL":
            return click.Option(flags, type=click.Choice(SHELLS), help=summary)
        case "FILE":
            return click.Option(flags, type=click.Path(), help=summary)
        case "URI" | "REPLYTO":
            # Several are the rule in fims_trigger, and no error in fims_send.
            return click.Option(flags, multiple=True, shell_complete=completing.uris, help=summary)
        case "BUS":
            return click.Option(flags, shell_complete=bus_names, help=summary)
    return click.Option(flags, multiple=True, help=summary)
