"""``--check``, ``--strict`` and ``--schema`` as processes: without a bus, into a pipe."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CONFIGS = Path(__file__).parents[2] / "configs" / "catl"
CLIENT = "modbus_bridge.client"
SERVER = "modbus_bridge.server"
Run = Callable[..., Any]


@pytest.mark.parametrize(("command", "kind"), [(CLIENT, "client"), (SERVER, "server")])
def test_each_command_checks_its_own_files(run: Run, command: str, kind: str) -> None:
    good = CONFIGS / f"catl_{kind}.json"
    other = CONFIGS / f"catl_{'server' if kind == 'client' else 'client'}.json"
    ended = run(command, "--check", good)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{good}: ok\n", "")
    ended = run(command, "--check", good, other)
    assert ended.returncode == 1
    assert ended.stdout.splitlines()[0] == f"{good}: ok"
    assert "'s file; expected" in ended.stdout or "'s file; a server has" in ended.stdout
    assert ended.stdout.splitlines()[-1] == f"{other}: refused"
    assert json.loads(run(command, "--schema").stdout)["title"] == f"modbus_{kind} configuration"


def test_strictly_it_does_not_start_with_what_it_would_leave_out(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "client.json"
    entries = [{"id": "a", "offset": 0}, {"id": "a", "offset": 1}]
    group = {"type": "Holding", "map": entries}
    component = {"id": "c", "frequency": 100, "registers": [group]}
    file.write_text(json.dumps({"connection": {"name": "n", "ip_address": "h"}, "components": [component]}))
    ended = run(CLIENT, file, "--strict")
    place = "components.0.registers.0.map"
    assert ended.returncode == 1
    assert ended.stderr == f"modbus_client: {file}: {place}.1: 'a' is used already at {place}.0\n"
    assert run(CLIENT, "--check", file).stdout.endswith("ok with 1 warning\n")


def test_several_files_are_only_checked(run: Run) -> None:
    ended = run(CLIENT, "a.json", "b.json")
    assert ended.returncode == 2
    assert ended.stderr == "modbus_client: expected one CONFIG; several can only be checked (--check)\n"
