"""`Keepers`: which processes still keep the values that they have published.

A value that stands still must be told from one that nobody keeps any more. What a process has published is good while
the process is on the bus and, if it has announced itself, answers ``get /processes/NAME``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ess_bus.uri import join

PROCESSES: Final = "/processes"
# One poll without an answer may be a machine that is busy.
MISSES: Final = 2
# Names that are remembered, so that one that is gone is told.
MAX_PROCESSES: Final = 500


def announced(clients: Any) -> set[str]:
    """Return the clients that answer for themselves, of what ``get /bus/clients`` has answered."""
    return {name for name, modes in clients_of(clients) if modes.get(join((PROCESSES.strip("/"), name))) == "all"}


def present(clients: Any) -> set[str]:
    """Return the names of all clients."""
    return {name for name, _ in clients_of(clients)}


def clients_of(clients: Any) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Yield (name, URI -> how it is subscribed to) of each client of that answer."""
    for client in clients if isinstance(clients, list) else ():
        if isinstance(client, dict) and isinstance(client.get("name"), str):
            modes = client.get("subscriptions")
            yield client["name"], modes if isinstance(modes, dict) else {}


class Keepers:
    """What is known of each process, polled once a second or so."""

    def __init__(self) -> None:
        self.connected = False
        self.reason = "not connected yet"
        self._here: set[str] = set()
        self._misses: dict[str, int] = {}
        self._expected: set[str] = set()

    def connect(self) -> None:
        """Note that the broker is there."""
        self.connected = True

    def lose(self, reason: str) -> None:
        """Note that the broker cannot be reached: nothing is known of anybody."""
        self.connected, self.reason = False, reason
        self._misses.clear()

    def hear(self, source: str) -> bool:
        """Note that a process has sent something just now; tell whether it was thought to be gone or silent."""
        if source in self._here and not self._misses.get(source):
            return False
        was_good = self.complaint(source) is None
        self._here.add(source)
        self._misses.pop(source, None)
        return not was_good

    def poll(self, here: set[str], announced: set[str], answered: Iterable[str]) -> set[str]:
        """Take what a poll has found; return the processes of which something else is known now."""
        before = {name: self.complaint(name) for name in self._here | here}
        heard = set(answered)
        self._here = set(here)
        if len(self._expected) < MAX_PROCESSES:
            self._expected |= announced
        for name in announced:
            self._misses[name] = 0 if name in heard else self._misses.get(name, 0) + 1
        self._misses = {name: count for name, count in self._misses.items() if name in announced}
        return {name for name, said in before.items() if self.complaint(name) != said}

    def complaint(self, source: str) -> str | None:
        """Return why what a process has published is not good any more, ``None`` if it is."""
        if not self.connected:
            return self.reason
        if source not in self._here:
            return f"{source} is gone"
        if self._misses.get(source, 0) >= MISSES:
            return f"{source} does not answer"
        return None

    def processes(self) -> dict[str, str | None]:
        """Return every process that has announced itself, now or before, with what is wrong with it."""
        return {name: self.complaint(name) for name in sorted(self._expected)}
