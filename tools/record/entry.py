"""What a recording holds: messages with their times, and gaps. Times are integers of microseconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ess_bus.errors import EssError
from ess_bus.message import Message


class RecordingError(EssError):
    """A recording cannot be used; the text names the file, what is wrong and what was expected."""

    def __init__(self, path: object, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Entry:
    """One recorded message.

    Attributes:
        at_us: when it was received, by the clock on the wall: microseconds since 1970 (UTC).
        elapsed_us: the same by a clock that nobody sets, since the recorder started; spacing is told by this one.
        run: which start of the recorder it belongs to; `elapsed_us` of different runs cannot be compared.
        message: what was received.
    """

    at_us: int
    elapsed_us: int
    run: int
    message: Message


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which messages were, or may have been, missed.

    Attributes:
        start_us, end_us: from when to when, as `Entry.at_us`.
        lost: how many messages; ``None`` if nobody knows.
        reason: why.
    """

    start_us: int
    end_us: int
    lost: int | None
    reason: str

    def __str__(self) -> str:
        lost = "messages may be missing" if self.lost is None else f"{self.lost} messages lost"
        return f"{local(self.start_us)} to {local(self.end_us)}: {lost}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Run:
    """One start of the recorder.

    Attributes:
        started_us: when, as `Entry.at_us`.
        source: the bus, or the capture that was read.
        uris: what was listened to.
    """

    started_us: int
    source: str
    uris: tuple[str, ...]


def local(at_us: int) -> str:
    """Return a time as ``fims_listen`` prints it: the local one, with microseconds."""
    return moment(at_us).isoformat(" ", "microseconds")[:26]


def moment(at_us: int) -> datetime:
    """Return a time as a `datetime` in the local time zone."""
    seconds, fraction = divmod(at_us, 1_000_000)
    return datetime.fromtimestamp(seconds).astimezone().replace(microsecond=fraction)
