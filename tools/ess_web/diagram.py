"""Where the values of the single-line diagram are found: names of docs/states.md, which a file may replace."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ess_bus.configuration import read_json
from ess_bus.errors import ConfigurationError, Problem, UriError
from ess_bus.hints import did_you_mean
from ess_bus.uri import check

# Place -> variables below the engine's name; the first that is there counts. Powers are in kW and kvar.
PLACES: Final[dict[str, tuple[str, ...]]] = {
    "ess.state": ("/status/ess/SystemState",),
    "ess.setpoint": ("/controls/ess/ActivePowerSetpoint",),
    "ess.estop": ("/status/ess/EStopHeldBy", "/controls/ess/EStop"),
    "grid.frequency": ("/status/grid/Frequency", "/status/feeder/Frequency", "/status/pcs/Frequency"),
    "grid.voltage": (
        "/status/grid/Voltage",
        "/status/feeder/Voltage",
        "/status/feeder/VoltageL1L2",
        "/status/pcs/VoltageL1L2",
    ),
    "grid.power": ("/status/grid/ActivePower", "/status/feeder/ActivePower", "/status/pcs/ActivePower"),
    "ac.closed": ("/status/pcs/AcContactor", "/status/ess/AcContactor"),
    "pcs.state": ("/status/pcs/SystemState", "/status/pcs/PCSStatus"),
    "pcs.power": ("/status/pcs/ActivePower",),
    "pcs.reactive": ("/status/pcs/ReactivePower",),
    "dc.closed": ("/status/bms/DCClosed",),
    "bms.state": ("/status/bms/SystemState", "/status/bms/BMSStatus"),
    "bms.soc": ("/status/bms/SOC",),
    "bms.voltage": ("/status/bms/BMSVoltage", "/status/bms/mbmu_voltage"),
    "bms.current": ("/status/bms/BMSCurrent",),
    "bms.power": ("/status/bms/BMSPower",),
    "bms.connected": ("/status/bms/CommsOK", "/status/bms/component_connected"),
}
# What is recorded for trends from the start on.
RECORDED: Final = ("pcs.power", "bms.power", "bms.soc", "ess.setpoint")

Places = Mapping[str, tuple[str, ...]]


def places(engine: str, replaced: Mapping[str, str] | None = None) -> Places:
    """Return place -> URIs of variables, the first that is there counts; `replaced` have one only."""
    own = {name: (uri,) for name, uri in (replaced or {}).items()}
    return {**{name: tuple(f"/{engine}{uri}" for uri in uris) for name, uris in PLACES.items()}, **own}


def read_places(path: Path) -> dict[str, str]:
    """Read a file ``{"grid.frequency": "/ess/status/meter/Frequency"}``.

    Raises:
        ConfigurationError: it cannot be read, or says something else.
    """
    content: Any = read_json(path)
    if not isinstance(content, dict):
        raise ConfigurationError(path, [Problem("", 'expected an object such as {"bms.soc": "/ess/status/bms/SOC"}')])
    problems = [problem for name, uri in content.items() if (problem := _problem(name, uri)) is not None]
    if problems:
        raise ConfigurationError(path, problems)
    return content


def _problem(name: str, uri: Any) -> Problem | None:
    if name not in PLACES:
        return Problem(name[:40], f"no such place{did_you_mean(name, PLACES) or '; expected ' + ', '.join(PLACES)}")
    try:
        check(uri) if isinstance(uri, str) else check(repr(uri))
    except UriError as error:
        return Problem(name, f"expected the URI of a variable: {error}")
    return None
