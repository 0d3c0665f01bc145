"""A second owner that starts while the first one hangs: when that wakes up, the first is left of the two."""

from __future__ import annotations

import json
import signal
from functools import partial

import pytest

from tests.integration.conftest import eventually, free_port

POINTS = [{"id": "power", "offset": 0}]
REGISTERS = [{"type": "Holding Registers", "starting_offset": 0, "number_of_registers": 1, "map": POINTS}]


def bridge():
    connection = {"name": "pcs", "ip_address": "127.0.0.1", "port": free_port(), "connection_timeout": 1}
    return {"connection": connection, "components": [{"id": "pcs", "frequency": 100, "registers": REGISTERS}]}


OWNERS = {
    "ess_bus.engine.command": lambda: {"/status/bms": {"soc": {"value": 1}}},
    "calculator.command": lambda: {"/status/bms": {}},
    "tools.twins.command": lambda: {"components": {"bms": {"soc": 50}}},
    "modbus_bridge.client": bridge,
}


@pytest.mark.parametrize("module", OWNERS)
def test_ends_when_the_first_one_answers_again(module, start, broker, bus, folder):
    (folder / "a.json").write_text(json.dumps(OWNERS[module]()))

    def started(name):
        process = start(module, folder / "a.json", "--process-name", name, bus=broker)
        eventually(partial(bus.get, f"/processes/{name}", timeout_s=5))
        return process

    first = started("first")
    first.popen.send_signal(signal.SIGSTOP)
    second = started("second")
    assert "WARNING somebody else listens on" in second.output
    assert second.popen.poll() is None
    first.popen.send_signal(signal.SIGCONT)
    assert second.popen.wait(60) == 1
    last = second.output.splitlines()[-1]
    assert "answers for /" in last
    assert last.endswith("which did not answer when this process was started; this one ends")
    assert "Traceback" not in second.output
    assert bus.get("/processes/first")["pid"] == first.pid
    assert first.stop() == 0


def test_stays_when_the_first_one_has_died(start, broker, bus, folder):
    (folder / "a.json").write_text(json.dumps({"components": {"bms": {"soc": 50}}}))
    first = start("tools.twins.command", folder / "a.json", "--process-name", "first", bus=broker)
    eventually(partial(bus.get, "/processes/first"))
    first.popen.send_signal(signal.SIGSTOP)
    second = start("tools.twins.command", folder / "a.json", "--process-name", "second", bus=broker)
    eventually(partial(bus.get, "/processes/second", timeout_s=5))
    first.stop(signal.SIGKILL)
    assert eventually(partial(bus.get, "/components/bms/soc", timeout_s=5)) == 50
    third = start("tools.twins.command", folder / "a.json", "--process-name", "third", bus=broker)
    assert third.popen.wait(60) == 1
    assert second.popen.poll() is None
