"""What ``/twins`` (and ``/psm``, its older name) answers: time, a new start, another configuration. No I/O."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from ess_bus.errors import ConfigurationError
from ess_bus.hints import did_you_mean
from ess_bus.values import naked
from tools.twins.configuration import PlantConfiguration, configured
from tools.twins.kinds import KINDS, RACK, RACKS
from tools.twins.models.model import Model
from tools.twins.plant import MAX_TICK_S, Plant

URIS: Final = ("/twins", "/psm")
_MOST_MULTIPLIER: Final = 1e6
_NAMES: Final = ("config", "init", "manualtick", "seconds", "tick", "timemultiplier")


class Control:
    """A plant and how its time passes.

    Attributes:
        configuration: what the plant was made of.
        plant: the plant.
        time_multiplier: how many seconds of the plant are one of the clock.
        manual_tick: time passes only by ``tick``.
    """

    # How many seconds of the plant still pass as fast as that, and how fast they pass then; `None` is for ever.
    _hurry: tuple[float, float] | None = None

    def __init__(self, configuration: PlantConfiguration) -> None:
        self.configuration = configuration
        self.plant: Plant = configuration.plant()
        self.time_multiplier = configuration.time_multiplier
        self.manual_tick = configuration.manual_tick

    def get(self, path: tuple[str, ...]) -> Any:
        """Return all for ``()``, or one of it.

        Raises:
            LookupError: there is nothing of that name.
        """
        known = {
            "manualtick": self.manual_tick,
            "seconds": self.plant.seconds,
            "timemultiplier": self.time_multiplier,
        }
        if not path:
            return {**known, "components": list(self.plant.components)}
        name = path[0].lower()
        if len(path) == 1 and name == "config":
            documents = [one.model_dump(by_alias=True, exclude_unset=True) for one in self.configuration.documents]
            return documents[0] if len(documents) == 1 else documents
        if len(path) == 1 and name == "docs":
            return {kind: _described(model) for kind, model in {**KINDS, RACKS: RACK}.items()}
        if len(path) > 1 or name not in known:
            raise LookupError(f"nothing to get at {'/'.join(path)}; expected config, docs, {', '.join(known)}")
        return known[name]

    def set(self, path: tuple[str, ...], body: Any) -> None:
        """Let time pass (``tick``), start anew (``init``), take another configuration, or change how time passes.

        Raises:
            LookupError: there is nothing of that name.
            ValueError: the value does not fit; the text says what was expected.
        """
        name = path[0].lower() if len(path) == 1 else "/".join(path)
        value = naked(body)
        if name == "tick":
            self.plant.tick(_number("tick", value, MAX_TICK_S))
        elif name == "init":
            self.plant = self.configuration.plant()
        elif name == "config":
            self._configure(body)
        elif name == "timemultiplier":
            self._live_at(_number("timemultiplier", value, _MOST_MULTIPLIER), body)
        elif name == "manualtick":
            if not isinstance(value, bool):
                raise ValueError(f"manualtick: expected true or false, got {value!r:.40}")
            self.manual_tick = value
        else:
            raise LookupError(f"nothing to set at {name!r}{did_you_mean(name, _NAMES)}")

    def advance(self, clock_s: float) -> None:
        """Let the time of the clock pass, as fast as the plant lives."""
        if clock_s > 0 and not self.manual_tick:
            self.plant.tick(min(self._passing(clock_s), MAX_TICK_S), clock_s)

    def _passing(self, clock_s: float) -> float:
        """Return how many seconds of the plant pass meanwhile; the end of a hurry may lie within."""
        seconds = clock_s * self.time_multiplier
        if self._hurry is None:
            return seconds
        left_s, after = self._hurry
        if seconds < left_s:
            self._hurry = left_s - seconds, after
            return seconds
        rest_s = clock_s - left_s / self.time_multiplier
        self.time_multiplier, self._hurry = after, None
        return left_s + rest_s * after

    def _live_at(self, multiplier: float, body: Any) -> None:
        """Live that fast from now on, or with ``{"value": 3600, "for": 3600}`` for so many seconds of the plant."""
        before = self.time_multiplier if self._hurry is None else self._hurry[1]
        within = body.get("for") if isinstance(body, dict) else None
        self._hurry = None if within is None else (_number("timemultiplier: for", within, MAX_TICK_S), before)
        self.time_multiplier = multiplier

    def _configure(self, body: Any) -> None:
        contents = body if isinstance(body, list) else [body]
        source = Path("/twins/config")
        try:
            configuration = configured(source, [(source, one) for one in contents])
        except ConfigurationError as error:
            raise ValueError(str(error)) from None
        self.plant, self.configuration = configuration.plant(), configuration
        self.time_multiplier, self.manual_tick = configuration.time_multiplier, configuration.manual_tick
        self._hurry = None


def _described(model: type[Model]) -> dict[str, dict[str, Any]]:
    """Return the fields of a model with their kinds and ranges."""
    return {
        name: {
            key: value
            for key, value in (("type", spec.kind), ("low", spec.low), ("high", spec.high))
            if value is not None
        }
        for name, spec in model.specs().items()
        if name != "id"
    }


def _number(name: str, value: Any, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
        raise ValueError(f"{name}: expected a number, more than 0 and at most {most:g}, got {value!r:.40}")
    return float(value)
