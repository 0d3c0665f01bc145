"""How a component without contactors takes commands on and off, and a fault that is injected."""

from __future__ import annotations

from typing import Protocol


class Switched(Protocol):
    """What it has for that; commands clear themselves when they were taken."""

    on: bool
    on_cmd: bool
    off_cmd: bool
    faulted: bool
    trip_cmd: bool
    reset_cmd: bool


def switch(model: Switched) -> None:
    """Switch on or off; off wins, and a fault stays until it is reset."""
    model.faulted = (model.faulted and not model.reset_cmd) or model.trip_cmd
    if model.off_cmd or model.faulted:
        model.on = False
    elif model.on_cmd:
        model.on = True
    model.on_cmd = model.off_cmd = model.trip_cmd = model.reset_cmd = False
