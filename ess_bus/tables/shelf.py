"""`Shelf`: where files are found by the names by which configurations ask for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from ess_bus.hints import did_you_mean

# Of a file's name, in bytes, with room for ".json".
_LONGEST: Final = 240


@dataclass(frozen=True, slots=True)
class Text:
    """The text of a file.

    Attributes:
        name: by which it is known.
        source: where it came from, for messages.
        content: as it was read.
    """

    name: str
    source: str
    content: bytes


class Shelf(Protocol):
    """Finds files."""

    def find(self, name: str) -> Text:
        """Return the file of this name; ``.json`` may be left out.

        Raises:
            LookupError: there is none; the text says where it was looked for.
            ConfigurationError: it cannot be read.
        """


class Memory:
    """A shelf of texts that somebody has handed over.

    Args:
        texts: by name.
        beneath: where else to look.
    """

    def __init__(self, texts: Mapping[str, Text], beneath: Shelf | None = None) -> None:
        self._texts, self._beneath = texts, beneath

    def find(self, name: str) -> Text:
        """Return a text."""
        found = self._texts.get(name) or self._texts.get(name.removesuffix(".json"))
        if found is not None:
            return found
        if self._beneath is not None:
            return self._beneath.find(name)
        raise LookupError(missing(name, "what was sent", self._texts))


def missing(name: str, where: str, known: Iterable[str]) -> str:
    """Return the sentence about a file that is not there."""
    return f"there is no {name} in {where}{did_you_mean(name, known)}"


def require_plain(name: str) -> None:
    """Refuse names that lead out of the folder: configurations may come from the bus.

    Raises:
        LookupError: it is no plain name of a file.
    """
    is_plain = name.isprintable() and "/" not in name and "\\" not in name and name not in ("", ".", "..")
    if not is_plain or len(name.encode(errors="replace")) > _LONGEST:
        raise LookupError(f"{name[:80]!r} is not the plain name of a file; configurations lie in one folder")
