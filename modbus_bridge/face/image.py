"""What is known of a component's points now, and how long; pure, the time is passed in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from modbus_bridge.config.model import Component, Point
from modbus_bridge.face.overlay import Overlay
from modbus_bridge.polling.decoder import decoder_of
from modbus_bridge.polling.reader import Answers

CONNECTED: Final = "component_connected"


class Image:
    """The answers to the last poll, decoded when somebody looks.

    Nothing in it is older than the last poll: what was not read then is ``None``.

    Attributes:
        connected: whether the device answered the last poll.
        version: grows with each poll, answered or not.
        read_at_s: when the last answer came, on the clock of the caller; ``None`` before the first.
        wall_s: the same in seconds since 1970.
        previous_wall_s: when the answer before that came.
        set_values: what was last written to points through the bus, by id.
    """

    def __init__(self, component: Component, overlay: Overlay) -> None:
        self.connected = False
        self.version = 0
        self.read_at_s: float | None = None
        self.wall_s: float | None = None
        self.previous_wall_s: float | None = None
        self.set_values: dict[str, Any] = {}
        self._overlay = overlay
        self._nothing: dict[str, Any] = {CONNECTED: False} | dict.fromkeys(
            key for point in component.points for key in point.keys
        )
        self._answers: Answers = []
        self._previous: Answers = []
        self._values: dict[str, Any] | None = None

    def take(self, answers: Answers, now_s: float, wall_s: float) -> None:
        """Keep what the device told; no answer at all tells that nothing is known."""
        self._previous, self.previous_wall_s = self._answers, self.wall_s
        self._answers = answers
        self.connected = bool(answers)
        self.version += 1
        self._values = None
        if answers:
            self.read_at_s, self.wall_s = now_s, wall_s

    def lose(self) -> None:
        """Know nothing any more: the device did not answer."""
        self._answers = self._previous = []
        self.connected = False
        self.version += 1
        self._values = None

    def touch(self) -> None:
        """Look at everything anew: the overlay has changed."""
        self._values = None

    @property
    def values(self) -> dict[str, Any]:
        """Naked values by key, `CONNECTED` first; what is unknown is ``None``, what is disabled is missing."""
        if self._values is None:
            self._values = self._decoded()
        return self._values

    def words(self, point: Point) -> Sequence[int] | None:
        """Return the registers of a point as they were read last; ``None`` if they were not."""
        return _words(self._answers, point)

    def previous_words(self, point: Point) -> Sequence[int] | None:
        """Return the registers of a point as they were read in the poll before the last."""
        return _words(self._previous, point)

    def _decoded(self) -> dict[str, Any]:
        values = self._nothing.copy()
        values[CONNECTED] = self.connected
        for block, registers in self._answers:
            if registers is not None:
                # A register named component_connected (a device that speaks for another one) has the last word.
                values.update(decoder_of(block)(registers))
        if not self._overlay.is_empty:
            self._overlay.apply(values)
        if not self.connected:
            values[CONNECTED] = False
        return values


def _words(answers: Answers, point: Point) -> Sequence[int] | None:
    for block, registers in answers:
        if registers is not None and block.type is point.type and point in block.points:
            return block.words(point, registers)
    return None
