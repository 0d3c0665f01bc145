"""`Target`: what an action reads or writes: a variable, one of its parameters, or one bit of it (engine.md 2.2)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from ess_bus.reference import Reference

# Words of devices have 32 bits at most (the original's limit).
BITS: Final = 32
_INDEX: Final = re.compile(r"(.*)\[([0-9]{1,4})\]", re.DOTALL)


class Target(NamedTuple):
    """``/table:name``, ``/table:name@parameter`` or ``/table:name[bit]``, with bits counted from 0."""

    place: Reference
    bit: int | None = None

    def __str__(self) -> str:
        return str(self.place) if self.bit is None else f"{self.place}[{self.bit}]"

    # Switches and operands that parameters name are read by the same few texts over and over.
    @classmethod
    @lru_cache(maxsize=1024)
    def parse(cls, text: str) -> Target:
        """Parse one of the three, or the path form ``/table/name``.

        Raises:
            ValueError: it is none of these.
        """
        text, bit = indexed(text)
        place = Reference.parse(text)
        if "[" in text:
            raise ValueError(f"{text!r}: expected a bit such as [3] at its end")
        if place.parameter == "value":
            place = place._replace(parameter=None)
        if place.parameter == "actions":
            raise ValueError(f"{text}: actions are no parameter")
        if bit is not None and place.parameter is not None:
            raise ValueError(f"{text}[{bit}]: a parameter has no bits")
        return cls(place, bit)


def indexed(text: str) -> tuple[str, int | None]:
    """Return (name, bit) of ``name[bit]``, and (text, ``None``) of what has no index.

    Raises:
        ValueError: there is no such bit.
    """
    found = _INDEX.fullmatch(text)
    if found is None:
        return text, None
    bit = int(found[2])
    if bit >= BITS:
        raise ValueError(f"{text[:80]}: bits are numbered 0 to {BITS - 1}")
    return found[1], bit
