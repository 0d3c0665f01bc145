"""The registers that HybridOS needs, out of the file that describes the whole map to `modbus_client`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from ess_bus.errors import ConfigurationError, Problem
from modbus_bridge.config import load_client
from modbus_bridge.config.model import Connection, Point
from tools.hybridos.orders import REGISTERS

LIFE: Final = "life"
STATE: Final = "system_state"
WATCHED: Final = (
    *(STATE, "p", "q", "bms_soc", "w_charge", "w_discharge", "pcs_under_power", "pcs_over_power"),
    *("com_status", "overall_fault", "overall_alarm", "life_signal"),
)


class Registers(NamedTuple):
    """A controller and its registers.

    Attributes:
        connection: how it is reached.
        written: `LIFE` and what orders are written to, by id.
        watched: `WATCHED`, by id.
    """

    connection: Connection
    written: dict[str, Point]
    watched: dict[str, Point]


def load(path: Path) -> tuple[Registers, Sequence[Problem]]:
    """Return the registers that a file of `modbus_client` has, and the warnings about it.

    Raises:
        ConfigurationError: it cannot be used, or lacks a register.
    """
    configuration, warnings = load_client(path)
    points = {point.id: point for component in configuration.components for point in component.points}
    writes = (LIFE, *REGISTERS.values())
    lacking = (name for name in (*writes, *WATCHED) if name not in points)
    problems = [Problem("components", f"no register {name!r}, which a Clou controller has") for name in lacking]
    problems += [
        Problem("components", f"{name!r} is of the table {points[name].type}; expected one that can be written")
        for name in writes
        if name in points and not points[name].type.is_writable
    ]
    if problems:
        raise ConfigurationError(path, problems)
    written, watched = ({name: points[name] for name in names} for names in (writes, WATCHED))
    return Registers(configuration.connection, written, watched), warnings
