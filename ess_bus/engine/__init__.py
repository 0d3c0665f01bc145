"""The site's state engine: the data map behind `/ess`."""

from __future__ import annotations

from pathlib import Path

from ess_bus.errors import Problem


def check(path: Path) -> list[Problem]:
    """Check an engine's configuration without starting it; return warnings.

    Raises:
        ConfigurationError: it cannot be used.
    """
    from ess_bus.engine.configuration import load

    return list(load(path).warnings)
