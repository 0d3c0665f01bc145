"""From text to tokens.

The one question that is not obvious is what ``-`` is. A hyphen with letters or digits on both sides belongs to the word
that it follows (``On-grid``): words are texts, and there is nothing that could be subtracted from a text. After
anything else, or with a space beside it, it is the operator: ``{1}-{2}``, ``{1}-2``, ``2-1``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ess_bus.expression.errors import ParseError
from ess_bus.expression.tree import FUNCTIONS

# Longer whole numbers are not held exactly by what carries them either.
_EXACT_DIGITS: Final = 18
_MOST_DIGITS: Final = 400
_WORD: Final = r"[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*"
_TOKEN: Final = re.compile(
    rf"""
    (?P<space>[ \t\r\n]+)
  | (?P<operand>\{{[0-9]{{1,4}}\}})
  | (?P<number>0[xX][0-9a-fA-F]+ | (?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?![A-Za-z0-9_.])
  | (?P<word>{_WORD})
  | (?P<quoted>'[^']*'|"[^"]*")
  | (?P<symbol>\*\*|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%!~<>&^|(),])
    """,
    re.VERBOSE,
)
_PLAIN_WORD: Final = re.compile(_WORD)
_NUMBER_LIKE: Final = re.compile(r"[0-9.][A-Za-z0-9_.]{0,40}")
_PLACEHOLDER: Final = re.compile(r"##\w{1,40}##|@@\w{1,40}@@", re.ASCII)
_SAME: Final = {"&&": "and", "||": "or", "!": "not"}
_OPERATOR_WORDS: Final = frozenset({"and", "or", "not"})
RESERVED: Final = _OPERATOR_WORDS | {"true", "false", *FUNCTIONS}


class Sort(StrEnum):
    """What a token is."""

    OPERAND = "operand"
    NUMBER = "number"
    BOOL = "bool"
    TEXT = "text"
    FUNCTION = "function"
    SYMBOL = "symbol"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One token.

    Attributes:
        sort: what it is.
        value: the operand's number, the literal's value, or the operator's one name (``and`` for ``&&``).
        at: where it begins, from 0.
        end: where it ends.
    """

    sort: Sort
    value: float | int | bool | str
    at: int
    end: int


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens one by one, so that a parser that gives up early has not read the rest; the last is an `END`.

    Raises:
        ParseError: something is not a token.
    """
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ParseError(_not_a_token(text, at), text, at + 1)
        if found.lastgroup != "space":
            yield _token(found, text)
        at = found.end()
    yield Token(Sort.END, "", at, at)


def is_plain_word(text: str) -> bool:
    """Tell whether a text can be written without quotes."""
    return _PLAIN_WORD.fullmatch(text) is not None and text.partition("-")[0] not in RESERVED


def _token(found: re.Match[str], text: str) -> Token:
    at, end, written = found.start(), found.end(), found[0]
    match found.lastgroup:
        case "operand":
            return Token(Sort.OPERAND, int(written[1:-1]), at, end)
        case "number":
            return Token(Sort.NUMBER, _number(written, text, at), at, end)
        case "quoted":
            _check_quoted(text, at, end)
            return Token(Sort.TEXT, written[1:-1], at, end)
        case "word":
            return _word(written, text, at)
    return Token(Sort.SYMBOL, _SAME.get(written, written), at, end)


def _word(word: str, text: str, at: int) -> Token:
    end = at + len(word)
    if word in _OPERATOR_WORDS:
        return Token(Sort.SYMBOL, word, at, end)
    if word in ("true", "false"):
        return Token(Sort.BOOL, word == "true", at, end)
    if word in FUNCTIONS:
        return Token(Sort.FUNCTION, word, at, end)
    if (head := word.partition("-")[0]) in RESERVED:
        # Is true-1 a text or a subtraction? Whoever writes it must say.
        reason = f"{word[:40]!r} begins with {head!r}: put a space before the '-', or the text into quotes"
        raise ParseError(reason, text, at + 1)
    return Token(Sort.TEXT, word, at, end)


def _number(written: str, text: str, at: int) -> float | int:
    if len(written) > _MOST_DIGITS:
        raise ParseError(f"a number of {len(written)} digits; {_MOST_DIGITS} are allowed", text, at + 1)
    if written[:2] in ("0x", "0X"):
        value: float | int = int(written, 16)
        if value >= 2**64:
            raise ParseError(f"{written[:40]} has more than 64 bits", text, at + 1)
        return value
    value = int(written) if written.isdigit() and len(written) <= _EXACT_DIGITS else float(written)
    if not math.isfinite(value):
        raise ParseError(f"{written[:40]} is beyond all numbers", text, at + 1)
    return value


def _check_quoted(text: str, at: int, end: int) -> None:
    for place in range(at + 1, end - 1):
        if not text[place].isprintable():
            raise ParseError(f"{_named(text[place])} in a text", text, place + 1)


def _not_a_token(text: str, at: int) -> str:
    if (found := _PLACEHOLDER.match(text, at)) is not None:
        return f"{found[0]} stands for something that no template has put in"
    character = text[at]
    if character in "'\"":
        return f"the text that begins here has no closing {character}"
    if character in "{}":
        return "expected an operand as {1}"
    if character == "=":
        return "'=' is not an operator; equality is written =="
    if (wrong := _NUMBER_LIKE.match(text, at)) is not None:
        return f"{wrong[0]!r} is not a number"
    return f"{_named(character)} has no meaning here; texts other than plain words need quotes"


def _named(character: str) -> str:
    code = f"U+{ord(character):04X}"
    return f"{character!r} ({code})" if character.isprintable() else code
