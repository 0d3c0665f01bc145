"""`modbus_client --probe` against a real listener, with and without a configuration."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from modbus_bridge.config.model import RegisterType
from modbus_bridge.rtu.frame import RequestSplitter, frame
from modbus_bridge.serving.faults import Fault
from modbus_bridge.serving.listener_tcp import TcpListener
from tests.integration.conftest import ROOT, Process, Start, eventually, free_port
from tests.integration.modbus_peer import right_pdu
from tests.integration.modbus_site import listener_of

CLIENT = "modbus_bridge.client"
HOLDING, INPUT, COIL = RegisterType.HOLDING, RegisterType.INPUT, RegisterType.COIL


class Device:
    """A device on a thread of its own that refuses every address that it does not have."""

    def __init__(self) -> None:
        self.port = free_port()
        self.tables: dict[RegisterType, dict[int, int]] = {HOLDING: {}, INPUT: {}, COIL: {}}
        self.failing: set[int] = set()
        self.silent: set[int] = set()
        self.reads = 0
        self._loop = asyncio.new_event_loop()
        self._listener: TcpListener | None = None
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    async def read(self, table: RegisterType, start: int, count: int) -> list[int]:
        self.reads += 1
        if self.silent.intersection(range(start, start + count)):
            await asyncio.Event().wait()
        if table not in self.tables:
            raise Fault(1, "no such table")
        if self.failing.intersection(range(start, start + count)):
            raise Fault(4, "failing")
        try:
            return [self.tables[table][address] for address in range(start, start + count)]
        except KeyError:
            raise Fault(2, "no such address") from None

    async def write(self, table: RegisterType, start: int, words: Sequence[int]) -> None:
        self.tables[table] |= {start + index: word for index, word in enumerate(words)}

    def start(self) -> None:
        async def listen() -> None:
            self._listener = listener_of(self)
            await self._listener.start("127.0.0.1", self.port)

        asyncio.run_coroutine_threadsafe(listen(), self._loop).result(10)

    def stop(self) -> None:
        async def close() -> None:
            if self._listener is not None:
                self._listener.close()
                self._listener = None

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(10)

    def end(self) -> None:
        self.stop()

        async def rest() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(rest(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"


@pytest.fixture
def device() -> Iterator[Device]:
    found = Device()
    found.tables[HOLDING] = dict.fromkeys(range(100, 131), 0) | {100: 7, 101: 0xFFFF}
    found.tables[INPUT] = {200: 1234, 201: 2, 205: 65535}
    found.tables[COIL] = {0: 1, 1: 0}
    found.start()
    yield found
    found.end()


@pytest.fixture
def config(device: Device, folder: Path) -> Path:
    """A client's file whose address is one where nobody is: `--probe` says where."""
    file = folder / "pcs.json"
    entries: list[dict[str, Any]] = [
        {"id": "power", "offset": 200, "scale": 10},
        {"id": "mode", "offset": 201, "enum": True, "bit_strings": ["Stop", "Run", "Fault"]},
        {"id": "missing", "offset": 203},
        {"id": "flags", "offset": 205, "individual_bits": True, "bit_strings": ["ready", "fault"]},
    ]
    group = {"type": "Input Registers", "starting_offset": 200, "number_of_registers": 6, "map": entries}
    connection = {"name": "pcs", "ip_address": "192.0.2.1", "port": 502, "device_id": 1}
    components = [{"id": "pcs", "frequency": 1000, "registers": [group]}]
    file.write_text(json.dumps({"connection": connection, "components": components}))
    return file


def lines_of(output: str) -> list[list[str]]:
    """Return the cells of each line, ages without their number."""
    return [re.split(r"  +", re.sub(r"\d+\.\d s\b", "s", line.strip())) for line in output.splitlines()]


def test_registers_are_found_and_shown(run: Any, device: Device) -> None:
    found = run(CLIENT, "--probe", device.target, "--range", "0-299")
    assert (found.returncode, found.stderr) == (0, "")
    assert "\x1b" not in found.stdout
    lines = lines_of(found.stdout)
    summary = [" ".join(line) for line in lines[:4]]
    assert summary[0].startswith("holding: 100-130; 31 in ")
    assert summary[1].startswith("input: 200-201, 205; 3 in ")
    assert summary[2].startswith("coil: 0-1; 2 in ")
    assert summary[3] == "discrete: nothing; stopped: the device refuses: illegal function (exception 1)"
    assert ["holding 100", "7", "0007", "s"] in lines
    assert ["holding 101", "65535", "FFFF", "-1", "s"] in lines
    assert ["input 200", "1234", "04D2", "s"] in lines
    assert "coil 0" in found.stdout
    assert lines[-1] == ["... and 30 that are 0 (--all)"]


