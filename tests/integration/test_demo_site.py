"""The demo site as a whole: two buses, real Modbus TCP between them, every process killed once."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import psutil
import pytest
from pyModbusTCP.client import ModbusClient

from ess_bus.client import Bus, Timeouts
from tests.integration.conftest import ROOT, eventually, free_port

VOLTAGE, CURRENT, COMMAND = 32, 33, 897
SUMMARY = "/components/catl_mbmu_summary_r"
POWER = "/ess/status/bms/BMSPower"
PROCESSES = ("plant_broker", "plant", "catl_bms", "broker", "engine", "bridge", "calculator")


class Site:
    def __init__(self, start, folder):
        self.port = free_port()
        shutil.copytree(ROOT / "configs" / "demo", folder / "demo")
        for name in ("catl_bms_client.json", "catl_bms_server.json"):
            path = folder / "demo" / name
            path.write_text(path.read_text().replace("1502", str(self.port)))
        self.process = start("tools.ess_site.command", "up", folder / "demo" / "site.toml")
        eventually(lambda: "\nsite up\n" in self.process.output or self.process.popen.poll() is not None, 40)
        assert self.process.popen.poll() is None, self.process.output
        self.bus_folder = folder / "ess-bus"

    def bus(self, name="bus"):
        return Bus(f"ipc://{self.bus_folder}/{name}.sock", name="test", timeouts=Timeouts(connect=20, request=5))

    def master(self):
        """An independent Modbus client."""
        return ModbusClient(host="127.0.0.1", port=self.port, unit_id=1, auto_open=True, timeout=5)

    def replaced(self, name, pid):
        return self.pid(name) != pid

    def pid(self, name):
        (found,) = [
            child.pid
            for child in psutil.Process(self.process.pid).children()
            if child.environ().get("ESS_PROCESS_NAME") == name
        ]
        return found


@pytest.fixture
def site(start, folder):
    return Site(start, folder)


def write(master, **registers):
    assert master.write_single_register(VOLTAGE, registers["voltage"])
    assert master.write_single_register(CURRENT, registers["current"])


def test_a_register_changed_in_the_device_reaches_the_calculated_power(site):
    master = site.master()
    with site.bus() as bus:
        eventually(lambda: bus.get(POWER) == pytest.approx(199.68))
        write(master, voltage=10000, current=20100)
        eventually(lambda: bus.get(POWER) == pytest.approx(100))
        assert bus.get("/status/bms/component_connected") is True


def test_a_set_on_the_bus_reaches_the_device(site):
    master = site.master()
    with site.bus() as bus, site.bus("plant") as plant:
        assert bus.set("/components/catl_ems_bms_rw/ems_cmd", {"value": 2}).json() == {"value": 2}
        assert master.read_holding_registers(COMMAND, 1) == [2]
        assert plant.get("/components/catl_ems_bms_rw/ems_cmd") == 2
        assert bus.get("/components/catl_ems_bms_rw/ems_cmd") == [{"value": 2, "string": "Power on"}]


def test_a_silent_device_is_said_to_be_silent_and_comes_back_by_itself(site):
    with site.bus() as bus:
        eventually(lambda: bus.get(POWER) == pytest.approx(199.68))
        device = psutil.Process(site.pid("catl_bms"))
        device.suspend()
        eventually(lambda: bus.get("/status/bms/component_connected") is False)
        eventually(lambda: bus.get(POWER) is None and bus.get("/ess" + SUMMARY + "/mbmu_voltage") is None)
        assert bus.get(SUMMARY + "/component_connected") is False
        device.resume()
        eventually(lambda: bus.get("/status/bms/component_connected") is True)
        eventually(lambda: bus.get(POWER) == pytest.approx(199.68))


def test_whichever_process_is_killed_the_site_is_whole_again(site):
    master = site.master()
    for number, name in enumerate(PROCESSES):
        killed = site.pid(name)
        psutil.Process(killed).kill()
        eventually(partial(site.replaced, name, killed), 30)
        voltage = 10000 + 100 * number

        def right_again(voltage=voltage):
            # Whoever was killed may have forgotten what it held, so it is written again.
            write(master, voltage=voltage, current=20100)
            with site.bus() as bus:
                return bus.get(POWER, timeout_s=1) == pytest.approx(voltage / 100)

        eventually(right_again, 30)
    assert site.process.popen.poll() is None, site.process.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_behind(site, number):
    children = psutil.Process(site.process.pid).children(recursive=True)
    assert len(children) == len(PROCESSES)
    assert site.process.stop(number) == 0
    assert not [child for child in children if child.is_running()]
    assert list(site.bus_folder.iterdir()) == []
    assert "Traceback" not in site.process.output


def test_the_example_validates_itself(environment):
    done = subprocess.run(
        [sys.executable, "-m", "tools.demo"], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answers = [line for line in done.stdout.splitlines() if line and not line.startswith(("$", "ok"))]
    assert answers[-1] == "0.04"


def test_the_example_fails_when_an_answer_is_wrong(environment, folder):
    shutil.copytree(ROOT / "configs", folder / "configs")
    path: Path = folder / "configs" / "bms_power" / "engine" / "bms.json"
    path.write_text(path.read_text().replace('"scale": 1000', '"scale": 100'))
    done = subprocess.run(
        [sys.executable, "-m", "tools.demo"], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "wrong answer" in done.stderr
