"""The simulated plant: devices whose values the bus can read and set."""

from __future__ import annotations

from pathlib import Path

from ess_bus.errors import Problem


def check(path: Path) -> list[Problem]:
    """Check a plant's configuration without starting it; return warnings.

    Raises:
        ConfigurationError: it cannot be used.
    """
    from tools.twins.configuration import load

    return list(load(path).warnings)
