"""``python -m tools.docs_tools PAGE...``: run the commands that a page shows, and write what they print into it.

A page is its own template. In each block that begins with three backquotes and ``console``, what stands behind ``$`` is
run by bash, in the order of the page, on a private bus with a broker of its own; the other lines of the block are
replaced by what came out. A command that ends in ``&`` goes on in the background; ``$ wait`` and ``$ kill %1`` end such
commands, and show what they have printed since. What is different at each run (times, users, process ids, folders) is
replaced by an example. The commands find the files of ``docs/examples`` beside them; the port of the device in these is
another one at each run.
"""

from __future__ import annotations

import difflib
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ess_bus.client import Bus
from tools.fims.statistics import table
from tools.launch import COMMANDS
from tools.ports import free_port

BASH = shutil.which("bash") or "bash"
ROOT = Path(__file__).parents[1]
# Each waits for something that takes a tenth of a second on an idle machine.
PATIENCE_S = 30.0
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What a command in the background has printed before it is ready for the next one.
_FIRST_WORDS = {
    "fims_echo": "Listening on",
    "fims_trigger": "Awaiting",
    "fims_server": "listening on",
    "fims_record": "recording",
    "modbus_client": "components of",
    "modbus_server": "points",
}
EXAMPLES = ROOT / "docs" / "examples"
# The port of the device in the examples; two pages that are written at once must not meet at it.
DEVICE_PORT = "1502"


class Failed(Exception):
    """A command of the page cannot be run as it stands there."""


class Background:
    """A command that goes on while the next ones run."""

    def __init__(self, command: str, folder: Path, environment: dict[str, str]) -> None:
        self.name = command.split()[0]
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._shown = 0
        self.process = subprocess.Popen(
            [BASH, "-c", f"exec {command}"],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
        )

    @property
    def printed(self) -> str:
        """What has been printed so far."""
        return os.pread(self._output.fileno(), 1 << 20, 0).decode(errors="replace")

    def news(self) -> str:
        """Return what was printed since the last time."""
        text = self.printed
        news, self._shown = text[self._shown :], len(text)
        return news

    def end(self) -> str:
        """Wait for its end and return what is new."""
        self.process.wait(PATIENCE_S)
        news = self.news()
        self._output.close()
        return news


