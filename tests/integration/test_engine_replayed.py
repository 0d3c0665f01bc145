"""The original's script tests, as its people type them: each line through `fims_send | jq`, each answer to the letter.

In ``tests/integration/typed`` a line that begins with ``$`` is a command of the shell, and what follows it is what it
must print. ``set`` and ``get`` are the helpers of these scripts; ``fails`` shows what `fims_send` says is wrong.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.conftest import eventually

JQ = shutil.which("jq")
TYPED = Path(__file__).with_name("typed")
HELPERS = """
set() { fims_send -m set -r /me -u "/ess$1" -- "$2" | jq . ; }
get() { fims_send -m get -r /me -u "/ess$1" | jq . ; }
pub() { fims_send -m pub -u "$1" -- "$2" ; }
fails() { fims_send -m "$1" -r /me -u "/ess$2" -- "$3" 2>&1 ; }
heard() {
    fims_listen -u "$1" -m pub -n 1 2>/dev/null | grep '^Body' &
    while kill -0 $! 2>/dev/null; do set /system/commands "$2" >/dev/null; sleep 0.05; done
}
until_is() { for _ in $(seq 200); do test "$(get "$1")" = "$2" && break; sleep 0.05; done; get "$1" ; }
"""


def steps(name: str) -> list[tuple[str, str]]:
    """Return (command, what it prints) of a file."""
    found: list[tuple[str, str]] = []
    for line in (TYPED / name).read_text().splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        elif not line.startswith("#"):
            command, printed = found[-1]
            found[-1] = command, printed + line + "\n"
    return found


def typed(commands: list[str], broker: str) -> list[str]:
    """Type commands into one shell; return what each of them prints."""
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    lines = "\n".join(f"{command}\nprintf '\\0'" for command in commands)
    environment = {**os.environ, "PATH": tools, "ESS_BUS": broker}
    done = subprocess.run(
        ["bash", "-c", f"{HELPERS}\n{lines}"], capture_output=True, text=True, env=environment, timeout=120, check=True
    )
    assert done.stderr == ""
    return done.stdout.split("\0")[:-1]


@pytest.mark.skipif(JQ is None, reason="jq is not installed")
@pytest.mark.parametrize("name", sorted(file.name for file in TYPED.glob("*.txt")))
def test_what_is_typed_is_answered_to_the_letter(start, broker, bus, name):
    start("ess_bus.engine.command", "-x", "-n", "ess", bus=broker)
    eventually(lambda: bus.get("/processes/ess_controller"))
    wanted = steps(name)
    printed = typed([command for command, _ in wanted], broker)
    assert [*zip((command for command, _ in wanted), printed, strict=True)] == wanted
