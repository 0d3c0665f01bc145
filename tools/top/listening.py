"""Looking on at a bus: everything that passes, into a tree."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Final

from ess_bus.client import AsyncBus, Bus, Timeouts
from ess_bus.client.waiting import waiting_for
from ess_bus.endpoint import resolve
from ess_bus.errors import ConfigurationError, EssError
from tools.top.tree import Tree

_AGAIN_S: Final = 1.0
# Messages that are taken before the screen may be drawn.
_BURST: Final = 1000
_LONG_S: Final = 0.5
# What is wrong is on the screen: a log would be written over it.
_TIMEOUTS: Final = Timeouts(say=math.inf)


class Listener:
    """Looks on until cancelled, and reconnects by itself.

    Args:
        bus: where the broker is; ``None`` is this user's default.
        uris: what to look at.
        tree: where it goes.

    Attributes:
        trouble: why nothing comes; empty while something can.
        lost: messages that did not reach us, because we did not keep up.
    """

    def __init__(self, bus: str | None, uris: tuple[str, ...], tree: Tree) -> None:
        self._where = bus
        self._uris = uris
        self._tree = tree
        self.trouble = waiting_for(bus or resolve(bus))
        self.lost = 0

    async def run(self) -> None:
        """Look on.

        Raises:
            ConfigurationError: the keys that the environment names cannot be used.
        """
        while True:
            try:
                async with AsyncBus(self._where, name="fims_top", timeouts=_TIMEOUTS) as bus:
                    await self._follow(bus)
            except ConfigurationError:
                raise
            except EssError as error:
                self.trouble = str(error)
            await asyncio.sleep(_AGAIN_S)

    async def _follow(self, bus: AsyncBus) -> None:
        # Passive: a request that reaches nobody else is still reported to its sender.
        messages = await bus.subscribe(*self._uris, passive=True)
        while True:
            message = await messages.receive(_LONG_S)
            self.trouble = "" if bus.connected else "the broker is gone"
            now_s = time.monotonic()
            for _ in range(_BURST):
                if message is None:
                    break
                self._tree.add(message, now_s)
                message = await messages.receive(0) if messages.waiting else None
            if message is not None:
                self._tree.add(message, now_s)
            self.lost = bus.statistics().dropped
            await asyncio.sleep(0)


def look(bus: str | None, uris: tuple[str, ...], seconds: float, *, hidden: bool) -> tuple[Tree, int]:
    """Look on for some seconds; return what was seen, and how many messages were lost on the way to us.

    Raises:
        EssError: there is no broker.
    """
    with Bus(bus, name="fims_top") as connection:
        messages = connection.subscribe(*uris, passive=True)
        tree = Tree(time.monotonic(), hidden=hidden)
        deadline = time.monotonic() + seconds
        while (now_s := time.monotonic()) < deadline:
            for message in messages.burst(deadline - now_s, _BURST):
                tree.add(message, time.monotonic())
        return tree, connection.statistics().dropped
