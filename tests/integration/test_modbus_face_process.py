"""The bridge as a process: its file read again, a stop of the whole process, a broker that goes away."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ess_bus.client import Bus
from ess_bus.errors import Refused
from modbus_bridge.config.model import Component, Heartbeat, Point, RegisterType
from tests.integration.conftest import Process, Start, eventually, free_port, start_broker
from tests.integration.modbus_site import site, until
from tests.integration.test_modbus_client import Device

NAME = "modbus_client@pcs"


@pytest.fixture
def device() -> Iterator[Device]:
    found = Device(free_port())
    found.start()
    yield found
    found.stop()


def write(folder: Path, port: int, *components: dict[str, Any]) -> Path:
    file = folder / "pcs.json"
    connection = {"name": "pcs", "ip_address": "127.0.0.1", "port": port, "connection_timeout": 0.5}
    group = {"type": "Holding", "map": [{"id": "a", "offset": 0}, {"id": "life", "offset": 5}]}
    entries = [{"frequency": 50, "registers": [group], **component} for component in components]
    file.write_text(json.dumps({"connection": connection, "components": entries}))
    return file


def started(start: Start, bus: Bus, endpoint: str, file: Path) -> Process:
    process = start("modbus_bridge.client", file, bus=endpoint)
    eventually(lambda: bus.get(f"/processes/{NAME}", timeout_s=1)["pid"] == process.pid)
    return process


def test_a_file_is_read_again_and_a_broken_one_changes_nothing(
    start: Start, folder: Path, broker: str, device: Device
) -> None:
    file = write(folder, device.port, {"id": "pcs"})
    with Bus(broker, name="test") as bus:
        process = started(start, bus, broker, file)
        write(folder, device.port, {"id": "pcs"}, {"id": "more", "heartbeat_enabled": True} | HEARTBEAT)
        answer = bus.set("/components/pcs/_reload", None).json()
        assert (answer["kept"], answer["added"]) == (["pcs"], ["more"])
        assert bus.get("/components/more")["heartbeat_state"] == "INIT"
        file.write_text('{"connection": {"name": "pcs"}, "components": []}')
        with pytest.raises(Refused, match=rf"nothing was changed: {file}: connection") as caught:
            bus.set(f"/modbus_client/{NAME.partition('@')[2]}/_reload", None)
        assert caught.value.reason.count("\n") == 0
        file.unlink()
        os.mkfifo(file)
        with pytest.raises(Refused, match=rf"nothing was changed: {file}: not a regular file"):
            bus.set("/components/more/_reload", None)
        assert bus.get("/components/more/a") == 0
        assert bus.get(f"/processes/{NAME}")["pid"] == process.pid
        assert process.stop() == 0
        assert "Traceback" not in process.output


HEARTBEAT = {"component_heartbeat_read_uri": "life", "component_heartbeat_timeout_ms": 60000}


def test_what_was_sent_to_a_stopped_process_is_not_carried_out_late(
    start: Start, folder: Path, broker: str, device: Device
) -> None:
    file = write(folder, device.port, {"id": "pcs"})
    with Bus(broker, name="test") as bus:
        process = started(start, bus, broker, file)
        bus.set("/components/pcs/a", 1)
        answers = bus.subscribe("/test/answers")
        process.popen.send_signal(signal.SIGSTOP)
        bus.send("set", "/components/pcs/a", 2, replyto="/test/answers")
        bus.flush()
        time.sleep(5.5)  # longer than anybody waits for an answer
        process.popen.send_signal(signal.SIGCONT)
        answer = answers.receive(60)
        assert answer is not None
        assert answer.status == "refused"
        assert "expired" in answer.json()["error"]
        assert device.words(0) == [1]
        # Soon nobody's patience is in doubt any more.
        assert eventually(lambda: bus.set("/components/pcs/a", 3).json()) == 3
        assert process.output.count("stood still for") == 1


def test_without_a_broker_no_heartbeat_is_written(start: Start, folder: Path) -> None:
    endpoint = f"ipc://{folder}/broker.sock"
    life = Point("life", RegisterType.HOLDING, 5, 1)
    component = Component("pcs", 0.05, 0.0, (life,), heartbeat=Heartbeat(None, "life", 0, 9.0, 0.02))

    async def main() -> None:
        broker = start_broker(start, endpoint)
        async with site(endpoint, component, replace(component, id="other", heartbeat=None)) as found:
            await until(lambda: len(found.plant.writes) > 3)
            broker.stop()
            reads = len(found.plant.reads)
            await until(lambda: len(found.plant.reads) > reads + 4)
            written = len(found.plant.writes)
            reads = len(found.plant.reads)
            await until(lambda: len(found.plant.reads) > reads + 8)
            assert len(found.plant.writes) == written
            await asyncio.to_thread(start_broker, start, endpoint)
            await until(lambda: len(found.plant.writes) > written + 3)

    asyncio.run(main())
