"""Completion of the command lines: what a shell asks, and what bash does with the answer."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ess_bus.client import Bus
from tests.integration.conftest import ROOT
from tools.docs_tools import make_commands
from tools.launch import COMMANDS

BASH = shutil.which("bash") or "bash"
# Completes its arguments as bash would, and prints what is on offer.
COMPLETE = """
eval "$(fims_send --completion bash)"
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
function=$(complete -p "$1" | sed 's/.* -F \\([^ ]*\\) .*/\\1/')
compopt() { :; }
"$function" "$1"
echo "${COMPREPLY[*]}"
"""


@pytest.fixture(scope="module")
def commands(tmp_path_factory) -> Path:
    """A folder with all commands, each as the installed script starts it."""
    folder: Path = tmp_path_factory.mktemp("completion") / "bin"
    return make_commands(folder)


@pytest.fixture
def complete(environment, commands, shared_broker):
    """Complete a command line, the last argument being the word that was begun; return what is on offer."""

    def complete_in_bash(*words: str) -> list[str]:
        variables = {**environment, "ESS_BUS": shared_broker, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}
        result = subprocess.run(
            [BASH, "--norc", "-c", COMPLETE, "bash", *words],
            env=variables,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
        )
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout.split()

    return complete_in_bash


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["fims_send", "-m", ""], "del get post pub set"),
        (["fims_send", "-m", "p"], "post pub"),
        (["fims_send", "--t"], "--timeout"),
        (["fims_send", "--completion", ""], "bash zsh fish"),
        (["fims_listen", "--s"], "--stats"),
        (["fims_listen", "-u", "/bus/s"], "/bus/stats /bus/subscriptions"),
        (["fims_echo", "-u", "/bus/c"], "/bus/clients"),
        (["fims_trigger", "-s", "/bus/v"], "/bus/version"),
        (["fims_server", "--b"], "--bus"),
        (["ess_site", "c"], "check"),
    ],
)
def test_words_are_completed(complete, words, expected):
    assert complete(*words) == expected.split()


def test_uris_are_those_of_the_running_bus(complete, shared_broker):
    with Bus(shared_broker, name="owner") as bus:
        bus.subscribe("/components/bms_1", "/components/pcs_1", "/status")
        for command in (["fims_send", "-m", "get", "-u"], ["fims_listen", "-u", "/x", "-s"], ["fims_trigger", "-p"]):
            assert complete(*command, "/c") == ["/components/bms_1", "/components/pcs_1"]
        assert complete("fims_send", "-m", "set", "-r", "/st") == ["/status"]


def test_without_a_broker_there_is_nothing_to_complete_and_no_complaint(complete, folder):
    assert complete("fims_send", "--bus", f"ipc://{folder}/none", "-u", "/") == []


def test_names_of_buses_are_those_of_this_user(complete, folder):
    (folder / "ess-bus").mkdir()
    for name in ("plant", "bus"):
        (folder / "ess-bus" / f"{name}.sock").touch()
    assert complete("fims_send", "--bus", "") == ["bus", "plant"]
    assert complete("fims_listen", "--bus", "p") == ["plant"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_covers_every_command_and_the_shell_can_read_it(run, folder, shell):
    result = run("tools.fims_send", "--completion", shell)
    assert (result.returncode, result.stderr) == (0, "")
    for name in COMMANDS:
        assert f"_{name.upper()}_COMPLETE={shell}_complete" in result.stdout
    if shutil.which(shell):
        (folder / "script").write_text(result.stdout)
        subprocess.run([shell, "-n", str(folder / "script")], check=True, timeout=40)