def test_requests_are_bounded(run: Any, device: Device) -> None:
    found = run(CLIENT, "--probe", device.target, "--table", "input", "--max-requests", "50")
    assert device.reads <= 55
    assert "stopped: after 50 requests" in found.stdout
    assert found.returncode == 1


def test_for_machines(run: Any, device: Device) -> None:
    found = run(CLIENT, "--probe", device.target, "--range", "190-210", "--table", "input", "--json")
    document = json.loads(found.stdout)
    assert document["address"] == device.target
    assert [table["ranges"] for table in document["tables"]] == [[[200, 201], [205, 205]]]
    assert [(row["id"], row["value"], row["raw"]) for row in document["rows"]] == [
        ("input_200", 1234, "04D2"),
        ("input_201", 2, "0002"),
        ("input_205", 65535, "FFFF"),
    ]


def test_by_name(run: Any, device: Device, config: Path) -> None:
    found = run(CLIENT, "--probe", device.target, config)
    assert (found.returncode, found.stderr) == (0, "")
    assert lines_of(found.stdout) == [
        ["id", "value", "unit", "raw", "address", "age"],
        ["pcs/power", "123.4", "04D2", "input 200", "s"],
        ["pcs/mode", "Fault (2)", "0002", "input 201", "s"],
        ["pcs/missing", "input 203", "never", "the device refuses: illegal data address (exception 2)"],
        ["pcs/flags", "ready, fault", "FFFF", "input 205", "s"],
    ]


def test_by_the_file_of_a_server(run: Any, device: Device, folder: Path) -> None:
    file = folder / "server.json"
    entry = {"id": "power", "uri": "/components/pcs", "offset": 200, "scale": 10, "size": 1}
    system = {"id": "plant", "ip_address": "0.0.0.0", "port": 502}
    file.write_text(json.dumps({"system": system, "registers": {"input_registers": [entry]}}))
    found = run(CLIENT, "--probe", device.target, file, "--json")
    (row,) = json.loads(found.stdout)["rows"]
    assert (row["component"], row["id"], row["value"]) == ("/components/pcs", "power", 123.4)


def test_some_names(run: Any, device: Device, config: Path) -> None:
    found = run(CLIENT, "--probe", device.target, config, "--only", "re*", "--json")
    assert [row["value"] for row in json.loads(found.stdout)["rows"]] == [{"ready": True, "fault": True}]
    nothing = run(CLIENT, "--probe", device.target, config, "--only", "nothing*")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert "none of its points is wanted" in nothing.stderr


@pytest.mark.parametrize("named", [False, True])
def test_nobody_there(run: Any, config: Path, named: bool) -> None:
    port = free_port()
    found = run(CLIENT, "--probe", f"127.0.0.1:{port}", *([config] if named else []))
    assert (found.returncode, found.stdout) == (1, "")
    assert f"127.0.0.1:{port}" in found.stderr
    assert len(found.stderr.splitlines()) == 1


def test_a_device_that_tells_nothing(run: Any, device: Device) -> None:
    device.failing = set(range(65_536))
    found = run(CLIENT, "--probe", device.target, "--range", "0-9", "--table", "holding")
    assert found.returncode == 1
    assert "10 addresses: the device refuses: device failure (exception 4)" in found.stdout
    assert "nothing of device id 1 can be read" in found.stderr


def test_a_device_that_never_answers(run: Any, device: Device) -> None:
    device.silent = set(range(65_536))
    found = run(CLIENT, "--probe", device.target, "--timeout", "0.05")
    assert (found.returncode, found.stdout) == (1, "")
    assert "no answer" in found.stderr
    assert device.reads == 3


def test_a_device_that_keeps_silent_where_it_has_nothing(run: Any, device: Device) -> None:
    device.silent = set(range(200)) - set(range(100, 110))
    found = run(CLIENT, "--probe", device.target, "--table", "holding", "--range", "100-111", "--timeout", "0.05")
    assert found.returncode == 0
    assert lines_of(found.stdout)[0][0].startswith("holding: 100-109; 10 in ")
    assert device.reads < 30


