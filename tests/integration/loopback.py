"""A site's pair of Modbus files at work: owner, bus, modbus_server, TCP, modbus_client, bus; all of it is real."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pymodbus.client import ModbusTcpClient

from ess_bus.client import Bus
from ess_bus.message import Message
from modbus_bridge.config import load_client, load_server
from modbus_bridge.config.model import Point, RegisterType, ServedPoint
from modbus_bridge.values import codec
from tests.integration import peers
from tests.integration.conftest import ROOT, Process, eventually, free_port

MAX_READ = 125


class Owner(peers.Owner):
    """Owns every variable that a server serves: answers gets, carries out sets unless it refuses them."""

    def __init__(self, endpoint: str, values: dict[str, dict[str, Any]]) -> None:
        super().__init__(endpoint, values, self._answered)
        self.values = values
        self.refused: set[str] = set()
        self.sets: list[tuple[str, str, Any]] = []

    def _answered(self, message: Message) -> Any:
        if message.method == "get":
            return self.values[message.uri]
        if message.method != "set":
            return peers.SILENCE
        uri, assigned = self._assigned(message.uri, message.json())
        if self.refused & assigned.keys():
            raise ValueError("not now")
        self.sets += [(uri, name, value) for name, value in assigned.items()]
        self.values[uri] |= assigned
        return message.body

    def _assigned(self, uri: str, body: Any) -> tuple[str, dict[str, Any]]:
        """Return the owner's URI and what is set: one variable or several in one body."""
        if uri not in self.values:
            uri, _, name = uri.rpartition("/")
            body = {name: body}
        bare = {name: value["value"] if isinstance(value, dict) else value for name, value in body.items()}
        return uri, bare


