"""`Complaints`: when the log tells of messages that are wrong and expect no answer; pure."""

from __future__ import annotations

from typing import Final

AGAIN_AFTER_S: Final = 60.0
# Wrong messages on more URIs than this are not named one by one.
MOST: Final = 200


class Complaints:
    """Remembers what it was told of: who publishes something wrong does so every second."""

    def __init__(self) -> None:
        # URI -> when it was told of last.
        self._told_s: dict[str, float] = {}

    def is_due(self, uri: str, now_s: float) -> bool:
        """Tell whether to tell of a wrong message on a URI: once a minute for each; that counts as told then."""
        told_s = self._told_s.get(uri)
        if now_s - told_s < AGAIN_AFTER_S if told_s is not None else len(self._told_s) >= MOST:
            return False
        self._told_s[uri] = now_s
        return True
