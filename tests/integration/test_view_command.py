"""`ess_view` as people start it: on a terminal, with a site of its own, and where it cannot work."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ess_bus.client import Bus
from tests.integration.conftest import ROOT, eventually

SITE = """
name = "small"
[[process]]
name = "broker"
command = "fims_server"
[[process]]
name = "engine"
command = "ess_controller"
config = "engine.json"
"""


class Terminal:
    """A command on a terminal of 80 x 24 of its own."""

    def __init__(self, environment: dict[str, str], *arguments: object) -> None:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._master = ours
        self._read = bytearray()
        self.popen = subprocess.Popen(
            [sys.executable, "-m", *map(str, arguments)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**environment, "TERM": "xterm-256color"},
            cwd=ROOT,
            start_new_session=True,
        )
        os.close(theirs)
        self._thread = threading.Thread(target=self._drain)
        self._thread.start()

    @property
    def output(self) -> str:
        return self._read.decode(errors="replace")

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def close(self) -> None:
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()
        self._thread.join()
        os.close(self._master)

    def _drain(self) -> None:
        try:
            while piece := os.read(self._master, 65536):
                self._read += piece
        except OSError:  # the last one has closed it
            return


@pytest.fixture
def on_terminal(environment) -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def start(*arguments: object) -> Terminal:
        opened.append(Terminal(environment, *arguments))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@pytest.fixture
def site(folder) -> Path:
    (folder / "engine.json").write_text('{"/status/bms": {"SOC": {"value": 42}}}')
    file: Path = folder / "site.toml"
    file.write_text(SITE)
    return file


def state(folder):
    with Bus(f"ipc://{folder}/ess-bus/bus.sock", name="test") as bus:
        return bus.get("/ess/status/bms/SOC")


@pytest.mark.parametrize("key", ["q", "\x03"])
def test_it_starts_a_site_and_stops_it(on_terminal, site, folder, key):
    terminal = on_terminal("tools.view.command", "--site", site)
    # What a terminal is sent has numbers of its own: the site is there when it answers.
    eventually(lambda: state(folder) == 42)
    eventually(lambda: "42" in terminal.output)
    children = psutil.Process(terminal.popen.pid).children(recursive=True)
    assert len(children) >= 3
    terminal.type(key)
    assert terminal.popen.wait(40) == 0
    log = folder / "ess-bus" / f"{folder.name}.log"
    assert f"the log of the site is in {log}" in terminal.output
    assert "site up" in log.read_text()
    assert not [one for one in children if one.is_running()]


def test_nothing_of_the_site_is_left_when_it_is_killed(on_terminal, site, folder):
    terminal = on_terminal("tools.view.command", "--site", site)
    eventually(lambda: state(folder) == 42)
    children = psutil.Process(terminal.popen.pid).children(recursive=True)
    terminal.popen.kill()
    eventually(lambda: not [one for one in children if one.is_running()])


def test_a_site_that_cannot_start_is_told_in_one_line(on_terminal, site, folder):
    (folder / "engine.json").write_text("{")
    log = folder / "my.log"
    terminal = on_terminal("tools.view.command", "--site", site, "--log", log)
    assert terminal.popen.wait(40) == 1
    eventually(lambda: "ess_view: the site has ended with status 1" in terminal.output)
    assert "nothing was started" in log.read_text()
    assert "Traceback" not in terminal.output


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["tools.view.command"], 1, "ess_view: expected a terminal"),
        (["tools.view.command", "--engine", "a/b"], 2, "expected one word"),
        (["tools.top.command"], 1, "fims_top: expected a terminal; --once"),
        (["tools.top.command", "--for", "1"], 2, "--for goes with --once"),
        (["tools.top.command", "--once", "-u", "x"], 1, "it must start with '/'"),
        (["tools.top.command", "--once", "--for", "x"], 2, "expected seconds"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(run, arguments, status, words):
    result = run(*arguments)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (status, "", 1)
    assert words in result.stderr


def test_help_says_keys_examples_and_status(run):
    for module in ("tools.view.command", "tools.top.command"):
        text = run(module, "--help").stdout
        assert all(word in text for word in ("Examples:", "Keys:", "Exit status:"))
