"""Addresses as people type them: ``HOST:PORT``, ``[::1]:502``, ``/dev/ttyS0``; pure."""

from __future__ import annotations

from dataclasses import replace

from modbus_bridge.config.model import Serial, Tcp


def address_of(text: str) -> Tcp | Serial:
    """Return the address that a text names; a serial line has the usual settings.

    Raises:
        ValueError: it is none; the text says what was expected.
    """
    if text.startswith("/"):
        return Serial(text)
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        host = ""
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 0xFFFF:
        raise ValueError(f"expected HOST:PORT, [IPv6]:PORT or /dev/LINE, got {text!r}")
    return Tcp(host, int(port))


def with_settings_of(address: Tcp | Serial, other: Tcp | Serial) -> Tcp | Serial:
    """Return `address`; if both are serial lines, with the speed and the rest of `other`."""
    if isinstance(address, Serial) and isinstance(other, Serial):
        return replace(other, device=address.device)
    return address
