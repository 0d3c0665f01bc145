"""The command ``fims_replay``: send the messages of a recording again, with the times between them."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import click

from ess_bus import commandline
from ess_bus.message import METHODS
from ess_bus.process import begin, bus_option, run_until_stopped, verbose_option
from tools.record.options import checked, time_options, uri_options
from tools.record.reader import Recording
from tools.record.replaying import COMMANDS, Plan, Progress, Replay
from tools.record.selection import Moment, Selection, methods

log = logging.getLogger(__name__)

UNDELIVERED = 3


def speed(text: str) -> float | None:
    """Return how many times as fast; ``None`` for ``max``.

    Raises:
        ValueError: it is neither a number above 0 nor ``max``.
    """
    if text == "max":
        return None
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise ValueError(f"{text!r}: expected a number above 0, such as 10 or 0.5, or max")
    return found


@click.command(
    epilog="""\b
Examples:
  fims_replay site.rec -u /components --speed 10        what is below /components, ten times as fast
  fims_replay site.rec -u /components --not-by ess_controller    what devices sent, to an engine that is on trial
  fims_replay site.rec --from +5min --to +6min --loop   one minute, again and again
  fims_replay site.rec --bus trial --methods pub,set --sets

\b
Answers, gets, and what is sent below /processes, /bus and /_... are never sent again. Bodies are sent as they were,
with the times that stand in them.

\b
Exit status:
  0  done, or stopped by SIGTERM or Ctrl-C
  1  no broker, not a recording, nothing in it that is wanted, or its senders are on this bus now
  2  wrong usage
  3  commands were sent that reached nobody, or that are forbidden"""
)
@click.argument("file", type=click.Path(path_type=Path))
@uri_options("Only")
@click.option("--not-by", multiple=True, metavar="NAME", help="Without what this process sent.")
@click.option(
    "--methods",
    "wanted",
    default="pub",
    show_default=True,
    metavar="LIST",
    callback=checked(lambda text: methods(text, METHODS - {"get"})),
    help="Send these: pub, set, post, del, with commas between them.",
)
@click.option("--sets", is_flag=True, help="Yes, send commands (set, post, del): devices will carry them out.")
@click.option(
    "--speed",
    "factor",
    default="1",
    show_default=True,
    metavar="N|max",
    help="So many times as fast.",
    callback=checked(speed),
)
@click.option("--as-fast", is_flag=True, help="As fast as can be, which is --speed max.")
@click.option("--loop", is_flag=True, help="Begin again at the end.")
@click.option("--over-live", is_flag=True, help="Send although the senders of the recording are on this bus now.")
@time_options
@bus_option
@verbose_option
def command(
    file: Path,
    uris: tuple[str, ...],
    without: tuple[str, ...],
    not_by: tuple[str, ...],
    wanted: frozenset[str],
    sets: bool,
    factor: float | None,
    as_fast: bool,
    loop: bool,
    over_live: bool,
    since: Moment | None,
    until: Moment | None,
    bus: str | None,
    verbose: bool,
) -> int:
    """Publish the messages of FILE, a recording, again: in their order, and with the time that was between them.

    Each is sent under the name of the process that sent it. When one of these was gone, and at the end, the broker says
    that it is gone, so that nobody takes its last values for good ones. A bus where these processes really are is
    refused.
    """
    begin(verbose)
    if (wanted & COMMANDS) and not sets:
        names = ", ".join(sorted(wanted & COMMANDS))
        raise click.UsageError(f"{names}: commands, which devices will carry out; add --sets if that is meant")
    selection = Selection(uris or ("/",), without, wanted, since, until, not_by)
    plan = Plan(selection, None if as_fast else factor, loop, over_live)
    progress, begun = Progress(), time.monotonic()
    with Recording(file) as recording:
        for gap in recording.gaps():
            log.warning("%s: %s", file, gap)
        try:
            run_until_stopped(Replay(bus, recording, plan, progress).run())
        finally:
            if progress.sent:
                late = "" if plan.speed is None else f", {progress.late_s * 1000:.0f} ms late at most"
                log.info("%d messages in %.1f s%s", progress.sent, time.monotonic() - begun, late)
    if progress.undelivered:
        log.error("%d commands reached nobody, or are forbidden", progress.undelivered)
    return UNDELIVERED if progress.undelivered else 0


def main() -> None:
    """Console entry point."""
    commandline.run(command, "fims_replay")


if __name__ == "__main__":
    main()
