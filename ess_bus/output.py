"""The standard output when nobody can be written to any more."""

from __future__ import annotations

import os
import sys


def forget_output() -> None:
    """Drop what is still in Python's buffer: it could not be written, and would fail once more on the way out."""
    if sys.stdout is not None:  # it may have been closed by who started us
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