class Session:
    """Runs the commands of one page."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "work"
        self._folder.mkdir()
        self._port = str(free_port())
        for example in EXAMPLES.iterdir():
            (self._folder / example.name).write_text(example.read_text().replace(DEVICE_PORT, self._port))
        self._runtime = folder / "run"
        self._runtime.mkdir(mode=0o700)
        self._background: list[Background] = []
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ESS_", "FIMS_"))}
        path = f"{make_commands(folder / 'bin')}{os.pathsep}{kept.get('PATH', '')}"
        self._environment = {**kept, "PATH": path, "XDG_RUNTIME_DIR": str(self._runtime), "TZ": "UTC"}
        self._broker = self._started("fims_server")

    @property
    def bus(self) -> str:
        """Where the page's commands find their broker."""
        return f"ipc://{self._runtime}/ess-bus/bus.sock"

    def run(self, command: str) -> str:
        """Run one line of the page; return what is to be shown below it."""
        return self._run(command.replace(DEVICE_PORT, self._port)).replace(self._port, DEVICE_PORT)

    def close(self) -> None:
        """End what the page left running, and the broker."""
        for one in (*self._background, self._broker):
            one.process.terminate()
            one.end()

    def _run(self, command: str) -> str:
        if command == "wait":
            ended, self._background = self._background, []
            return self._cleaned("".join(one.end() for one in ended))
        if command == "kill %1":
            first = self._background.pop(0)
            first.process.send_signal(signal.SIGTERM)
            return self._cleaned(first.end())
        if command.endswith("&"):
            return self._cleaned(self._start(command.removesuffix("&").strip()))
        done = subprocess.run(
            [BASH, "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self._folder,
            env=self._environment,
            timeout=PATIENCE_S,
            check=False,
        )
        return self._cleaned(done.stdout.decode(errors="replace"))

    def _start(self, command: str) -> str:
        started = self._started(command)
        self._background.append(started)
        return started.news()

    def _started(self, command: str) -> Background:
        """Start a command in the background and return when it is ready for the next one."""
        started = Background(command, self._folder, self._environment)
        words = _FIRST_WORDS.get(started.name)
        if words is not None:
            _eventually(lambda: words in started.printed, command)
        else:
            with Bus(self.bus, name="docs") as bus:
                _eventually(lambda: _subscribed(bus, started.process.pid), command)
        return started

    def _cleaned(self, text: str) -> str:
        return as_example(text.replace(str(self._runtime), "/run/user/1000"))


def as_example(text: str) -> str:
    """Return an output with an example in the place of everything that is different at each run."""
    user = re.escape(pwd.getpwuid(os.geteuid()).pw_name)
    for pattern, example in (
        (r"\d{4}-\d\d-\d\d([ T])\d\d:\d\d:\d\d\.\d{6}", r"2026-01-31\g<1>12:00:00.000000"),
        (r"\d\d-\d\d-\d{4} \d\d:\d\d:\d\d\.\d{6}", "01-31-2026 12:00:00.000000"),
        (r"  \d+\.\d s$", "  0.0 s"),
        (rf"^(Username: +){user}$", r"\g<1>ems"),
        (rf'("user(?:name)?": ?)"{user}"', r'\g<1>"ems"'),
        (r'("pid": ?)\d+', r"\g<1>4711"),
        (r"^(Elapsed Time: )\d+", r"\g<1>14"),
        (r'("time":")[^"]+', r"\g<1>2026-01-31T12:00:00.000+00:00"),
        (r"\b(pid) \d+", r"\g<1> 4711"),
        (r"\d+ clients, [\d.]+ messages/s", "4 clients, 27.9 messages/s"),
        (r"(read) \d+\.\d s ago, 0 of \d+ polls", r"\g<1> 0.1 s ago, 0 of 44 polls"),
        (r"^(to +.*\()[\d.]+ s\)$", r"\g<1>2.0 s)"),
        (r"^(\S+\.rec: \d+ messages, )\d+ bytes$", r"\g<1>24576 bytes"),
        (r"^(INFO \d+ messages in )[\d.]+ s, \d+ ms", r"\g<1>2.0 s, 1 ms"),
        (r"^((?:pub|set|get|answers) .*  \d+)  +\d+\.\d(  +\d+)$", r"\g<1>    10.0\g<2>"),
        (r"^(\d+ messages? on \d+ URIs? in )[\d.]+ s", r"\g<1>2.0 s"),
    ):
        text = re.sub(pattern, example, text, flags=re.MULTILINE)
    return re.sub(r"^URI .*\n(?:/.*\n)+", lambda found: _example_table(found[0]), text, flags=re.MULTILINE)


def _example_table(text: str) -> str:
    heading, *rows = [re.split(r"  +", line) for line in text.splitlines()]
    for row in rows:
        row[2] = row[2] if row[2] == "-" else "10.0"
        row[4] = "0.5"
    return "".join(f"{line}\n" for line in table([heading, *rows]))


def render(page: str, session: Session) -> str:
    """Return a page with the outputs of its commands as they are now."""

    def block(found: re.Match[str]) -> str:
        commands = [line[2:] for line in found[1].splitlines() if line.startswith("$ ")]
        shown = "".join(f"$ {command}\n{_with_line_end(session.run(command))}" for command in commands)
        return f"```console\n{shown}```"

    return _BLOCK.sub(block, page)


def make_commands(folder: Path) -> Path:
    """Fill a folder with all commands of this source tree, installed or not, and return it."""
    folder.mkdir()
    for name in COMMANDS:
        start = f"import sys; sys.path[:0] = [{str(ROOT)!r}]; sys.argv[0] = {name!r}"
        script = folder / name
        script.write_text(
            f'#!/bin/sh\nexec {sys.executable} -c "{start}; from tools.launch import main; main()" "$@"\n'
        )
        script.chmod(0o755)
    return folder


@contextmanager
def a_session() -> Iterator[Session]:
    """Start a broker for a page."""
    # The path of a socket is a short one.
    with tempfile.TemporaryDirectory(prefix="ess-docs-", dir="/tmp") as folder:
        session = Session(Path(folder))
        try:
            yield session
        finally:
            session.close()


def _subscribed(bus: Bus, pid: int) -> bool:
    # Everybody has one subscription: where answers arrive.
    return any(one["pid"] == pid and len(one["subscriptions"]) > 1 for one in bus.get("/bus/clients"))


def _eventually(condition: Callable[[], bool], command: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"not ready within {PATIENCE_S:g} s: {command}")
        time.sleep(0.02)


def _with_line_end(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


@click.command()
@click.argument("pages", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; fail if a page does not show what its commands print now.")
def main(pages: tuple[Path, ...], check: bool) -> None:
    """Run the commands that PAGES show, and write what they print into them."""
    stale = False
    for page in pages:
        before = page.read_text()
        with a_session() as session:
            after = render(before, session)
        if check:
            changes = difflib.unified_diff(before.splitlines(), after.splitlines(), str(page), "now", lineterm="")
            for line in changes:
                click.echo(line)
                stale = True
        elif after != before:
            page.write_text(after)
    if stale:
        raise click.ClickException("a page is out of date; `make docs` writes it anew")


if __name__ == "__main__":
    main()
