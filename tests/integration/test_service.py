"""What all processes share: metrics, logs, the log level at run time, and what systemd is told."""

import json
import re
import shutil
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from ess_bus.client import Bus
from ess_bus.errors import Refused
from tests.integration.conftest import ROOT, eventually, free_port

BROKER = "ess_bus.broker.command"
CONFIGS = ROOT / "configs"
MONITORING = CONFIGS / "monitoring"
# Every process: its module, its arguments, and its name on the bus.
PROCESSES: dict[str, tuple[str, list[object], str]] = {
    "ess_controller": ("ess_bus.engine.command", [CONFIGS / "clou" / "engine", "--no-state"], "ess_controller"),
    "calculator": ("calculator.command", [CONFIGS / "clou" / "engine"], "calculator"),
    "modbus_client": ("modbus_bridge.client", [CONFIGS / "catl" / "catl_client.json"], "modbus_client"),
    "modbus_server": ("modbus_bridge.server", [CONFIGS / "catl" / "catl_server.json"], "modbus_server"),
    "twins": ("tools.twins.command", [CONFIGS / "plant"], "twins"),
    "hybridos": ("tools.hybridos.command", [CONFIGS / "clou" / "clou_client.json"], "hybridos"),
    "fims_echo": ("tools.fims_echo", ["-u", "/echo"], "fims_echo"),
}

# What is in the scrape of each once it works.
MARKS = {
    "ess_controller": "ess_engine_turn_seconds{",
    "calculator": "ess_calculator_oldest",
    "modbus_client": "ess_bridge_oldest",
    "modbus_server": "ess_server_unknown",
    "twins": "ess_twins_ticks_total",
    "hybridos": "ess_connection_up",
    "fims_echo": "ess_connection_up",
}


