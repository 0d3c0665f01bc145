"""What a URI below a component asks for; pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from ess_bus.hints import did_you_mean

# Fragments that a get may carry, and those that need a set (modbus.md 3.2 and 3.3).
GETS: Final = (
    "_full",
    "_raw",
    "_stats",
    "_timings",
    "_reset_timings",
    "_config",
    "_points",
    "_server",
    "_help",
    "_local",
)
SETS: Final = ("_enable", "_disable", "_connect", "_disconnect", "_force", "_unforce", "_reload", "_reset_timings")


@dataclass(frozen=True, slots=True)
class Path:
    """The name of a register or bit (``None``: the component), and the fragment that asks for something special."""

    name: str | None
    fragment: str | None

    @property
    def segments(self) -> tuple[str, ...]:
        """The path without the fragment."""
        return () if self.name is None else (self.name,)


def parse(segments: tuple[str, ...], names: Collection[str], method: str) -> Path:
    """Return what the segments below a component mean; the fragment may stand before or after the name.

    Raises:
        ValueError: too many segments, or an unknown fragment.
    """
    fragments = [segment for segment in segments if segment.startswith("_") and segment not in names]
    rest = [segment for segment in segments if segment not in fragments]
    if len(fragments) > 1 or len(rest) > 1:
        raise ValueError(f"{'/'.join(segments)}: expected at most one segment, the register's name")
    fragment = fragments[0] if fragments else None
    known = GETS if method == "get" else SETS
    if fragment is not None and fragment not in known:
        if fragment in GETS + SETS:
            raise ValueError(f"{fragment} needs a {'set' if method == 'get' else 'get'}")
        raise ValueError(f"{fragment}: unknown request{did_you_mean(fragment, known)}")
    return Path(rest[0] if rest else None, None if fragment == "_local" else fragment)
