"""The command ``hybridos`` at a controller that is a real Modbus server."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyModbusTCP.server import DataBank, ModbusServer

from ess_bus.client import Bus
from ess_bus.errors import Refused
from tests.integration.conftest import ROOT, Start, eventually, free_port

MODULE = "tools.hybridos.command"
LIFE, COMMAND, POWER, STATE, SOC = 1000, 1002, 1005, 2006, 2144
Run = Callable[..., Any]


class Controller:
    """A controller of another make: registers, and nothing behind them."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.bank = DataBank()
        self.server = ModbusServer("127.0.0.1", self.port, no_block=True, data_bank=self.bank)
        self.server.start()
        self.file = folder / "clou.json"
        text = (ROOT / "configs" / "clou" / "clou_client.json").read_text()
        self.file.write_text(text.replace('"port": 5020', f'"port": {self.port}'))
        self.shows(STATE, 2)
        self.shows(SOC, 505)

    def shows(self, address: int, value: int) -> None:
        self.bank.set_input_registers(address, [value])

    def has(self, address: int, count: int = 1) -> list[int]:
        found = self.bank.get_holding_registers(address, count)
        assert found is not None
        return list(found)

    @property
    def life(self) -> int:
        high, low = self.has(LIFE, 2)
        return high << 16 | low


@pytest.fixture
def controller(folder: Path) -> Any:
    found = Controller(folder)
    yield found
    found.server.stop()


def test_by_hand_it_writes_what_is_ordered_and_does_not_beat(run: Run, controller: Controller) -> None:
    done = run(MODULE, controller.file, "on", "power=-250.5")
    assert (done.returncode, done.stdout) == (0, "control_command = 1\npower_set_ac = -250.5\n")
    assert (controller.has(COMMAND), controller.has(POWER)) == ([1], [65536 - 2505])
    assert controller.life == 0


def test_what_cannot_be_written_is_one_line_and_status_1(run: Run, controller: Controller, folder: Path) -> None:
    done = run(MODULE, controller.file, "power=4000")
    assert (done.returncode, done.stderr) == (
        1,
        "hybridos: power_set_ac: 4000.0 does not fit; expected -3276.8 to 3276.7\n",
    )
    controller.server.stop()
    done = run(MODULE, controller.file, "on")
    assert done.returncode == 1
    assert done.stderr.startswith(f"hybridos: control_command = 1: no connection to 127.0.0.1:{controller.port}")
    done = run(MODULE, folder / "none.json", "on")
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    done = run(MODULE, controller.file, "up")
    assert (done.returncode, "expected on, off, standby" in done.stderr) == (2, True)
    assert run(MODULE, controller.file, "--beat").returncode == 2


def test_watching_prints_what_changes_and_beats_only_if_it_is_told(start: Start, controller: Controller) -> None:
    looking = start(MODULE, controller.file, "--watch")
    eventually(lambda: "state run" in looking.output and "bms_soc 50.5 %" in looking.output)
    controller.shows(STATE, 4)
    eventually(lambda: "state fault  system_state 4\n" in looking.output)
    assert controller.life == 0
    beating = start(MODULE, controller.file, "--watch", "--beat")
    eventually(lambda: controller.life >= 2)
    controller.server.stop()
    eventually(lambda: "state not known" in looking.output and "bms_soc not known" in looking.output)
    assert (looking.stop(signal.SIGINT), beating.stop()) == (0, 0)


def test_on_a_bus_it_beats_shows_and_takes_orders(start: Start, broker: str, controller: Controller, run: Run) -> None:
    start(MODULE, controller.file, bus=broker)
    with Bus(broker, name="test") as bus:
        eventually(lambda: bus.get("/hybridos/state") == "run")
        assert bus.get("/hybridos")["bms_soc"] == 50.5
        eventually(lambda: controller.life >= 2)
        assert bus.set("/hybridos", {"command": "standby", "power": 10}).json() == {"command": "standby", "power": 10}
        assert (controller.has(COMMAND), controller.has(POWER)) == ([3], [100])
        for path, body, reason in (
            ("/hybridos/command", "onn", "'onn' is no command"),
            ("/hybridos/powr", 1, "did you mean power"),
            ("/hybridos", {"command": "off", "power": 1e6}, "power_set_ac: 1000000.0 does not fit"),
            ("/hybridos", {"command": "off", "beats": 1}, "beats: expected true or false"),
            ("/hybridos", 5, "expected an object"),
        ):
            with pytest.raises(Refused, match=reason):
                bus.set(path, body)
        # Nothing of an order is carried out if something of it is wrong.
        assert controller.has(COMMAND) == [3]
        with pytest.raises(Refused, match="expected one of state"):
            bus.get("/hybridos/stat")
        second = run(MODULE, controller.file, bus=broker)
        assert (second.returncode, "answers for /hybridos already" in second.stderr) == (1, True)


def test_a_lost_controller_is_not_known_and_is_found_again(start: Start, broker: str, controller: Controller) -> None:
    process = start(MODULE, controller.file, bus=broker)
    with Bus(broker, name="test") as bus:
        eventually(lambda: bus.get("/hybridos/bms_soc") == 50.5)
        bus.set("/hybridos/beats", False)
        controller.server.stop()
        eventually(lambda: bus.get("/hybridos/bms_soc") is None and bus.get("/hybridos/state") is None)
        with pytest.raises(Refused, match="no connection to"):
            bus.set("/hybridos/command", "on")
        controller.server.start()
        eventually(lambda: bus.get("/hybridos/bms_soc") == 50.5)
        life = controller.life
        bus.set("/hybridos/beats", True)
        # It goes on from where the register stands.
        eventually(lambda: controller.life > life)
        assert process.output.count("WARNING") == 1
        assert bus.get("/hybridos/beats") is True
