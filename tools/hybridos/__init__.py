"""A stand-in for HybridOS: the master above a Clou controller. It beats, commands and looks on, by Modbus only."""

from __future__ import annotations

from pathlib import Path

from ess_bus.errors import Problem


def check(path: Path) -> list[Problem]:
    """Check a configuration without connecting; return warnings.

    Raises:
        ConfigurationError: it cannot be used.
    """
    from tools.hybridos.registers import load

    return list(load(path)[1])
