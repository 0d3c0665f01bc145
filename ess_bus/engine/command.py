"""The command ``ess_controller``."""

from __future__ import annotations

import gc
import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import click

from ess_bus import commandline
from ess_bus.client import Bus
from ess_bus.control import PROCESSES
from ess_bus.engine.checking import check
from ess_bus.engine.configuration import EMPTY, EngineConfiguration, load, roots_of, subscriptions
from ess_bus.engine.dump_file import DumpFile
from ess_bus.engine.engine import Engine
from ess_bus.engine.process import EngineProcess
from ess_bus.engine.state_file import StateFile, default_file
from ess_bus.errors import ConfigurationError, EssError, Problem
from ess_bus.process import begin, one_segment, process_options, until_stopped
from ess_bus.service.running import Service
from ess_bus.uri import join, segments

log = logging.getLogger(__name__)

_EPILOG = """\b
Examples:
  ess_controller configs/bms_power/engine
  ess_controller -n ess_2 --bus plant site/engine
  ess_controller -x
  ess_controller -n ess_1 -s :/components/ess_1: site/engine
  ess_controller --check site/engine
  fims_send -m get -u /ess/full/status/bms/BMSPower

\b
Exit status:
  0  stopped by SIGTERM or Ctrl-C; with --check: the configuration can be used
  1  bad configuration, or no broker; with --check --strict: warnings
  2  wrong usage"""


