"""A broker that starts where it cannot, where another one is, or whose socket is taken away."""

import signal
import subprocess
import sys

import pytest

from ess_bus.client import Bus, Timeouts
from ess_bus.errors import Disconnected
from tests.integration.conftest import ROOT, eventually, start_broker

BROKER = "ess_bus.broker.command"


@pytest.fixture
def endpoint(folder) -> str:
    return f"ipc://{folder}/broker.sock"


def test_of_brokers_that_start_at_once_exactly_one_wins(start, endpoint):
    processes = [start(BROKER, "--bus", endpoint) for _ in range(5)]
    eventually(lambda: sum(process.popen.poll() is None for process in processes) == 1)
    (winner,) = [process for process in processes if process.popen.poll() is None]
    eventually(lambda: "listening" in winner.output)
    for loser in processes:
        if loser is not winner:
            assert loser.popen.returncode == 1
            (line,) = loser.output.splitlines()
            assert f"cannot listen on {endpoint}: a broker is already there (pid " in line
    with Bus(endpoint) as bus:
        assert bus.get("/bus/stats")["pid"] == winner.pid


def test_of_brokers_that_start_at_once_where_one_was_killed_exactly_one_wins(start, endpoint):
    start_broker(start, endpoint).stop(signal.SIGKILL)
    processes = [start(BROKER, "--bus", endpoint) for _ in range(5)]
    eventually(lambda: sum(process.popen.poll() is None for process in processes) == 1)
    with Bus(endpoint, timeouts=Timeouts(connect=20)) as bus:
        assert bus.get("/bus/stats")["pid"] in [p.pid for p in processes if p.popen.poll() is None]


@pytest.mark.parametrize("obstacle", ["file", "nowhere", "readonly", "others"])
def test_a_runtime_folder_that_cannot_be_used_is_one_line_and_status_1(run, folder, environment, obstacle):
    runtime = folder / "run"
    match obstacle:
        case "file":
            runtime.write_text("")
        case "nowhere":
            runtime = folder / "run" / ("x" * 300)
        case "readonly":
            runtime = "/proc/sys/nowhere"
        case "others":
            (runtime / "ess-bus").mkdir(parents=True)
            (runtime / "ess-bus").chmod(0o777)
    environment["XDG_RUNTIME_DIR"] = str(runtime)
    found = run(BROKER)
    assert found.returncode == 1
    assert found.stdout == ""
    (line,) = found.stderr.splitlines()
    assert "ess-bus" in line or "its path" in line


def test_a_full_disk_does_not_keep_a_broker_from_starting(start, folder, endpoint):
    # The lock file holds a number for people to read, and this one is on a disk that is always full.
    (folder / "broker.sock.lock").symlink_to("/dev/full")
    start_broker(start, endpoint)
    with Bus(endpoint) as bus:
        assert bus.get("/bus/version")


def test_a_broker_that_may_write_no_file_starts_and_works(folder, environment, endpoint):
    # As on a disk that is full: every write to a file fails (setrlimit(2), RLIMIT_FSIZE); sockets are no files.
    limited = "import resource, runpy, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    limited += "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); sys.argv = ['fims_server', '--bus', sys.argv[1]]; "
    limited += f"runpy.run_module({BROKER!r}, run_name='__main__')"
    process = subprocess.Popen(
        [sys.executable, "-c", limited, endpoint], env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    try:
        with Bus(endpoint, timeouts=Timeouts(connect=20)) as bus:
            assert bus.get("/bus/stats")["pid"] == process.pid
    finally:
        process.terminate()
        _, told = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in told


def test_a_broker_whose_socket_is_deleted_keeps_its_clients_and_listens_again(start, folder, endpoint, run):
    process = start_broker(start, endpoint)
    with Bus(endpoint, name="early") as early:
        inbox = early.subscribe("/a")
        (folder / "broker.sock").unlink()
        assert early.get("/bus/stats")["pid"] == process.pid
        second = run(BROKER, "--bus", endpoint)
        assert (second.returncode, "a broker is already there" in second.stderr) == (1, True)
        with Bus(endpoint, name="late", timeouts=Timeouts(connect=20)) as late:
            late.publish("/a", 1)
            message = inbox.receive(60)
            assert message is not None
        assert early.joins == 1
        assert (folder / "broker.sock").stat().st_mode & 0o177 == 0
    assert "was deleted" in process.output
    process.stop()
    assert list(folder.glob("broker.sock*")) == []


def test_a_broker_whose_folder_is_deleted_goes_on_for_who_is_there(start, folder):
    place = folder / "place"
    place.mkdir()
    process = start_broker(start, f"ipc://{place}/b")
    with Bus(f"ipc://{place}/b") as bus:
        for path in place.iterdir():
            path.unlink()
        place.rmdir()
        eventually(lambda: bus.get("/bus/version") and "was deleted" in process.output)
        with pytest.raises(Disconnected), Bus(f"ipc://{place}/b", timeouts=Timeouts(connect=0.1)):
            pass
        place.mkdir()
        place.chmod(0o700)
        with Bus(f"ipc://{place}/b", timeouts=Timeouts(connect=20)) as late:
            assert late.get("/bus/stats")["pid"] == process.pid
    assert process.stop() == 0
