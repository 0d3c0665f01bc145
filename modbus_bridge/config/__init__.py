"""Modbus configuration files: four formats in, one checked model out."""

from __future__ import annotations

from pathlib import Path

from ess_bus.errors import Problem
from modbus_bridge.config.client_format import client_from, load_client
from modbus_bridge.config.server_format import load_server, server_from

__all__ = ["check_client", "check_server", "client_from", "load_client", "load_server", "server_from"]


def check_client(path: Path) -> list[Problem]:
    """Return the warnings about a client's file.

    Raises:
        ConfigurationError: with every problem of the file.
    """
    return load_client(path)[1]


def check_server(path: Path) -> list[Problem]:
    """Return the warnings about a server's file.

    Raises:
        ConfigurationError: with every problem of the file.
    """
    return load_server(path)[1]
