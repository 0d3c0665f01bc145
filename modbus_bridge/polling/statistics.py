"""What is counted and timed on the way to a device; pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from modbus_bridge.polling.spread import Spread


@dataclass(slots=True)
class ChannelStatistics:
    """What happened on one connection to a device.

    Attributes:
        requests: how many were sent, answered or not.
        connects: how often it was opened.
        connect_times: how long opening took, where it succeeded.
        reads: how long answers to reads took, exceptions included.
        writes: the same of writes.
        failures: requests without an answer: silence, nonsense, a connection that broke or could not be opened.
        exceptions: how often the device answered with each exception code.
        repeats: requests that were sent again: after a connection that broke, or to a busy device.
    """

    requests: int = 0
    connects: int = 0
    connect_times: Spread = field(default_factory=Spread)
    reads: Spread = field(default_factory=Spread)
    writes: Spread = field(default_factory=Spread)
    failures: int = 0
    exceptions: dict[int, int] = field(default_factory=dict)
    repeats: int = 0

    def answered(self, seconds: float, *, is_read: bool) -> None:
        """Note an answer."""
        self.requests += 1
        (self.reads if is_read else self.writes).record(seconds)

    def failed(self) -> None:
        """Note that there was none."""
        self.requests += 1
        self.failures += 1

    def refused(self, code: int) -> None:
        """Note a Modbus exception."""
        self.exceptions[code] = self.exceptions.get(code, 0) + 1


@dataclass(slots=True)
class ReaderStatistics:
    """What one component's reading costs, and what the device does not let it read.

    Attributes:
        blocks: how many requests a round takes now.
        splits: how often a block was cut because the device refused it.
        bad: the ids of the points that the device says do not exist.
        failing: what the device could not tell in the last round, one line; ``None`` if it told everything.
    """

    blocks: int = 0
    splits: int = 0
    bad: tuple[str, ...] = ()
    failing: str | None = None
