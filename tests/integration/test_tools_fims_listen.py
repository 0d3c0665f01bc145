"""`fims_listen` as people and scripts type it, against a real broker."""

import re
import signal
import subprocess
import sys

import pytest

from ess_bus.client import Bus
from ess_bus.errors import NoOneListening
from tests.integration.conftest import ROOT, eventually

LISTEN = "tools.fims_listen"


@pytest.fixture
def broker(shared_broker):
    return shared_broker


@pytest.fixture
def bus(broker):
    with Bus(broker, name="sender", username="me") as found:
        yield found


@pytest.fixture
def listen(start, bus, broker):
    """Start fims_listen and return when its subscriptions are in force."""

    def start_listening(*arguments: str):
        process = start(LISTEN, *arguments, bus=broker)

        def listens() -> bool:
            return any(
                client["pid"] == process.pid and len(client["subscriptions"]) > 1 for client in bus.get("/bus/clients")
            )

        eventually(listens)
        return process

    return start_listening


def blocks(output: str) -> list[dict[str, str]]:
    """Parse what was printed as the scripts of the original do."""
    found = []
    for text in output.split("\n\n"):
        fields = dict(re.findall(r"^([A-Z][A-Za-z ]+):[ ]*(.*?)[ ]?$", text, re.MULTILINE))
        if "Timestamp" in fields:
            found.append(fields)
    return found


def test_every_message_is_printed_and_flushed_one_by_one(listen, bus):
    process = listen("-u", "/a")
    for number in range(3):
        bus.send("pub", f"/a/{number}", {"n": number}, replyto="/me")
        bus.flush()
        eventually(lambda: len(blocks(process.output)) == number + 1)  # noqa: B023 - called in this turn of the loop
    assert process.output.startswith("\nMethod:       pub\nUri:          /a/0\n")
    (first, *_) = blocks(process.output)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", first.pop("Timestamp"))
    assert first == {
        "Method": "pub",
        "Uri": "/a/0",
        "ReplyTo": "/me",
        "Process Name": "sender",
        "Username": "me",
        "Body": '{"n":0}',
    }


def test_without_a_uri_it_listens_to_everything(listen, bus):
    process = listen()
    bus.publish("/somewhere/else", 1)
    eventually(lambda: "/somewhere/else" in process.output)


def test_a_listener_only_looks_on(listen, bus):
    process = listen("-u", "/a")
    with pytest.raises(NoOneListening):
        bus.set("/a", 1)
    eventually(lambda: len(blocks(process.output)) == 1)


@pytest.mark.parametrize("flag", ["-u", "-s"])
def test_several_uris_may_be_given(listen, bus, flag):
    process = listen(flag, "/a", flag, "/b", "-n", "2")
    for uri in ("/c", "/a", "/d", "/b/x"):
        bus.publish(uri, 1)
    assert process.popen.wait(60) == 0
    assert [block["Uri"] for block in blocks(process.output)] == ["/a", "/b/x"]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("pub", ["pub"]),
        ("s", ["set"]),
        ("p", ["pub"]),
        ("po", ["post"]),
        ("set", ["set"]),
        ("", ["pub", "set", "post", "get"]),
    ],
)
def test_only_methods_that_start_so_are_printed(listen, bus, method, expected):
    process = listen("-u", "/a", "-m", method)
    for found in ("pub", "set", "post", "get"):
        bus.send(found, "/a")
    bus.send(expected[0], "/a/last")
    eventually(lambda: "/a/last" in process.output)
    assert [block["Method"] for block in blocks(process.output)][:-1] == expected


def test_it_ends_after_so_many_printed_messages(listen, bus):
    process = listen("-u", "/a", "-m", "set", "-n", "2")
    for number in range(4):
        bus.publish("/a", number)
        bus.send("set", "/a", number)
    assert process.popen.wait(60) == 0
    assert [block["Body"] for block in blocks(process.output)] == ["0", "1"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_quietly(listen, number):
    process = listen("-u", "/a")
    assert process.stop(number) == 0
    assert process.output == ""


def test_a_body_is_printed_byte_for_byte(listen, bus):
    process = listen("-u", "/a", "-n", "1")
    bus.publish("/a", b"\xff\0\n{}")
    process.popen.wait(60)
    assert b"\nBody:         \xff\0\n{} \nTimestamp:" in process.output_file.read_bytes()


def test_a_reader_that_leaves_is_no_traceback(bus, broker, environment):
    process = subprocess.Popen(
        [sys.executable, "-m", LISTEN, "-u", "/a"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environment, "ESS_BUS": broker},
        cwd=ROOT,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        eventually(lambda: process.pid in [client["pid"] for client in bus.get("/bus/clients")])
        eventually(lambda: "/a" in bus.get("/bus/subscriptions"))
        bus.publish("/a", 1)
        assert process.stdout.readline() == b"\n"
        process.stdout.close()  # as `| head -1` does

        def ended() -> bool:
            bus.publish("/a", 2)
            return process.poll() is not None

        eventually(ended)
        assert process.stderr.read() == b""
        assert process.returncode == 1


def test_without_a_broker_it_says_that_it_waits_and_then_gives_up_with_status_1(run, folder):
    result = run(LISTEN, "--bus", f"ipc://{folder}/none")
    assert (result.returncode, result.stdout) == (1, "")
    waits, gives_up = result.stderr.splitlines()
    assert f"the broker on ipc://{folder}/none does not answer; waiting for it" in waits
    assert gives_up.startswith(f"fims_listen: no broker on ipc://{folder}/none")


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["-n", "0"], 2),
        (["-m", "xyz"], 2),
        (["-x"], 2),
        (["positional"], 2),
        (["-u", "no-slash"], 1),
    ],
)
def test_wrong_usage_is_one_line(run, broker, arguments, status):
    result = run(LISTEN, *arguments, bus=broker)
    assert (result.returncode, result.stdout) == (status, "")
    assert result.stderr.startswith("fims_listen: ")
    assert result.stderr.count("\n") == 1


def test_it_comes_back_after_a_restart_of_the_broker(start, folder):
    endpoint = f"ipc://{folder}/other.sock"
    first = start("ess_bus.broker.command", "--bus", endpoint)
    eventually(lambda: "listening" in first.output)
    process = start(LISTEN, "-u", "/a", "--bus", endpoint)
    with Bus(endpoint) as bus:
        eventually(lambda: "/a" in bus.get("/bus/subscriptions"))
        first.stop(signal.SIGKILL)
        start("ess_bus.broker.command", "--bus", endpoint)
        eventually(lambda: "/a" in bus.get("/bus/subscriptions", timeout_s=1))
        bus.publish("/a", "again")
        eventually(lambda: '"again"' in process.output)