def scraped(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return str(answer.read(), "utf-8")


def full_scrape(port: int, mark: str) -> str:
    """Return what a process shows once `mark` is in it."""
    eventually(lambda: mark in scraped(port))
    return scraped(port)


def started(start, command: str, broker: str, *more: object):
    module, arguments, name = PROCESSES[command]
    listen = ["--listen", f"127.0.0.1:{free_port()}"] if command == "modbus_server" else []
    return start(module, *arguments, *listen, "--bus", broker, "--process-name", name, *more)


class TestMetrics:
    def test_every_metric_of_the_dashboard_and_the_rules_is_in_a_real_scrape(self, start, folder):
        endpoint, port = f"ipc://{folder}/b", free_port()
        start(BROKER, "--bus", endpoint, "--metrics", port, "--audit", folder / "audit")
        eventually(lambda: scraped(port))
        # The plant owns what the engine and the bridge own, on a bus of its own.
        start(BROKER, "--bus", f"ipc://{folder}/plant")
        plant = ("twins", "modbus_server")
        ports = {command: free_port() for command in PROCESSES}
        for command, own in ports.items():
            bus = f"ipc://{folder}/plant" if command in plant else endpoint
            started(start, command, bus, "--metrics", own)
        texts = [full_scrape(ports[command], MARKS[command]) for command in PROCESSES]
        there = {
            name + ("_total" if kind == "counter" else "")
            for text in (*texts, scraped(port), *self.of_tools(start, endpoint, folder))
            for name, kind in re.findall(r"^# TYPE (\w+?)(?:_total)? (\w+)$", text, re.MULTILINE)
        }
        used = {
            name
            for file in ("dashboard.json", "alerts.yml")
            for name in re.findall(r"\bess_[a-z_]+", expressions(MONITORING / file))
        }
        assert len(used) > 30
        assert used <= there

    @staticmethod
    def of_tools(start, endpoint: str, folder: Path) -> list[str]:
        """Return what those show that are no part of `PROCESSES`."""
        web, recorder, site = free_port(), free_port(), free_port()
        start("tools.ess_web.command", "--port", "0", "--bus", endpoint, "--metrics", web)
        start("tools.fims_record", "-o", folder / "site.rec", "--bus", endpoint, "--metrics", recorder)
        file = folder / "site.toml"
        file.write_text(
            f'name = "site"\n[[process]]\nname = "broker"\ncommand = "fims_server"\nbus = "ipc://{folder}/site"\n'
        )
        start("tools.ess_site.command", "up", file, "--metrics", site)
        marks = {web: "ess_web_broker_up 1", recorder: "ess_record_written_total", site: "_answered{"}
        return [full_scrape(port, mark) for port, mark in marks.items()]

    @pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool here: apt-get install prometheus")
    @pytest.mark.parametrize(
        "words",
        [["check", "config", "prometheus.yml"], ["check", "rules", "alerts.yml"], ["test", "rules", "alerts.test.yml"]],
    )
    def test_prometheus_itself_accepts_the_rules_and_they_fire_when_they_should(self, words):
        *what, file = words
        done = subprocess.run(["promtool", *what, MONITORING / file], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def test_who_cannot_be_served_says_so_and_ends(self, run, broker):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            result = run("tools.fims_echo", "-u", "/x", "--metrics", port, bus=broker)
        assert result.returncode == 1
        assert f"cannot serve metrics on 127.0.0.1:{port}: address already in use" in result.stderr

    def test_an_address_that_is_none_is_wrong_usage(self, run, broker):
        result = run("tools.fims_echo", "-u", "/x", "--metrics", "localhost", bus=broker)
        assert (result.returncode, result.stderr.count("\n")) == (2, 1)
        assert "expected PORT or HOST:PORT" in result.stderr


def expressions(path: Path) -> str:
    """Return what a file asks Prometheus for; comments and texts may speak of other things."""
    text = path.read_text()
    if path.suffix == ".json":
        return "\n".join(target["expr"] for panel in json.loads(text)["panels"] for target in panel["targets"])
    return "\n".join(re.findall(r"^ +expr: (.*)$", text, re.MULTILINE))


class TestLog:
    @pytest.mark.parametrize("command", [one for one in PROCESSES if one != "fims_echo"])
    def test_each_line_is_an_object_with_the_name_of_the_process(self, start, broker, command):
        process = started(start, command, broker, "--log-format", "json")
        eventually(lambda: len(process.output.splitlines()) > 0)
        for line in process.output.splitlines():
            found = json.loads(line)
            assert found["process"] == PROCESSES[command][2]
            assert {"time", "level", "message"} <= found.keys()

    @pytest.mark.parametrize("command", PROCESSES)
    def test_the_level_is_set_while_the_process_runs(self, start, broker, command):
        process = started(start, command, broker)
        uri = f"/processes/{PROCESSES[command][2]}/log_level"
        with Bus(broker, name="operator") as bus:
            eventually(lambda: bus.get(uri) == "info")
            assert bus.set(uri, "debug").json() == "debug"
            assert bus.get(uri) == "debug"
            assert bus.set(uri, b"error").json() == "error"
            with pytest.raises(Refused, match="no log level 'loud'"):
                bus.set(uri, "loud")
            with pytest.raises(Refused, match="not something"):
                bus.set(uri.replace("log_level", "other"), 1)
            assert bus.get(uri) == "error"
        eventually(lambda: "the log level is debug now (set by operator)" in process.output)

    def test_the_broker_answers_below_its_own_name_and_records_it(self, start, folder):
        endpoint, trail = f"ipc://{folder}/b", folder / "audit"
        process = start(BROKER, "--bus", endpoint, "--audit", trail)
        with Bus(endpoint) as bus:
            assert bus.set("/bus/log_level", "debug").json() == "debug"
            assert bus.get("/bus/log_level") == "debug"
            with pytest.raises(Refused, match="no log level"):
                bus.set("/bus/log_level", 5)
        eventually(lambda: "says goodbye" in process.output)
        # Written a moment after it is answered.
        eventually(lambda: re.findall(r'"outcome":"(ok|refused)"', trail.read_text()) == ["ok", "refused"])


class Listener:
    """Plays systemd: the socket that sd_notify writes to."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(20)

    def next(self) -> str:
        return self._socket.recv(4096).decode()

    def has_news(self, timeout_s: float) -> bool:
        self._socket.settimeout(timeout_s)
        try:
            return bool(self._socket.recv(4096))
        except TimeoutError:
            return False
        finally:
            self._socket.settimeout(20)

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(folder, environment):
    listener = Listener(folder / "notify")
    environment |= {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "15000000"}
    yield listener
    listener.close()


class TestSystemd:
    @pytest.mark.parametrize("command", PROCESSES)
    def test_a_process_is_ready_when_it_answers_and_goes_on_living(self, start, shared_broker, systemd, command):
        process = started(start, command, shared_broker)
        heard = [systemd.next(), systemd.next(), systemd.next()]
        assert heard == ["WATCHDOG=1", f"READY=1\nMAINPID={process.pid}", "WATCHDOG=1"]
        with Bus(shared_broker) as bus:
            assert bus.get(f"/processes/{PROCESSES[command][2]}")["pid"] == process.pid
        assert process.stop() == 0
        assert eventually(lambda: systemd.next() == "STOPPING=1")

    def test_the_broker_is_ready_when_it_can_be_joined(self, start, systemd, folder):
        process = start(BROKER, "--bus", f"ipc://{folder}/b")
        eventually(lambda: systemd.next() == f"READY=1\nMAINPID={process.pid}")
        with Bus(f"ipc://{folder}/b"):
            assert systemd.next() == "WATCHDOG=1"

    def test_who_hangs_gives_no_sign_of_life(self, start, shared_broker, systemd):
        process = started(start, "fims_echo", shared_broker)
        eventually(lambda: systemd.next().startswith("READY=1"))
        process.popen.send_signal(signal.SIGSTOP)
        eventually(lambda: not systemd.has_news(2.5))
        process.popen.send_signal(signal.SIGCONT)
        assert systemd.next() == "WATCHDOG=1"

    def test_a_process_that_cannot_start_is_never_ready(self, run, systemd, shared_broker):
        assert run("modbus_bridge.client", "/nowhere.json", bus=shared_broker).returncode == 1
        assert not systemd.has_news(0.1)

    def test_a_socket_that_nobody_reads_stops_nothing(self, start, broker, environment, folder):
        environment["NOTIFY_SOCKET"] = str(folder / "nowhere")
        started(start, "fims_echo", broker)
        with Bus(broker) as bus:
            eventually(lambda: bus.get("/processes/fims_echo"))
