"""Addresses as people type them: ``HOST:PORT``, ``[::1]:502``, ``/dev/ttyS0``, ``/dev/ttyS0:9600:8E1``; pure."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from modbus_bridge.config.model import Serial, Tcp

_PARITIES: Final = {"N": "none", "E": "even", "O": "odd"}
_SERIAL: Final = re.compile(r"(/[^\s:]+)(?::([1-9]\d{0,6})(?::([5-8])([NEO])([12]))?)?", re.ASCII)


def address_of(text: str, default_port: int | None = None) -> Tcp | Serial:
    """Return the address that a text names; what it does not say of a serial line is as usual.

    `default_port` is that of a host without one; ``None`` for none.

    Raises:
        ValueError: it is none; the text says what was expected.
    """
    if text.startswith("/"):
        if (line := _serial(text)) is None:
            raise ValueError(f"expected /dev/LINE, /dev/LINE:BAUD or /dev/LINE:BAUD:8N1, got {text!r}")
        return line
    host, colon, port = text.rpartition(":")
    if default_port is not None and (not colon or text.endswith("]")):
        host, colon, port = text, ":", str(default_port)
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host or host.split() != [host]:
        host = ""
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 0xFFFF:
        raise ValueError(f"expected HOST:PORT, [IPv6]:PORT or /dev/LINE, got {text!r}")
    return Tcp(host, int(port))


def with_settings_of(address: Tcp | Serial, other: Tcp | Serial) -> Tcp | Serial:
    """Return `address`, a serial line without settings of its own with those of `other`."""
    if isinstance(address, Serial) and isinstance(other, Serial) and address == Serial(address.device):
        return replace(other, device=address.device)
    return address


def _serial(text: str) -> Serial | None:
    found = _SERIAL.fullmatch(text)
    if found is None:
        return None
    device, baud_rate, data_bits, parity, stop_bits = found.groups()
    line = Serial(device) if baud_rate is None else Serial(device, int(baud_rate))
    if parity is None:
        return line
    return replace(line, parity=_PARITIES[parity], data_bits=int(data_bits), stop_bits=int(stop_bits))
