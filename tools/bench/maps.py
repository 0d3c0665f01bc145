"""An engine's configuration for the rows about it: devices, remaps, monitors. No I/O."""

from __future__ import annotations

from typing import Any, Final

DEVICES: Final = 50
VALUES: Final = 60
# Every so many-th value has a monitor.
_MONITORED: Final = 10
# The value that carries a message's number through the engine.
STAMP: Final = "v0"


def variables() -> int:
    """Return how many variables the devices and what is made of their values have together."""
    return 2 * DEVICES * VALUES


def monitors() -> int:
    """Return how many of them have a monitor."""
    return DEVICES * len(range(0, VALUES, _MONITORED))


def device_uri(number: int) -> str:
    """Return where a device publishes."""
    return f"/components/device_{number}"


def status_uri(number: int) -> str:
    """Return the table that holds what is made of a device's values."""
    return f"/status/device_{number}"


def values(number: int) -> dict[str, float]:
    """Return what a device publishes in message `number`: every value changes with every message."""
    return {"v0": number, **{f"v{index}": (number * 7 + index) % 1000 + 0.5 for index in range(1, VALUES)}}


def configuration() -> dict[str, Any]:
    """Return the tables: each device's values, each copied to the status table, every tenth of these monitored."""
    tables: dict[str, Any] = {}
    for number in range(DEVICES):
        status = status_uri(number)
        tables[device_uri(number)] = {
            f"v{index}": {"value": 0, "actions": {"onSet": [{"remap": [{"uri": f"{status}:v{index}"}]}]}}
            for index in range(VALUES)
        }
        tables[status] = {f"v{index}": _status(index) for index in range(VALUES)}
        tables[f"/schedule/wake_monitor/device_{number}"] = {
            f"{status}:v{index}": {"enable": True, "rate": 0.1, "func": "CheckMonitorVar"}
            for index in range(0, VALUES, _MONITORED)
        }
    return tables


def _status(index: int) -> dict[str, Any]:
    if index % _MONITORED:
        return {"value": 0}
    limits = {
        "EnableMaxValCheck": True,
        "EnableFaultCheck": True,
        "MaxAlarmThreshold": 1e9,
        "MaxFaultThreshold": 2e9,
        "MaxResetValue": 1e8,
    }
    return {"value": 0, **limits, "MaxAlarmTimeout": 1, "MaxFaultTimeout": 2, "MaxRecoverTimeout": 1}
