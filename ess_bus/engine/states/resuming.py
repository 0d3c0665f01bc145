"""What of a machine is kept across restarts of the engine: what takes the plant down, and never what brings it up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ess_bus.engine.states.checks import Finding, World, first_failing
from ess_bus.engine.states.model import Check, Request, State, Table

_AGAIN: Final = "taken up again after a restart"
_MAX_TEXT: Final = 200


@dataclass(frozen=True, slots=True)
class Resumption:
    """Requests that were under way, or waiting, when the engine ended.

    Attributes:
        requests: in order.
        why: what was told of the first of them then.
        until_s: how long what is not known is waited for, on the steady clock.
    """

    requests: tuple[Request, ...]
    why: str
    until_s: float

    @property
    def first(self) -> Request:
        """The one to begin with."""
        return self.requests[0]

    @property
    def names(self) -> str:
        """What is taken up, for people."""
        return ", ".join(request.name for request in self.requests)

    @property
    def text(self) -> str:
        """What is told when it is taken up."""
        return self.why if _AGAIN in self.why else f"{self.first.name}: {_AGAIN} ({self.why})"

    def obstacle(self, table: Table, world: World) -> tuple[Check, Finding] | None:
        """Return what must be known, or be so, before it is taken up; nothing holds up what ends in Fault.

        A device alone is operated by people, and only while what they need for that is so.
        """
        if self.first.ends_in is State.FAULT:
            return None
        return first_failing((*table.known, *(() if table.power else self.first.in_person)), world)


def kept(requests: tuple[Request, ...], why: str) -> str:
    """Return what is kept of requests: ``stop: the reason``."""
    return f"{', '.join(request.name for request in requests)}: {why}"[:_MAX_TEXT]


def read(table: Table, text: str, until_s: float) -> Resumption:
    """Return what was kept.

    Raises:
        ValueError: it is none of this machine's requests, or one that brings the plant closer to power.
    """
    names, _, why = text.partition(": ")
    try:
        requests = tuple(table.request(name) for name in names.split(", "))
    except KeyError as error:
        raise ValueError(f"the {table.title} has no request {str(error)[:60]}") from None
    if any(request.upward for request in requests):
        raise ValueError(f"{names[:60]} is not taken up: it brings the plant closer to power")
    return Resumption(requests, why, until_s)
