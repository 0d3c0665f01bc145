"""`fims_server` as a process: where it listens, how it ends, and whom it refuses."""

import signal
import socket
import stat
from pathlib import Path

import pytest

from ess_bus.client import Bus
from tests.integration.conftest import eventually, free_port, start_broker

BROKER = "ess_bus.broker.command"


def one_line(text: str) -> str:
    """Return the only line of an error output."""
    (line,) = text.splitlines()
    return line


def socket_of(endpoint: str) -> Path:
    return Path(endpoint.removeprefix("ipc://"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_quietly_and_its_place_can_be_used_again(start, folder, number):
    endpoint = f"ipc://{folder}/b.sock"
    for _ in range(2):
        process = start_broker(start, endpoint)
        with Bus(endpoint) as bus:
            assert bus.get("/bus/version")
            assert process.stop(number) == 0
        assert process.output == f"INFO listening on {endpoint}\n"
        assert not socket_of(endpoint).exists()


def test_after_a_kill_its_place_can_be_used_again(start, folder):
    endpoint = f"ipc://{folder}/b.sock"
    start_broker(start, endpoint).stop(signal.SIGKILL)
    assert socket_of(endpoint).exists()
    start_broker(start, endpoint)
    with Bus(endpoint) as bus:
        assert bus.get("/bus/version")


def test_a_second_broker_on_the_same_socket_is_refused_and_harms_nobody(start, run, folder):
    endpoint = f"ipc://{folder}/b.sock"
    first = start_broker(start, endpoint)
    with Bus(endpoint) as before:
        second = run(BROKER, "--bus", endpoint)
        assert second.returncode == 1
        assert second.stdout == ""
        expected = f"fims_server: cannot listen on {endpoint}: a broker is already there (pid {first.pid})"
        assert one_line(second.stderr) == expected
        assert before.get("/bus/version")
        with Bus(endpoint) as after:
            assert after.get("/bus/stats")["clients"] == 2


def test_a_port_in_use_is_one_line(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        result = run(BROKER, "--bus", endpoint)
    assert result.returncode == 1
    assert one_line(result.stderr) == f"fims_server: cannot listen on {endpoint}: address already in use"


@pytest.mark.parametrize(
    ("bus", "reason"),
    [
        ("tcp://0.0.0.0:4000", "only loopback addresses are allowed"),
        ("tcp://*:4000", "only loopback addresses are allowed"),
        ("tcp://192.0.2.1:4000", "only loopback addresses are allowed"),
        ("tcp://[::]:4000", "only loopback addresses are allowed"),
        ("tcp://127.0.0.1:99999", "expected tcp://HOST:PORT"),
        ("tcp://127.0.0.1:0", "expected tcp://HOST:PORT"),
        ("ipc:///no/such/folder/b.sock", "the folder /no/such/folder does not exist"),
        ("ipc://relative", "must be absolute"),
        ("a/b", "expected a name"),
    ],
)
def test_where_it_cannot_listen_is_one_line(run, bus, reason):
    result = run(BROKER, "--bus", bus)
    assert result.returncode == 1
    assert reason in one_line(result.stderr)


@pytest.mark.parametrize("flags", [["--nonsense"], ["--max-message", "0"], ["--max-message", "x"], ["positional"]])
def test_wrong_usage_is_one_line(run, flags):
    result = run(BROKER, *flags)
    assert result.returncode == 2
    assert one_line(result.stderr).startswith("fims_server: ")


def test_a_file_in_the_place_of_the_socket_survives(run, folder):
    precious = folder / "notes.txt"
    precious.write_text("precious")
    result = run(BROKER, "--bus", f"ipc://{precious}")
    assert result.returncode == 1
    assert "is not a socket" in one_line(result.stderr)
    assert precious.read_text() == "precious"


def test_only_its_user_can_connect(start, folder, environment):
    process = start(BROKER, "--bus", "plant")
    path = folder / "ess-bus" / "plant.sock"
    eventually(lambda: "listening" in process.output)
    assert process.output == f"INFO listening on ipc://{path}\n"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(f"{path}.lock").stat().st_mode) == 0o600


def test_a_runtime_folder_that_others_can_enter_is_refused_in_one_line(run, folder):
    (folder / "ess-bus").mkdir()
    (folder / "ess-bus").chmod(0o755)
    result = run(BROKER)
    assert result.returncode == 1
    assert "must be a folder of this user with mode 0700" in one_line(result.stderr)


def test_flag_beats_variable(start, folder):
    process = start(BROKER, "--bus", "flag", bus="variable")
    eventually(lambda: "flag.sock" in process.output)
    process = start(BROKER, bus="variable")
    eventually(lambda: "variable.sock" in process.output)


def test_two_buses_on_one_machine_do_not_meet(start, folder):
    endpoints = [f"ipc://{folder}/{name}" for name in "ab"] + [f"tcp://127.0.0.1:{free_port()}"]
    for endpoint in endpoints:
        start_broker(start, endpoint)
    for endpoint in endpoints:
        with Bus(endpoint) as bus:
            assert bus.get("/bus/stats")["clients"] == 1


def test_ipv6_loopback_works_where_the_machine_has_it(start):
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
            port = probe.getsockname()[1]
    except OSError:
        pytest.skip("no IPv6 here")
    endpoint = f"tcp://[::1]:{port}"
    start_broker(start, endpoint)
    with Bus(endpoint) as bus:
        assert bus.get("/bus/version")


def test_help_names_examples_and_exit_statuses(run):
    result = run(BROKER, "--help")
    assert result.returncode == 0
    assert "Exit status:" in result.stdout
    assert "--max-message" in result.stdout


def test_verbose_says_who_comes_and_goes(start, folder):
    endpoint = f"ipc://{folder}/b.sock"
    process = start(BROKER, "--bus", endpoint, "-v")
    with Bus(endpoint, name="visitor"):
        eventually(lambda: "visitor says hello" in process.output)
    eventually(lambda: "visitor says goodbye" in process.output)
    assert process.stop() == 0