def test_a_serial_line(run: Any) -> None:
    ours, theirs = os.openpty()
    requests = RequestSplitter()

    def answer() -> None:
        # Closing the other side ends it.
        with contextlib.suppress(OSError):
            while True:
                for request in requests.feed(os.read(ours, 4096)):
                    os.write(ours, frame(request.unit, right_pdu(request.pdu)))

    units = threading.Thread(target=answer)
    units.start()
    try:
        target = f"{os.ttyname(theirs)}:9600:8E1"
        found = run(CLIENT, "--probe", target, "--device-id", "2", "--table", "holding", "--range", "10-12", "--json")
    finally:
        os.close(theirs)
        units.join()
        os.close(ours)
    assert (found.returncode, found.stderr) == (0, "")
    rows = json.loads(found.stdout)["rows"]
    assert [(row["device_id"], row["offset"], row["value"]) for row in rows] == [(2, 10, 10), (2, 11, 11), (2, 12, 12)]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "Missing argument 'CONFIG'"),
        (["--watch"], "--watch belongs to --probe"),
        (["--probe", "h:1", "--check"], "--check and --probe exclude each other"),
        (["--probe", "h:1", "--bus", "x"], "--bus and --probe exclude each other"),
        (["--probe", "h:1", "a", "b"], "one CONFIG at most"),
        (["--probe", "a b"], "expected HOST:PORT"),
        (["--probe", "h:1", "--range", "9-1"], "expected addresses"),
        (["--probe", "h:1", "--interval", "0"], "expected seconds"),
        (["--probe", "h:1", "--only", "x"], "--only needs CONFIG"),
        (["--probe", "h:1", "--table", "holdings"], "--table"),
    ],
)
def test_wrong_usage(run: Any, arguments: list[str], reason: str) -> None:
    found = run(CLIENT, *arguments)
    assert (found.returncode, found.stdout) == (2, "")
    assert reason in found.stderr


def test_watching_through_a_pipe_shows_changes_and_why_it_stopped(start: Start, device: Device, config: Path) -> None:
    process = start(CLIENT, "--probe", device.target, config, "--watch", "--interval", "0.05", "--timeout", "0.5")
    eventually(lambda: "pcs/flags" in process.output)
    device.tables[INPUT][200] = 1235
    changed = r"\n\d\d:\d\d:\d\d\.\d{3}  pcs/power  123\.5  04D3  input 200  \d+\.\d s\n"
    eventually(lambda: re.search(changed, process.output))
    device.stop()
    eventually(lambda: re.search(r"pcs/power  \(123\.5\)  \(04D3\)  input 200  .* s  .*127", process.output))
    device.start()
    eventually(lambda: len(re.findall(changed, process.output)) == 2)
    assert process.stop(signal.SIGINT) == 0
    assert "\x1b" not in process.output
    assert "Traceback" not in process.output


def test_watching_for_machines_never_shows_what_is_old_as_new(start: Start, device: Device, config: Path) -> None:
    process = start(
        CLIENT, "--probe", device.target, config, "--watch", "--interval", "0.05", "--timeout", "0.5", "--json"
    )
    eventually(lambda: process.output.count("\n") > 1)
    device.stop()
    row = eventually(lambda: lost(process)) or {}
    assert (row["value"], row["raw"], row["last_value"]) == (None, None, 123.4)
    older = eventually(lambda: lost(process, older_than_s=row["age_s"] + 0.1)) or {}
    assert older["reason"]
    assert process.stop(signal.SIGTERM) == 0


def lost(process: Process, older_than_s: float = 0.0) -> dict[str, Any] | None:
    """Return the row of `power` in the last complete line, if it was not read there and is old enough."""
    row: dict[str, Any] = json.loads(process.output.rpartition("\n")[0].splitlines()[-1])["rows"][0]
    return row if "reason" in row and row["age_s"] > older_than_s else None


def test_watching_on_a_terminal(device: Device, config: Path, environment: dict[str, str]) -> None:
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", CLIENT, "--probe", device.target, str(config), "--watch", "--interval", "0.05"]
    variables = {**environment, "TERM": "xterm", "COLUMNS": "120", "LINES": "30"}
    process = subprocess.Popen(command, stdin=end, stdout=end, stderr=end, env=variables, cwd=ROOT)
    os.close(end)
    shown = b""
    try:
        while b"123.4" not in shown:
            shown += os.read(terminal, 65_536)
        device.tables[INPUT][200] = 1300
        while b"130.0" not in shown:
            shown += os.read(terminal, 65_536)
        process.send_signal(signal.SIGINT)
        while True:
            try:
                shown += os.read(terminal, 65_536)
            except OSError:  # the other side has closed it
                break
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
    # The cursor is back, and nothing was said of the interrupt.
    assert shown.rstrip().endswith(b"\x1b[?25h")
    assert b"Traceback" not in shown
