"""What docstrings say: their text, and the lines of their ``Attributes``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping

_HEADING = "Attributes:"
_ATTRIBUTE = re.compile(r"^ {4}(\w[\w, ]*): (.*)$")


def words(docstring: str) -> str:
    """Return the text before the attributes, as one line."""
    return plain(inspect.cleandoc(docstring).partition(_HEADING)[0])


def attributes(docstring: str) -> Mapping[str, str]:
    """Return attribute -> what it is; one that continues on further lines is one line."""
    found: dict[str, str] = {}
    names: list[str] = []
    for line in inspect.cleandoc(docstring).partition(_HEADING)[2].splitlines():
        if begins := _ATTRIBUTE.match(line):
            names = [name.strip() for name in begins[1].split(",")]
            found |= dict.fromkeys(names, begins[2])
        elif line.startswith(" " * 8) and names:
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return {name: plain(text) for name, text in found.items()}


def plain(text: str) -> str:
    """Return a text of a docstring as Markdown, in one line."""
    return " ".join(text.replace("``", "`").split())


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table of Markdown."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)
