"""`Soak`: the processes, the device and the clock of a run."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from ess_bus.client import AsyncBus
from ess_bus.errors import BusError
from ess_bus.message import Message
from tools.awkward import AwkwardDevice, Script
from tools.bench.processes import UP_WITHIN_S, Failed, Process
from tools.bench.usage import memory_mb
from tools.soak import odds, site
from tools.soak.checker import Checker
from tools.soak.findings import Findings
from tools.soak.ledger import JUDGE_AFTER_S, Ledger
from tools.soak.log import is_error
from tools.soak.memory import Memory
from tools.soak.pace import Pace
from tools.soak.setting import set_forever

# Longer than the bridge waits, so that no client that keeps its time can take a late answer for one in time.
LATE_AFTER_S: Final = 1.0
# The oldest block of a component that is read across a few time-outs and new connections of others.
WINDOW_S: Final = 1.5
QUIET_LIMIT_S: Final = 5.0
# At the end the device does nothing wrong any more, and everything must become true.
_CALM_PART, _CALM_S = 0.4, 60.0
# A register that was refused as illegal is asked again after half a minute.
_ALL_TRUE_AFTER_S: Final = 40.0
_OUTAGE_EVERY_S, _OUTAGE_S = 60.0, 1.5
_LOOK_EVERY_S: Final = 0.5
_LAST_WORD_WITHIN_S: Final = 5.0
_MOST_LOG: Final = 64 << 20

ENDED: Final = "a process ended"
TRACE: Final = "an exception that nobody foresaw"
NEVER_WELL: Final = "not well again at the end"
NO_LAST_WORD: Final = "left as if it were connected when its bridge ended"
GREW: Final = "memory grew"


class Soak:
    """One run and everything that is known of it.

    Attributes:
        seconds: how long it takes.
        calm_s: how many of them at the end are calm.
        window_s: how old a value may be.
        quiet_s: how long a component may be quiet.
        device: the device.
        findings: what must not be.
        checker: what is known of the values.
        ledger: what is known of the sets.
        pace: what is known of the regularity.
        memory: process -> what is known of its memory.
        log_lines: how many lines the bridge logged.
    """

    def __init__(
        self, seconds: float, seed: int, *, rough: float = 1.0, connections: int = 1, slack_s: float = 0.0
    ) -> None:
        """Prepare a run.

        Args:
            seconds: how long it takes.
            seed: where all chance begins.
            rough: how much more often than usual the device misbehaves.
            connections: how many connections the bridge may open.
            slack_s: how much later than usual everything may be; for a machine that has other things to do.
        """
        variables = site.variables()
        self.seconds = seconds
        self.window_s, self.quiet_s = WINDOW_S + slack_s, QUIET_LIMIT_S + slack_s
        self.calm_s = min(seconds * _CALM_PART, _CALM_S)
        self.device = AwkwardDevice(odds.plan(seed, rough), silent=(site.DEAD_UNIT,), late_after_s=LATE_AFTER_S)
        self.findings = Findings()
        self.checker = Checker(variables, self.device.records, self.findings, window_s=self.window_s, dead=site.DEAD)
        self.ledger = Ledger(self.device.records, self.findings)
        self.pace = Pace(self.checker.components, self.findings, limit_s=self.quiet_s, now_s=time.monotonic())
        self.memory = {"broker": Memory(), "modbus_client": Memory()}
        self.log_lines = 0
        self._settings = [variable for variable in variables if variable.is_set]
        self._processes: dict[str, Process] = {}
        self._connections = connections
        self._began_s = time.monotonic()

    @property
    def passed_s(self) -> float:
        """How long it has been going on."""
        return time.monotonic() - self._began_s

    async def run(self, tell: Callable[[], None]) -> None:
        """Carry it out; `tell` is called twice a second.

        Raises:
            Failed: a process did not start.
        """
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="eb-")))
            await stack.enter_async_context(self.device)
            endpoint = f"ipc://{folder}/bus.sock"
            broker = self._start(stack, "broker", "ess_bus.broker.command", "--bus", endpoint)
            await _until((folder / "bus.sock").is_socket, broker)
            bus = await stack.enter_async_context(AsyncBus(endpoint, name="soak"))
            messages = await bus.subscribe("/components", pub_only=True)
            file = folder / "soak.json"
            file.write_text(json.dumps(site.configuration(self.device.port, self._connections)))
            bridge = self._start(stack, "modbus_client", "modbus_bridge.client", str(file), "--bus", endpoint)
            listening = asyncio.create_task(self._listen(messages))
            stack.push_async_callback(_cancel, listening)
            await _until_ready(bus, "modbus_client@soak", bridge)
            await self._carry_out(bus, tell, listening)
            await self._end(bridge)

    def _start(self, stack: AsyncExitStack, name: str, module: str, *arguments: str) -> Process:
        process = stack.enter_context(Process([sys.executable, "-m", module, *arguments]))
        self._processes[name] = process
        return process

    async def _carry_out(self, bus: AsyncBus, tell: Callable[[], None], listening: asyncio.Task[None]) -> None:
        self._began_s = time.monotonic()
        self.pace.begin(self._began_s)
        half = len(self._settings) // 2
        tasks = [
            asyncio.create_task(set_forever(bus, self._settings[:half], self.ledger, first=1)),
            asyncio.create_task(set_forever(bus, self._settings[half:], self.ledger, first=1 << 15)),
            asyncio.create_task(self._break(self.seconds - self.calm_s)),
            listening,
        ]
        try:
            while self.passed_s < self.seconds and self._look():
                tell()
                done, _ = await asyncio.wait(tasks, timeout=_LOOK_EVERY_S, return_when=asyncio.FIRST_EXCEPTION)
                for task in done:
                    task.result()
                tasks = [task for task in tasks if task not in done]
        finally:
            for task in tasks[:2]:
                await _cancel(task)
        tell()

    async def _break(self, until_s: float) -> None:
        """Let the device vanish now and then, and do nothing wrong from `until_s` on."""
        next_s = until_s / 2 if until_s < 2 * _OUTAGE_EVERY_S else _OUTAGE_EVERY_S
        while next_s + _OUTAGE_S < until_s:
            await asyncio.sleep(max(0.0, next_s - self.passed_s))
            await self.device.go_away()
            await asyncio.sleep(_OUTAGE_S)
            await self.device.come_back()
            next_s += _OUTAGE_EVERY_S
        await asyncio.sleep(max(0.0, until_s - self.passed_s))
        self.device.plan = Script()

    def _look(self) -> bool:
        """Look at everything that nobody tells; return whether all processes live."""
        now_s = time.monotonic()
        self.pace.look(now_s)
        self.ledger.judge(now_s)
        for name, process in self._processes.items():
            if process.popen.poll() is not None:
                self.findings.add(ENDED, f"{name}: status {process.popen.returncode}: {process.last_words()}")
                return False
            self.memory[name].add(now_s, memory_mb(process.pid))
        return True

    async def _listen(self, messages: AsyncIterable[Message]) -> None:
        async for message in messages:
            component = message.uri.removeprefix("/components/")
            if component in self.checker.components:
                now_s = time.monotonic()
                self.pace.heard(component, now_s)
                self.checker.take(component, message.json(), now_s)

    async def _end(self, bridge: Process) -> None:
        """Judge what can only be judged at the end, and stop the bridge."""
        if bridge.popen.poll() is None:
            self._judge_recovery()
            bridge.popen.terminate()
            await _until(lambda: bridge.popen.poll() is not None, None)
            if bridge.popen.returncode != 0:
                self.findings.add(ENDED, f"modbus_client: status {bridge.popen.returncode} after SIGTERM")
            await _until(lambda: not any(self.checker.connected.values()), None, within_s=_LAST_WORD_WITHIN_S)
            for component, connected in self.checker.connected.items():
                if connected:
                    self.findings.add(NO_LAST_WORD, f"/components/{component}")
        self.ledger.judge(time.monotonic() + JUDGE_AFTER_S)
        lines = bridge.said(_MOST_LOG)
        self.log_lines = len(lines)
        for line in lines:
            if is_error(line):
                self.findings.add(TRACE, line)
        for name, memory in self.memory.items():
            growth = memory.growth()
            if growth is not None and not growth.is_flat:
                self.findings.add(GREW, f"{name}: {growth}")

    def _judge_recovery(self) -> None:
        for component in self.checker.components:
            if component == site.DEAD:
                continue
            if not self.checker.connected.get(component):
                self.findings.add(NEVER_WELL, f"/components/{component} is not connected")
            elif self.calm_s >= _ALL_TRUE_AFTER_S and (nulls := self.checker.nulls[component]):
                self.findings.add(NEVER_WELL, f"{nulls[0].uri} and {len(nulls) - 1} more are null")
        for variable in site.variables():
            if variable.component != site.DEAD and variable not in self.checker.seen:
                self.findings.add(NEVER_WELL, f"{variable.uri} was never true")


async def _until(condition: Callable[[], bool], process: Process | None, within_s: float = UP_WITHIN_S) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        if process is not None and process.popen.poll() is not None:
            raise Failed(f"a process did not start: {process.last_words()}")
        if time.monotonic() > deadline:
            return
        await asyncio.sleep(0.02)


async def _until_ready(bus: AsyncBus, name: str, process: Process) -> None:
    deadline = time.monotonic() + UP_WITHIN_S
    while True:
        try:
            await bus.get(f"/processes/{name}", timeout_s=1.0)
            return
        except BusError:
            if process.popen.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"{name} did not start: {process.last_words()}") from None
            await asyncio.sleep(0.02)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
