"""The audit trail with real processes and real files."""

import getpass
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from ess_bus.client import Bus
from ess_bus.errors import NoOneListening, Refused
from ess_bus.message import Message
from tests.integration.conftest import Process, Start, eventually
from tests.integration.peers import Owner

ME = getpass.getuser()
RULES = '[default]\nset = "allow"\npost = "allow"\n'


@pytest.fixture
def endpoint(folder) -> str:
    return f"ipc://{folder}/broker.sock"


def audited(start: Start, endpoint: str, path: Path, *arguments: object) -> Process:
    process = start("ess_bus.broker.command", "--bus", endpoint, "--audit", path, *arguments)
    eventually(lambda: "listening" in process.output)
    return process


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def stats(bus: Bus) -> Any:
    return bus.get("/bus/stats")["audit"]


def answer(message: Message) -> object:
    if message.body == b'"too much"':
        raise ValueError("over the limit")
    return message.json()


def test_every_command_and_what_became_of_it(start, folder, endpoint):
    path, rules = folder / "audit.jsonl", folder / "rules.toml"
    rules.write_text(RULES)
    broker = audited(start, endpoint, path, "--rules", rules, "--answer-within", 0.1)
    with Owner(endpoint, "/a", answer, "engine"), Bus(endpoint, name="panel", username="web") as bus:
        bus.subscribe("/silent")
        bus.set("/a/ok", 5)
        with pytest.raises(Refused, match="over the limit"):
            bus.post("/a/refused", "too much")
        with pytest.raises(NoOneListening):
            bus.set("/nobody", 1)
        with pytest.raises(Refused, match="may not delete"):
            bus.delete("/a/denied")
        bus.publish("/a/pub", 1)
        with Bus(endpoint, name="other") as other:
            other.send("set", "/silent", b"x" * 2000, replyto="/gone")
            other.flush()
        eventually(lambda: any(line["outcome"] == "unanswered" for line in lines(path)))
    assert broker.stop() == 0
    assert path.stat().st_mode & 0o777 == 0o600
    found = lines(path)
    by_uri = {line["uri"]: line for line in found if "uri" in line}
    then = {uri: [line for line in found if line["id"] == by_uri[uri]["id"]][1:] for uri in by_uri}
    assert list(by_uri) == ["/a/ok", "/a/refused", "/nobody", "/a/denied", "/silent"]
    first = by_uri["/a/ok"]
    assert (first["user"], first["claimed_user"], first["process"], first["verb"]) == (ME, "web", "panel", "set")
    assert (first["body"], first["outcome"]) == ("5", "delivered")
    (second,) = then["/a/ok"]
    assert (second["process"], second["outcome"]) == ("engine", "ok")
    (second,) = then["/a/refused"]
    assert (second["outcome"], second["reason"]) == ("refused", "over the limit")
    assert (by_uri["/nobody"]["outcome"], then["/nobody"]) == ("undelivered", [])
    assert (by_uri["/a/denied"]["outcome"], then["/a/denied"]) == ("denied", [])
    assert "may not delete this" in by_uri["/a/denied"]["reason"]
    (second,) = then["/silent"]
    assert (by_uri["/silent"]["body_size"], second["outcome"]) == (2000, "unanswered")


class TestFullDisk:
    def test_is_said_once_and_counted_and_the_bus_goes_on(self, start, endpoint):
        broker = audited(start, endpoint, Path("/dev/full"))
        with Owner(endpoint, "/a", answer), Bus(endpoint) as bus:
            for number in range(20):
                assert bus.set("/a", number).json() == number
            eventually(lambda: stats(bus)["lost"] == 40)
            assert stats(bus)["failing"] == "no space left on device"
        assert broker.stop() == 0
        said = [line for line in broker.output.splitlines() if "audit trail" in line]
        assert said == ["ERROR /dev/full: the audit trail cannot be written: no space left on device"]

    def test_where_a_record_is_required_commands_are_refused_and_gets_are_not(self, run, start, endpoint):
        audited(start, endpoint, Path("/dev/full"), "--audit-required")
        with Owner(endpoint, "/a", lambda _: 42) as owner:
            result = run("tools.fims_send", "-m", "set", "-u", "/a", "-r", "/me", "5", bus=endpoint)
            assert result.returncode == 3
            assert result.stderr == "fims_send: /a: it cannot be recorded in the audit trail, and must be\n"
            assert owner.received == []
            assert run("tools.fims_send", "-m", "get", "-u", "/a", "-r", "/me", bus=endpoint).stdout == "42\n"

    def test_where_it_is_required_and_the_disk_works_the_command_is_in_the_file_before_it_is_routed(
        self, start, folder, endpoint
    ):
        path = folder / "audit.jsonl"
        audited(start, endpoint, path, "--audit-required")
        seen = []

        def look(message: Message) -> object:
            seen.append([line["outcome"] for line in lines(path)])
            return message.json()

        with Owner(endpoint, "/a", look), Bus(endpoint) as bus:
            assert bus.set("/a", 5).json() == 5
        assert seen[0][0] == "received"
        eventually(lambda: [line["outcome"] for line in lines(path)] == ["received", "delivered", "ok"])


@pytest.mark.parametrize("by_signal", [False, True])
def test_a_file_that_is_renamed_is_followed_by_a_new_one_and_no_line_is_lost(start, folder, endpoint, by_signal):
    path, old = folder / "audit.jsonl", folder / "audit.jsonl.1"
    broker = audited(start, endpoint, path)
    with Owner(endpoint, "/a", answer), Bus(endpoint) as bus:
        bus.set("/a", 1)
        eventually(lambda: len(lines(path)) == 2)
        path.rename(old)
        if by_signal:
            broker.popen.send_signal(signal.SIGHUP)
            eventually(path.exists)
        bus.set("/a", 2)
        eventually(lambda: len(lines(path)) == 2)
    assert len(lines(old)) == 2
    assert lines(path)[0]["body"] == "2"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_opened_stops_the_start_in_one_line(run, folder, endpoint):
    result = run("ess_bus.broker.command", "--bus", endpoint, "--audit", folder / "none" / "audit.jsonl")
    assert result.returncode == 1
    assert result.stderr == f"fims_server: {folder}/none/audit.jsonl: no such file or directory\n"


def test_a_broker_that_is_killed_leaves_whole_lines(start, folder, endpoint):
    path = folder / "audit.jsonl"
    broker = audited(start, endpoint, path)
    with Owner(endpoint, "/a", answer), Bus(endpoint) as bus:
        for number in range(50):
            bus.set("/a", number)
        broker.popen.send_signal(signal.SIGKILL)
        broker.popen.wait(60)
    bodies = [line["body"] for line in lines(path) if "body" in line]
    # The last ones may have been on their way to the file; before them none is missing, and none is torn.
    assert bodies == [str(number) for number in range(len(bodies))]
