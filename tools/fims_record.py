"""The command ``fims_record``: record what is on the bus; look into recordings, export and plot them."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Any

import click

from ess_bus import commandline
from ess_bus.errors import EssError
from ess_bus.message import METHODS
from ess_bus.process import begin, process_options, until_stopped
from ess_bus.service.running import Service
from tools.record.entry import RecordingError
from tools.record.exporting import FORMATS
from tools.record.options import checked, time_options, uri_options
from tools.record.selection import Selection, methods, uris

LOST = 3
_PATH = click.Path(path_type=Path)


@click.command(
    epilog="""\b
Examples:
  fims_record -o site.rec                                 everything, until Ctrl-C
  fims_record -u /components -u /ess -o site.rec --rotate 100MB --rotate 1d --keep 30
  fims_record --info site.rec                             what is in it; also while it is written
  fims_record --from-listen old.log -o old.rec            a text that fims_listen has printed, "-" is stdin
  fims_record --export csv bms.csv -u /components/bms_1 site.rec
  fims_record --export parquet day.parquet --wide --from 2026-01-31 --to 2026-02-01 site.rec
  fims_record --plot /components/bms_1/soc --plot /components/bms_1/voltage -o soc.png site.rec

\b
A recording is an SQLite file. A full one (--rotate) is renamed, site.rec to site.20260131T120000.000000Z.rec.
Tables have the values of pubs, a row each: time (UTC), uri, method, process, type (number, bool, text, json, other or
null: not valid), number, text. With --wide a row is a message and each variable has a column; a cell is empty where it
was not sent, or is not valid.

