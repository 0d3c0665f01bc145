"""What circus is given to run."""

import asyncio
import io
import os
import sys
from pathlib import Path

from tools.ess_site.child import Child, _Process
from tools.ess_site.output import Output
from tools.ess_site.site_file import MODULES, SiteProcess

ODD = ("a b", "$(circus.env.HOME)", "((circus.env.home))", "$WID", "'q\"", ";rm -rf *", "")


def child(process: SiteProcess) -> Child:
    async def build() -> Child:
        return Child(process, Output(io.BytesIO(), [process.name], colours=False))

    return asyncio.run(build())


def test_arguments_are_passed_as_they_are():
    one = child(SiteProcess("echo", "fims_echo", None, "ipc:///bus.sock", ODD)).watcher
    process = _Process(one.name, 1, one.cmd, args=one.args, env=one.env, watcher=one, spawn=False)
    assert process.format_args() == [sys.executable, *one.args]
    assert tuple(process.format_args()[-len(ODD) :]) == ODD


def test_the_environment_tells_a_process_who_it_is(monkeypatch):
    monkeypatch.setenv("ESS_BUS", "ipc:///other.sock")
    monkeypatch.setenv("KEPT", "yes")
    environment = child(SiteProcess("echo", "fims_echo", None, "ipc:///bus.sock")).watcher.env
    assert environment["ESS_BUS"] == "ipc:///bus.sock"
    assert environment["ESS_PROCESS_NAME"] == "echo"
    assert environment["ESS_SITE_PID"] == str(os.getpid())
    assert environment["KEPT"] == "yes"


def test_the_working_folder_is_searched_for_modules_only_if_ess_site_found_its_own_there(monkeypatch, tmp_path):
    process = SiteProcess("echo", "fims_echo", None, "ipc:///bus.sock")
    monkeypatch.setattr(sys, "path", [str(Path.cwd())])
    assert child(process).watcher.args[0] == "-m"
    monkeypatch.chdir(tmp_path)
    assert child(process).watcher.args[0] == "-P"


def wait_without_a_turn_for_the_loop(pid: int | None) -> None:
    """Let a process die while nobody reads its pipes, and leave it to be reaped."""
    assert pid is not None
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def test_what_a_process_wrote_just_before_it_died_is_printed(monkeypatch):
    monkeypatch.setitem(MODULES, "fims_echo", "this")
    printed = io.BytesIO()

    async def live_and_die() -> Child:
        one = Child(SiteProcess("echo", "fims_echo", None, "ipc:///bus.sock"), Output(printed, ["echo"], colours=False))
        await one.start()
        wait_without_a_turn_for_the_loop(one.pid)
        await one.stop()
        return one

    one = asyncio.run(live_and_die())
    assert one.how_it_ended() == "status 0"
    assert not one.running
    lines = printed.getvalue().decode().splitlines()
    assert lines[0] == "echo     | The Zen of Python, by Tim Peters"
    assert len(lines) == 21
