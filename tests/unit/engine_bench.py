"""An engine without a bus on which functions are called by hand, at times that the test says."""

from __future__ import annotations

from typing import Any

from ess_bus.engine.actions.effects import Call
from ess_bus.engine.engine import Engine
from ess_bus.engine.meaning import member
from ess_bus.reference import Reference


class Bench:
    """One engine with tables.

    Args:
        tables: as in a configuration file: table -> name -> definition.

    Attributes:
        engine: it; its steady clock begins at 100 s.
    """

    def __init__(self, tables: dict[str, dict[str, Any]]) -> None:
        self.engine = Engine()
        self.engine.advance(1_700_000_000.0, 100.0)
        self.engine.load(
            member(Reference(table, name), definition)
            for table, members in tables.items()
            for name, definition in members.items()
        )

    def call(self, function: str, place: str, asset: str | None = None, passed_s: float = 0.0) -> None:
        """Let time pass and everything happen that is due, then call a function with a variable."""
        self.wait(passed_s)
        at = Reference.parse(place)
        variable = self.engine.find(at.table, at.name)
        assert variable is not None, place
        self.engine.call(Call(function, asset, None, variable.value), at, variable)

    def wait(self, passed_s: float) -> None:
        """Let time pass, and everything happen that is due."""
        self.engine.advance(self.engine.now_s + passed_s, self.engine.steady_s + passed_s)
        self.engine.tick()

    def set(self, place: str, value: Any) -> None:
        """Set a variable or a parameter."""
        self.engine.set(place.replace(":", "/"), value)

    def __getitem__(self, place: str) -> Any:
        """Return a value, or a parameter; ``"absent"`` where there is no variable."""
        at = Reference.parse(place)
        variable = self.engine.find(at.table, at.name)
        if variable is None:
            return "absent"
        return variable.value if at.parameter is None else variable.parameters.get(at.parameter)

    def sent(self) -> list[tuple[str, str, Any]]:
        """Return what was sent since the last call, as (method, uri, body); events are forgotten."""
        return [(one.method, one.uri, one.body) for one in self.engine.take_messages() if one.uri != "/events"]

    def events(self) -> list[str]:
        """Return the texts of the events since the last call; what was sent beside them is forgotten."""
        return [one.body["message"] for one in self.engine.take_messages() if one.uri == "/events"]