\b
Exit status:
  0  stopped by SIGTERM or Ctrl-C; or done
  1  no broker, a file cannot be read or written, or it is not a recording
  2  wrong usage
  3  messages were lost while recording, or --skip-bad has skipped some; stderr and --info say which"""
)
@click.argument("file", required=False, type=_PATH)
@uri_options("Only")
@click.option("-o", "output", type=_PATH, metavar="FILE", help="The recording, or with --plot the picture, to write.")
@click.option("--rotate", multiple=True, metavar="SIZE|TIME", help="Begin a new file then: 100MB, 1h; one of each.")
@click.option("--keep", type=click.IntRange(min=0), metavar="N", help="Keep so many full files.  [default: all]")
@click.option("--zlib/--no-zlib", "packed", default=True, show_default=True, help="Pack bodies.")
@click.option("--from-listen", "capture", type=_PATH, metavar="TEXT", help="Make a recording of fims_listen's output.")
@click.option("--skip-bad", is_flag=True, help="With --from-listen: pass over what cannot be understood, and say so.")
@click.option("--info", is_flag=True, help="Say what is in FILE.")
@click.option(
    "--export", type=(click.Choice(FORMATS), _PATH), metavar="FORMAT OUT", help="Write csv or parquet to OUT."
)
@click.option("--wide", is_flag=True, help="With --export: a column for each variable.")
@click.option("--plot", multiple=True, metavar="VARIABLE", callback=checked(uris), help="Draw it; may be repeated.")
@click.option(
    "--methods",
    "wanted",
    default="pub",
    show_default=True,
    metavar="LIST",
    callback=checked(lambda text: methods(text, METHODS)),
    help="With --export and --plot: of which messages; a set is a wish, and may have been refused.",
)
@time_options
@process_options
@click.pass_context
def command(context: click.Context, /, **given: Any) -> int:
    """Record all that is sent on the bus, or to a part of it, with its times; or read such a recording, FILE.

    It only looks on, as fims_listen does. What is recorded is on the disk within a second, whatever happens.
    A full disk is told and waited for; what was missed is counted, and stands in the recording.
    """
    service = begin(given["verbose"])
    tasks = {"--from-listen": _import, "--info": _info, "--export": _export, "--plot": _plot}
    keys = {"--from-listen": "capture", "--info": "info", "--export": "export", "--plot": "plot"}
    chosen = [flag for flag in tasks if given[keys[flag]]]
    if len(chosen) > 1:
        raise click.UsageError(f"{' and '.join(chosen)}: one at a time")
    task = chosen[0] if chosen else ""
    _check_usage(context, task, given)
    try:
        return tasks[task](given) if task else _record(given, service)
    except sqlite3.Error as error:
        raise RecordingError(given["output"] or given["file"], str(error)) from None
    except ImportError as error:
        extra = "plot" if task == "--plot" else "parquet"
        raise EssError(f"{task} needs {error.name}: pip install 'ess-bus[{extra}]'") from None


# What goes with what; -v and the options of the bus go with everything.
_GOES_WITH = {
    "": {"output", "rotate", "keep", "packed", "uris"},
    "--from-listen": {"output", "packed", "capture", "skip_bad", "uris"},
    "--info": {"file", "info"},
    "--export": {"file", "export", "wide", "wanted", "since", "until", "uris", "without"},
    "--plot": {"file", "plot", "output", "wanted", "since", "until"},
}


def _check_usage(context: click.Context, task: str, given: dict[str, Any]) -> None:
    for name in given.keys() - _GOES_WITH[task] - {"verbose", "bus", "process_name"}:
        source = context.get_parameter_source(name)
        if source is click.core.ParameterSource.COMMANDLINE and given[name] not in ((), None):
            label = {"file": f"{given['file']}: a FILE", "output": "-o"}.get(name) or _flag(context, name)
            raise click.UsageError(f"{label} does not go with {task or 'recording'}")
    if "file" in _GOES_WITH[task] and given["file"] is None:
        raise click.UsageError(f"{task} needs FILE, a recording")
    if "output" in _GOES_WITH[task] and given["output"] is None:
        raise click.UsageError(f"{task or 'to record'} needs -o FILE")


def _flag(context: click.Context, name: str) -> str:
    return next(one.opts[0] for one in context.command.params if one.name == name)


def _record(given: dict[str, Any], service: Service) -> int:
    from tools.record.recording import Order, record
    from tools.record.rotation import rotation

    if given["keep"] is not None and not given["rotate"]:
        raise click.UsageError("--keep goes with --rotate")
    try:
        rotates = rotation(given["rotate"], given["keep"])
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--rotate") from None
    order = Order(given["output"], given["uris"] or ("/",), rotates, given["packed"])
    with until_stopped():
        return LOST if record(given["bus"], given["process_name"] or "fims_record", order, service) else 0
    return 0


def _import(given: dict[str, Any]) -> int:
    from tools.record.importing import import_capture

    wanted = given["uris"] or ("/",)
    skipped = import_capture(
        given["capture"], given["output"], wanted, skip_bad=given["skip_bad"], packed=given["packed"]
    )
    return LOST if skipped else 0


def _info(given: dict[str, Any]) -> int:
    from tools.record.info import about
    from tools.record.reader import Recording

    with Recording(given["file"]) as recording:
        for line in about(recording):
            click.echo(line)
    return 0


def _export(given: dict[str, Any]) -> int:
    from tools.record.exporting import export
    from tools.record.reader import Recording

    kind, path = given["export"]
    with Recording(given["file"]) as recording:
        count = export(recording, _selection(given), kind, path, wide=given["wide"])
        _warn_of_gaps(recording)
    click.echo(f"{path}: {count} rows")
    return 0


def _plot(given: dict[str, Any]) -> int:
    from tools.record.plotting import SUFFIXES, plot
    from tools.record.reader import Recording

    if given["output"].suffix.lower() not in SUFFIXES:
        raise click.UsageError(f"-o {given['output']}: expected a name that ends in {', '.join(SUFFIXES)}")
    with Recording(given["file"]) as recording:
        plot(recording, _selection(given), given["plot"], given["output"])
        _warn_of_gaps(recording)
    return 0


def _warn_of_gaps(recording: Any) -> None:
    for gap in recording.gaps():
        sys.stderr.write(f"fims_record: {recording.path}: {gap}\n")


def _selection(given: dict[str, Any]) -> Selection:
    return Selection(given["uris"] or ("/",), given["without"], given["wanted"], given["since"], given["until"])


def main() -> None:
    """Console entry point."""
    commandline.run(command, "fims_record")


if __name__ == "__main__":
    main()
