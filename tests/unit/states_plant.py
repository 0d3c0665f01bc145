"""An engine with state machines under an injected clock, and a small plant: devices answer after a while, or not."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable

from ess_bus.engine.engine import Engine
from ess_bus.engine.meaning import member
from ess_bus.reference import Reference

START_S = 1_000_000.0


class Plant:
    """The plant and the engine that operates it.

    Args:
        bms, pcs: the devices.
        options: asset -> options of its machine.
        delay_s: how long a device takes to answer a command.
        tables: more of the configuration.
        known: whether the devices report anything from the beginning.

    Attributes:
        stuck: (asset, command) pairs that have no effect.
        silent: devices that report nothing any more.
        power_follows: whether the PCS give the power that they are asked for.
        sent: the commands that became true, in order.
        clock_s: the time.
    """

    def __init__(self, bms=("bms",), pcs=("pcs",), options=None, delay_s=0.5, known=True, tables=None) -> None:
        self.engine = Engine("ess")
        self.bms, self.pcs, self.delay_s = bms, pcs, delay_s
        self.stuck: set[tuple[str, str]] = set()
        self.silent: set[str] = set()
        self.power_follows = True
        self.sent: list[tuple[str, str]] = []
        self.clock_s = START_S
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._commands: list[tuple[str, str]] = []
        self._count = 0
        kinds = {"ess": "ess"} | dict.fromkeys(bms, "bms") | dict.fromkeys(pcs, "pcs")
        states = {f"/states/{asset}": {"kind": kind, **(options or {}).get(asset, {})} for asset, kind in kinds.items()}
        self.engine.advance(self.clock_s)
        self.engine.load(
            member(Reference(table, name), value)
            for table, members in ((tables or {}) | states).items()
            for name, value in members.items()
        )
        for asset in bms:
            self._obey(asset, "CloseContactors", DCClosed=True)
            self._obey(asset, "OpenContactors", DCClosed=False)
            self._obey(asset, "ClearFaults", IsFaulted=False)
        for asset in pcs:
            self._obey(asset, "Start", DeviceState="Running", AcContactor=True)
            self._obey(asset, "Stop", DeviceState="Off")
            self._obey(asset, "EStop", DeviceState="Off")
            self._obey(asset, "Standby", DeviceState="Standby")
            self._obey(asset, "AcContactorClose", AcContactor=True)
            self._obey(asset, "AcContactorOpen", AcContactor=False)
            self._obey(asset, "ClearFaults", IsFaulted=False)
        if known:
            self.appear()
        self.engine.tick()

    def appear(self) -> None:
        """Let all devices report that they are off and well."""
        for asset in self.bms:
            self.report(asset, CommsOK=True, IsFaulted=False, DCClosed=False)
        for asset in self.pcs:
            self.report(asset, CommsOK=True, IsFaulted=False, DeviceState="Off", AcContactor=False, ActivePower=0)

    def report(self, asset, **values) -> None:
        """Let a device report values."""
        for name, value in values.items() if asset not in self.silent else ():
            self.engine.put(Reference(f"/status/{asset}", name), value)

    def silence(self, asset) -> None:
        """Let a device fall silent: nothing of it is known any more."""
        known = ("CommsOK", "IsFaulted", "DCClosed", "DeviceState", "AcContactor", "ActivePower")
        self.report(asset, **{name: None for name in known if self.value(f"status/{asset}/{name}") is not None})
        self.silent.add(asset)

    def tell(self, command, value=True, asset="ess") -> None:
        """Set a command, and let the engine act."""
        self.engine.put(Reference(f"/controls/{asset}", command), value)
        self.engine.tick()

    def value(self, path):
        """Return a value: ``status/ess/SystemState``."""
        table, _, name = path.rpartition("/")
        variable = self.engine.find(f"/{table}", name)
        return None if variable is None else variable.value

    def parameter(self, path, name):
        """Return a parameter of a variable that must be there."""
        table, _, variable = path.rpartition("/")
        return self.engine.datamap.tables[f"/{table}"][variable].parameters.get(name)

    @property
    def state(self):
        """The state of the ESS."""
        return self.value("status/ess/SystemState")

    def run(self, seconds, each=None) -> None:
        """Let time pass, from one event to the next; call `each` after each of them."""
        end = self.clock_s + seconds
        while True:
            due = self._later[0][0] if self._later else math.inf
            due = max(self.clock_s, min(due, self.engine.due_s()))
            self.clock_s = min(end, due)
            self.engine.advance(self.clock_s)
            while self._later and self._later[0][0] <= self.clock_s:
                heapq.heappop(self._later)[2]()
            self._follow_power()
            self.engine.tick()
            self._follow_power()
            if each is not None:
                each()
            if self.clock_s >= end and self.engine.due_s() > end and not (self._later and self._later[0][0] <= end):
                return

    def until(self, state, patience_s=120.0) -> None:
        """Let time pass until the ESS is in a state."""
        end = self.clock_s + patience_s
        while self.state != state:
            assert self.clock_s < end, f"still {self.state}: {self.value('status/ess/LastResult')}"
            due = min(self._later[0][0] if self._later else math.inf, self.engine.due_s(), end)
            self.run(max(0.0, due - self.clock_s))

    def events(self):
        """Return the messages of the events since the last call."""
        return [one.body["message"] for one in self.engine.take_messages() if one.uri == "/events"]

    def running(self) -> Plant:
        """Bring it into operation."""
        self.tell("OnCmd")
        self.until("Running")
        self.sent.clear()
        return self

    def commands(self):
        """Return the commands that are true now."""
        found = ((asset, name) for asset, name in self._commands if self.value(f"controls/{asset}/{name}"))
        return sorted(found)

    def _obey(self, asset, command, **values) -> None:
        place = Reference(f"/controls/{asset}", command)
        self._commands.append((asset, command))

        def commanded() -> None:
            if self.value(f"controls/{asset}/{command}") is not True:
                return
            self.sent.append((asset, command))
            if (asset, command) not in self.stuck:
                self._count += 1
                due = self.clock_s + self.delay_s
                heapq.heappush(self._later, (due, self._count, lambda: self.report(asset, **values)))

        self.engine.watch(place, commanded)

    def _follow_power(self) -> None:
        for asset in self.pcs if self.power_follows else ():
            runs = self.value(f"status/{asset}/DeviceState") == "Running"
            power = self.value(f"controls/{asset}/ActivePowerSetpoint") if runs else 0
            if self.value(f"status/{asset}/ActivePower") not in (None, power):
                self.report(asset, ActivePower=power)
