"""The longer texts that a bridge answers: its configuration, its simulator, and what can be asked."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any, Final

from modbus_bridge.config.model import ClientConfiguration

HELP: Final = {
    "get": {
        "/components/ID": "everything that is known now; what is unknown is null",
        "/components/ID/REGISTER": "one value; also the name of a bit",
        "_full": "everything about a register, or about each",
        "_raw": "the bits as they were read: value, binary, hex",
        "_points": "the table of registers",
        "_stats": "counters and times",
        "_timings": "how long the device takes",
        "_reset_timings": "begin to measure anew",
        "_config": "the configuration with all defaults",
        "_server": "the configuration of a modbus_server that simulates the device",
        "_help": "this",
    },
    "set": {
        "/components/ID": 'several values at once: {"REGISTER": value, ...}',
        "/components/ID/REGISTER": "one value; the reply comes when the device has taken it",
        "_disable, _enable": "take a register (or all) out of polling and pubs, and back",
        "_disconnect, _connect": "publish a register (or all) as null without reading it, and read it again",
        "_force, _unforce": "publish a given value whatever the device says, and what it says again",
        "_reload": "read the configuration file again; a bad one is refused and changes nothing",
    },
    "where": "a word that begins with _ stands before or after the register, or alone behind the component",
}


def config(configuration: ClientConfiguration, component_id: str | None) -> Any:
    """Return the configuration, or what of it concerns one component."""
    document: dict[str, Any] = _plain(configuration)
    if component_id is not None:
        document["components"] = [part for part in document["components"] if part["id"] == component_id]
    return document


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list | frozenset):
        return [_plain(inner) for inner in value]
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return float(value) if isinstance(value, Fraction) else value
