"""What the tests of modbus_server have in common: owners on the bus, a master, entries of a file."""

from __future__ import annotations

from typing import Any

from pyModbusTCP.client import ModbusClient

from ess_bus.message import Message
from tests.integration import peers
from tests.integration.conftest import Process

SERVER = "modbus_bridge.server"
URI = "/components/bms"


class Owner(peers.Owner):
    """Owns a URI on the bus from the start on: answers gets, takes sets unless it refuses or ignores them."""

    def __init__(self, endpoint: str, uri: str = URI) -> None:
        super().__init__(endpoint, uri, self._answered)
        self.uri = uri
        self.values: dict[str, Any] = {}
        self.refused: set[str] = set()
        self.ignored: set[str] = set()
        self.sets: list[tuple[str, Any]] = []
        self.__enter__()

    def end(self) -> None:
        self.__exit__(None, None, None)

    def _answered(self, message: Message) -> Any:
        if message.method == "get":
            return self.values
        if message.method != "set":
            return peers.SILENCE
        name = message.uri.removeprefix(self.uri).removeprefix("/")
        self.sets.append((name, message.json()))
        names = {name} if name else set(message.json())
        if names & self.refused:
            raise ValueError("not now")
        return peers.SILENCE if names & self.ignored else message.body


class Site:
    """A running server and a master that is connected to it."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.port = port
        self.master = ModbusClient(host="127.0.0.1", port=port, unit_id=1, auto_open=True, timeout=5)

    def holding(self, address: int, count: int = 1) -> list[int] | None:
        return self.master.read_holding_registers(address, count)  # type: ignore[no-any-return]

    def exception(self, answer: object) -> int:
        assert not answer
        return int(self.master.last_except)


def entry(name: str, offset: int, **keys: Any) -> dict[str, Any]:
    return {"id": name, "offset": offset, "uri": URI} | keys
