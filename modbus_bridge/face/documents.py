"""The longer texts that a bridge answers: its configuration, its simulator, and what can be asked."""

from __future__ import annotations

from dataclasses import replace
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


def document(fragment: str, configuration: ClientConfiguration, component_id: str | None) -> Any:
    """Return what `_config`, `_server` or `_help` answer: of the whole process, or of what concerns one component."""
    if fragment == "_help":
        return HELP
    if component_id is not None:
        own = tuple(component for component in configuration.components if component.id == component_id)
        configuration = replace(configuration, components=own)
    # Converting is for people who ask; a bridge that only polls need not load it.
    from modbus_bridge.convert.client_file import client_document
    from modbus_bridge.convert.server_file import server_document
    from modbus_bridge.convert.simulator import simulator_of

    if fragment == "_config":
        return client_document(configuration)
    served, _ = simulator_of(configuration)
    return server_document(served)
