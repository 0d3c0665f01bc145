"""SIGINT however early, and clients that nobody closes."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import pytest

from tests.integration.conftest import ROOT

COMMANDS = [
    "fims_server",
    "fims_listen",
    "fims_trigger",
    "fims_record",
    "fims_replay",
    "ess_controller",
    "calculator",
    "modbus_client",
    "twins",
    "ess_site",
    "ess_web",
    "ess_view",
    "fims_top",
]


# What a command has just imported says where in its start it is, whatever the machine is doing.
MOMENTS = ["signal", "tools.launch", "ess_bus.errors", "click"]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("command", COMMANDS)
def test_an_interrupt_during_the_start_is_quiet(command, moment, environment, folder):
    # The installed script does just this; the name says which command it is.
    arguments = [command, "--bus", f"ipc://{folder}/none"]
    start = f"import sys; sys.argv = {arguments}; import tools.launch; tools.launch.main()"
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-c", start],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=ROOT,
        restore_signals=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert process.stderr is not None
    assert any(imported(line) == moment for line in process.stderr), "it ended before"
    process.send_signal(signal.SIGINT)
    _, output = process.communicate(timeout=30)
    # Before Python has come to our first line, the traceback is Python's own.
    assert re.search(rb'launch\.py", line \d+, in main', output) is None, output


def imported(line: bytes) -> str:
    """Return the module that a line of ``-X importtime`` is about."""
    return line.rpartition(b"|")[2].strip().decode()


FORGETFUL = """
import gc, sys
from ess_bus.client import Bus

circle = [Bus(sys.argv[1], name="forgotten").__enter__()]
circle.append(circle)
del circle
gc.collect()
with Bus(sys.argv[1], name="next") as following:
    print(len(following.get("/bus/clients")) > 0)
forgotten = Bus(sys.argv[1]).__enter__()
"""


def test_a_bus_that_nobody_closed_hangs_nobody(broker, environment):
    done = subprocess.run(
        [sys.executable, "-c", FORGETFUL, broker],
        env=environment,
        cwd=ROOT,
        timeout=40,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"True\n", b"")