class Loopback:
    """A running site.

    Attributes:
        served: what the server serves.
        client: what the client reads.
        owner: who has the values on the server's bus.
        plant: another one on the server's bus.
        ems: the endpoint of the client's bus.
        bus: somebody on the client's bus.
        master: a Modbus master that is not ours.
        device_id: the unit that it asks for.
    """

    def __init__(self, site: str, folder: Path, closing: ExitStack) -> None:
        self._folder = folder
        self._closing = closing
        self._port = free_port()
        plant, self.ems = (self._broker(name) for name in ("plant", "ems"))
        server_file, client_file = (self._redirected(site, role) for role in ("server", "client"))
        (unit,) = load_server(server_file)[0].units
        self.served: tuple[ServedPoint, ...] = unit.points
        self.client = load_client(client_file)[0]
        self.device_id = 1 if unit.device_id is None else unit.device_id
        self.owner = closing.enter_context(Owner(plant, random_values(self.served, seed=1)))
        self.plant = closing.enter_context(Bus(plant, name="plant"))
        self.bus = closing.enter_context(Bus(self.ems, name="test"))
        self.master = closing.enter_context(ModbusTcpClient("127.0.0.1", port=self._port, timeout=5, retries=0))
        self._start("modbus_bridge.server", server_file, bus=plant)
        eventually(lambda: self.master.connect() and not self.wrong_blocks())
        # Only after the first pubs, so that what is read seldom is there when it is read first.
        self.fill(seed=2)
        eventually(lambda: not self.wrong_blocks())
        self._start("modbus_bridge.client", client_file, bus=self.ems)
        # Before that, nobody answers a test that begins with a set.
        uris = [f"/components/{component.id}" for component in self.client.components]
        eventually(lambda: [self.bus.get(uri, timeout_s=1) for uri in uris])

    def fill(self, seed: int) -> None:
        """Give every variable a new random value and publish it."""
        self.owner.values.update(random_values(self.served, seed))
        for uri, values in self.owner.values.items():
            self.plant.publish(uri, values)

    def point(self, name: str) -> Point:
        """Return the first served point of that name."""
        return next(served.point for served in self.served if served.point.id == name)

    def read(self, point: Point) -> list[int]:
        """Return the registers of a point as the master sees them."""
        return self.read_block(point.type, point.offset, point.size)

    def read_block(self, table: RegisterType, start: int, count: int) -> list[int]:
        """Return registers as the master sees them."""
        call = {
            RegisterType.HOLDING: self.master.read_holding_registers,
            RegisterType.INPUT: self.master.read_input_registers,
        }[table]
        answer = call(start, count=count, device_id=self.device_id)
        assert not answer.isError(), (table, start, count, answer)
        return list(answer.registers)

    def write(self, point: Point, *words: int) -> int:
        """Write registers as a master does, one with FC6 and several with FC16; return the exception or 0."""
        if len(words) == 1:
            answer = self.master.write_register(point.offset, words[0], device_id=self.device_id)
        else:
            answer = self.master.write_registers(point.offset, list(words), device_id=self.device_id)
        return int(answer.exception_code) if answer.isError() else 0

    def words(self) -> dict[tuple[RegisterType, int], int]:
        """Return what every served register must hold now."""
        found: dict[tuple[RegisterType, int], int] = {}
        for served in self.served:
            point = served.point
            for index, word in enumerate(codec.encode(point, self.owner.values[served.uri][point.id])):
                found[point.type, point.offset + index] = word
        return found

    def blocks(self) -> Iterator[tuple[RegisterType, int, int]]:
        """Yield table, start and count of the reads that cover all served registers and nothing else."""
        places = sorted(self.words())
        begin = 0
        for index in range(1, len(places) + 1):
            table, first = places[begin]
            if index == len(places) or places[index] != (table, first + index - begin) or index - begin == MAX_READ:
                yield table, first, index - begin
                begin = index

    def wrong_blocks(self) -> list[tuple[RegisterType, int, int]]:
        """Return the reads in which the master sees other words than the owner's values."""
        words = self.words()
        return [
            (table, start, count)
            for table, start, count in self.blocks()
            if self.read_block(table, start, count) != [words[table, start + index] for index in range(count)]
        ]

    def differences(self) -> dict[str, tuple[Any, Any]]:
        """Return uri -> (the owner's value, the client's) of every value that the client shows differently."""
        found: dict[str, tuple[Any, Any]] = {}
        for component in self.client.components:
            uri = f"/components/{component.id}"
            shown = self.bus.get(uri, timeout_s=5)
            for point in component.points:
                words = codec.encode(point, self.owner.values[uri][point.id])
                for key, value in codec.published(point, words).items():
                    # A key that is missing is no null.
                    if shown.get(key, "missing") != value:
                        found[f"{uri}/{key}"] = (value, shown.get(key, "missing"))
        return found

    def _broker(self, name: str) -> str:
        endpoint = f"ipc://{self._folder}/{name}.sock"
        broker = self._start("ess_bus.broker.command", "--bus", endpoint)
        eventually(lambda: "listening" in broker.output or broker.popen.poll() is not None)
        assert broker.popen.poll() is None, broker.output
        return endpoint

    def _redirected(self, site: str, role: str) -> Path:
        """Return a copy of a site's file that uses a port of this test's own."""
        file = f"{site}_{role}.json"
        data = json.loads((ROOT / "configs" / site / file).read_text())
        data["connection" if role == "client" else "system"]["port"] = self._port
        copy = self._folder / file
        copy.write_text(json.dumps(data))
        return copy

    def _start(self, module: str, *arguments: object, bus: str | None = None) -> Process:
        private = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "XDG_RUNTIME_DIR": str(self._folder)}
        environment = {**os.environ, **private, **({"ESS_BUS": bus} if bus else {})}
        process = Process([sys.executable, "-m", module, *map(str, arguments)], self._folder, environment)
        self._closing.callback(process.end)
        return process


@contextmanager
def running(site: str) -> Iterator[Loopback]:
    """Run the server and the client of ``configs/SITE`` on two private buses, all registers filled at random."""
    folder = Path(tempfile.mkdtemp(prefix="eb-", dir="/tmp"))
    with ExitStack() as closing:
        closing.callback(shutil.rmtree, folder, ignore_errors=True)
        yield Loopback(site, folder, closing)


def random_values(served: tuple[ServedPoint, ...], seed: int) -> dict[str, dict[str, Any]]:
    """Return owner -> id -> the value of registers filled at random."""
    randomness = random.Random(seed)
    values: dict[str, dict[str, Any]] = {found.uri: {} for found in served}
    for found in served:
        words = tuple(randomness.randrange(0x10000) for _ in range(found.point.size))
        value = codec.decode(found.point, words)
        assert tuple(codec.encode(found.point, value)) == words, found.point.id
        values[found.uri][found.point.id] = value
    return values
