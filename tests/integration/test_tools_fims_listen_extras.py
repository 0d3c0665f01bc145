"""What `fims_listen` can do beyond its original: JSON lines, filters, statistics, an end by itself, colours."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from ess_bus.client import Bus
from tests.integration.conftest import ROOT, eventually

LISTEN = "tools.fims_listen"
SERVER = "ess_bus.broker.command"


@pytest.fixture
def broker(shared_broker):
    return shared_broker


@pytest.fixture
def bus(broker):
    with Bus(broker, name="sender", username="me") as found:
        yield found


def client(bus: Bus, pid: int) -> dict[str, object] | None:
    """What the broker says of a process once its subscriptions are in force."""
    found = [one for one in bus.get("/bus/clients") if one["pid"] == pid and len(one["subscriptions"]) > 1]
    return found[0] if found else None


@pytest.fixture
def listen(start, bus, broker):
    """Start fims_listen and return when its subscriptions are in force."""

    def start_listening(*arguments: str):
        process = start(LISTEN, *arguments, bus=broker)
        eventually(lambda: client(bus, process.pid))
        return process

    return start_listening


class Terminal:
    """A command whose output is a terminal."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self._reading, writing = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=writing,
            env={"TERM": "xterm", **environment},
            cwd=ROOT,
        )
        os.close(writing)
        self._seen = b""

    @property
    def text(self) -> str:
        """Everything that was written so far."""
        try:
            while select.select([self._reading], [], [], 0)[0] and (more := os.read(self._reading, 65536)):
                self._seen += more
        except OSError:  # the other end is closed
            pass
        return self._seen.decode().replace("\r\n", "\n")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._reading)


@pytest.fixture
def terminal(environment, broker) -> Iterator[Callable[..., Terminal]]:
    """Start a module of this project in a terminal; it ends with the test."""
    started: list[Terminal] = []

    def start_terminal(*arguments: str, **variables: str) -> Terminal:
        names = {name: value for name, value in environment.items() if name not in ("NO_COLOR", "TERM")}
        started.append(Terminal(list(arguments), {**names, "ESS_BUS": broker, **variables}))
        return started[-1]

    yield start_terminal
    for one in started:
        one.close()


def test_a_line_of_json_a_message(listen, bus):
    process = listen("-u", "/a", "--json", "-n", "4")
    for body in (b'{"soc":  50.5}', b"no JSON", b"\xff\0"):
        bus.send("pub", "/a/b", body, replyto="/me")
    bus.send("get", "/a")
    assert process.popen.wait(60) == 0
    stamp = r',"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d"\}$'
    start = '{"method":"pub","uri":"/a/b","replyto":"/me","process_name":"sender","username":"me","status":null,'
    assert [re.sub(stamp, "", line) for line in process.output.splitlines()] == [
        start + '"body":{"soc":50.5},"encoding":"json"',
        start + '"body":"no JSON","encoding":"text"',
        start + '"body":"/wA=","encoding":"base64"',
        '{"method":"get","uri":"/a","replyto":null,"process_name":"sender","username":"me","status":null,'
        '"body":null,"encoding":null',
    ]


def test_a_line_is_there_before_the_next_message(listen, bus):
    process = listen("-u", "/a", "--json")
    for number in range(3):
        bus.publish("/a", number)
        bus.flush()
        eventually(lambda: process.output.count("\n") == number + 1)  # noqa: B023 - called in this turn of the loop
    assert [json.loads(line)["body"] for line in process.output.splitlines()] == [0, 1, 2]


def test_an_error_among_the_replies_can_be_told(listen, bus, broker):
    process = listen("-u", "/me", "--json", "-n", "2")
    with Bus(broker, name="asker") as asker, bus.subscribe("/owned") as requests:
        for _ in range(2):
            asker.send("set", "/owned", 1, replyto="/me")
        asker.flush()
        first, second = requests.receive(60), requests.receive(20)
        assert first is not None
        assert second is not None
        bus.reply(first, 1)
        bus.refuse(second, "no")
        assert process.popen.wait(60) == 0
    found = [json.loads(line) for line in process.output.splitlines()]
    assert [(line["method"], line["status"], line["body"]) for line in found] == [
        ("set", "ok", 1),
        ("set", "refused", {"error": "no"}),
    ]


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["-n", "2", "--jq", "[.method, .uri, .body]"], '["pub","/a",{"x":1.5}]\n["set","/a/b",5]\n'),
        (["-n", "2", "--jq", ".uri", "--raw", "--json"], "/a\n/a/b\n"),
        (["-n", "1", "--jq", 'select(.method == "set").body'], "5\n"),
        (["-n", "1", "-m", "pub", "--jq", ".body.x, .body.x"], "1.5\n1.5\n"),
    ],
)
def test_a_filter_is_applied_to_each_line_and_what_it_leaves_out_does_not_count(listen, bus, arguments, printed):
    process = listen("-u", "/a", *arguments)
    bus.send("pub", "/a", {"x": 1.5})
    bus.send("set", "/a/b", 5)
    assert process.popen.wait(60) == 0
    assert process.output == printed


