"""Every command tells its version, and its help has examples and exit statuses."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

from tools.launch import COMMANDS


def called(name, *arguments):
    return subprocess.run(
        [sys.executable, "-m", COMMANDS[name], *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_tells_its_version(name):
    for option in ("-V", "--version"):
        ended = called(name, option)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{name} (ess-bus) {version('ess-bus')}\n", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_names_the_option(name):
    assert "--version" in called(name, "--help").stdout
