"""How long `fims_send` takes from start to exit: scripts start it thousands of times a day."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tools.bench import registry
from tools.bench.payload import SMALL
from tools.bench.peers.ours import NAME as OURS
from tools.bench.processes import ROOT, Bench, Failed
from tools.bench.quantiles import median
from tools.bench.row import Figure, Row, Sample, Subject, at_most

_URI: Final = "/bench/owned"
_IMPORTS: Final = "import zmq, click"
_BARE: Final = f"python -c '{_IMPORTS}'"
_TIMEOUT_S: Final = 20.0
# Starts in one sample. The samples of both programs alternate.
_STARTS: Final = 10
_SAMPLES: Final = 3


def _fims_send(bench: Bench) -> Sample:
    with (
        bench.server(registry.system(OURS)) as server,
        bench.workers(server, "answer", uri=_URI, size=SMALL) as owners,
    ):
        owners[0].hear("ready")
        return _timed([*_installed(), "--bus", server.address, "-m", "get", "-u", _URI], SMALL)


def _bare(_bench: Bench) -> Sample:
    return _timed([sys.executable, "-c", _IMPORTS], 0)


def _timed(command: Sequence[str], least_output: int) -> Sample:
    took, answered = [], 0
    for _ in range(_STARTS):
        before = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=_TIMEOUT_S)
        took.append((time.monotonic() - before) * 1000)
        if done.returncode:
            raise Failed(f"{command[0]}: status {done.returncode}: {done.stderr.decode(errors='replace').strip()}")
        answered += len(done.stdout) >= least_output
    return Sample({"time": median(took)}, _STARTS, answered)


def _installed() -> list[str]:
    """Return how users start fims_send: the installed script, which belongs to this Python."""
    script = Path(sys.executable).with_name("fims_send")
    return [str(script)] if script.exists() else [sys.executable, "-m", "tools.fims_send"]


ROWS: Final = (
    Row(
        name="fims_send",
        title="fims_send -m get, start to exit",
        figures=(Figure("time", "ms"),),
        subjects=(Subject("fims_send", _fims_send), Subject(_BARE, _bare)),
        requirements=(at_most("time", 1.4, _BARE),),
        note=f"A whole process, with an answer from an owner, beside `{_BARE}`, which only imports. The starts of both "
        f"alternate in groups of {_STARTS}.",
        repeat=_SAMPLES,
    ),
)
