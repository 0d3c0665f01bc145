"""What a person may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean a, b?"`` with the names that resemble `name`, or nothing."""
    nearest = difflib.get_close_matches(name, list(known), n=3)
    return f"; did you mean {', '.join(nearest)}?" if nearest else ""
