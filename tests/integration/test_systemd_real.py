"""The units of a site under a real systemd, in namespaces of its own: ready, who hangs, who is killed, stopped."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.conftest import ROOT
from tests.integration.systemd_room import SYSTEMD

UNSHARE = ["unshare", "--mount", "--pid", "--fork", "--cgroup", "--mount-proc", "--propagation", "private"]


def lacking() -> str:
    """Return why there can be no systemd here; empty if there can."""
    if not Path(SYSTEMD).exists() or shutil.which("unshare") is None:
        return "systemd is not installed"
    if os.getuid() != 0:
        return "only root can make the namespaces that a systemd of its own needs"
    tried = subprocess.run([*UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/run"], capture_output=True, check=False)
    return f"no namespaces here: {tried.stderr.decode().strip()}" if tried.returncode else ""


@pytest.mark.skipif(bool(lacking()), reason=lacking())
def test_a_site_starts_in_order_restarts_who_hangs_or_dies_and_stops(run, environment, folder):
    (folder / "engine.json").write_text(json.dumps({"/status/bms": {"soc": {"value": None}}}))
    parts = (("broker", "fims_server", ""), ("engine", "ess_controller", 'config = "engine.json"\n'))
    text = "".join(f'[[process]]\nname = "{name}"\ncommand = "{command}"\n{more}' for name, command, more in parts)
    (folder / "site.toml").write_text(f'name = "test"\n{text}')
    units = folder / ".config" / "systemd" / "user"
    units.mkdir(parents=True)
    assert run("tools.ess_site.command", "systemd", "--user", folder / "site.toml", "--output", units).returncode == 0
    for unit in units.glob("*.service"):
        # The watchdog that is written would take 15 s to bite.
        shorter, changed = re.subn(r"(?m)^WatchdogSec=\d+$", "WatchdogSec=3", unit.read_text())
        assert changed == 1
        unit.write_text(shorter)
    done = subprocess.run(
        [*UNSHARE, sys.executable, "-m", "tests.integration.systemd_room", str(folder)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=55, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + (folder / "log").read_text()
    assert json.loads(done.stdout) == {
        "started": ["active", "active"],
        "hung": ["1"],
        "killed": ["1"],
        "stopped": ["inactive", "inactive", "success"],
    }
