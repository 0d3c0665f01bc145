"""The standard output: whether it takes colours, and what to do when nobody can be written to any more."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import BinaryIO


def wants_colours(stream: BinaryIO) -> bool:
    """Tell whether to colour: only on a terminal, and not where NO_COLOR is set (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def binary_output() -> BinaryIO:
    """Return the standard output, for bytes.

    Raises:
        OSError: whoever started us has closed it.
    """
    if sys.stdout is None:
        raise OSError(errno.EBADF, "the standard output is closed")
    return sys.stdout.buffer


def forget_output() -> None:
    """Drop what is still in Python's buffer: it could not be written, and would fail once more on the way out."""
    if sys.stdout is not None:  # it may have been closed by who started us
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
