"""`Trip`: the timers of one check, and whether it has raised an alarm or a fault (engine.md 3.7)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple

from ess_bus.engine.timing import NEVER

# Sums of times such as 0.1 s are not exact.
ROUNDING_S: Final = 1e-6


class Judgement(NamedTuple):
    """What a check says of a value; it holds until the next one.

    Attributes:
        alarm, fault: whether it is bad; ``None`` if that cannot be told, ``False`` also if nobody asks for it.
        well: whether it counts as recovered. Between bad and well, nothing recovers.
        shown: what messages say of it.
    """

    alarm: bool | None
    fault: bool | None
    well: bool
    shown: Any = None

    @property
    def known(self) -> bool:
        """Whether the value could be judged."""
        return self.alarm is not None and self.fault is not None


class Delays(NamedTuple):
    """How long a value must be bad, or well, before something follows; seconds."""

    alarm_s: float
    fault_s: float
    recover_s: float


class What(Enum):
    """What a trip does."""

    ALARM = "alarm"
    FAULT = "fault"
    CLEARED = "cleared"


class Happening(NamedTuple):
    """Something that a trip does, and the judgement for which it does it."""

    what: What
    judgement: Judgement


@dataclass(slots=True)
class Trip:
    """One check of one value.

    While the value is bad its timers run down; at 0 an alarm, or fault, is raised once. While it is not, they run back
    up. While that is not known they stand still. Both are cleared together, when it has been well without a break for
    long enough.

    Attributes:
        alarm_left_s, fault_left_s, recover_left_s: the timers.
        seen_alarm, seen_fault: whether they are raised.
        seen_reset: whether the last thing that happened was that they were cleared.
    """

    alarm_left_s: float
    fault_left_s: float
    recover_left_s: float
    seen_alarm: bool = False
    seen_fault: bool = False
    seen_reset: bool = False
    _last: Judgement | None = None
    _at_s: float = 0.0

    @classmethod
    def begin(cls, delays: Delays) -> Trip:
        """Return a trip that has not seen anything."""
        return cls(*delays)

    @property
    def seen(self) -> bool:
        """Whether anything is raised."""
        return self.seen_alarm or self.seen_fault

    @property
    def shown(self) -> tuple[object, ...]:
        """Everything of it that people see."""
        times = (self.alarm_left_s, self.fault_left_s, self.recover_left_s)
        return *times, self.seen_alarm, self.seen_fault, self.seen_reset

    @property
    def is_well(self) -> bool:
        """Whether nothing is raised and the value is well."""
        return not self.seen and self._last is not None and _is_well(self._last)

    def look(self, now_s: float, judgement: Judgement, delays: Delays) -> list[Happening]:
        """Take a judgement and return what happens; at the first one, only the time is taken.

        Args:
            now_s: the steady clock.
            judgement: of the value from now on.
            delays: may change at any time.
        """
        last, passed_s = self._last, now_s - self._at_s
        self._last, self._at_s = judgement, now_s
        if last is None:
            return []
        self._count(last, passed_s, delays)
        happened: list[Happening] = []
        for one in (last, judgement):
            if one.alarm or one.fault:
                happened += self._raise(one, delays)
        if (self.seen_alarm or self.seen_fault) and _is_well(judgement) and self.recover_left_s <= ROUNDING_S:
            self.arm(delays)
            self.seen_reset = True
            happened.append(Happening(What.CLEARED, judgement))
        return happened

    def due_s(self) -> float:
        """Return when something will happen if the judgement stays as it is."""
        last = self._last
        if last is None:
            return NEVER
        left = []
        if last.alarm and not self.seen_alarm:
            left.append(self.alarm_left_s)
        if last.fault and not self.seen_fault:
            left.append(self.fault_left_s)
        if self.seen and _is_well(last):
            left.append(self.recover_left_s)
        return self._at_s + max(0.0, min(left)) if left else NEVER

    def arm(self, delays: Delays) -> None:
        """Begin again: nothing is raised and all timers are full."""
        self.arm_alarm(delays)
        self.arm_fault(delays)

    def arm_alarm(self, delays: Delays) -> None:
        """Begin again with the alarm."""
        self.seen_alarm, self.alarm_left_s, self.recover_left_s = False, delays.alarm_s, delays.recover_s

    def arm_fault(self, delays: Delays) -> None:
        """Begin again with the fault."""
        self.seen_fault, self.fault_left_s, self.recover_left_s = False, delays.fault_s, delays.recover_s

    def _count(self, last: Judgement, passed_s: float, delays: Delays) -> None:
        self.alarm_left_s = _counted(self.alarm_left_s, passed_s, last.alarm, delays.alarm_s)
        self.fault_left_s = _counted(self.fault_left_s, passed_s, last.fault, delays.fault_s)
        # It must be well all the time: there is no recovery in pieces.
        full_s = delays.recover_s
        self.recover_left_s = _counted(self.recover_left_s, passed_s, True, full_s) if _is_well(last) else full_s

    def _raise(self, judgement: Judgement, delays: Delays) -> list[Happening]:
        happened = []
        if judgement.alarm and not self.seen_alarm and self.alarm_left_s <= ROUNDING_S:
            self.seen_alarm = True
            happened.append(Happening(What.ALARM, judgement))
        if judgement.fault and not self.seen_fault and self.fault_left_s <= ROUNDING_S:
            self.seen_fault = True
            happened.append(Happening(What.FAULT, judgement))
        if happened:
            self.seen_reset, self.recover_left_s = False, delays.recover_s
        return happened


def _is_well(judgement: Judgement) -> bool:
    """Tell whether a value recovers: a reset value beyond the threshold would raise and clear for ever."""
    return judgement.well and judgement.alarm is False and judgement.fault is False


def _counted(left_s: float, passed_s: float, down: bool | None, full_s: float) -> float:
    if down is None:
        return min(left_s, full_s)
    return max(0.0, min(left_s, full_s) - passed_s) if down else min(full_s, left_s + passed_s)
