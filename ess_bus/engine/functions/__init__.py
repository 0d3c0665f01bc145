"""What actions call by name; every file of this folder registers its functions when this is imported."""

from __future__ import annotations

import importlib
import pkgutil

from ess_bus.engine.functions.registry import ELSEWHERE, FUNCTIONS, Call, Engine, function, is_known, known, why_not

__all__ = ["ELSEWHERE", "FUNCTIONS", "Call", "Engine", "function", "is_known", "known", "why_not"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
