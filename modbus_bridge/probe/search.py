"""Which addresses of a table can be read, in as few requests as it takes; pure.

A device that answers whatever is asked is searched in a few long reads. One that refuses every read with a gap in it is
sampled, at round addresses first, for register maps begin at those; what answers is followed in both directions, in
steps that double until one is refused and then halve.
"""

from __future__ import annotations

from collections.abc import Generator
from itertools import pairwise

# (start, count) of the next read; the answer is whether it succeeded.
Search = Generator[tuple[int, int], bool, None]

_STRIDES = (1000, 100, 10, 5, 2, 1)


class Found:
    """What is known of the addresses `first` to `last`."""

    def __init__(self, first: int, last: int) -> None:
        self.first = first
        self.last = last
        self._readable: set[int] = set()
        self._refused: set[int] = set()

    @property
    def ranges(self) -> list[range]:
        """What can be read."""
        if not self._readable:
            return []
        addresses = sorted(self._readable)
        cuts = [0, *(at for at, (one, next_one) in enumerate(pairwise(addresses), 1) if next_one > one + 1)]
        return [range(addresses[a], addresses[b - 1] + 1) for a, b in pairwise([*cuts, len(addresses)])]

    def is_known(self, address: int) -> bool:
        """Whether it is known if `address` can be read."""
        return address in self._readable or address in self._refused

    def note(self, start: int, count: int, *, readable: bool) -> None:
        """Note the outcome of a read; of several addresses that were refused, some may be readable."""
        if readable:
            self._readable.update(range(start, start + count))
        elif count == 1:
            self._refused.add(start)


def search(found: Found, longest: int) -> Search:
    """Search all of `found`, whose addresses are noted on the way; `longest` is the longest read.

    The requests are what is yielded; whoever drives the search may stop it at any time.
    """
    refused: list[range] = []
    for start in range(found.first, found.last + 1, longest):
        count = min(longest, found.last + 1 - start)
        if not (yield from _read(found, start, count)):
            refused.append(range(start, start + count))
    reach = _Reach(longest)
    for stride in _STRIDES:
        for block in refused:
            for address in range(-(-block.start // stride) * stride, block.stop, stride):
                if not found.is_known(address) and (yield from _read(found, address, 1)):
                    yield from _follow(found, address, reach, forward=True)
                    yield from _follow(found, address, reach, forward=False)


class _Reach:
    """How many addresses one read may have, as far as is known."""

    def __init__(self, longest: int) -> None:
        self.longest = longest


def _read(found: Found, start: int, count: int) -> Generator[tuple[int, int], bool, bool]:
    readable = yield start, count
    found.note(start, count, readable=readable)
    return readable


def _follow(found: Found, address: int, reach: _Reach, *, forward: bool) -> Search:
    """Follow what can be read from `address` on, up to the first address that cannot."""
    edge = address + 1 if forward else address
    count = best = 1
    # The length of the last read that was refused, and how much of it has turned out to be readable.
    failed = passed = 0
    while True:
        room = found.last + 1 - edge if forward else edge - found.first
        count = min(count, room, reach.longest)
        neighbour = edge if forward else edge - 1
        if count < 1 or found.is_known(neighbour):
            return
        if (yield from _read(found, edge if forward else edge - count, count)):
            edge += count if forward else -count
            best, passed = max(best, count), passed + count
            if failed and passed >= failed:
                # All of it can be read, but not at once: the device allows shorter reads only.
                reach.longest, failed = best, 0
            count = max(1, count // 2) if failed else 2 * count
        elif count == 1:
            return
        else:
            failed, passed, count = count, 0, count // 2
