"""What a server says of itself on the bus, below ``/interfaces/<id>``; pure but for the clock that is handed in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from modbus_bridge.config.model import ServedPoint, ServerConfiguration
from modbus_bridge.serving.desk import Desk
from modbus_bridge.serving.mirror import Mirror
from modbus_bridge.values import views

# As the originals say it (modbus.md 2.6).
NOT_THERE: Final = "Error: Method not implemented for that URI."
# A status is for people: of thousands of unknown points, the first ones show what is missing.
_MOST_NAMED: Final = 20

HELP: Final = """\
get /interfaces/ID           what is served, which masters are connected, what they were answered
get /interfaces/ID/_stats    the counters of that alone
get /interfaces/ID/_points   every point as a client tells it, with its owner and whether it is known
any /interfaces/ID/_reload   read the configuration file again; a file with an error changes nothing
get /interfaces/ID/_help     this
"""


def status(
    configuration: ServerConfiguration, mirror: Mirror, desk: Desk, masters: Sequence[str], uptime_s: float
) -> dict[str, Any]:
    """Return what a person wants to know first."""
    unknown = mirror.variables.unknown
    return {
        "id": configuration.id,
        "address": str(configuration.address),
        "units": [
            {"device_id": "any" if unit.device_id is None else unit.device_id, "points": len(unit.points)}
            for unit in configuration.units
        ],
        "points": sum(len(unit.points) for unit in configuration.units),
        "unknown_points": len(unknown),
        "unknown": unknown[:_MOST_NAMED],
        "masters": list(masters),
        **statistics(mirror, desk, masters, uptime_s),
    }


def statistics(mirror: Mirror, desk: Desk, masters: Sequence[str], uptime_s: float) -> dict[str, Any]:
    """Return the counters; times are seconds since 1970 or, for `uptime_s`, since the start."""
    last = mirror.last_write
    return {
        "uptime_s": round(uptime_s, 1),
        "masters_connected": len(masters),
        "requests": desk.requests,
        "exceptions": {str(code): count for code, count in sorted(desk.exceptions.items())},
        "last_write": last and {"time_s": round(last.at_s, 3), "values": last.assigned, "outcome": last.outcome},
    }


def points(configuration: ServerConfiguration, mirror: Mirror) -> list[dict[str, Any]]:
    """Return a row for each point, in the order of the file: what a client says of it, and what only a server knows."""
    unknown = set(mirror.variables.unknown)
    return [
        _point(unit.device_id, served, f"{served.uri}/{served.point.id}" not in unknown)
        for unit in configuration.units
        for served in unit.points
    ]


def _point(device_id: int | None, served: ServedPoint, known: bool) -> dict[str, Any]:
    (row,) = views.points_view([served.point])
    return row | {"device_id": "any" if device_id is None else device_id, "uri": served.uri, "known": known}
