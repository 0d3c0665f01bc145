"""What all commands have in common in a poor environment: stopped by signals, without a home, a terminal, or UTF-8."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.integration.conftest import ROOT, eventually, free_port
from tools.launch import COMMANDS

# What a machine's service manager gives: neither HOME nor TERM; texts are ASCII for whoever believes LANG.
POOR = {"LANG": "C", "LC_ALL": "C", "PATH": os.environ["PATH"]}
POINTS = [{"id": "leistung_ü", "offset": 0}]
REGISTERS = [{"type": "Holding Registers", "starting_offset": 0, "number_of_registers": 1, "map": POINTS}]
CONNECTION = {"name": "pcs_ü", "ip_address": "127.0.0.1", "port": 9}
BRIDGE = {"connection": CONNECTION, "components": [{"id": "größe", "frequency": 100, "registers": REGISTERS}]}
FILES = {
    "engine.json": {"/status/größe": {"größe": {"value": "°"}}},
    "twins.json": {"components": {"größe": {"soc": 50}}},
    "client.json": BRIDGE,
}
# Command -> its arguments, and what it is called on the bus.
SERVING = {
    "fims_listen": ([], "fims_listen"),
    "fims_echo": (["-u", "/größe", "-b", '"°"'], "fims_echo"),
    # A name that is no UTF-8.
    "fims_record": (["-o", "{folder}/gr\udcffsse.rec"], "fims_record"),
    "ess_controller": (["{folder}/engine.json"], "ess_controller"),
    "modbus_client": (["{folder}/client.json"], "modbus_client@pcs_ü"),
    "calculator": ([], "calculator"),
    "twins": (["{folder}/twins.json"], "twins"),
    "ess_web": (["--port", "{port}"], "ess_web"),
}


@pytest.fixture
def popen(folder):
    started = []

    def opened(command, *arguments, **variables):
        start = f"import sys; sys.argv[0] = {command!r}; import tools.launch; tools.launch.main()"
        process = subprocess.Popen(
            [sys.executable, "-c", start, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**POOR, "PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": str(folder), **variables},
            cwd=ROOT,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        started.append(process)
        return process

    yield opened
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("command", SERVING)
def test_a_signal_ends_it_quietly(command, number, popen, folder, broker, bus):
    for name, document in FILES.items():
        (folder / name).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    arguments, called = SERVING[command]
    facts = {"folder": folder, "port": free_port()}
    process = popen(command, *(one.format(**facts) for one in arguments), ESS_BUS=broker)
    eventually(lambda: any(one["name"] == called for one in bus.get("/bus/clients")) or process.poll() is not None)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, b"Traceback" in errors) == (0, False), errors


def test_lines_come_one_by_one_into_a_pipe_whatever_is_in_them(popen, broker, bus):
    process = popen("fims_listen", "-u", "/größe", ESS_BUS=broker)
    eventually(lambda: any(one["name"] == "fims_listen" for one in bus.get("/bus/clients")))
    eventually(lambda: "/größe" in str(bus.get("/bus/clients")))
    bus.publish("/größe", {"ü": "°"})
    found = b""
    while "°".encode() not in found:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        found += line
    assert process.poll() is None


@pytest.mark.parametrize("command", COMMANDS)
def test_a_closed_or_a_full_output_is_one_line_at_most(command, popen):
    start = f"import sys; sys.argv = [{command!r}, '--help']; import tools.launch; tools.launch.main()"
    variables = {**POOR, "PYTHONPATH": str(ROOT)}
    for target in (">&-", ">/dev/full"):
        done = subprocess.run(
            ["sh", "-c", f'exec "$0" -c "$1" {target}', sys.executable, start],
            env=variables,
            cwd=ROOT,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert len(done.stderr.splitlines()) <= 1, done.stderr
        assert done.returncode in ((0, 4) if target == ">&-" else (1, 4))
