"""The order of the registers that form one value: `byte_swap` and `word_order` (modbus.md 1.1, 1.2)."""

from __future__ import annotations

from dataclasses import dataclass

from modbus_bridge.config.findings import Findings
from modbus_bridge.config.place import Place


@dataclass(frozen=True, slots=True)
class WordOrder:
    """What is said of the order, on one level and those above it.

    Attributes:
        swap: whether the words are reversed.
        ranks: the rank of each register in turn, 1 is the most significant; empty if only `swap` was said.
    """

    swap: bool = False
    ranks: tuple[int, ...] = ()

    def positions(self, size: int) -> tuple[int, ...]:
        """Return the registers of a value from the most to the least significant; ``()`` is their own order."""
        if len(self.ranks) == size:
            found = tuple(sorted(range(size), key=self.ranks.__getitem__))
        else:
            found = tuple(reversed(range(size))) if self.swap else tuple(range(size))
        return () if found == tuple(range(size)) else found

    def under(self, swap: bool | None, ranks: tuple[int, ...] | None, place: Place, findings: Findings) -> WordOrder:
        """Return the order on the level below that says `swap` and `ranks`; the nearest word counts."""
        if ranks is not None:
            inner = WordOrder(self.swap if swap is None else swap, ranks)
            size = len(ranks)
            if swap is not None and inner.positions(size) != WordOrder(swap).positions(size):
                shown = "".join(map(str, ranks))
                findings.warn(place.at("word_order"), f"{shown} contradicts byte_swap {str(swap).lower()}; it counts")
            return inner
        return self if swap is None else WordOrder(swap)


def ranks_of(value: object) -> tuple[int, ...] | None:
    """Return the ranks that a `word_order` such as ``4321`` or ``"21"`` gives the registers of a value.

    Raises:
        ValueError: it is not made of the digits 1 to 2 or 1 to 4, each once.
    """
    if value is None:
        return None
    digits = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if sorted(digits) not in (list("12"), list("1234")):
        raise ValueError(f"expected the digits 1 to 4 (or 1 and 2) in some order such as 4321, got {str(value)[:60]!r}")
    return tuple(map(int, digits))
