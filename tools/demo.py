"""``python -m tools.demo``: the calculator's data validation without a person.

It starts the site ``configs/bms_power`` on a private bus, types the commands that the calculator's document asks for,
prints each with its answer, and exits 0 only if all answers are right.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SITE = Path("configs") / "bms_power" / "site.toml"
UP_WITHIN_S = 30.0
# A result follows its operands within a tenth of a second; this leaves room for a busy machine.
RESULT_WITHIN_S = 10.0
EXPECTED_POWER = 0.04


class Wrong(Exception):
    """An answer is not what it should be."""


def main() -> int:
    """Run the validation; return the exit status."""
    with tempfile.TemporaryDirectory(prefix="ess-demo-") as folder:
        environment = {name: value for name, value in os.environ.items() if name != "ESS_BUS"}
        environment["XDG_RUNTIME_DIR"] = folder
        try:
            with _site(environment):
                _validate(environment)
        except Wrong as error:
            print(f"demo: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
    print(f"\nok: BMSPower {EXPECTED_POWER}")
    return 0


def _validate(environment: dict[str, str]) -> None:
    def answer(*arguments: str, right: Callable[[str], bool], within_s: float = 0.0) -> None:
        print(f"\n$ fims_send {shlex.join(arguments)}", flush=True)
        deadline = time.monotonic() + within_s
        while True:
            done = _fims_send(arguments, environment)
            if done.returncode == 0 and right(done.stdout):
                break
            if time.monotonic() >= deadline:
                raise Wrong(f"wrong answer: {done.stdout}{done.stderr}")
        print(done.stdout, end="", flush=True)

    def is_defined(text: str) -> bool:
        definition = _json(text)["BMSPower"]
        return bool(definition["operation"] == "*" and definition["numVars"] == 2 and definition["scale"] == 1000)

    table = "/components/catl_mbmu_summary_r"
    answer("-m", "get", "-u", "/ess/full/status/bms/BMSPower", "-r", "/me", right=is_defined)
    answer("-m", "pub", "-u", f"{table}/mbmu_voltage", "2", right=lambda text: not text)
    answer("-m", "pub", "-u", f"{table}/mbmu_current", "20020", right=lambda text: not text)
    power = ("-m", "get", "-u", "/status/bms/BMSPower", "-r", "/me")
    answer(*power, right=lambda text: _json(text) == EXPECTED_POWER, within_s=RESULT_WITHIN_S)


@contextmanager
def _site(environment: dict[str, str]) -> Iterator[None]:
    command = [sys.executable, "-m", "tools.ess_site.command", "up", str(SITE)]
    print(f"$ ess_site up {SITE}", flush=True)
    with (
        tempfile.TemporaryFile("w+") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as site,
    ):
        try:
            deadline = time.monotonic() + UP_WITHIN_S
            while "site up" not in (text := _content(log)):
                if site.poll() is not None or time.monotonic() > deadline:
                    raise Wrong(f"the site did not come up:\n{text}")
                time.sleep(0.05)
            print("site up", flush=True)
            yield
        finally:
            site.terminate()


def _content(log: Any) -> str:
    # pread leaves the position alone, at which the site goes on writing.
    return os.pread(log.fileno(), 1 << 20, 0).decode(errors="replace")


def _fims_send(arguments: tuple[str, ...], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.fims_send", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise Wrong(f"the answer is not JSON: {text[:200]!r}") from None


if __name__ == "__main__":
    sys.exit(main())
