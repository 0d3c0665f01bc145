"""Loops that nothing but a cancellation ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

log = logging.getLogger(__name__)

Loop = Callable[[], Coroutine[Any, Any, None]]
_PAUSE_S: Final = 1.0


async def lasting(name: str, loop: Loop) -> None:
    """Run `loop` for ever: an error that nobody foresaw is said in one line, and it begins again.

    A poll loop that dies quietly leaves the last values standing, and nobody knows.
    """
    while True:
        try:
            await loop()
        except Exception as error:
            log.error("%s: %s: %s; going on", name, type(error).__name__, error)
            log.debug("the traceback of it", exc_info=error)
        await asyncio.sleep(_PAUSE_S)
