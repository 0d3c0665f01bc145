"""Where a device is or a server listens: a host and a port, or a serial line (modbus.md 1.1 and 2.1)."""

from __future__ import annotations

import socket
from typing import Literal

from pydantic import ConfigDict, Field

from modbus_bridge.config.entries import AddressEntry, Strict
from modbus_bridge.config.findings import Findings
from modbus_bridge.config.model import Serial, Tcp
from modbus_bridge.config.place import Place


class _SerialEntry(Strict):
    """The keys of a serial line, which only count where there is one."""

    model_config = ConfigDict(extra="ignore", from_attributes=True)

    serial_device: str = Field(min_length=1, max_length=255)
    baud_rate: int = Field(gt=0, le=10_000_000)
    parity: Literal["none", "even", "odd"]
    data_bits: int = Field(ge=5, le=8)
    stop_bits: int = Field(ge=1, le=2)


def address_of(entry: AddressEntry, place: Place, findings: Findings) -> Tcp | Serial | None:
    """Return the address, or ``None`` after noting what is wrong with it."""
    if entry.serial_device in (None, ""):
        if entry.ip_address is None:
            findings.problem(place.at("ip_address"), "missing, and there is no serial_device")
            return None
        return Tcp(entry.ip_address, _port(entry, place, findings))
    if entry.ip_address is not None:
        findings.problem(place.at("serial_device"), "excludes ip_address")
        return None
    line = findings.validate(_SerialEntry, entry, place, needed=True)
    if line is None:
        return None
    return Serial(line.serial_device, line.baud_rate, line.parity, line.data_bits, line.stop_bits)


def _port(entry: AddressEntry, place: Place, findings: Findings) -> int:
    if entry.service is None:
        return entry.port
    try:
        return socket.getservbyname(entry.service, "tcp")
    except (OSError, UnicodeError):
        findings.warn(place.at("service"), f"{entry.service!r} is not in /etc/services; using port {entry.port}")
        return entry.port
