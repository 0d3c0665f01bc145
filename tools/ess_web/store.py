"""`Store`: the newest value of each variable that was seen on the bus, and what is known of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from ess_bus.values import naked
from tools.ess_web.mailbox import Mailbox
from tools.ess_web.values import Scalar, scalar

# A site has some thousands; whoever publishes ever new names must not take all memory.
MAX_VARIABLES: Final = 50_000


@dataclass(slots=True, eq=False)
class Entry:
    """One variable.

    Attributes:
        uri: what a ``get`` of it would name: ``/ess/status/bms/BMSPower``.
        value: the newest value; ``None`` is not valid.
        at: when it came, in monotonic seconds.
        source: the process that sent it.
        meta: its parameters, as far as people see them.
        watchers: the pages that show it.
    """

    uri: str
    value: Scalar = None
    at: float = 0.0
    source: str = ""
    meta: dict[str, Any] = field(default_factory=dict)
    watchers: set[Mailbox[Entry]] = field(default_factory=set)

    def mark(self) -> None:
        """Tell the pages that it shows something else."""
        for mailbox in self.watchers:
            mailbox.mark(self)


class Store:
    """Variables by table. New tables and variables, and those that go, are counted in `structure`."""

    def __init__(self, most: int = MAX_VARIABLES) -> None:
        self.tables: dict[str, dict[str, Entry]] = {}
        self.structure = 0
        self.count = 0
        self.left_out = 0
        self._most = most

    def take(self, uri: str, body: Any, source: str, now: float) -> None:
        """Take what was published on `uri`: an object is a table, everything else the value of a variable."""
        for table, name, value in _values(uri, body):
            self.put(table, name, value, source, now)

    def recall(self, uri: str, body: Any, source: str, asked: float) -> None:
        """Take what was answered to a question of `asked`; what was published since then is as new, or newer."""
        for table, name, value in _values(uri, body):
            known = self.find(f"{table}/{name}")
            if known is None or known.at < asked:
                self.put(table, name, value, source, asked)

    def put(self, table: str, name: str, value: Any, source: str, now: float) -> Entry | None:
        """Take one value; ``None`` if there is no room for another variable."""
        entry = self.entry(table, name)
        if entry is not None:
            entry.value, entry.at, entry.source = scalar(value), now, source
            entry.mark()
        return entry

    def entry(self, table: str, name: str) -> Entry | None:
        """Return a variable, a new one if it is not known; ``None`` if there is no room for it."""
        members = self.tables.get(table)
        if members is not None and name in members:
            return members[name]
        if self.count >= self._most:
            self.left_out += 1
            return None
        if members is None:
            members = self.tables[table] = {}
        entry = members[name] = Entry(f"{table}/{name}")
        self.count += 1
        self.structure += 1
        return entry

    def find(self, uri: str) -> Entry | None:
        """Return the variable with this URI, if there is one."""
        table, _, name = uri.rpartition("/")
        return self.tables.get(table, {}).get(name)

    def drop(self, table: str, name: str) -> None:
        """Forget a variable that its owner does not know any more; pages that show it are told that it is not valid."""
        entry = self.tables[table].pop(name)
        if not self.tables[table]:
            del self.tables[table]
        entry.value = None
        entry.mark()
        self.count -= 1
        self.structure += 1

    def all(self) -> Iterator[Entry]:
        """Yield every variable."""
        for members in self.tables.values():
            yield from members.values()


def _values(uri: str, body: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield (table, name, value) of what was said of `uri`."""
    if isinstance(body, dict) and "value" not in body:
        for name, value in body.items():
            yield uri, name, naked(value)
    else:
        table, _, name = uri.rpartition("/")
        yield table, name, naked(body)
