"""The units behind one connection: a silent one must not take the time of the others; pure, the time is passed in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from modbus_bridge.polling.health import LAST_PAUSE_S, Health

# All silent units together cost those that answer at most a fifth of the line's time.
_TIMES_THE_COST: Final = 4
# Units that fell silent at about the same time probably have the same reason, and come back together.
_SAME_EPISODE_S: Final = 30.0


class Units:
    """Which units answer, and when those that do not are asked again."""

    def __init__(self, device_ids: Iterable[int]) -> None:
        self._units = {device_id: Health() for device_id in device_ids}
        self._heard: set[int] = set()

    def __getitem__(self, device_id: int) -> Health:
        return self._units[device_id]

    def failed(self, device_id: int, reason: str, now_s: float, *, cost_s: float, least_pause_s: float = 0.0) -> bool:
        """Note that waiting for a unit took `cost_s` in vain; return whether that begins an episode."""
        others = [(unit, health) for unit, health in self._units.items() if unit != device_id]
        if any(health.is_up and unit in self._heard for unit, health in others):
            silent = 1 + sum(not health.is_up for _, health in others)
            least_pause_s = max(least_pause_s, min(_TIMES_THE_COST * cost_s * silent, LAST_PAUSE_S))
        return self._units[device_id].failed(reason, now_s, least_pause_s)

    def answered(self, device_id: int, now_s: float) -> bool:
        """Note an answer; return whether it ends an episode."""
        health = self._units[device_id]
        self._heard.add(device_id)
        since_s = health.since_s
        if not health.answered():
            return False
        for other in self._units.values():
            if not other.is_up and other.since_s > since_s - _SAME_EPISODE_S:
                other.hasten(now_s)
        return True
