"""`Caller`: calls functions by name, measures them, and lets everything go on where one of them fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ess_bus.engine import functions
from ess_bus.engine.actions import effects
from ess_bus.engine.assets import asset_of
from ess_bus.engine.severity import Severity
from ess_bus.engine.variable import Variable
from ess_bus.reference import Reference

if TYPE_CHECKING:
    from ess_bus.engine.engine import Engine


class Caller:
    """Calls functions for an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def call(self, call: effects.Call, place: Reference, variable: Variable) -> None:
        """Call what an action says, with the variable that it names or its own; unknown ones were named when loaded."""
        if call.on is not None:
            found = self._engine.find(call.on.place.table, call.on.place.name)
            place, variable = (place, variable) if found is None else (call.on.place._replace(parameter=None), found)
        self._engine.invoke(call.function, call.asset, place, variable, call.value)

    def invoke(self, name: str, asset: str | None, place: Reference, variable: Variable, value: Any) -> None:
        """Call a function of this name, if there is one, and measure how long it takes; its failure is named.

        Args:
            name: of the function.
            asset: the asset that it works for; ``None`` for that of the variable's table.
            place: where the variable is that it is called with.
            variable: that one.
            value: what it is called for.
        """
        engine, function = self._engine, functions.FUNCTIONS.get(name)
        if function is None or (value is None and not function.takes_invalid):
            return
        begun_s = engine.stopwatch()
        try:
            function.run(functions.Call(engine, asset or asset_of(place.table, engine.name), place, variable, value))
        except (ValueError, LookupError) as error:
            engine.fail(f"{place} {name} {error}", f"{place}: {name}: {error}")
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one function, the others must go on
            self._failed(name, place, error)
        engine.timings.called(name, place, engine.stopwatch() - begun_s)

    def _failed(self, name: str, place: Reference, error: Exception) -> None:
        """Tell people of a mistake in a function: what it watches over is not watched over."""
        engine = self._engine
        engine.timings.failed()
        text = f"{name} failed: {type(error).__name__}: {error}"
        mistake = f"{place} {name} failed"
        if engine.mistakes.is_new(mistake):
            engine.event(str(place), text, Severity.FAULT)
        engine.fail(mistake, f"{place}: {text}")
