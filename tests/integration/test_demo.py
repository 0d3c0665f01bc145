"""``make demo``: the calculator's example, without a person."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.integration.conftest import ROOT


def test_the_example_validates_itself(environment):
    done = subprocess.run(
        [sys.executable, "-m", "tools.demo"], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answers = [line for line in done.stdout.splitlines() if line and not line.startswith(("$", "ok"))]
    assert answers[-1] == "0.04"


def test_the_example_fails_when_an_answer_is_wrong(environment, folder):
    shutil.copytree(ROOT / "configs", folder / "configs")
    path: Path = folder / "configs" / "bms_power" / "engine" / "bms.json"
    path.write_text(path.read_text().replace('"scale": 1000', '"scale": 100'))
    done = subprocess.run(
        [sys.executable, "-m", "tools.demo"], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "wrong answer" in done.stderr
