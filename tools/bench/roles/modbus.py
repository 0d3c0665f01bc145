"""Modbus on both sides of the bridge: a bare loop of pymodbus, and devices that answer or are silent."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Final

from pymodbus.client import AsyncModbusTcpClient

from tools.awkward import AwkwardDevice
from tools.bench.parent import Job, Parent
from tools.bench.peers.base import Client

_HOST: Final = "127.0.0.1"
_WARM_UP: Final = 200


async def poll_bare(_client: Client, job: Job, parent: Parent) -> None:
    """Read the same registers again and again for a while, and count the answers that are complete."""
    device = AsyncModbusTcpClient(_HOST, port=job["port"])
    await device.connect()
    count, registers = 0, job["registers"]
    for _ in range(_WARM_UP):
        await device.read_holding_registers(0, count=registers, device_id=1)
    began = time.monotonic()
    until = began + job["seconds"]
    while time.monotonic() < until:
        answer = await device.read_holding_registers(0, count=registers, device_id=1)
        count += len(answer.registers) == registers
    parent.say("result", count=count, seconds=time.monotonic() - began)
    device.close()


async def be_devices(_client: Client, job: Job, parent: Parent) -> None:
    """Be so many devices that answer and so many that accept connections and say nothing; say their ports."""
    silent_units = job.get("silent_units", ())
    living = [AwkwardDevice(silent=silent_units, keep_s=0.0) for _ in range(job["living"])]
    silent = [AwkwardDevice(silent=range(256), keep_s=0.0) for _ in range(job["silent"])]
    async with AsyncExitStack() as stack:
        for device in (*living, *silent):
            await stack.enter_async_context(device)
        parent.say("ready", living=[device.port for device in living], silent=[device.port for device in silent])
        await asyncio.Event().wait()
