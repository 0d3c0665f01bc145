"""SIGINT however early, and clients that nobody closes."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time

import pytest

from ess_bus.client import Bus
from tests.integration.conftest import ROOT

COMMANDS = ["fims_server", "fims_listen", "ess_controller", "calculator", "modbus_client", "twins", "ess_site"]


@pytest.mark.parametrize("command", COMMANDS)
def test_an_interrupt_during_the_start_is_quiet(command, environment, folder):
    for delay_s in (0.03, 0.1, 0.2, 0.35):
        # The installed script does just this; the name says which command it is.
        start = f"import sys; sys.argv = ['{command}', '--bus', 'ipc://{folder}/none']; import tools.launch; tools.launch.main()"
        process = subprocess.Popen(
            [sys.executable, "-c", start],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=ROOT,
            restore_signals=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        # Any moment of the start will do, so it does not matter which one this is on a busy machine.
        time.sleep(delay_s)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
        # Before Python has come to our first line, the traceback is Python's own.
        assert b"Traceback" not in output or b"tools/launch.py" not in output, output


def test_a_bus_that_nobody_closed_hangs_nobody(broker):
    bus = Bus(broker, name="forgotten")
    bus.__enter__()
    circle = [bus]
    circle.append(circle)  # type: ignore[arg-type]
    del bus, circle
    gc.collect()
    with Bus(broker, name="next") as following:
        assert following.get("/bus/version")


def test_a_process_that_forgets_its_bus_still_ends(broker, environment):
    text = (
        "import sys; from ess_bus.client import Bus; b = Bus(sys.argv[1]).__enter__(); l = [b]; l.append(l); del b, l"
    )
    done = subprocess.run(
        [sys.executable, "-c", text, broker], env=environment, cwd=ROOT, timeout=40, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert os.path.exists(broker.removeprefix("ipc://"))  # noqa: PTH110
