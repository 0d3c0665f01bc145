"""`ess_site up` with real processes: start, output, restart, stop, and nothing left behind."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from ess_bus.client import Bus
from tests.integration.conftest import ROOT, eventually

BROKER = '[[process]]\nname = "broker"\ncommand = "fims_server"\n'
ECHO = '[[process]]\nname = "echo"\ncommand = "fims_echo"\nargs = ["-u", "/echo"]\n'
COMMAND = [sys.executable, "-m", "tools.ess_site.command"]
START_S = 60.0


class Site:
    """An ``ess_site up`` that runs in a private runtime folder."""

    def __init__(self, folder: Path, text: str, environment: dict[str, str]) -> None:
        file = site_file(folder, text)
        self._folder = folder
        self._log = file.with_suffix(".log")
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "up", file], env=environment, cwd=ROOT, stdout=log, stderr=subprocess.PIPE, text=True
            )

    @property
    def lines(self) -> list[str]:
        return self._log.read_text().splitlines()

    def until(self, line: str, times: int = 1) -> None:
        """Wait until a whole line was printed so many times."""
        eventually(lambda: self.lines.count(line) >= times or self.process.poll() is not None, timeout_s=START_S)
        assert self.lines.count(line) >= times, self.lines

    def children(self) -> dict[str, psutil.Process]:
        """Return the processes by their names in the site file."""
        found = psutil.Process(self.process.pid).children()
        return {child.environ()["ESS_PROCESS_NAME"]: child for child in found if alive(child)}

    def answers(self, name: str) -> bool:
        """Tell whether a process answers on the default bus."""
        with Bus(f"ipc://{self._folder}/ess-bus/bus.sock", name="test") as bus:
            return bool(bus.get(f"/processes/{name}")["name"] == name)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(START_S)

    def errors(self) -> list[str]:
        """Return what is on stderr, once it has ended."""
        return self.process.communicate(timeout=START_S)[1].splitlines()


@pytest.fixture
def environment(environment: dict[str, str], folder: Path) -> dict[str, str]:
    """The environment of every test, with a temporary folder of its own: nothing may be left in it."""
    (folder / "tmp").mkdir()
    return {**environment, "TMPDIR": str(folder / "tmp")}


@pytest.fixture
def up(folder: Path, environment: dict[str, str]) -> Iterator[Callable[..., Site]]:
    """Return a function that starts a site; what is left of it at the end is killed."""
    sites: list[Site] = []

    def up(text: str = BROKER + ECHO) -> Site:
        sites.append(Site(folder, text, environment))
        return sites[-1]

    yield up
    for site in sites:
        site.process.kill()
        site.process.communicate()


def site_file(folder: Path, text: str) -> Path:
    """Write a site file: site.toml, or site1.toml, site2.toml if there is one already."""
    file = folder / f"site{len([*folder.glob('site*.toml')]) or ''}.toml"
    file.write_text(text)
    return file


def alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@contextmanager
def stopped(process: psutil.Process) -> Iterator[None]:
    process.suspend()
    try:
        yield
    finally:
        if alive(process):
            process.resume()


def test_a_site_comes_up_and_says_what_to_do_next(up):
    site = up('name = "demo"\nnext = """\nType this,\nthen that.\n"""\n' + BROKER + ECHO)
    site.until("then that.")
    lines = site.lines
    assert lines[0] == "ess_site | starting demo: broker, echo"
    assert lines[-3:] == ["site up", "Type this,", "then that."]
    assert all(re.match(r"(ess_site|broker  |echo    ) \| ", line) for line in lines[:-3])
    assert site.answers("echo")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_all_of_it_and_nothing_is_left(up, folder, number):
    site = up()
    site.until("site up")
    children = site.children()
    assert set(children) == {"broker", "echo"}
    assert site.end(number) == 0
    assert site.errors() == []
    assert not any(alive(child) for child in children.values())
    assert [*(folder / "tmp").iterdir()] == []


def test_a_signal_while_it_starts(up):
    site = up()
    site.until("ess_site | starting site: broker, echo")
    assert site.end() == 0
    assert "site up" not in site.lines
    assert site.errors() == []


@pytest.mark.parametrize("name", ["broker", "echo"])
def test_a_killed_process_is_restarted_and_answers_again(up, name):
    site = up()
    site.until("site up")
    site.children()[name].kill()
    site.until(f"ess_site | {name} is back")
    assert f"ess_site | {name} ended (signal 9); restarting" in site.lines
    eventually(lambda: site.answers("echo"))
    assert set(site.children()) == {"broker", "echo"}
    assert site.end() == 0


def test_a_process_that_keeps_dying_is_restarted_later_and_later(up):
    site = up()
    site.until("site up")
    for times, delay in enumerate(("", " in 0.5 s", " in 1 s"), start=1):
        site.children()["echo"].kill()
        site.until(f"ess_site | echo ended (signal 9); restarting{delay}")
        site.until("ess_site | echo is back", times)
    assert site.end() == 0


def test_when_ess_site_is_killed_its_processes_end(up):
    site = up()
    site.until("site up")
    children = site.children()
    site.process.kill()
    eventually(lambda: not any(alive(child) for child in children.values()))


def test_a_process_that_ignores_sigterm_is_killed(up):
    site = up()
    site.until("site up")
    echo = site.children()["echo"]
    with stopped(echo):
        assert site.end() == 0
    assert not alive(echo)


def test_a_process_that_ends_before_it_answers_fails_the_start(up):
    site = up(BROKER + ECHO.replace("-u", "--no-such-option"))
    assert site.process.wait(START_S) == 1
    assert site.errors() == ["ess_site: echo ended with status 2 before it answered"]
    assert any(line.startswith("echo     | ") and "--no-such-option" in line for line in site.lines)
    assert "site up" not in site.lines


def test_a_second_site_on_the_same_bus_fails_and_the_first_goes_on(up):
    first = up(BROKER)
    first.until("site up")
    second = up(BROKER)
    eventually(lambda: second.process.poll() is not None or "site up" in second.lines, timeout_s=START_S)
    assert second.process.poll() == 1
    assert second.errors() == ["ess_site: broker ended with status 1 before it answered"]
    assert set(first.children()) == {"broker"}
    assert first.end() == 0


def test_two_sites_run_side_by_side(up):
    first, second = up(), up((BROKER + ECHO).replace("command", 'bus = "other"\ncommand'))
    for site in (first, second):
        site.until("site up")
    for site in (first, second):
        assert site.end() == 0


def test_a_reader_that_leaves_ends_the_site(folder, environment):
    reader, writer = os.pipe()
    with subprocess.Popen(
        [*COMMAND, "up", site_file(folder, BROKER)], env=environment, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE
    ) as process:
        os.close(writer)
        os.read(reader, 1)
        os.close(reader)
        assert process.communicate(timeout=START_S)[1] == b""
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "not TOML"),
        (BROKER + "port = 1\n", "process.0.port: unknown key"),
        (BROKER + ECHO.replace("fims_echo", "calculator") + 'config = "no.json"\n', "no.json does not exist"),
        (BROKER + f'bus = "{"x" * 100}"\n', "at most 107 bytes"),
    ],
)
def test_a_bad_site_file_is_one_line_and_starts_nothing(up, text, message):
    site = up(text)
    assert site.process.wait(START_S) == 1
    (line,) = site.errors()
    assert line.startswith("ess_site: ")
    assert message in line
    assert site.lines == []


def test_check_starts_nothing(run, folder):
    checked = run("tools.ess_site.command", "check", site_file(folder, BROKER + ECHO))
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout == f"site {folder}/site.toml: ok\n"


def test_check_refuses_a_bad_site_file(run, folder):
    checked = run("tools.ess_site.command", "check", site_file(folder, BROKER + BROKER))
    assert (checked.returncode, checked.stderr) == (1, "")
    verdict, first, *_ = checked.stdout.splitlines()
    assert verdict == f"site {folder}/site.toml: refused"
    assert first.startswith(f"{folder}/site.toml: process.1.name: ")
