"""How every command of this project ends: an error is one line on stderr and a non-zero exit status."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

import click

from ess_bus.errors import EssError
from ess_bus.interrupts import take_over
from ess_bus.output import forget_output
from ess_bus.version import line

FAILED = 1
USAGE = 2
INTERRUPTED = 130


def run(command: click.Command, name: str) -> NoReturn:
    """Run a click command and exit: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    try:
        take_over()
        command.params.append(_version(name))
        _complete(command, name)
        # Not command.main(): that prints an empty line when it is interrupted.
        with command.make_context(name, sys.argv[1:]) as context:
            status = command.invoke(context)
        if sys.stdout is not None:  # closed by who started us
            sys.stdout.flush()
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(USAGE)
    except click.ClickException as error:
        fail(name, error.format_message(), error.exit_code)
    except EssError as error:
        fail(name, str(error), FAILED)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output left (`| head`); nothing is wrong and nothing more can be said.
        forget_output()
        sys.exit(FAILED)
    except OSError as error:
        forget_output()
        fail(name, _system_text(error), FAILED)
    sys.exit(status if isinstance(status, int) else 0)


def _system_text(error: OSError) -> str:
    """Return what the system says, with the file if it is about one; its number is of no use to anybody."""
    text = (error.strerror or str(error)).lower()
    return text if error.filename is None else f"{error.filename}: {text}"


def _version(name: str) -> click.Option:
    """Return the option that all commands have."""

    def show(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
        if wanted and not context.resilient_parsing:
            click.echo(line(name))
            context.exit()

    return click.Option(
        ["-V", "--version"], is_flag=True, is_eager=True, expose_value=False, callback=show, help="Print the version."
    )


def _complete(command: click.Command, name: str) -> None:
    """Answer a shell that asks how a word of the command line may go on, as click's own main does."""
    variable = f"_{name}_COMPLETE".upper()
    asked = os.environ.get(variable)
    if asked:
        from click.shell_completion import shell_complete

        sys.exit(shell_complete(command, {}, name, variable, asked))


def fail(name: str, message: str, status: int) -> NoReturn:
    """Say in one line what is wrong, and exit."""
    click.echo(f"{name}: {' '.join(message.split())}", err=True)
    sys.exit(status)
