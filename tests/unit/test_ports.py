"""Ports for tests and measurements: never the same one twice, whoever looks at the same time."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from tools import ports

ASK = "from tools.ports import free_port; print(*(free_port() for _ in range(50)), flush=True); input()"
# Of as few ports that two who take none into account would meet.
FEW = f"from tools import ports; ports._PORTS = range(31_000, 31_200); {ASK}"


def test_processes_that_look_at_the_same_time_never_find_the_same_port() -> None:
    command = [sys.executable, "-c", FEW]
    folder = Path(__file__).parents[2]
    asking = [
        subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    found = [(one.stdout.readline() if one.stdout else "").split() for one in asking]
    for one in asking:
        one.communicate("\n")
    assert [len(set(ports)) for ports in found] == [50, 50]
    assert not set(found[0]) & set(found[1])


def test_a_port_that_is_in_use_is_passed_over_and_others_are_below_what_the_system_gives_away() -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as taken:
        assert not ports._is_unused(taken.getsockname()[1])
    assert all(port in ports._PORTS for port in (ports.free_port(), ports.free_port()))
    file = Path("/proc/sys/net/ipv4/ip_local_port_range")
    if file.exists():
        assert int(file.read_text().split()[0]) >= ports._PORTS.stop
