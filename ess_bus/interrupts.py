"""SIGINT at the start of a command."""

from __future__ import annotations

import signal


def take_over() -> None:
    """Let SIGINT be a KeyboardInterrupt again: from now on somebody catches it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
