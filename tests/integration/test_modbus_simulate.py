"""`modbus_server --simulate` as a process: a device without a bus, and a bridge that reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyModbusTCP.client import ModbusClient

from ess_bus.client import Bus
from tests.integration.conftest import Process, Start, eventually, free_port
from tests.integration.server_site import SERVER, entry

CLIENT = {
    "connection": {"name": "pcs", "ip_address": "127.0.0.1", "port": 0, "device_id": 3},
    "components": [
        {
            "id": "pcs",
            "frequency": 50,
            "registers": [
                {
                    "type": "Holding Registers",
                    "map": [
                        {"id": "setpoint", "offset": 10, "signed": True, "scale": 10},
                        {"id": "mode", "offset": 11, "enum": True, "bit_strings": ["Stop", "Run"]},
                    ],
                },
                {"type": "Input Registers", "map": [{"id": "power", "offset": 0, "size": 2, "signed": True}]},
                {"type": "Coils", "map": [{"id": "enabled", "offset": 0}]},
            ],
        }
    ],
}

Simulate = Callable[..., tuple[Process, ModbusClient]]


@pytest.fixture
def simulate(start: Start, folder: Path) -> Iterator[Simulate]:
    """Start a simulation of a document and return it with a master that is connected to it."""
    masters: list[ModbusClient] = []

    def simulated(document: dict[str, Any], *options: object) -> tuple[Process, ModbusClient]:
        file = folder / "device.json"
        file.write_text(json.dumps(document))
        process = start(SERVER, "--simulate", file, *options)
        port = eventually(lambda: re.findall(r"at 127\.0\.0\.1:(\d+) ", process.output))
        masters.append(ModbusClient(host="127.0.0.1", port=int(port[0]), unit_id=3, auto_open=True, timeout=5))
        return process, masters[-1]

    yield simulated
    for master in masters:
        master.close()


def server(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"system": {"id": "s", "ip_address": "192.0.2.1"}, "registers": {"holding_registers": list(entries)}}


def test_the_device_of_a_client_and_that_client(simulate: Simulate, start: Start, broker: str, folder: Path) -> None:
    values = folder / "values.json"
    values.write_text(json.dumps({"/components/pcs": {"setpoint": -12.5, "mode": "Run", "enabled": True}}))
    connection = {**CLIENT["connection"], "port": free_port()}  # type: ignore[dict-item]
    document = {**CLIENT, "connection": connection}
    process, master = simulate(document, "--seed", "5", "--values", values)
    assert re.search(r"simulating pcs: 4 points at 127\.0\.0\.1:\d+ \(--seed 5\)", process.output)
    start("modbus_bridge.client", folder / "device.json", bus=broker)
    with Bus(broker, name="test") as bus:
        body = eventually(lambda: _connected(bus))
        assert (body["setpoint"], body["enabled"]) == (-12.5, True)
        assert body["mode"] == [{"value": 1, "string": "Run"}]
        assert -1000 <= body["power"] <= 1000
        bus.set("/components/pcs", {"setpoint": 3.5, "enabled": False})
        assert master.read_holding_registers(10) == [35]
        assert master.read_coils(0) == [False]
        # What another master writes is seen by the client.
        assert master.write_single_register(11, 0)
        eventually(lambda: _connected(bus)["mode"] == [{"value": 0, "string": "Stop"}])


def _connected(bus: Bus) -> dict[str, Any]:
    body: dict[str, Any] = bus.get("/components/pcs", timeout_s=1)
    assert body["component_connected"]
    return body


def test_a_server_file_at_another_address_with_numbers_that_wander(simulate: Simulate) -> None:
    document = server(entry("a", 0), entry("b", 1))
    process, master = simulate(document, "--listen", "127.0.0.1:0", "--drift")
    first = master.read_holding_registers(0, 2)
    assert master.write_single_register(1, 4242)
    eventually(lambda: master.read_holding_registers(0) != first[:1])
    assert master.read_holding_registers(1) == [4242]
    master.unit_id = 77
    assert master.read_holding_registers(1) == [4242]
    assert process.stop() == 0
    assert "Traceback" not in process.output


def test_the_seed_that_was_chosen_gives_the_same_values_again(simulate: Simulate) -> None:
    document = server(*(entry(f"p{offset}", offset) for offset in range(20)))
    process, master = simulate(document, "--listen", "127.0.0.1:0")
    seed = re.search(r"--seed (\d+)", process.output)
    assert seed is not None
    words = master.read_holding_registers(0, 20)
    assert len(set(words)) > 5
    _, again = simulate(document, "--listen", "127.0.0.1:0", "--seed", seed[1])
    assert again.read_holding_registers(0, 20) == words


@pytest.mark.parametrize(
    ("document", "options", "status", "text"),
    [
        (server(entry("a", 0)), [], 1, "cannot listen on 192.0.2.1:502: "),
        (server(entry("a", 0)), ["--listen", "here"], 2, "expected HOST:PORT, [IPv6]:PORT or /dev/LINE, got 'here'"),
        (server(entry("a", 0)), ["--listen", "127.0.0.1:0", "--values", "missing.json"], 1, "missing.json: "),
        (
            {**CLIENT, "connection": {"name": "x", "serial_device": "/dev/x"}},
            [],
            1,
            "/dev/x is the client's; say --listen",
        ),
        ({}, [], 1, "expected"),
    ],
)
def test_what_cannot_be_simulated_is_one_line(
    run: Callable[..., Any], folder: Path, document: dict[str, Any], options: list[str], status: int, text: str
) -> None:
    file = folder / "device.json"
    file.write_text(json.dumps(document))
    ended = run(SERVER, "--simulate", file, *options)
    assert ended.returncode == status
    assert text in ended.stderr
    assert "Traceback" not in ended.stderr
    assert status == 2 or ended.stderr.count("\n") == 1


def test_options_of_a_simulation_without_one(run: Callable[..., Any], folder: Path) -> None:
    ended = run(SERVER, folder / "x.json", "--seed", "1")
    assert ended.returncode == 2
    assert "--seed, --values and --drift belong to --simulate" in ended.stderr
