"""`ess_site doctor`: what it finds in a site that runs, that does not run, and that is broken."""

import json
import re
import socket

import psutil
import pytest

from ess_bus.client import Bus
from tests.integration.conftest import eventually, free_port

SITE = "tools.ess_site.command"


@pytest.fixture
def site(folder):
    """Write a site of a broker, an engine and a bridge to a device, and return its file and the device's port."""
    port = free_port()
    points = [{"id": "power", "offset": 0}]
    registers = [{"type": "Holding Registers", "starting_offset": 0, "number_of_registers": 1, "map": points}]
    client = {
        "connection": {"name": "pcs", "ip_address": "127.0.0.1", "port": port, "connection_timeout": 1},
        "components": [{"id": "pcs_1", "frequency": 100, "registers": registers}],
    }
    (folder / "client.json").write_text(json.dumps(client))
    (folder / "engine.json").write_text(json.dumps({"/status/bms": {"soc": {"value": None}, "power": {"value": 1}}}))
    parts = [
        ("broker", "fims_server", None),
        ("engine", "ess_controller", "engine.json"),
        ("bridge", "modbus_client", "client.json"),
    ]
    (folder / "site.toml").write_text('name = "test"\n' + "".join(map(entry, parts)))
    return folder / "site.toml", port


def entry(part: tuple[str, str, str | None]) -> str:
    name, command, config = part
    return f'[[process]]\nname = "{name}"\ncommand = "{command}"\n' + (f'config = "{config}"\n' if config else "")


def device(start, folder, port):
    process = start("modbus_bridge.server", "--simulate", folder / "client.json", "--listen", f"127.0.0.1:{port}")
    eventually(lambda: "simulating" in process.output)
    return process


def findings(result) -> list[str]:
    """Return what was found, without the padding behind the verdicts."""
    assert "Traceback" not in result.stderr
    return [re.sub(" +", " ", line) for line in result.stdout.splitlines()]


def found(result, pattern: str) -> bool:
    return any(re.match(pattern, line) for line in findings(result))


def test_a_device_that_answers_and_a_site_that_does_not_run(start, run, folder, site):
    file, port = site
    device(start, folder, port)
    result = run(SITE, "doctor", file)
    assert f"ok bridge: device: 127.0.0.1:{port} answers" in findings(result)
    assert "note processes: the site does not run" in findings(result)
    assert result.returncode == 0


def test_a_device_that_is_not_there_is_wrong_with_what_to_do(run, site):
    file, port = site
    result = run(SITE, "doctor", "-q", file)
    assert found(result, f"WRONG bridge: device: no connection to 127.0.0.1:{port}")
    assert "         -> ping it; check its address" in result.stdout
    assert result.returncode == 1
    assert not [line for line in result.stdout.splitlines() if line.startswith("ok")]


def test_a_device_that_takes_connections_and_says_nothing_is_wrong(run, site):
    file, port = site
    with socket.create_server(("127.0.0.1", port)):
        result = run(SITE, "doctor", file)
    assert found(result, "WRONG bridge: device: no answer from")
    assert "is the device id right?" in result.stdout
    assert result.returncode == 1


def test_a_site_that_runs_is_asked_and_null_values_are_named(start, run, folder, site):
    file, port = site
    simulated = device(start, folder, port)
    start(SITE, "up", file)
    with_bus = f"ipc://{folder}/ess-bus/bus.sock"

    def reads() -> bool:
        with Bus(with_bus) as bus:
            return bool(bus.get("/components/pcs_1/_stats")["component"]["connected"])

    eventually(reads)
    result = run(SITE, "doctor", file)
    assert result.returncode == 0
    assert found(result, r"note engine: 1 variables are not valid: /status/bms/soc$")
    assert found(result, r"ok bridge: pcs_1: read \d\.\d s ago, ")
    assert found(result, r"ok broker: runs, pid \d+, ")
    simulated.stop()
    eventually(lambda: not reads())
    result = run(SITE, "doctor", file)
    assert result.returncode == 1
    assert found(result, r"WRONG bridge: pcs_1: not read: ")


def test_a_process_that_is_missing_in_a_site_that_runs_is_wrong(start, run, folder, site):
    file, port = site
    device(start, folder, port)
    start("ess_bus.broker.command", "--bus", "bus")
    eventually(lambda: (folder / "ess-bus" / "bus.sock").exists())
    result = run(SITE, "doctor", file)
    assert re.search(
        r"^WRONG +engine: does not run: no one is listening on /processes/engine", result.stdout, re.MULTILINE
    )
    assert result.returncode == 1


@pytest.mark.parametrize("name", ["engine", "broker"])
def test_a_process_that_hangs_is_named_and_its_own_port_is_not_in_its_way(start, run, folder, site, name):
    file, port = site
    device(start, folder, port)
    own = free_port()
    text = file.read_text().replace('config = "engine.json"\n', f'config = "engine.json"\nargs = ["--metrics={own}"]\n')
    file.write_text(text)
    site_up = start(SITE, "up", file)
    eventually(lambda: "site up" in site_up.output)
    with Bus(f"ipc://{folder}/ess-bus/bus.sock") as bus:
        pid = bus.get("/bus/stats" if name == "broker" else "/processes/engine")["pid"]
    hanging = psutil.Process(pid)
    hanging.suspend()
    try:
        result = run(SITE, "doctor", file)
    finally:
        hanging.resume()
    assert result.returncode == 1
    assert found(result, f"WRONG {name}: hangs: pid {pid} is there, and does not answer")
    assert f"kill -KILL {pid}" in result.stdout
    assert found(result, rf"note port {own} of 127.0.0.1 \(engine, metrics\): in use by engine itself, pid \d+, ")
    assert "stop that process" not in result.stdout
    assert "does not run" not in result.stdout
    if name == "broker":
        assert found(result, "unknown bridge: cannot be asked: ")
        assert "see broker first" in result.stdout


def test_a_port_that_somebody_else_has_is_wrong_and_its_holder_is_named(run, folder, site):
    file, _ = site
    with socket.create_server(("127.0.0.1", 0)) as taken:
        own = taken.getsockname()[1]
        file.write_text(file.read_text() + f'args = ["--metrics={own}"]\n')
        result = run(SITE, "doctor", file)
    assert re.search(
        rf"^WRONG +port {own} of 127.0.0.1 \(bridge, metrics\): in use by pid \d+", result.stdout, re.MULTILINE
    )


def test_a_runtime_folder_that_others_may_use_is_wrong(run, folder, site):
    file, _ = site
    (folder / "ess-bus").mkdir(mode=0o755)
    result = run(SITE, "doctor", file)
    assert found(result, "WRONG runtime folder: others may use")
    assert f"-> chmod 700 {folder}/ess-bus" in result.stdout


def test_a_configuration_that_is_refused_is_wrong(run, folder, site):
    file, _ = site
    (folder / "client.json").write_text('{"connection": {}}')
    result = run(SITE, "doctor", file)
    assert found(result, "WRONG bridge: configuration:")
    assert result.returncode == 1


def test_a_site_file_that_is_wrong_is_one_clear_line(run, folder):
    (folder / "site.toml").write_text("process = 5\n")
    result = run(SITE, "doctor", folder / "site.toml")
    assert result.returncode == 1
    assert result.stderr.startswith("ess_site: ")
    assert result.stderr.count("\n") == 1
