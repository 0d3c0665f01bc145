"""`Reference`: how configuration files name a variable (engine.md 2.2)."""

from __future__ import annotations

from typing import NamedTuple

from ess_bus.uri import check, normal, segments


class Reference(NamedTuple):
    """A place in the data map: ``/table:name`` or ``/table:name@parameter``."""

    table: str
    name: str
    parameter: str | None = None

    def __str__(self) -> str:
        return f"{self.table}:{self.name}" + (f"@{self.parameter}" if self.parameter else "")

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Parse ``/table:name``, ``/table:name@parameter`` or the path form ``/table/name``.

        Raises:
            ValueError: it is none of these.
        """
        table, colon, name = text.partition(":")
        if not colon:
            table, _, name = text.rpartition("/")
        name, _, parameter = name.partition("@")
        if not table.startswith("/") or not name or not segments(table):
            raise ValueError(f"{text[:80]!r} is not a variable; expected /table:name")
        check(f"{table}/{name}")
        return cls(normal(table), name, parameter or None)
