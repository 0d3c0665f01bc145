"""``fims_top``: the command that shows what is on a bus."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace

import click

from ess_bus.commandline import FAILED, run
from ess_bus.endpoint import resolve
from ess_bus.errors import EssError
from ess_bus.process import bus_option
from ess_bus.uri import check, normal
from tools.fims import completing, stopping
from tools.top import text
from tools.top.listening import look
from tools.top.rows import Choice, Sort, leaves

_ONCE_S = 2.0


@click.command(
    epilog="""\b
Examples:
  fims_top                             the tree of everything, live
  fims_top -u /components --sort rate  who publishes most
  fims_top --filter '*soc*'            begin with a filter
  fims_top --once                      look on for 2 s and print a table
  fims_top --once --for 10 -u /ess/status/bms | grep null

\b
Keys:
  arrows move    Enter opens and closes    → drill down    ← up
  / filter    s sort    p pause    Esc clears the filter    q quit

\b
Exit status:
  0  done
  1  no broker (--once), or no terminal
  2  wrong usage"""
)
@click.option("-u", "uris", multiple=True, metavar="URI", shell_complete=completing.uris, help="Only this and below.")
@click.option("--filter", "chosen", default="", metavar="TEXT", help="Only URIs that contain this; * is any text.")
@click.option("--sort", type=click.Choice([*Sort]), default=Sort.NAME, show_default=True, help="Within each level.")
@click.option("--once", is_flag=True, help="Print a table of all values and end.")
@click.option(
    "--for", "seconds", metavar="SECONDS", callback=stopping.seconds, help="With --once: so long.  [default: 2]"
)
@click.option("--all", "everything", is_flag=True, help="Also URIs where clients wait for answers.")
@bus_option
def command(
    uris: tuple[str, ...], chosen: str, sort: Sort, once: bool, seconds: float | None, everything: bool, bus: str | None
) -> int:
    """Show all URIs of a bus as a tree: the last values, how often they come, and how old they are.

    It only looks on, and asks nobody: what was said before it came is not shown. A null is a value that is not valid.
    What is overdue, or was said by a process that has ended, is grey.
    """
    if seconds is not None and not once:
        raise click.UsageError("--for goes with --once")
    wanted = tuple(normal(check(uri)) for uri in uris) or ("/",)
    choice = Choice(root=wanted[0] if len(wanted) == 1 else "/", filter=chosen, sort=Sort(sort))
    if once:
        tree, lost = look(bus, wanted, _ONCE_S if seconds is None else seconds, hidden=not everything)
        for line in text.once(leaves(tree, replace(choice, root="/"), time.monotonic())):
            click.echo(line)
        if lost or tree.left_out:
            raise EssError(f"incomplete: {lost} messages were lost, {tree.left_out} found no room")
        return 0
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "dumb") == "dumb":
        raise EssError("expected a terminal; --once prints a table for scripts")
    resolve(bus)
    from tools.top.app import Top  # textual takes long to import

    top = Top(bus, wanted, choice, hidden=not everything)
    status = top.run()
    if top.failure:
        raise EssError(top.failure)
    return FAILED if status is None else status


def main() -> None:
    """Console entry point."""
    run(command, "fims_top")


if __name__ == "__main__":
    main()
