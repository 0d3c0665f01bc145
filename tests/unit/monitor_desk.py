"""An engine with monitored variables, a clock in the test's hand, and what people see of it."""

from __future__ import annotations

from typing import Any

from ess_bus.engine.engine import Engine
from ess_bus.engine.timing import NEVER
from ess_bus.engine.views import View, get
from ess_bus.reference import Reference

START_S = 1_700_000_000.0


class MonitorDesk:
    """Sets values, lets time pass, and reads what came of it.

    Attributes:
        engine: the engine.
        now_s: the steady clock.
    """

    def __init__(self, **tables: Any) -> None:
        self.engine = Engine()
        self.now_s = 0.0
        self.pass_time(0)
        for table, members in tables.items():
            self.engine.set("/" + table.replace("__", "/"), members)

    def watch(self, name="X", function="CheckMonitorVar", asset="bms", **parameters) -> None:
        """Define a monitored variable in /status/bms."""
        actions = {"onSet": [{"func": [{"func": function, "amap": asset}]}]}
        parameters.setdefault("value", 0)
        self.engine.set("/status/bms", {name: {**parameters, "actions": actions}})

    def set(self, value, name="X") -> None:
        """Set it; what is due has happened before, as in the process."""
        self.engine.set(f"/status/bms/{name}", value)
        self.engine.tick()

    def null(self, name="X") -> None:
        """Let it not be valid any more."""
        self.engine.report(f"/status/bms/{name}", None)
        self.engine.tick()

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and everything happen at its time."""
        end_s = self.now_s + seconds
        for _ in range(100_000):
            due_s = self.engine.due_s()
            if due_s > end_s + 1e-9:
                break
            self._advance(max(due_s, self.now_s))
        else:
            raise AssertionError("the engine wants to run for ever")
        self._advance(end_s)

    def _advance(self, now_s: float) -> None:
        self.now_s = now_s
        self.engine.advance(START_S + now_s, now_s)
        self.engine.tick()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is due any more."""
        return self.engine.due_s() == NEVER

    def texts(self, kind="alarms", asset="bms") -> list[str]:
        """Return the messages of a list, without their times."""
        found = self.engine.find(f"/assets/{asset}/summary", kind)
        if found is None:
            return []
        options = get(self.engine.datamap, f"/assets/{asset}/summary/{kind}", View.UI)["options"]
        return [option["name"].partition(" at 11-14-2023")[0] for option in options]

    def status(self, name: str, asset="bms") -> Any:
        """Return a variable of /status."""
        found = self.engine.find(f"/status/{asset}", name)
        return None if found is None else found.value

    def parameter(self, parameter: str, name="X") -> Any:
        """Return a parameter of a monitored variable."""
        return get(self.engine.datamap, f"/status/bms/{name}", View.FULL)[name].get(parameter)

    def change(self, name="X", **parameters) -> None:
        """Set parameters; no action follows."""
        for parameter, value in parameters.items():
            self.engine.put(Reference("/status/bms", name, parameter), value)

    def events(self) -> list[str]:
        """Return the events since the last call, without their times."""
        return [
            one.body["message"].partition(" at 11-14-2023")[0]
            for one in self.engine.take_messages()
            if one.uri == "/events"
        ]