def _roots(_context: click.Context, _parameter: click.Parameter, text: str | None) -> tuple[str, ...] | None:
    try:
        return None if text is None else roots_of(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


_file = click.Path(path_type=Path)


@click.command(epilog=_EPILOG)
@click.argument("paths", metavar="[DIR|FILE]...", type=_file, nargs=-1)
@click.option("-x", "--empty", is_flag=True, help="Begin with no tables; they are set over the bus.")
@click.option(
    "-n",
    "--name",
    callback=one_segment,
    help="The engine's name: /NAME/... is every table.  [default: EssName of the configuration, or ess]",
)
@click.option("-s", "--subs", callback=_roots, help="What it answers beside its name: /status,/site or :/status:/site:")
@click.option("-d", "--dir", "folder", type=_file, help="The folder in which -f, -a and -c look; alone: all of it.")
@click.option("-f", "--file", "flex", type=_file, help="A file, as the original takes it; .json may be left out.")
@click.option("-a", "--asset-file", "assets", type=_file, help="Another one.")
@click.option("-c", "--config", "config", type=_file, help="Another one, read last.")
@click.option(
    "--state",
    type=_file,
    help="Where settings are kept across restarts.  [default: ~/.local/state/ess-bus/BUS/NAME.sqlite]",
)
@click.option("--no-state", is_flag=True, help="Keep no settings, and use none that were kept.")
@click.option("--forget", is_flag=True, help="Only forget the settings that were kept for this engine.")
@click.option("--dump", type=_file, help="Where the command dump writes the map.  [default: beside the settings]")
@click.option("--check", "only_check", is_flag=True, help="Only tell what is wrong with the configuration.")
@click.option("--strict", is_flag=True, help="With --check: warnings are errors. Else: do not start with any.")
@process_options
def command(
    paths: tuple[Path, ...],
    empty: bool,
    name: str | None,
    subs: tuple[str, ...] | None,
    folder: Path | None,
    flex: Path | None,
    assets: Path | None,
    config: Path | None,
    state: Path | None,
    no_state: bool,
    forget: bool,
    dump: Path | None,
    only_check: bool,
    strict: bool,
    bus: str | None,
    process_name: str | None,
    verbose: bool,
) -> int:
    """Run the state engine: the data map behind /ess, with links and actions.

    DIR holds JSON files of tables: {"/status/bms": {"BMSPower": {"value": 0}}}. FILE is one of them, read with the
    files that it asks for.
    """
    files = [_beside(folder, one) for one in (flex, assets, config) if one is not None]
    if forget:
        return _forget(state or default_file(name or "ess", bus))
    every = [*paths, *(files if files or folder is None else [folder])]
    if bool(every) is empty:
        raise click.UsageError("expected DIR or FILE, or --empty without them")
    if only_check:
        return _check(every, name, strict=strict, verbose=verbose)
    with until_stopped():
        service = begin(verbose)
        configuration = load(*every) if every else EMPTY
        if strict and configuration.warnings:
            raise ConfigurationError(every[0], configuration.warnings)
        _log_warnings(configuration)
        if subs is not None:
            configuration = replace(configuration, roots=subscriptions(subs, configuration.owned))
        name = name or configuration.name or "ess"
        _require_usable(name, configuration)
        file = state or default_file(name, bus)
        engine = Engine(name)
        engine.advance(time.time(), time.monotonic())
        engine.configure.look_in(configuration.shelf, configuration.origins)
        engine.load(configuration.assignments, configuration.tables, rests=configuration.is_dump)
        if configuration.is_dump:
            log.warning("this is a dump: scheduled items rest until they are started")
        engine.dump_to(DumpFile(dump or file.with_name(f"{name}.json")))
        with nullcontext() if no_state else _kept(engine, StateFile(file)):
            _run(engine, configuration, bus, process_name, service)
    return 0


def _require_usable(name: str, configuration: EngineConfiguration) -> None:
    """Refuse a name below which something else is found: ``/status/bms`` would be the table ``/bms`` of it.

    Raises:
        EssError: it is such a name.
    """
    taken = {PROCESSES, *(join(segments(place)[:1]) for place in (*configuration.tables, *EMPTY.roots))}
    # Files of the original have tables below /ess, and its engine is called so.
    if name != "ess" and (f"/{name}" in taken or name.startswith("_")):
        raise EssError(f"the engine cannot be called {name}: /{name} is something else on the bus; -n gives it a name")


@contextmanager
def _kept(engine: Engine, file: StateFile) -> Iterator[None]:
    """Restore the settings of the last run, and keep those of this one."""
    settings = engine.keep(file)
    count = settings.restore(file.read())
    if count:
        log.info("%d settings of the last run from %s", count, file.path)
    try:
        yield
    finally:
        settings.run()
        file.close()


def _run(
    engine: Engine, configuration: EngineConfiguration, bus: str | None, process_name: str | None, service: Service
) -> None:
    # Two engines on one bus are two processes, too.
    own_name = "ess_controller" if engine.name == "ess" else f"ess_controller_{engine.name}"
    with Bus(bus, name=process_name or own_name) as connection:
        process = EngineProcess(engine, connection, configuration.roots, configuration.owned)
        # What was configured stays: to look through it for garbage, time and again, takes longer than much else here.
        gc.collect()
        gc.freeze()
        with service.running(process.measures, connection) as pulse:
            process.run(pulse)


def _forget(file: Path) -> int:
    count = StateFile(file).forget()
    click.echo(f"{file}: {count} settings forgotten")
    return 0


def _beside(folder: Path | None, file: Path) -> Path:
    """Return where the file of an option of the original is: as it is given, or in the folder; with ``.json`` or not.

    Raises:
        ConfigurationError: nowhere.
    """
    candidates = [file, file.with_name(f"{file.name}.json")]
    if folder is not None:
        candidates = [*(folder / one for one in candidates), *candidates]
    found = next((one for one in candidates if one.is_file()), None)
    if found is None:
        raise ConfigurationError(candidates[0], [Problem("", "no such file or directory")])
    return found


def _check(paths: list[Path], name: str | None, *, strict: bool, verbose: bool) -> int:
    if not paths:
        raise click.UsageError("--check needs DIR or FILE")
    verdict = check(paths, name or "ess")
    for line in verdict.text(verbose=verbose):
        click.echo(line)
    return 1 if verdict.errors or (strict and verdict.warnings) else 0


def _log_warnings(configuration: EngineConfiguration) -> None:
    """Name each kind of warning once: a real configuration has hundreds of variables with the same one."""
    for problem in configuration.warnings:
        log.debug("%s", problem)
    for text, count in Counter(problem.message for problem in configuration.warnings).most_common():
        places = [problem.where for problem in configuration.warnings if problem.message == text]
        log.warning("%s: %s%s", places[0], text, f" (and {count - 1} more places)" if count > 1 else "")


def main() -> None:
    """Console entry point."""
    commandline.run(command, "ess_controller")


if __name__ == "__main__":
    main()
