"""Checking every configuration that a site names, each by the loader of its own package, without starting anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from ess_bus.errors import ConfigurationError, Problem
from tools.ess_site.site_file import Site, SiteProcess

if TYPE_CHECKING:
    from ess_bus.engine.checking import Verdict

ENGINE: Final = "ess_controller"

# command -> (module, function), a function that takes the file or folder. Imported when needed: a site without Modbus
# need not load Modbus. An engine's answers with its own verdict, the others with warnings or a ConfigurationError.
CHECKS: Final = {
    ENGINE: ("ess_bus.engine.checking", "check"),
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
        errors: why the process would not start with it, a line each.
        warnings: what else is remarkable, a line each.
    """

    process: str
    config: Path
    errors: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def refused(self) -> bool:
        """Whether the process would not start with this configuration."""
        return bool(self.errors)

    def report(self, *, verbose: bool) -> Iterator[str]:
        """Return the verdict, and a line for each error, and with `verbose` for each warning."""
        yield f"{self.process} {self.config}: {self._verdict()}"
        yield from self.errors
        if verbose:
            yield from (f"warning: {line}" for line in self.warnings)

    def _verdict(self) -> str:
        if self.refused:
            return "refused"
        if not self.warnings:
            return "ok"
        return f"ok with {len(self.warnings)} warning{'s' if len(self.warnings) > 1 else ''}"


def check(site: Site) -> list[Finding]:
    """Check the configuration of every process that has one, in the order of the site file."""
    return [_check(process, process.config) for process in site.processes if process.config is not None]


def _check(process: SiteProcess, config: Path) -> Finding:
    module, name = CHECKS[process.command]
    function = getattr(import_module(module), name)
    if process.command == ENGINE:
        verdict = cast("Verdict", function([config]))
        warnings = tuple(verdict.shown_warnings(verbose=True))
        return Finding(process.name, config, tuple(verdict.shown_errors()), warnings)
    try:
        problems = cast("Sequence[Problem]", function(config))
    except ConfigurationError as error:
        return Finding(process.name, config, error.lines, ())
    return Finding(process.name, config, (), tuple(" ".join(f"{config}: {problem}".split()) for problem in problems))
