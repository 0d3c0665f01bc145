"""The command ``python -m tools.awkward``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click

from ess_bus import commandline
from ess_bus.process import run_until_stopped
from tools.awkward.device import HOST, LATE_AFTER_S, AwkwardDevice
from tools.awkward.misdeeds import CODES, MEANINGS, OF_CONNECTIONS, Misdeed, Odds

_EPILOG = """
\b
Examples:
  python -m tools.awkward                                    a device at a free port that does nothing wrong
  python -m tools.awkward --port 1502 --stall 0.01 --late 0.02 --late-after 1.5
  python -m tools.awkward --refuse 0.1 --codes 4,6 --seed 7
  python -m tools.awkward --units 1,2,3 --silent 2

\b
The first line on stdout says where it listens. When it is stopped (SIGTERM or SIGINT),
it says what it did how often.

\b
Exit status:
  0  stopped by SIGTERM or SIGINT
  1  the port cannot be used
  2  wrong usage
"""


def _numbers(_context: click.Context, _parameter: click.Parameter, text: str | None) -> tuple[int, ...]:
    try:
        found = tuple(int(part) for part in (text or "").split(",") if part)
    except ValueError:
        found = (-1,)
    if any(not 0 <= number <= 255 for number in found):
        raise click.BadParameter(f"expected numbers from 0 to 255 with commas between them, got {text!r}")
    return found


def _misdeed_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for misdeed, meaning in reversed(MEANINGS.items()):
        per = "connection" if misdeed in OF_CONNECTIONS else "request"
        option = click.option(
            f"--{misdeed}",
            type=click.FloatRange(0, 1),
            default=0.0,
            metavar="P",
            help=f"The probability, per {per}, to {meaning}.",
        )
        function = option(function)
    return function


@click.command(epilog=_EPILOG)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Where to listen; 0 chooses a free port.")
@click.option("--host", default=HOST, show_default=True, help="The address to listen on.")
@click.option("--units", callback=_numbers, metavar="N,N", help="The unit ids that exist.  [default: all]")
@click.option("--silent", callback=_numbers, metavar="N,N", help="Unit ids that never answer.")
@click.option("--seed", type=int, default=0, help="The seed of all chance: the same one, the same misdeeds.")
@click.option(
    "--codes", callback=_numbers, metavar="N,N", help=f"Exceptions of --refuse.  [default: {','.join(map(str, CODES))}]"
)
@click.option(
    "--late-after",
    type=click.FloatRange(0),
    metavar="S",
    default=LATE_AFTER_S,
    show_default=True,
    help="Seconds of --late.",
)
@_misdeed_options
def command(
    port: int,
    host: str,
    units: tuple[int, ...],
    silent: tuple[int, ...],
    seed: int,
    codes: tuple[int, ...],
    late_after: float,
    **chances: float,
) -> None:
    """Be a Modbus TCP device that misbehaves on purpose.

    All addresses of all four tables exist. A register changes with every read, until it is written; then it holds what
    was written. What goes wrong is drawn anew for each request.
    """
    odds = {Misdeed(name.replace("_", "-")): chance for name, chance in chances.items() if chance}
    try:
        plan = Odds(odds, seed=seed, codes=codes or CODES)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    device = AwkwardDevice(
        plan, port=port, host=host, units=units or range(256), silent=silent, late_after_s=late_after, keep_s=0.0
    )
    run_until_stopped(_run(device, host))
    click.echo(_summary(device))


async def _run(device: AwkwardDevice, host: str) -> None:
    async with device:
        print(f"awkward device at {host}:{device.port}", flush=True)
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


def _summary(device: AwkwardDevice) -> str:
    records = device.records
    counts = [("requests", records.requests), ("connections", records.connections)]
    counts += [(str(misdeed), count) for misdeed, count in sorted(records.deeds.items()) if count]
    return ", ".join(f"{name}: {count}" for name, count in counts)


def main() -> None:
    """Entry point."""
    commandline.run(command, "awkward")


if __name__ == "__main__":
    main()