def test_a_message_on_which_the_filter_fails_is_named_and_the_next_one_is_printed(listen, bus):
    process = listen("-u", "/a", "-n", "1", "--jq", ".body.x")
    bus.send("pub", "/a", 5)
    bus.send("pub", "/a", {"x": 6})
    assert process.popen.wait(60) == 0
    expected = ['fims_listen: pub /a: Cannot index number with string ("x")', "6"]
    assert sorted(process.output.splitlines(), reverse=True) == expected


def test_the_time_is_over(run, broker):
    result = run(LISTEN, "-u", "/quiet", "--timeout", "0.2", bus=broker)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_the_time_is_over_before_so_many_messages_have_come(listen, bus):
    process = listen("-u", "/a", "-n", "2", "--timeout", "1")
    bus.publish("/a", 1)
    assert process.popen.wait(60) == 3


def test_so_many_messages_have_come_in_time(listen, bus):
    process = listen("-u", "/a", "-n", "1", "--timeout", "40")
    bus.publish("/a", 1)
    assert process.popen.wait(60) == 0


def test_statistics_in_a_pipe_are_printed_at_the_end(listen, bus):
    process = listen("-u", "/a", "--stats", "-n", "4")
    for size in (10, 20, 30):
        bus.send("pub", "/a/long_name", b"x" * size)
    bus.flush()
    assert process.output == ""
    bus.send("set", "/a/b")
    assert process.popen.wait(60) == 0
    heading, first, second, summary = process.output.splitlines()
    assert heading.split() == ["URI", "COUNT", "RATE/S", "BYTES", "AGE", "S"]
    assert first.split()[:4] == ["/a/b", "1", "-", "0"]
    assert second.split()[0:2] == ["/a/long_name", "3"]
    assert second.split()[3] == "60"
    assert re.fullmatch(r"4 messages on 2 URIs in \d+\.\d s, none lost", summary)


def test_statistics_on_a_terminal_are_drawn_anew_and_tell_what_was_lost(start, terminal, folder):
    endpoint = f"ipc://{folder}/small.sock"
    broker = start(SERVER, "--bus", endpoint, "--queue-messages", "16", "--window-bytes", "1024")
    eventually(lambda: "listening" in broker.output)
    screen = terminal(LISTEN, "-u", "/a", "--stats", "--bus", endpoint)
    with Bus(endpoint) as bus:
        eventually(lambda: client(bus, screen.process.pid))
        screen.process.send_signal(signal.SIGSTOP)
        for number in range(500):
            bus.send("pub", "/a", b"%0500d" % number)
        bus.flush()
        screen.process.send_signal(signal.SIGCONT)
        eventually(lambda: not (client(bus, screen.process.pid) or {})["waiting"])
        bus.publish("/a/end", 1)
        eventually(lambda: "/a/end" in screen.text)
    screen.process.terminate()
    assert screen.process.wait(60) == 0
    pages = screen.text.split("\033[H\033[2J")[1:]
    assert len(pages) > 1
    last = pages[-1].splitlines()
    counts = {line.split()[0]: int(line.split()[1]) for line in last[1:-1]}
    summary = re.fullmatch(r"(\d+) messages on 2 URIs in [\d.]+ s, (\d+) LOST: this listener did not keep up", last[-1])
    assert summary is not None, last
    assert counts == {"/a": int(summary[1]) - 1, "/a/end": 1}
    assert counts["/a"] + int(summary[2]) == 500


def test_on_a_terminal_blocks_are_coloured(terminal, bus):
    screen = terminal(LISTEN, "-u", "/a")
    eventually(lambda: client(bus, screen.process.pid))
    bus.publish("/a", 1)
    eventually(lambda: "Timestamp" in screen.text)
    assert "\033[32mpub\033[0m\n" in screen.text
    plain = re.sub(r"\033\[\d*m", "", screen.text)
    assert plain.startswith("\nMethod:       pub\nUri:          /a\nReplyTo:      (null)\nProcess Name: sender \n")


def test_no_color_is_respected(terminal, bus):
    screen = terminal(LISTEN, "-u", "/a", NO_COLOR="1")
    eventually(lambda: client(bus, screen.process.pid))
    bus.publish("/a", 1)
    eventually(lambda: "Timestamp" in screen.text)
    assert "\033" not in screen.text


def test_a_closed_output_is_one_line(environment, broker):
    script = 'exec "$@" >&-'
    result = subprocess.run(
        ["/bin/sh", "-c", script, "sh", sys.executable, "-m", LISTEN],
        env={**environment, "ESS_BUS": broker},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert result.returncode == 1
    assert "the standard output is closed" in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--jq", ".["], "bad filter '.[': syntax error, unexpected end of file at line 1, column 2"),
        (["--raw"], "--raw goes with --jq"),
        (["--stats", "--json"], "--stats prints no messages: leave out --json and --jq"),
        (["--stats", "--jq", "."], "--stats prints no messages: leave out --json and --jq"),
        (["--timeout", "0"], "'0': expected seconds above 0, such as 0.5"),
        (["--timeout", "x"], "'x': expected seconds above 0, such as 0.5"),
    ],
)
def test_wrong_usage_is_one_line(run, broker, arguments, reason):
    result = run(LISTEN, *arguments, bus=broker)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("fims_listen: ")
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1
