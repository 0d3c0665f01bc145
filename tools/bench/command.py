"""The command ``python -m tools.bench``."""

from __future__ import annotations

import fnmatch
import json
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import click

from ess_bus import commandline
from tools.bench import machine, registry
from tools.bench.processes import Bench
from tools.bench.report import Report
from tools.bench.row import Measured, Row
from tools.bench.runner import run
from tools.bench.scale import Scale

RUNS: Final = 5
MISSED, UNMEASURED = 3, 1


def _chosen(_context: click.Context, _parameter: click.Parameter, names: tuple[str, ...]) -> list[Row]:
    """Return the rows of these names or patterns; all if there are none."""
    rows = {row.name: row for row in registry.rows()}
    for name in names:
        if not fnmatch.filter(rows, name):
            raise click.BadParameter(f"there is no row {name!r}; expected one of {', '.join(rows)}")
    return [row for row in rows.values() if not names or any(fnmatch.fnmatch(row.name, name) for name in names)]


@click.command(
    epilog="""\b
Examples:
  make bench                                        everything; writes docs/benchmarks.md
  python -m tools.bench --quick                     see that everything works
  python -m tools.bench --row 1-1-200 --row get-200
  python -m tools.bench --row fims_send --runs 9
  make bench BENCH="--row stopped"
  make bench BENCH="--row 'bridge*'"                the bridge's rows

\b
Exit status:
  0  measured, and with --strict everything that is required was reached
  1  something of ours could not be measured
  2  wrong usage
  3  with --strict: something that is required was not reached"""
)
@click.option(
    "--row",
    "rows",
    multiple=True,
    metavar="NAME",
    callback=_chosen,
    help="Measure this row only, or those of a pattern; repeatable.",
)
@click.option("--runs", type=click.IntRange(1, 100), metavar="N", help=f"Runs per row.  [default: {RUNS}, quick: 1]")
@click.option("--quick", is_flag=True, help="A twentieth of everything: shows that it works, not how fast.")
@click.option("--list", "listed", is_flag=True, help="List the rows and the systems, and what is missing.")
@click.option("--strict", is_flag=True, help="Fail if something that is required is not reached.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=".",
    metavar="FOLDER",
    help="Where bench.json and docs/benchmarks.md are written.  [default: here]",
)
def command(rows: list[Row], runs: int | None, quick: bool, listed: bool, strict: bool, output: Path) -> int:
    """Measure this bus beside others: libzmq's C proxy, nats-server, mosquitto, redis.

    Peers are used where they are installed, and named as skipped where not. Prints the figures and whether what is
    required was reached, and writes bench.json. A run of all rows that is not quick also writes docs/benchmarks.md.
    """
    if listed:
        return _list(rows)
    # Ended by a service or a time limit, it takes its processes with it as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    facts = machine.facts(registry.systems())
    bench = Bench(Scale(quick))
    measured = [run(row, bench, runs or (1 if quick else RUNS), _say) for row in rows]
    facts["took"] = f"{(time.monotonic() - began) / 60:.0f} minutes"
    report = Report(measured, _columns(), facts, _failures(measured))
    click.echo(report.text())
    (output / "bench.json").write_text(json.dumps(report.json(), indent=1) + "\n")
    if not quick and len(rows) == len(registry.rows()):
        (output / "docs").mkdir(exist_ok=True)
        (output / "docs" / "benchmarks.md").write_text(report.document())
    return _status(report, strict)


def _columns() -> list[str]:
    """Return the peers that most rows have."""
    return [system.name for system in registry.systems()[1:] if not system.variant]


def _status(report: Report, strict: bool) -> int:
    if any(result.ours is None for result in report.results()):
        return UNMEASURED
    return MISSED if strict and any(verdict.met is False for verdict in report.verdicts()) else 0


def _failures(measured: Iterable[Measured]) -> dict[str, str]:
    """Return what was not measured and why; a peer that is not installed once, not with every row."""
    found: dict[str, str] = {}
    for each in measured:
        for label, reason in each.failures.items():
            found[label if reason.startswith("not installed") else f"{label} in {each.row.title}"] = reason
    return found


def _list(rows: list[Row]) -> int:
    width = max(len(row.name) for row in rows)
    for row in rows:
        click.echo(f"{row.name:<{width}}  {row.title}")
    click.echo()
    for system in registry.systems():
        missing = system.missing()
        click.echo(f"{system.name}: {f'skipped, not installed: {missing}' if missing else system.versions()}")
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Entry point."""
    commandline.run(command, "bench")
