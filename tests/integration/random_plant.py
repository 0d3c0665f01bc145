"""A device's variables with random values: what its owners publish, and what its registers then hold."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from modbus_bridge.config.model import Kind, Point, RegisterType, ServedPoint, ServerConfiguration
from modbus_bridge.values import codec

Place = tuple[int | None, RegisterType, int]


class Plant:
    """Values for every served variable, chosen by their bits, so that all that a register can hold comes up.

    Attributes:
        bodies: what each owner publishes.
        words: what the registers hold when it was heard; by unit, table and address.
    """

    def __init__(self, configuration: ServerConfiguration, seed: int) -> None:
        self.bodies: dict[str, dict[str, Any]] = {}
        self.words: dict[Place, int] = {}
        chance = random.Random(seed)
        for unit in configuration.units:
            for served in unit.points:
                self._fill(unit.device_id, served, chance)

    def words_of(self, point: Point, unit: int | None) -> list[int] | None:
        """Return the registers of a point, ``None`` if one of them is not defined."""
        places = [(unit, point.type, address) for address in range(point.offset, point.end)]
        return None if any(place not in self.words for place in places) else [self.words[place] for place in places]

    def _fill(self, unit: int | None, served: ServedPoint, chance: random.Random) -> None:
        point, body = served.point, self.bodies.setdefault(served.uri, {})
        known = {key: body[key] for key in (point.id, *point.keys) if key in body}
        # A variable that is in several tables, or in several units, has one value.
        published = known or _published(point, chance)
        body |= published
        places = [(unit, point.type, address) for address in range(point.offset, point.end)]
        before = [self.words.get(place, 0) for place in places]
        try:
            self.words |= dict(zip(places, _words(served, published, before), strict=True))
        except ValueError:
            # A copy that cannot hold the value: its registers are unknown, not wrong.
            self.words = {place: word for place, word in self.words.items() if place not in places}


def _published(point: Point, chance: random.Random) -> dict[str, Any]:
    """Return keys and values that can be published and are understood again."""
    for _ in range(1000):
        bits = chance.getrandbits(point.width)
        found = codec.published(point, codec.words_of(point, bits))
        try:
            if point.kind is not Kind.INDIVIDUAL_BITS and found[point.id] is not None:
                codec.encode(point, found[point.id])
        except ValueError:
            continue
        if None not in found.values():
            return found
    raise AssertionError(f"no bits of {point} are a value")


def _words(served: ServedPoint, published: dict[str, Any], before: Sequence[int]) -> tuple[int, ...]:
    point = served.point
    words = tuple(before)
    if point.kind is not Kind.INDIVIDUAL_BITS:
        return codec.changed(words, *codec.change(point, published[point.id]))
    for name, value in published.items():
        words = codec.changed(words, *codec.bit_change(point, name, value))
    return words
