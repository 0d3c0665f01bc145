"""On which line of a file a table or a variable is defined, for messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ess_bus.tables.placeholders import placeholders

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:\n]')
_DEPTH: Final = 2


class Positions:
    """The lines of one file's tables and variables.

    Args:
        text: of the file; of a template as it is written.
    """

    def __init__(self, text: str) -> None:
        self._exact: dict[tuple[str, ...], int] = {}
        self._patterns: list[tuple[re.Pattern[str], int]] = []
        for path, line in _keys(text):
            self._exact.setdefault(path, line)
            if placeholders("".join(path)):
                self._patterns.append((_pattern(path), line))

    def line(self, table: str, name: str | None = None) -> int | None:
        """Return the line of a variable, or of its table, ``None`` if neither is there."""
        for path in ((table, name), (table,)):
            found = self._line(tuple(part for part in path if part is not None))
            if found is not None:
                return found
        return None

    def _line(self, path: tuple[str, ...]) -> int | None:
        if path in self._exact:
            return self._exact[path]
        joined = "\0".join(path)
        return next((line for pattern, line in self._patterns if pattern.fullmatch(joined)), None)


def _keys(text: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield the keys of the first two levels with their lines."""
    line, depth = 1, 0
    path: list[str] = []
    candidate: tuple[str, int] | None = None
    for found in _TOKEN.finditer(text):
        sign = found[0]
        if sign == "\n":
            line += 1
            continue
        if sign.startswith('"'):
            candidate = (sign[1:-1], line)
            continue
        if sign == ":" and candidate is not None and depth <= _DEPTH:
            path[depth - 1 :] = [candidate[0]]
            yield tuple(path), candidate[1]
        elif sign in "{[":
            depth += 1
        elif sign in "}]":
            depth -= 1
            del path[max(0, depth) :]
        candidate = None


def _pattern(path: tuple[str, ...]) -> re.Pattern[str]:
    joined = "\0".join(path)
    parts = re.split("|".join(map(re.escape, placeholders(joined))), joined)
    return re.compile(r"[^\0]+?".join(map(re.escape, parts)))
