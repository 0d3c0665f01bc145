"""`modbus_bridge convert`, `modbus_client --expand` and `--server`, `modbus_server --client`, and what they make."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from ess_bus.client import Bus
from modbus_bridge.config import load_client
from tests.integration.conftest import eventually, free_port, start_broker

CLIENT, SERVER, CONVERT = "modbus_bridge.client", "modbus_bridge.server", "modbus_bridge.convert.command"

CONFIGURATION: dict[str, Any] = {
    "connection": {"name": "pcs 1", "ip_address": "10.0.0.5", "port": 1502, "device_id": 7, "off_by_one": True},
    "components": [
        {
            "id": "pcs",
            "frequency": 50,
            "registers": [
                {
                    "type": "Holding Registers",
                    "map": [
                        {"id": "p_set", "offset": 1, "scale": 10, "signed": True, "unit": "kW"},
                        {"id": "energy", "offset": 2, "size": 4, "word_order": "2143"},
                        {"id": "text", "offset": 6, "size": 4, "text": True},
                    ],
                },
                {
                    "type": "Input Registers",
                    "device_id": 8,
                    "map": [
                        {"id": "cell_${N}", "offset": 1, "scale": 1000, "repeat": 3, "step": 1},
                        {"id": "doors", "offset": 10, "individual_bits": True, "bit_strings": ["left", None, "right"]},
                        {
                            "packed_register": True,
                            "offset": 11,
                            "bit_ranges": [
                                {"id": "mode", "number_of_bits": 2, "enum": True, "bit_strings": ["off", "on"]},
                                {"id": "level", "starting_bit_pos": 2, "number_of_bits": 6},
                            ],
                        },
                    ],
                },
                {"type": "Coils", "map": [{"id": "breaker", "offset": 5}]},
            ],
        },
        {"id": "copy", "frequency": 50, "registers": [{"type": "Holding", "map": [{"id": "p", "offset": 1}]}]},
    ],
}
VALUES = {
    "p_set": -12.5,
    "energy": 1 << 40,
    "text": "abc",
    "cell_1": 3.301,
    "cell_2": 3.302,
    "cell_3": 3.303,
    "left": True,
    "right": False,
    "mode": [{"value": 1, "string": "on"}],
    "level": 33,
    "breaker": True,
}


@pytest.fixture
def config(folder: Path) -> Path:
    path = folder / "pcs.json"
    path.write_text(json.dumps(CONFIGURATION))
    return path


@pytest.fixture
def points(folder: Path) -> Path:
    path = folder / "points.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("pcs")
        sheet.write_row(0, 0, ["Id", "Register Type", "Offset", "Data Type", "Multiplier"])
        sheet.write_row(1, 0, ["p", "Holding", 4, "int16", 0.1])
    return path


def test_a_simulator_of_a_client_is_read_by_it(start, run, folder, config):
    port = free_port()
    made = run(CLIENT, config, "--server", "--listen", f"127.0.0.1:{port}")
    assert made.returncode == 0
    assert made.stderr == (
        f"{config}: /components/copy/p: left out: holding 0 is served as /components/pcs/p_set (holding 0)\n"
    )
    served = folder / "server.json"
    served.write_text(made.stdout)
    expanded = run(CLIENT, config, "--expand")
    assert (expanded.returncode, expanded.stderr) == (0, "")
    moved = json.loads(expanded.stdout)
    moved["connection"] |= {"ip_address": "127.0.0.1", "port": port}
    reader = folder / "reader.json"
    reader.write_text(json.dumps(moved))
    plant_bus, site_bus = (f"ipc://{folder}/{name}.sock" for name in ("plant", "site"))
    start_broker(start, plant_bus)
    start_broker(start, site_bus)
    start(SERVER, served, bus=plant_bus)
    start(CLIENT, reader, bus=site_bus)

    with Bus(plant_bus, name="test") as plant, Bus(site_bus, name="test") as site:

        def read() -> dict[str, Any]:
            plant.publish("/components/pcs", VALUES)
            body: dict[str, Any] = site.get("/components/pcs")
            return {key: body[key] for key in VALUES}

        eventually(lambda: read() == VALUES)
        # A second component that reads the same register sees the same bits.
        assert site.get("/components/copy/p") == 0x10000 - 125


def test_the_client_of_a_server_is_a_file_that_can_be_used(run, folder, config):
    served = folder / "server.json"
    served.write_text(run(CLIENT, config, "--server").stdout)
    made = run(SERVER, served, "--client", "--listen", "0.0.0.0:1600")
    assert (made.returncode, made.stderr) == (0, "")
    again = folder / "again.json"
    again.write_text(made.stdout)
    configuration, warnings = load_client(again)
    assert not warnings
    assert str(configuration.connection.address) == "127.0.0.1:1600"
    # One component for each unit.
    assert [component.id for component in configuration.components] == ["pcs_7", "pcs_8"]
    original = {point.id: point for point in load_client(config)[0].components[0].points}
    assert {point.id: point for component in configuration.components for point in component.points} == original


def test_an_expanded_file_expands_to_itself(run, folder, config):
    first = run(CLIENT, config, "--expand").stdout
    path = folder / "first.json"
    path.write_text(first)
    assert run(CLIENT, path, "--expand").stdout == first
    assert sum('"offset"' in line for line in first.splitlines()) == 11


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--expand", "--server"], "--expand and --server exclude each other"),
        (["--listen", "127.0.0.1:1"], "--listen belongs to --server"),
        (["--server", "--listen", "1502"], "expected HOST:PORT"),
    ],
)
def test_options_that_contradict_each_other(run, config, arguments, message):
    result = run(CLIENT, config, *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr


def test_a_spreadsheet_becomes_a_file(run, points, folder):
    target = folder / "pcs.json"
    result = run(CONVERT, "convert", points, "-o", target, "--device", "10.0.0.5:1502")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    configuration, warnings = load_client(target)
    assert not warnings
    assert str(configuration.connection.address) == "10.0.0.5:1502"
    assert run(CONVERT, "convert", points, "--device", "10.0.0.5:1502").stdout == target.read_text()
    assert stat.S_IMODE(target.stat().st_mode) & 0o400
    assert sorted(path.name for path in folder.glob("*pcs*")) == ["pcs.json"]


def test_an_existing_file_is_only_replaced_by_force(run, points, folder):
    target = folder / "pcs.json"
    target.write_text("mine")
    result = run(CONVERT, "convert", points, "-o", target)
    assert (result.returncode, target.read_text()) == (1, "mine")
    assert f"{target}: exists already; --force replaces it" in result.stderr
    assert run(CONVERT, "convert", points, "-o", target, "--force", "--server").returncode == 0
    assert json.loads(target.read_text())["registers"]["holding_registers"][0]["uri"] == "/components/pcs"


def test_a_device_or_pipe_is_written_to_and_stays(run, points, folder):
    target = folder / "pipe"
    os.mkfifo(target)
    # Somebody must read, or who writes waits.
    reader = os.open(target, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run(CONVERT, "convert", points, "-o", target, "--force").returncode == 0
        assert target.is_fifo()
        assert json.loads(os.read(reader, 65536))["components"]
    finally:
        os.close(reader)


def test_a_link_stays_and_what_it_names_is_replaced(run, points, folder):
    target, link = folder / "pcs.json", folder / "link.json"
    target.write_text("mine")
    link.symlink_to(target.name)
    assert run(CONVERT, "convert", points, "-o", link, "--force").returncode == 0
    assert link.is_symlink()
    assert json.loads(target.read_text())["components"]


def test_what_cannot_be_written_is_named(run, points, folder):
    missing = folder / "missing" / "pcs.json"
    for target, reason in ((missing, "no such file or directory"), (folder, "is a directory")):
        result = run(CONVERT, "convert", points, "-o", target, "--force")
        assert result.returncode == 1
        assert result.stderr.splitlines()[-1] == f"modbus_bridge: {target}: cannot be written: {reason}"


def test_a_bad_spreadsheet_writes_nothing_and_names_every_cell(run, folder):
    points, target = folder / "points.csv", folder / "pcs.json"
    points.write_text("Id,Register Type,Offset\na,Robot,x\nb,HR,2\nb,HR,3\n")
    result = run(CONVERT, "convert", points, "-o", target)
    assert (result.returncode, result.stdout) == (1, "")
    assert not target.exists()
    assert result.stderr.splitlines() == [
        f"{points}: points!C2: expected a whole number, got 'x'",
        f"{points}: points!B2: expected Holding, Input, Coil, Discrete Input or a function code, got 'Robot'",
        f"{points}: points!A4: 'b' of 'points' is used already at points!A3",
        f"modbus_bridge: {points}: 3 problems; nothing is written",
    ]
