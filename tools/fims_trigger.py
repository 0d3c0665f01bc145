"""The command ``fims_trigger``: measure the time from one message to another (fims.md A6, B6)."""

from __future__ import annotations

import getopt
import os
import sys
import time

import click

from ess_bus.client import Bus
from ess_bus.process import start_log, until_stopped
from tools.fims import compat, options
from tools.fims.trigger import COMPARISONS, Condition, Measurement, condition

OPTIONS: tuple[options.Option, ...] = (
    (("-p",), "URI", "a pub of this variable: its last segment is the key in the body"),
    (("-s",), "URI", 'a set of this variable: a number, or {"value": number}'),
    (("-e",), "VALUE", "... that equals VALUE"),
    (("-g",), "VALUE", "... that is VALUE or greater"),
    (("-l",), "VALUE", "... that is VALUE or less"),
    (("--timeout",), "SECONDS", "give up if not both have come after so long   [default: never]"),
    (("--bus",), "BUS", "a bus name, ipc://PATH or tcp://HOST:PORT   [env: ESS_BUS; default: bus]"),
    (("-V", "--version"), "", "print the version"),
    (("--help",), "", "show this"),
)
USAGE = """\
Usage: fims_trigger -p|-s URI -e|-g|-l VALUE  -p|-s URI -e|-g|-l VALUE

  Start a timer when a message meets the first condition, stop it when a later one meets the second, print the time
  between them and end. Values are compared after truncation to three decimals.

{options}

Examples:
  fims_trigger -p /components/poi/frequency -l 58 -s /components/ess_1/active_power_setpoint -g 5500
  fims_trigger -s /ess/start -e 1 -p /components/pcs_1/state -e 4 --timeout 30

Exit status:
  0  measured, or stopped by SIGTERM or Ctrl-C
  1  no broker
  2  wrong usage (1 with FIMS_COMPAT=1)
  3  --timeout is over
"""
FAILED, TIMED_OUT = 1, 3
COMPLETE = "_FIMS_TRIGGER_COMPLETE"
_LONG_S = 3600.0


@click.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> int:
    """Read the command line, and measure."""
    try:
        given, rest = getopt.getopt(list(arguments), options.short(OPTIONS), options.long(OPTIONS))
        single = dict(given)
        if "--help" in single:
            click.echo(USAGE.format(options=options.listing(OPTIONS)), nl=False)
            return 0
        first, second = conditions([(flag, value) for flag, value in given if not flag.startswith("--")], rest)
        timeout_s = options.seconds(single["--timeout"]) if "--timeout" in single else float("inf")
    except (getopt.GetoptError, ValueError) as error:
        raise click.UsageError(f"{error}; see fims_trigger --help") from None
    start_log(verbose=False)
    with until_stopped():
        return _measure(single.get("--bus"), first, second, timeout_s)
    return 0


def conditions(given: list[tuple[str, str]], rest: list[str]) -> tuple[Condition, Condition]:
    """Return the two conditions that the options make, in their order.

    Raises:
        ValueError: they are not two, or one is not right.
    """
    flags = [flag for flag, _ in given]
    if rest or len(flags) != 4 or not {*flags[::2]} <= {"-p", "-s"} or not {*flags[1::2]} <= {*COMPARISONS}:
        typed = " ".join([*flags, *rest]) or "nothing"
        raise ValueError(f"expected two conditions, each -p or -s and then -e, -g or -l; got {typed}")
    (flag, uri), (comparison, value), *others = given
    (flag_2, uri_2), (comparison_2, value_2) = others
    return condition(flag, uri, comparison, value), condition(flag_2, uri_2, comparison_2, value_2)


def _measure(bus: str | None, first: Condition, second: Condition, timeout_s: float) -> int:
    deadline = time.monotonic() + timeout_s
    measurement = Measurement(first, second)
    with Bus(bus, name="fims_trigger") as connection:
        # Passive: to look on is not to be there, and a set that reaches nobody else is still reported to its sender.
        messages = connection.subscribe(first.target, second.target, passive=True)
        for number, found in enumerate((first, second), 1):
            print(f"Subscribed to URI {number}: {found.target}", flush=True)
        _await(1, first)
        gaps = connection.gaps
        while measurement.elapsed_s is None and (now := time.monotonic()) < deadline:
            message = messages.receive(min(deadline - now, _LONG_S))
            line = None if message is None else measurement.feed(message, time.monotonic())
            if line is not None:
                print(line, flush=True)
                if measurement.elapsed_s is None:
                    _await(2, second)
        missed = connection.gaps != gaps
    if measurement.elapsed_s is None:
        click.echo(f"fims_trigger: no {measurement.awaited} within {timeout_s:g} s", err=True)
        return TIMED_OUT
    print(f"Elapsed Time: {int(measurement.elapsed_s * 1000)} ms ", flush=True)
    if missed:
        click.echo("fims_trigger: messages were missed meanwhile; the time may be too long", err=True)
    return 0


def _await(number: int, wanted: Condition) -> None:
    print(f"Awaiting {wanted.method}s on URI {number}: {wanted.uri}", flush=True)


def main() -> None:
    """Console entry point."""
    asked = os.environ.get(COMPLETE)
    if asked:
        from tools.fims.completion import complete

        sys.exit(complete("fims_trigger", OPTIONS, asked))
    compat.run(command, "fims_trigger")


if __name__ == "__main__":
    main()
