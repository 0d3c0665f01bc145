"""What a worker does: publish, receive, ask, answer, and count."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any, Final

from tools.bench.peers.base import Client

# Role -> the file in this folder that has a function of that name. Imported when asked for: a worker needs one.
_FILES: Final = {
    "receive": "receiving",
    "receive_timed": "receiving",
    "flood": "sending",
    "pace": "sending",
    "pace_once": "sending",
    "answer": "requesting",
    "ask": "requesting",
    "publish_tables": "tables",
    "ask_one_shot": "one_shot",
    "keep_newest": "newest",
    "copy": "copying",
    "poll_bare": "modbus",
    "be_devices": "modbus",
}

Role = Callable[[Client, dict[str, Any], Any], Awaitable[None]]


def role(name: str) -> Role:
    """Return a role.

    Raises:
        KeyError: there is none of that name.
    """
    found: Role = getattr(import_module(f"{__name__}.{_FILES[name]}"), name)
    return found
