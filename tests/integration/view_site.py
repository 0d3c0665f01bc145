"""A small site for the terminal views: real broker, real engine with state machines, and a device that a test plays."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Static

from ess_bus.client import Bus
from tests.integration.conftest import Process, Start, eventually
from tools.view.app import View

PATIENCE_S = 60.0
COMPONENT = "/components/bms_1"
TABLES: dict[str, Any] = {
    "/states/ess": {"kind": "ess"},
    "/states/bms": {"kind": "bms"},
    "/states/pcs": {"kind": "pcs", "ac_contactor": "none"},
    "/links/bms": {"SOC": f"{COMPONENT}:soc"},
    COMPONENT: {"soc": {"value": None}, "Timestamp": {"value": None}},
    "/status/bms": {"CommsOK": {"value": True}, "DCClosed": {"value": False}, "IsFaulted": {"value": False}},
    "/status/pcs": {
        "CommsOK": {"value": True},
        "DeviceState": {"value": "Off"},
        "IsFaulted": {"value": False},
        "ActivePower": {"value": 0, "unit": "kW"},
        "Frequency": {"value": None, "unit": "Hz"},
    },
    "/controls/ess": {
        **{name: {"value": False} for name in ("OnCmd", "OffCmd", "StandbyCmd", "ClearFaultsCmd", "EStop")},
        "ActivePowerSetpoint": {"value": 0},
        "ReactivePowerSetpoint": {"value": 0},
    },
    "/assets/ess/summary": {
        "name": "ESS",
        "faults": {"value": 0, "options": [], "ui_type": "fault", "name": "Faults"},
    },
}


def start_engine(start: Start, folder: Path, endpoint: str) -> Process:
    """Start the engine, and return when it answers."""
    file = folder / "engine.json"
    file.write_text(json.dumps(TABLES))
    process = start("ess_bus.engine.command", file, "--no-state", bus=endpoint)
    with Bus(endpoint, name="waiting") as bus:
        eventually(lambda: bus.get("/ess/states/ess/state") == "Off")
    return process


class Device:
    """Publishes readings ten times a second until it is stopped, as a bridge does."""

    def __init__(self, endpoint: str) -> None:
        self.soc: float | None = 50.0
        self._endpoint = endpoint
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Device:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Say nothing any more; the last reading stands."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        count = 0
        with Bus(self._endpoint, name="device") as bus:
            while not self._ended.wait(0.1):
                count += 1
                bus.publish(COMPONENT, {"soc": self.soc, "Timestamp": str(count)})


def screen_text(view: View) -> str:
    """Return what stands on the first page."""
    return "\n".join(str(one.content) for one in view.screen_stack[0].query(Static))


def drive(view: View, script: Callable[[View, Pilot[int]], Awaitable[None]]) -> None:
    """Run the view at 80 x 24 without a terminal, and do something with it."""

    async def run() -> None:
        async with view.run_test(size=(80, 24)) as pilot:
            await script(view, pilot)

    asyncio.run(run())


async def until(condition: Callable[[], object], view: View | None = None) -> None:
    """Wait until something holds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    while not condition():
        seen = "" if view is None else f":\n{screen_text(view)}\n{[one.text for one in view.entries]}"
        assert loop.time() < deadline, f"never became true{seen}"
        await asyncio.sleep(0.05)
