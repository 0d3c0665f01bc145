"""Whole blocks of registers -> the keys and values that are published; compiled once per block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from modbus_bridge import codec
from modbus_bridge.plan import Block


@lru_cache(maxsize=4096)
def decoder_of(block: Block) -> Callable[[Sequence[int]], dict[str, Any]]:
    """Return what turns the registers of `block` into naked values by key, those of all its points (see `codec`)."""

    def decode(registers: Sequence[int]) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for point in block.points:
            values |= codec.published(point, block.words(point, registers))
        return values

    return decode
