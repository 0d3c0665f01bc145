"""The variable calculator: derived variables such as `BMSPower`."""

from __future__ import annotations

from pathlib import Path

from ess_bus.errors import Problem


def check(path: Path) -> list[Problem]:
    """Check a calculator's configuration without starting it; return warnings.

    Raises:
        ConfigurationError: it cannot be used.
    """
    from calculator.configuration import load

    return list(load(path).warnings)
