"""``python -m tools.soak`` for real, for some seconds."""

import re
import signal

import psutil

from tests.integration.conftest import eventually

MODULE = "tools.soak"


def test_everything_that_the_bridge_publishes_is_true_or_marked(run):
    done = run(MODULE, "--minutes", "0.28", "--seed", "3", "--rough", "2", "--slack", "5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("ok: every value true or marked\n")
    # It was not ok because nothing happened.
    said = {
        name: int(count.replace(",", "")) for count, name in re.findall(r"([\d,]+) (true|marked|done)", done.stdout)
    }
    assert said["true"] > 5000
    assert said["marked"] > 100
    assert said["done"] > 20
    (device,) = re.findall(r"^device .*", done.stdout, re.MULTILINE)
    assert len(re.findall(r"[a-z-]+ \d+(?:,|$)", device)) > 5
    assert re.search(r"^10 of 17 s, ", done.stderr)


def test_an_interrupt_takes_every_process_along(start):
    soak = start(MODULE)
    children = eventually(lambda: _if_both(psutil.Process(soak.pid).children(recursive=True)))
    assert soak.stop(signal.SIGINT) == 130
    assert "Traceback" not in soak.output
    eventually(lambda: not any(child.is_running() for child in children))


def test_a_length_that_cannot_be_is_named(run):
    done = run(MODULE, "--minutes", "0")
    assert done.returncode == 2
    assert done.stderr.startswith("soak: ")
    assert len(done.stderr.splitlines()) == 1


def _if_both(children):
    """Return broker and bridge once they are there."""
    return children if len(children) >= 2 else None
