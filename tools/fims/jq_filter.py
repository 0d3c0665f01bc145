"""``--jq FILTER``: jq's own interpreter, by its Python bindings. Import this only where a filter was given."""

from __future__ import annotations

from collections.abc import Iterator

import jq

# What jq itself would print, number for number: the bindings' Python values would turn 1.0 into 1.
_PRINTED = "tojson"
_PRINTED_RAW = 'if type == "string" then . else tojson end'


class Filter:
    """A compiled filter.

    Args:
        text: the filter, in jq's language.
        raw: print strings without their quotes, as ``jq -r`` does.

    Raises:
        ValueError: it is no filter; the text is one line and says where it goes wrong.
    """

    def __init__(self, text: str, *, raw: bool = False) -> None:
        try:
            # First by itself: within the parentheses below, ".a) | (.b" would pass for a filter.
            jq.compile(text)
            # A line end, for the filter may end in a comment.
            self._program = jq.compile(f"({text}\n) | {_PRINTED_RAW if raw else _PRINTED}")
        except ValueError as error:
            raise ValueError(f"bad filter {text!r}: {_reason(error)}") from None

    def lines(self, document: bytes) -> Iterator[bytes]:
        """Yield what the filter makes of a JSON document, one result a line, without line ends.

        Raises:
            ValueError: the document is not JSON, or the filter fails on it; what came before was yielded.
        """
        try:
            yield from (str(result).encode() for result in self._program.input_text(document.decode()))
        except UnicodeDecodeError:
            raise ValueError("not JSON: it is not UTF-8") from None
        except ValueError as error:
            reason = _reason(error)
            parse_error = reason.removeprefix("parse error: ")
            raise ValueError(f"not JSON: {parse_error}" if parse_error != reason else reason) from None


def _reason(error: ValueError) -> str:
    """Return jq's first line about an error; the others draw where it is."""
    lines = str(error).splitlines() or ["no reason given"]
    return lines[0].removeprefix("jq: error: ").removesuffix(":").replace(" at <top-level>, ", " at ")
