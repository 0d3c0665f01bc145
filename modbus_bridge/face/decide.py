"""Carrying out what people decide about points: `_enable`, `_force` and the like; pure."""

from __future__ import annotations

from typing import Any, Final

from ess_bus import values
from modbus_bridge.config.model import Component
from modbus_bridge.face.overlay import Overlay
from modbus_bridge.face.path import Path
from modbus_bridge.values.orders import Catalogue, unknown

# What gen-3 answers (modbus.md 3.3).
_NAMES: Final = {
    "_enable": "Enable",
    "_disable": "Disable",
    "_connect": "Connect",
    "_disconnect": "Disconnect",
    "_force": "Force",
    "_unforce": "Unforce",
}


def decide(path: Path, body: Any, component: Component, catalogue: Catalogue, overlay: Overlay) -> dict[str, str]:
    """Change the overlay and return the answer; on a component, all of its points are meant.

    Raises:
        ValueError: the reason; nothing was changed.
    """
    fragment = path.fragment or ""
    names = [point.id for point in component.points] if path.name is None else [path.name]
    _require_known(names, catalogue)
    match fragment:
        case "_force":
            assigned = values.assignments(path.segments, body)
            _require_known(assigned, catalogue)
            overlay.force(assigned)
        case "_unforce":
            overlay.unforce(names)
        case _:
            ids = [point.id for name in names if (point := overlay.point(name)) is not None]
            change = {
                "_enable": overlay.enable,
                "_disable": overlay.disable,
                "_connect": overlay.connect,
                "_disconnect": overlay.disconnect,
            }
            change[fragment](ids)
    return {"gcom": f"Modbus Point {_NAMES[fragment]}", "status": "Success"}


def _require_known(names: Any, catalogue: Catalogue) -> None:
    known = set(catalogue.names)
    problems = [f"{name}: {unknown(name, catalogue.names)}" for name in names if name not in known]
    if problems:
        raise ValueError("; ".join(problems))
