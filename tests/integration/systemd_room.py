"""Run inside namespaces of its own: a real systemd (``--user``) with the units of a folder; prints what became of them.

``unshare ... python -m tests.integration.systemd_room FOLDER``: the units are in FOLDER/.config/systemd/user.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

SYSTEMD = "/lib/systemd/systemd"
TARGET, ENGINE, BROKER = "ess-test.target", "ess-test-engine.service", "ess-test-broker.service"
_WITHIN_S = 60.0


def main() -> None:
    """Start, hang, kill and stop the site."""
    home = Path(sys.argv[1])
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    # By this folder systemd tells whether the machine was started by it.
    for folder in (Path("/run/systemd/system"), Path("/run/user/0")):
        folder.mkdir(parents=True, mode=0o700)
    os.environ |= {"HOME": str(home), "XDG_RUNTIME_DIR": "/run/user/0"}
    with (home / "log").open("wb") as log:
        manager = subprocess.Popen([SYSTEMD, "--user", "--log-target=console"], stdout=log, stderr=log)
    until(lambda: Path("/run/user/0/systemd/private").exists())
    control("start", TARGET)
    found = {"started": [state(BROKER), state(ENGINE)]}
    first = pid(ENGINE)
    os.kill(first, signal.SIGSTOP)
    until(lambda: pid(ENGINE) not in (0, first) and state(ENGINE) == "active")
    found["hung"] = [show(ENGINE, "NRestarts")]
    first = pid(BROKER)
    os.kill(first, signal.SIGKILL)
    until(lambda: pid(BROKER) not in (0, first) and state(BROKER) == "active")
    found["killed"] = [show(BROKER, "NRestarts")]
    control("stop", TARGET)
    until(lambda: not pid(ENGINE) and not pid(BROKER))
    found["stopped"] = [state(BROKER), state(ENGINE), show(ENGINE, "Result")]
    manager.terminate()
    manager.wait(20)
    sys.stdout.write(json.dumps(found))


def control(*words: str) -> str:
    """Run systemctl."""
    done = subprocess.run(
        ["systemctl", "--user", *words], check=True, capture_output=True, text=True, timeout=_WITHIN_S
    )
    return done.stdout.strip()


def show(unit: str, what: str) -> str:
    """Return a property of a unit."""
    return control("show", "--value", "--property", what, unit)


def state(unit: str) -> str:
    """Return whether a unit is active."""
    return show(unit, "ActiveState")


def pid(unit: str) -> int:
    """Return the process of a unit; 0 for none."""
    return int(show(unit, "MainPID"))


def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + _WITHIN_S
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"never became true: {condition.__code__}")
        time.sleep(0.05)


if __name__ == "__main__":
    main()
