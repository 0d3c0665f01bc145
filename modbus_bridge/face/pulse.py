"""Whether a component's own heartbeat and watchdog points still change, and what is published of that."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from modbus_bridge import events
from modbus_bridge.config.model import Component, Point
from modbus_bridge.face.heartbeat import Beat, ReadHeartbeat
from modbus_bridge.face.image import Image
from modbus_bridge.face.watchdog import SEVERITIES, State, WatchdogState

_MAX_NEWS: Final = 16
_WATCHDOG_TEXTS: Final = {
    State.ALARM: "has not changed for {still:.1f} s",
    State.FAULT: "has not changed for {still:.1f} s",
    State.RECOVERY: "changes again",
    State.NORMAL: "changes as it should",
}


class Pulse:
    """The signs of life of one component; pure but for its image, the time is passed in.

    Attributes:
        news: what people should hear of, with its severity, until somebody takes it.
        on_news: called when something was added to `news`.
        keys: what is added to the pubs.
    """

    def __init__(self, uri: str, component: Component, now_s: float) -> None:
        self.news: deque[tuple[str, int]] = deque(maxlen=_MAX_NEWS)
        self.keys: dict[str, Any] = {}
        self.on_news: Callable[[], None] = lambda: None
        self._uri = uri
        points = {point.id: point for point in component.points}
        heartbeat, watchdog = component.heartbeat, component.watchdog
        self._beat: ReadHeartbeat | None = None
        if heartbeat is not None and heartbeat.read_id is not None:
            self._beat = ReadHeartbeat(heartbeat.timeout_s, now_s)
            self._beat_point = points[heartbeat.read_id]
            self.keys |= {"modbus_heartbeat": None, "heartbeat_state": Beat.INIT}
        self._watchdog: WatchdogState | None = None
        if watchdog is not None:
            self._watchdog = WatchdogState(watchdog, now_s)
            self._watched = points[watchdog.read_id]
            self.keys["watchdog_state"] = State.INIT

    @property
    def is_alive(self) -> bool:
        """Whether nothing speaks against what the device tells."""
        return self._beat is None or self._beat.is_alive

    @property
    def beat_value(self) -> Any:
        """What the device's own heartbeat was when it was read last; ``None`` if it is not known."""
        return None if self._beat is None else self._beat.value

    def feel(self, image: Image, now_s: float) -> bool:
        """Look at the heartbeat that was read last; return whether its state changed."""
        beat = self._beat
        if beat is None:
            return False
        before = beat.state
        changed = beat.seen(value_of(image, self._beat_point), now_s) if image.connected else beat.silent()
        self.keys["modbus_heartbeat"] = beat.value
        if changed:
            self.keys["heartbeat_state"] = beat.state
            self._note_beat(before, beat.state)
        return changed

    def watch(self, image: Image, now_s: float) -> bool:
        """Look at the watched point; return whether the watchdog's state changed."""
        if self._watchdog is None:
            return False
        changed = self._watchdog.look(value_of(image, self._watched) if image.connected else None, now_s)
        state = self._watchdog.state
        if changed:
            self.keys["watchdog_state"] = state
            text = _WATCHDOG_TEXTS[state].format(still=self._watchdog.still_s(now_s))
            self._tell(f"{self._uri}: watchdog {state}: {self._watched.id} {text}", SEVERITIES[state])
        return changed

    def _note_beat(self, before: Beat, state: Beat) -> None:
        name = self._beat_point.id
        if state is Beat.FROZEN:
            self._tell(f"{self._uri}: heartbeat {name} is no longer detected; published as not connected", events.INFO)
        elif state is Beat.NORMAL and before is Beat.FROZEN:
            self._tell(f"{self._uri}: heartbeat {name} changes again", events.INFO)

    def _tell(self, text: str, severity: int) -> None:
        self.news.append((text, severity))
        self.on_news()


def value_of(image: Image, point: Point) -> Any:
    """Return the naked value of a point, whatever its kind; ``None`` if it is unknown."""
    values = [image.values.get(key) for key in point.keys]
    if len(values) == 1:
        return values[0]
    return None if None in values else sum(bool(value) << index for index, value in enumerate(values))
