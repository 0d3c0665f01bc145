"""The simplest way to answer masters: one unit, over TCP."""

from __future__ import annotations

from modbus_bridge.serving.desk import Desk, Tables
from modbus_bridge.serving.listener_tcp import ListenError, TcpListener

__all__ = ["ListenError", "Listener", "Tables"]


class Listener(TcpListener):
    """Serves `tables` to masters that ask for `device_id`; ``None`` means for any."""

    def __init__(self, tables: Tables, device_id: int | None) -> None:
        super().__init__(Desk({device_id: tables}))
