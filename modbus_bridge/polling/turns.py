"""Whose turn it is: a few things for many users."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """Lends things out, each to one user at a time; urgent users first, each kind in the order of arrival."""

    def __init__(self, things: Iterable[T] = ()) -> None:
        self._free = list(things)
        self._urgent: deque[asyncio.Future[T]] = deque()
        self._others: deque[asyncio.Future[T]] = deque()

    @property
    def is_free(self) -> bool:
        """Whether the next one to ask will not have to wait."""
        return bool(self._free)

    async def take(self, *, urgent: bool) -> T:
        """Return a thing when it is this user's turn; it must be given back."""
        if self._free:
            # The one that was used last: a device is less likely to have closed it.
            return self._free.pop()
        mine: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        (self._urgent if urgent else self._others).append(mine)
        try:
            return await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self.give(mine.result())
            raise

    def give(self, thing: T) -> None:
        """Give a thing back, or add one: it goes to whoever waits, so that nobody can slip in between."""
        for queue in (self._urgent, self._others):
            while queue:
                waiter = queue.popleft()
                if not waiter.done():
                    waiter.set_result(thing)
                    return
        self._free.append(thing)

    def withdraw(self, thing: T) -> bool:
        """Take a thing away for good if nobody has it; return whether nobody had."""
        if thing not in self._free:
            return False
        self._free.remove(thing)
        return True
