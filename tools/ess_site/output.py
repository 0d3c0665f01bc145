"""What ess_site prints: every line of every process behind its name, whole lines only."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

OWN_NAME = "ess_site"
# A process that never ends its line must not fill our memory.
_LONGEST_LINE = 64 * 1024
_RESET = b"\033[0m"
_COLOURS = tuple(b"\033[%dm" % number for number in (32, 33, 34, 35, 36, 92, 93, 94, 95, 96))


class Lines:
    """Assembles lines from the pieces that a pipe delivers."""

    def __init__(self) -> None:
        self._begun = b""

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the lines that `piece` completes, without their line ends."""
        *whole, self._begun = (self._begun + piece).split(b"\n")
        if len(self._begun) > _LONGEST_LINE:
            whole += self.rest()
        return [line.removesuffix(b"\r") for line in whole]

    def rest(self) -> list[bytes]:
        """Return the line that was begun and never ended, if any, and forget it."""
        begun, self._begun = self._begun, b""
        return [begun] if begun else []


class Output:
    """Our stdout, shared by all processes: ``NAME | line``, the names padded to the longest.

    Attributes:
        lost: the reader of our stdout has gone; what is printed from then on is dropped.
    """

    def __init__(self, stream: BinaryIO, names: Iterable[str], *, colours: bool) -> None:
        self.lost = False
        self._stream = stream
        names = [*names]
        width = max(map(len, [OWN_NAME, *names]))
        self._prefixes = {name: f"{name:{width}} | ".encode() for name in [OWN_NAME, *names]}
        if colours:
            for index, name in enumerate(names):
                self._prefixes[name] = _COLOURS[index % len(_COLOURS)] + self._prefixes[name] + _RESET

    def lines(self, name: str, lines: Iterable[bytes]) -> None:
        """Print lines of the process `name`, byte for byte as it wrote them."""
        self._write(b"".join(self._prefixes[name] + line + b"\n" for line in lines))

    def own(self, text: str) -> None:
        """Print a line of ess_site itself."""
        self.lines(OWN_NAME, [text.encode(errors="replace")])

    def plain(self, text: str) -> None:
        """Print a text without a prefix."""
        self._write(text.encode(errors="replace") + b"\n")

    def _write(self, text: bytes) -> None:
        if self.lost or not text:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:  # `| head` ended, or the terminal was closed
            self.lost = True
            # What is left in the buffer must not fail once more at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


class ProcessStream:
    """The stdout or stderr of one process, as circus feeds it: pieces in, prefixed lines out."""

    def __init__(self, output: Output, name: str) -> None:
        self._output = output
        self._name = name
        self._lines = Lines()

    def __call__(self, data: Mapping[str, Any]) -> None:
        """Take a piece; circus passes ``{"data": bytes, "pid": int, "name": "stdout" or "stderr"}``."""
        self._output.lines(self._name, self._lines.feed(data["data"]))

    def close(self) -> None:
        """Print what is left of a last line without a line end."""
        self._output.lines(self._name, self._lines.rest())
