"""What is probed: HOST:PORT or a serial line, as a person types it."""

from __future__ import annotations

import re
from dataclasses import replace

from modbus_bridge.config.model import Connection, Serial, Tcp

DEFAULT_PORT = 502
_PARITIES = {"N": "none", "E": "even", "O": "odd"}
_HOST_AND_PORT = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^\s:/\[\]]+))(?::(?P<port>\d{1,5}))?")
_SERIAL = re.compile(r"(?P<device>/[^\s:]+)(?::(?P<baud>\d{1,7})(?::(?P<bits>[5-8])(?P<parity>[NEO])(?P<stop>[12]))?)?")


def address_of(text: str) -> Tcp | Serial:
    """Return the address that ``HOST[:PORT]``, ``[IPV6][:PORT]`` or ``/dev/NAME[:BAUD[:8N1]]`` means.

    Raises:
        ValueError: it is none; the text says what was expected.
    """
    if found := _SERIAL.fullmatch(text):
        line = Serial(found["device"])
        if found["baud"]:
            line = replace(line, baud_rate=int(found["baud"]))
        if found["bits"]:
            parity = _PARITIES[found["parity"]]
            line = replace(line, data_bits=int(found["bits"]), parity=parity, stop_bits=int(found["stop"]))
        if line.baud_rate:
            return line
    elif found := _HOST_AND_PORT.fullmatch(text):
        port = int(found["port"] or DEFAULT_PORT)
        if 0 < port <= 0xFFFF:
            return Tcp(found["v6"] or found["host"], port)
    raise ValueError(f"expected HOST:PORT or /dev/NAME[:BAUD[:8N1]], got {text!r}")


def redirected(connection: Connection, text: str, timeout_s: float | None) -> Connection:
    """Return `connection` with the address that was typed.

    Of a serial line, what was not typed is as the configuration has it.
    """
    address = address_of(text)
    if isinstance(address, Serial) and isinstance(connection.address, Serial) and ":" not in text:
        address = replace(connection.address, device=address.device)
    if timeout_s is not None:
        connection = replace(connection, connect_timeout_s=timeout_s, request_timeout_s=timeout_s)
    return replace(connection, address=address)
