"""Writing words into unit files so that systemd reads them as they were (systemd.syntax(7)); pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:=@+,-]+")
# What a name of a unit may hold beside an @, which would make it an instance of a template (systemd.unit(5)).
_IN_NAME: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.")
MOST_IN_NAME: Final = 255


class Written(str):
    """A word that is written for systemd already, with specifiers such as ``%i``."""

    __slots__ = ()


def unit_name(*parts: str, ending: str) -> str:
    """Return the name of a unit, as ``ess-demo-bridge.service``; what cannot be in a name is escaped.

    Raises:
        ValueError: it would be longer than a name may be.
    """
    name = "".join(_escaped(byte) for byte in "-".join(parts).encode()) + ending
    if len(name) > MOST_IN_NAME:
        raise ValueError(f"the unit {name[:40]}... would have a name of {len(name)} characters, not {MOST_IN_NAME}")
    return name


def command_line(words: Sequence[str]) -> str:
    """Return words for ``ExecStart=``, in which a dollar begins a variable."""
    return " ".join(quoted(word).replace("$", "$$") for word in words)


def assignment(name: str, value: str) -> str:
    """Return a word for ``Environment=``."""
    return quoted(f"{name}={value}")


def text(words: str) -> str:
    """Return a text for people, such as a description: one line without specifiers."""
    if isinstance(words, Written):
        return words
    return " ".join("".join(one if one.isprintable() else " " for one in words).split()).replace("%", "%%")


def _escaped(byte: int) -> str:
    return chr(byte) if chr(byte) in _IN_NAME else f"\\x{byte:02x}"


def quoted(word: str) -> str:
    """Return one word, in quotes where it needs them."""
    if isinstance(word, Written) or _PLAIN.fullmatch(word):
        return word
    return '"' + "".join(map(_in_quotes, word)) + '"'


def _in_quotes(character: str) -> str:
    match character:
        case "\\" | '"':
            return f"\\{character}"
        case "%":
            return "%%"
        case _ if ord(character) < 0x20 or character == "\x7f":
            return f"\\x{ord(character):02x}"
    return character
