"""What the tests of modbus_server have in common: owners on the bus, a master, entries of a file."""

from __future__ import annotations

import threading
from typing import Any

from pyModbusTCP.client import ModbusClient

from ess_bus.client import Bus
from tests.integration.conftest import Process

SERVER = "modbus_bridge.server"
URI = "/components/bms"


class Owner:
    """Owns a URI on the bus: answers gets, takes sets unless it refuses or ignores them."""

    def __init__(self, endpoint: str, uri: str = URI) -> None:
        self.uri = uri
        self.values: dict[str, Any] = {}
        self.refused: set[str] = set()
        self.ignored: set[str] = set()
        self.sets: list[tuple[str, Any]] = []
        self._ended = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(endpoint,))
        self._thread.start()
        assert self._ready.wait(10)

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _serve(self, endpoint: str) -> None:
        with Bus(endpoint, name="owner") as bus:
            messages = bus.subscribe(self.uri)
            self._ready.set()
            while not self._ended.is_set():
                message = messages.receive(0.05)
                if message is None:
                    continue
                if message.method == "get":
                    bus.reply(message, self.values)
                elif message.method == "set":
                    name = message.uri.removeprefix(self.uri).removeprefix("/")
                    self.sets.append((name, message.json()))
                    names = {name} if name else set(message.json())
                    if names & self.refused:
                        bus.refuse(message, "not now")
                    elif not names & self.ignored:
                        bus.reply(message, message.body)


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
