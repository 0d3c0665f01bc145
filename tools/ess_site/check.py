"""Checking every configuration that a site names, each by the loader of its own package, without starting anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final, cast

from ess_bus.errors import ConfigurationError, Problem
from tools.ess_site.site_file import Site, SiteProcess

Check = Callable[[Path], Sequence[Problem]]

# command -> (module, function). Imported when needed: a site without Modbus need not load Modbus.
CHECKS: Final = {
    "ess_controller": ("ess_bus.engine", "check"),
    "calculator": ("calculator", "check"),
    "modbus_client": ("modbus_bridge.config", "check_client"),
    "modbus_server": ("modbus_bridge.config", "check_server"),
    "twins": ("tools.twins", "check"),
    "hybridos": ("tools.hybridos", "check"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What the check of one configuration found.

    Attributes:
        process: whose configuration it is.
        config: the file or folder that was checked.
        source: the file that the problems are in.
        problems: warnings, or if `refused` errors.
        refused: whether the process would not start with this configuration.
    """

    process: str
    config: Path
    source: str
    problems: tuple[Problem, ...]
    refused: bool

    def report(self, *, verbose: bool) -> Iterator[str]:
        """Return the verdict, and a line for each error, or with `verbose` also for each warning."""
        yield f"{self.process} {self.config}: {self._verdict()}"
        if self.refused or verbose:
            for problem in self.problems:
                yield " ".join(f"{self.source}: {problem}".split())

    def _verdict(self) -> str:
        if self.refused:
            return "refused"
        if not self.problems:
            return "ok"
        return f"ok with {len(self.problems)} warning{'s' if len(self.problems) > 1 else ''}"


def check(site: Site) -> list[Finding]:
    """Check the configuration of every process that has one, in the order of the site file."""
    return [_check(process, process.config) for process in site.processes if process.config is not None]


def _check(process: SiteProcess, config: Path) -> Finding:
    module, function = CHECKS[process.command]
    checked = cast("Check", getattr(import_module(module), function))
    try:
        warnings = checked(config)
    except ConfigurationError as error:
        return Finding(process.name, config, error.source, error.problems, refused=True)
    return Finding(process.name, config, str(config), tuple(warnings), refused=False)
