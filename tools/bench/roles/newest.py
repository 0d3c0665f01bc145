"""A subscriber of ours that keeps account: what it received, what was dropped, what is the newest of each URI."""

from __future__ import annotations

from typing import Any, Final

from ess_bus.client import Bus
from tools.bench import payload
from tools.bench.parent import Job, Parent
from tools.bench.peers.base import Client
from tools.bench.peers.ours import bus_of
from tools.bench.roles.receiving import Delays, Enough

# After the end, so long without a message means that nothing follows. A subscriber that lags gets the newest of each
# URI in any order, so that the end need not be the last.
_QUIET_S: Final = 1.0


class Account(Delays):
    """Delays, and the newest number of each URI."""

    def __init__(self, job: Job, parent: Parent, bus: Bus) -> None:
        self.taken = 0
        self.newest = [-1] * job["schedule"]["uris"]
        self._bus = bus
        super().__init__(job, parent)

    def take(self, uri: Any, body: bytes) -> None:
        """Take one message."""
        self.taken += 1
        super().take(uri, body)
        if not body.startswith((payload.PROBE, payload.END)):
            self.newest[int(uri.rpartition("/")[2])] = payload.number(body)

    def result(self) -> Job:
        """Return what is known so far."""
        dropped = self._bus.statistics().dropped
        return {**super().result(), "taken": self.taken, "newest": self.newest, "dropped": dropped}


async def keep_newest(client: Client, job: Job, parent: Parent) -> None:
    """Receive until the end was said and everything that was kept back has come."""
    bus = bus_of(client)
    subscription = bus.subscribe(job["uri"])
    account = Account(job, parent, bus)
    parent.say("ready")
    ended = False
    while True:
        message = subscription.receive(_QUIET_S)
        if message is None:
            if ended:
                break
            continue
        try:
            account.take(message.uri, message.body or b"")
        except Enough:
            ended = True
    parent.say("result", **account.result())
