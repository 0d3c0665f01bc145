"""What is counted and timed on the way to a device; pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Times:
    """How long something took, in seconds: extremes, sum and count since the last `reset`."""

    count: int = 0
    total_s: float = 0.0
    least_s: float = 0.0
    most_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Note one more."""
        if self.count == 0 or seconds < self.least_s:
            self.least_s = seconds
        if seconds > self.most_s:
            self.most_s = seconds
        self.count += 1
        self.total_s += seconds

    @property
    def mean_s(self) -> float:
        """The average, 0 if there was none yet."""
        return self.total_s / self.count if self.count else 0.0

    def reset(self) -> None:
        """Begin anew."""
        self.count = 0
        self.total_s = self.least_s = self.most_s = 0.0


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
    connect_times: Times = field(default_factory=Times)
    reads: Times = field(default_factory=Times)
    writes: Times = field(default_factory=Times)
    failures: int = 0
    exceptions: dict[int, int] = field(default_factory=dict)
    repeats: int = 0

    def answered(self, seconds: float, *, is_read: bool) -> None:
        """Note an answer."""
        self.requests += 1
        (self.reads if is_read else self.writes).add(seconds)

    def failed(self) -> None:
        """Note that there was none."""
        self.requests += 1
        self.failures += 1

    def refused(self, code: int) -> None:
        """Note a Modbus exception."""
        self.exceptions[code] = self.exceptions.get(code, 0) + 1

    def reset_times(self) -> None:
        """Begin the times anew; what is counted goes on."""
        for times in (self.connect_times, self.reads, self.writes):
            times.reset()


@dataclass(slots=True)
class ReaderStatistics:
    """What one component's reading costs, and what the device does not let it read.

    Attributes:
        rounds: how often everything was read.
        blocks: how many requests a round takes now.
        splits: how often a block was cut because the device refused it.
        bad: the ids of the points that the device says do not exist.
        failing: what the device could not tell in the last round, one line; ``None`` if it told everything.
        times: how long a round took.
    """

    rounds: int = 0
    blocks: int = 0
    splits: int = 0
    bad: tuple[str, ...] = ()
    failing: str | None = None
    times: Times = field(default_factory=Times)
