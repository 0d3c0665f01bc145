"""The site of ``configs/demo`` as it runs: 13 processes, two buses, four Modbus servers; and another master at it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil
from pymodbus.client import ModbusTcpClient

from ess_bus.client import Bus, Timeouts
from ess_bus.client.subscription import Subscription
from ess_bus.values import naked
from modbus_bridge.config import load_server
from modbus_bridge.config.model import Point, RegisterType
from modbus_bridge.values import codec
from tests.integration.conftest import ROOT, Process, eventually
from tools.bench.demo import copy_configs

QUICKER = (
    ("plant/site.json", '"starttime": 2', '"starttime": 0.3'),
    ("plant/site.json", '"prechargetime": 2', '"prechargetime": 0.3'),
    ("catl/catl_client.json", '"frequency": 1000', '"frequency": 200'),
    ("catl/catl_client.json", '"frequency": 2000', '"frequency": 500'),
)
# How long a sequence may take on a machine that has other things to do.
PATIENCE_S = 60


class NotKnown(Exception):
    """A register answers that its value is not known (exception 4)."""


class Device:
    """A Modbus device, as a master that is not ours sees it."""

    def __init__(self, name: str, port: int, closing: ExitStack) -> None:
        (unit,) = load_server(ROOT / "configs" / name / f"{name}_server.json")[0].units
        self._points: dict[str, Point] = {served.point.id: served.point for served in unit.points}
        self._unit = 1 if unit.device_id is None else unit.device_id
        self._master = closing.enter_context(ModbusTcpClient("127.0.0.1", port=port, timeout=5, retries=0))

    def read(self, name: str) -> float:
        """Return the value of a register; NotKnown if there is none."""
        point = self._points[name]
        if not self._master.connected:
            self._master.connect()
        call = {
            RegisterType.HOLDING: self._master.read_holding_registers,
            RegisterType.INPUT: self._master.read_input_registers,
        }[point.type]
        answer = call(point.offset, count=point.size, device_id=self._unit)
        if answer.isError():
            assert answer.exception_code == 4, answer
            raise NotKnown(name)
        number = codec.number(point, answer.registers)
        assert number is not None
        return number

    def input_register(self, address: int) -> int:
        """Return what is in an input register, as it travels."""
        answer = self._master.read_input_registers(address, count=1, device_id=self._unit)
        assert not answer.isError(), answer
        return int(answer.registers[0])

    def write(self, name: str, value: float) -> int:
        """Write a register; return the exception, or 0."""
        point = self._points[name]
        words = list(codec.encode(point, value))
        if len(words) == 1:
            answer = self._master.write_register(point.offset, words[0], device_id=self._unit)
        else:
            answer = self._master.write_registers(point.offset, words, device_id=self._unit)
        return int(answer.exception_code) if answer.isError() else 0


class Site:
    """A running site.

    Attributes:
        folder: its private copy of ``configs``.
        clou: what a master sees that is not ours; HybridOS, who beats, is another one.
        bms, pcs: the simulated devices, past bridges and engine.
        bus: somebody on the controller's bus.
        plant: somebody on the plant's bus, who can do to the plant what he likes.
    """

    def __init__(self, folder: Path, closing: ExitStack) -> None:
        self.folder = folder / "configs"
        ports = copy_configs(self.folder)
        # What takes seconds at a real device need not do so here.
        for name, text, quick in QUICKER:
            file = self.folder / name
            assert text in file.read_text(), f"{name}: {text}"
            file.write_text(file.read_text().replace(text, quick))
        private = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        private |= {"XDG_RUNTIME_DIR": str(folder), "XDG_STATE_HOME": str(folder / "state")}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ESS_")}
        command = [sys.executable, "-m", "tools.ess_site.command", "up", str(self.folder / "demo" / "site.toml")]
        self.process = Process(command, folder, {**kept, **private})
        closing.callback(self.process.end)
        eventually(lambda: "\nsite up\n" in self.process.output or self.process.popen.poll() is not None, 90)
        assert self.process.popen.poll() is None, self.process.output
        self.environment = {**kept, **private}
        self.bus, self.plant = (closing.enter_context(self._bus(folder, name)) for name in ("bus", "plant"))
        self.clou, self.bms, self.pcs = (Device(name, ports[name], closing) for name in ("clou", "catl", "pe_pcs"))
        self.until(lambda: self.state == "Off")

    @staticmethod
    def _bus(folder: Path, name: str) -> Bus:
        timeouts = Timeouts(connect=60, request=15)
        return Bus(f"ipc://{folder}/ess-bus/{name}.sock", name="test", timeouts=timeouts)

    @property
    def state(self) -> str:
        """The state of the ESS."""
        return str(self.bus.get("/ess/status/ess/SystemState"))

    def until(self, condition: Callable[[], Any]) -> None:
        """Wait until something holds; an exception is not yet."""
        eventually(condition, PATIENCE_S)

    def reads(self, name: str, expected: float | None) -> bool:
        """Tell whether the master reads a value; ``None`` is that it is not known."""
        try:
            return self.clou.read(name) == expected
        except NotKnown:
            return expected is None

    def messages(self, asset: str, kind: str) -> list[str]:
        """Return a list of alarms or faults, as user interfaces get it."""
        shown = self.bus.get(f"/ess/ui/assets/{asset}/summary/{kind}")
        return [one["name"] for one in shown["options"]]

    def rest(self) -> None:
        """Bring it back to where a test begins, whatever the one before has left."""
        self.plant.set("/components/pcs_1", {"overtemperature": False})
        self.bus.set("/controls/ess", {"ActivePowerSetpoint": 0, "EStop": False})
        if self.state == "Fault":
            self.until(lambda: self.clou.write("control_command", 4) == 0 and self.state == "Off")
        self.clou.write("control_command", 2)
        self.clou.write("power_set_ac", 0)
        self.until(lambda: self.state == "Off" and self.clou.read("system_state") == 1)

    def child(self, name: str) -> psutil.Process:
        """Return one of its processes."""
        (found,) = [
            child
            for child in psutil.Process(self.process.pid).children()
            if child.environ().get("ESS_PROCESS_NAME") == name
        ]
        return found


@contextmanager
def watched(site: Site) -> Iterator[Subscription]:
    """Look on at what is written to the devices, from here on."""
    with site.plant.subscribe("/components/catl_ems_bms_rw", "/components/pcs_registers_fast", passive=True) as found:
        yield found


def commanded(subscription: Subscription, *registers: str) -> list[tuple[str, Any]]:
    """Return what was written to some registers since the last time, in order."""
    found: list[tuple[str, Any]] = []
    for message in subscription.burst(0.2, 10_000):
        if message.method != "set":
            continue
        name = message.uri.rpartition("/")[2]
        body = message.json()
        written = {name: naked(body)} if name in registers else body if isinstance(body, dict) else {}
        found += [(key, naked(value)) for key, value in written.items() if key in registers]
    return found


@contextmanager
def running() -> Iterator[Site]:
    """Run the site."""
    folder = Path(tempfile.mkdtemp(prefix="eb-", dir="/tmp"))
    folder.chmod(0o700)
    with ExitStack() as closing:
        closing.callback(shutil.rmtree, folder, ignore_errors=True)
        yield Site(folder, closing)
