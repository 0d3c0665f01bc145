"""When a recording is full, what it is called then, and which old ones may go. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

_SIZES: Final = {"KB": 1000, "MB": 1000**2, "GB": 1000**3, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30}
_TIMES: Final = {"S": 1, "M": 60, "MIN": 60, "H": 3600, "D": 86400}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STAMP: Final = "%Y%m%dT%H%M%S.%fZ"
_STAMPED: Final = r"\.\d{8}T\d{6}\.\d{6}Z"


@dataclass(frozen=True, slots=True)
class Rotation:
    """When to begin a new file.

    Attributes:
        size: at so many bytes; ``None`` never because of its size.
        age_us: after so many microseconds; ``None`` never because of its age.
        keep: how many finished files stay; ``None`` is all.
    """

    size: int | None = None
    age_us: int | None = None
    keep: int | None = None

    def is_due(self, size: int, age_us: int) -> bool:
        """Tell whether a file of this size and age is full."""
        return (self.size is not None and size >= self.size) or (self.age_us is not None and age_us >= self.age_us)


def rotation(texts: Iterable[str], keep: int | None) -> Rotation:
    """Return what ``--rotate 100MB --rotate 1h --keep N`` says.

    Raises:
        ValueError: it is neither a size nor a time, or one of them is said twice.
    """
    found: dict[str, int] = {}
    for text in texts:
        number, unit = _number(text)
        kind = "size" if unit in _SIZES else "age_us"
        if kind in found:
            raise ValueError(f"{text!r}: expected one size and one time at most")
        found[kind] = int(number * (_SIZES[unit] if unit in _SIZES else _TIMES[unit] * 1_000_000))
    return Rotation(found.get("size"), found.get("age_us"), keep)


def finished_name(name: str, at_us: int) -> str:
    """Return what a full file is called: ``site.rec`` becomes ``site.20260131T120000.000000Z.rec``."""
    stem, suffix = _split(name)
    stamp = (_EPOCH + timedelta(microseconds=at_us)).strftime(_STAMP)
    return f"{stem}.{stamp}{suffix}"


def to_remove(name: str, names: Iterable[str], keep: int | None) -> list[str]:
    """Return which of the files in its folder are finished files of `name` and more than may stay, oldest first."""
    if keep is None:
        return []
    stem, suffix = _split(name)
    # Nothing but what was named by `finished_name` is ever removed.
    ours = re.compile(re.escape(stem) + _STAMPED + re.escape(suffix))
    finished = sorted(one for one in names if ours.fullmatch(one))
    return finished[: max(0, len(finished) - keep)]


def _split(name: str) -> tuple[str, str]:
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix) if stem else (name, "")


def _number(text: str) -> tuple[float, str]:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)", text.strip())
    if found is None or found[2].upper() not in {*_SIZES, *_TIMES} or not float(found[1]):
        raise ValueError(f"{text!r}: expected a size or a time, such as 100MB, 1GiB, 30min, 1h or 1d")
    return float(found[1]), found[2].upper()
