"""`ess_site up` with real processes: start, output, restart, stop, and nothing left behind."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # circus brings it, without types
import pytest

from ess_bus.client import Bus
from ess_bus.errors import NoOneListening

BROKER = '[[process]]\nname = "broker"\ncommand = "fims_server"\n'
ECHO = '[[process]]\nname = "echo"\ncommand = "fims_echo"\nargs = ["/echo"]\n'
START_S = 30.0

Eventually = Callable[..., None]


class Site:
    """An ``ess_site up`` that runs in a private runtime folder."""

    def __init__(self, folder: Path, text: str, eventually: Eventually) -> None:
        self.folder = folder
        self._eventually = eventually
        number = len([*folder.glob("site*.toml")])
        file = folder / f"site{number or ''}.toml"
        file.write_text(text)
        (folder / "tmp").mkdir(exist_ok=True)
        self._log = file.with_suffix(".log")
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tools.ess_site.command", "up", str(file)],
                env=environment(folder),
                stdout=log,
                stderr=subprocess.PIPE,
                text=True,
            )

    @property
    def lines(self) -> list[str]:
        return self._log.read_text().splitlines()

    def until(self, line: str) -> None:
        """Wait until a whole line is printed."""
        self._eventually(lambda: line in self.lines or self.process.poll() is not None, timeout_s=START_S)
        assert line in self.lines, self.lines

    def children(self) -> dict[str, psutil.Process]:
        """Return the processes by their names in the site file."""
        found = psutil.Process(self.process.pid).children()
        return {child.environ()["ESS_PROCESS_NAME"]: child for child in found if alive(child)}

    def answers(self, name: str) -> bool:
        """Tell whether a process answers on the default bus."""
        with Bus(f"ipc://{self.folder}/ess-bus/bus.sock", name="test") as bus, suppress(NoOneListening):
            return bool(bus.get(f"/processes/{name}")["name"] == name)
        return False

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(START_S)

    def errors(self) -> list[str]:
        """Return what is on stderr, once it has ended."""
        return self.process.communicate(timeout=START_S)[1].splitlines()


@pytest.fixture
def up(folder, eventually) -> Iterator[Callable[..., Site]]:
    """Return a function that starts a site; whatever is left at the end is killed."""
    sites: list[Site] = []

    def up(text: str = BROKER + ECHO) -> Site:
        sites.append(Site(folder, text, eventually))
        return sites[-1]

    yield up
    for site in sites:
        site.process.kill()
        site.process.communicate()


def environment(folder: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ESS_")}
    return {**inherited, "XDG_RUNTIME_DIR": str(folder), "TMPDIR": str(folder / "tmp")}


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
def test_a_signal_stops_all_of_it_and_nothing_is_left(up, number):
    site = up()
    site.until("site up")
    children = site.children()
    assert set(children) == {"broker", "echo"}
    assert site.end(number) == 0
    assert site.errors() == []
    assert not any(alive(child) for child in children.values())
    assert [*(site.folder / "tmp").iterdir()] == []


def test_a_signal_while_it_starts(up):
    site = up()
    site.until("ess_site | starting site: broker, echo")
    assert site.end() == 0
    assert "site up" not in site.lines
    assert site.errors() == []


@pytest.mark.parametrize("name", ["broker", "echo"])
def test_a_killed_process_is_restarted_and_answers_again(up, eventually, name):
    site = up()
    site.until("site up")
    site.children()[name].kill()
    site.until(f"ess_site | {name} is back")
    assert f"ess_site | {name} ended (signal 9); restarting" in site.lines
    eventually(lambda: site.answers("echo"))
    assert set(site.children()) == {"broker", "echo"}
    assert site.end() == 0


def test_a_process_that_keeps_dying_is_restarted_later_and_later(up, eventually):
    site = up()
    site.until("site up")
    for expected in ("", " in 0.5 s", " in 1 s"):
        site.children()["echo"].kill()
        site.until(f"ess_site | echo ended (signal 9); restarting{expected}")
        backs = site.lines.count("ess_site | echo is back")
        eventually(lambda backs=backs: site.lines.count("ess_site | echo is back") > backs, timeout_s=START_S)
    assert site.end() == 0


def test_when_ess_site_is_killed_its_processes_end(up, eventually):
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
    site = up(BROKER + ECHO.replace("/echo", "--no-such-option"))
    assert site.process.wait(START_S) == 1
    assert site.errors() == ["ess_site: echo ended with status 2 before it answered"]
    assert any(line.startswith("echo     | ") and "--no-such-option" in line for line in site.lines)
    assert "site up" not in site.lines


def test_a_second_site_on_the_same_bus_fails_and_the_first_goes_on(up):
    first = up(BROKER)
    first.until("site up")
    second = up(BROKER)
    assert second.process.wait(START_S) == 1
    assert second.errors() == ["ess_site: broker ended with status 1 before it answered"]
    assert set(first.children()) == {"broker"}
    assert first.end() == 0


def test_two_sites_run_side_by_side(up):
    first, second = up(), up((BROKER + ECHO).replace("command", 'bus = "other"\ncommand'))
    for site in (first, second):
        site.until("site up")
    for site in (first, second):
        assert site.end() == 0


def test_a_reader_that_leaves_ends_the_site(folder):
    (folder / "site.toml").write_text(BROKER)
    reader, writer = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-m", "tools.ess_site.command", "up", str(folder / "site.toml")],
        env=environment(folder),
        stdout=writer,
        stderr=subprocess.PIPE,
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
