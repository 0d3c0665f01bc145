"""Loops that nothing but a cancellation ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from modbus_bridge.process import log_error

Loop = Callable[[], Coroutine[Any, Any, None]]
_PAUSE_S: Final = 1.0


async def lasting(name: str, loop: Loop) -> None:
    """Run `loop` for ever: an error that nobody foresaw is said in one line, and it begins again.

    A poll loop that dies quietly leaves the last values standing, and nobody knows.
    """
    while True:
        try:
            await loop()
        except Exception as error:  # noqa: BLE001 - whatever it is: see above
            log_error(f"{name}: going on after an error", error)
        await asyncio.sleep(_PAUSE_S)
