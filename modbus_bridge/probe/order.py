"""What is wanted of a probe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from modbus_bridge.config.fields import MAX_ADDRESS
from modbus_bridge.config.model import Point, RegisterType

DEFAULT_PORT = 502
DEFAULT_DEVICE_ID = 1
DEFAULT_ADDRESSES = range(10_000)


@dataclass(frozen=True, slots=True)
class Order:
    """The options of `--probe`.

    Attributes:
        target: where the device is, as typed.
        config: the file that says what its registers are; ``None`` to search for them.
        device_id: the unit; ``None`` for the one that the file says.
        tables: which tables; empty for all.
        addresses: which addresses; ``None`` for the usual ones.
        only: a pattern for the names of points.
        max_requests: how many reads may be spent on searching a table.
        timeout_s: how long connecting, and each answer, may take; ``None`` for what the file says.
        interval_s: with `watch`, how often everything is read.
        watch: whether to go on reading.
        as_json: whether machines read it.
        all_rows: whether people see registers that are 0, too, where there is no file that names them.
    """

    target: str
    config: Path | None = None
    device_id: int | None = None
    tables: Sequence[RegisterType] = ()
    addresses: range | None = None
    only: str | None = None
    max_requests: int = 2000
    timeout_s: float | None = None
    interval_s: float = 1.0
    watch: bool = False
    as_json: bool = False
    all_rows: bool = False

    def wants(self, point: Point) -> bool:
        """Tell whether a point of the file is among the tables, addresses and names that are wanted."""
        return (
            (not self.tables or point.type in self.tables)
            and (self.addresses is None or point.offset in self.addresses)
            and (self.only is None or any(fnmatchcase(name, self.only) for name in (point.id, *point.keys)))
        )


def addresses_of(text: str) -> range:
    """Return the addresses that ``A-B`` or ``A`` means, both included.

    Raises:
        ValueError: it is none; the text says what was expected.
    """
    first, dash, last = text.partition("-")
    if first.isdecimal() and (last.isdecimal() or not dash):
        found = range(int(first), int(last if dash else first) + 1)
        if found and found.stop <= MAX_ADDRESS + 1:
            return found
    raise ValueError(f"expected addresses in 0 to {MAX_ADDRESS}, such as 0-9999, got {text!r}")
