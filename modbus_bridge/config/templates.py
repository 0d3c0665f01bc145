"""Entries that stand for many: ``repeat`` with ``${NAME}``, and the original's ``##x##`` ranges (modbus.md 1.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, NoReturn

from pydantic import Field

from modbus_bridge.config.entries import Strict
from modbus_bridge.config.fields import MAX_ADDRESS
from modbus_bridge.config.findings import Findings
from modbus_bridge.config.place import Place

# What all templates of a file make together; a device has 4 x 65,536 addresses, and nobody reads them all.
MAX_COPIES: Final = 100_000
# Copying what is inside of a template costs time, too.
_MAX_NODES: Final = 2_000_000
_MAX_DEVICE_ID: Final = 255

_NAME: Final = re.compile(r"\$\{([^{}$]*)\}")
_RANGES: Final = ("component_offset_range", "device_id_range", "decode_offset_range")


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of an entry; of what is no template there is one.

    Attributes:
        data: the entry, without the keys of the template and with its texts filled in.
        place: where it stands.
        added: what is added to every offset in it.
        device_id: what it sets; ``None`` for nothing.
    """

    data: Any
    place: Place
    added: int = 0
    device_id: int | None = None


@dataclass(frozen=True, slots=True)
class _Counter:
    """A counter of a template: `step` is what each of its values but the first adds to offsets."""

    marks: str
    values: range
    step: int
    is_device_id: bool = False


class TemplateError(ValueError):
    """A template contradicts itself; `key` is where."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(reason)
        self.key = key


class RangeEntry(Strict):
    """The original's template: `replace` in texts becomes each number from `begin` to `end`."""

    begin: int
    end: int
    step: int = 1
    replace: str = Field(min_length=1, max_length=64)


class Templates:
    """Makes the copies of one file and counts them."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._copies = 0
        self._nodes = 0

    def copies(self, items: list[Any], place: Place, *, is_entry: bool = False) -> Iterator[Copy]:
        """Yield the copies of each of `items`, which lie at `place`.

        An entry of a map steps by its own size unless it says otherwise, anything else not at all.

        Raises:
            ConfigurationError: there are more than a file may have.
        """
        for index, data in enumerate(items):
            inner = Place(place.at(index).path, place.copy)
            self._count(inner)
            if not isinstance(data, dict) or not ("repeat" in data or any(key in data for key in _RANGES)):
                yield Copy(data, inner)
                continue
            try:
                counters = _counters(data, _default_step(data) if is_entry else 0)
            except TemplateError as error:
                self._findings.leave_out(inner.at(error.key), str(error))
                continue
            yield from self._expand(data, counters, inner)

    def _expand(self, data: dict[str, Any], counters: list[_Counter], place: Place) -> Iterator[Copy]:
        rest = {key: value for key, value in data.items() if key not in ("repeat", "step", "first", *_RANGES)}
        for numbers in product(*(counter.values for counter in counters)):
            self._count(place)
            added = 0
            device_id = None
            for counter, number in zip(counters, numbers, strict=True):
                if counter.is_device_id:
                    device_id = number
                else:
                    added += (number - counter.values.start) // counter.values.step * counter.step
            filled = self._filled(rest, _filler(counters, numbers), place)
            name = filled.get("id")
            copy = place.of(name) if isinstance(name, str) else place
            yield Copy(filled, copy, added, device_id)

    def _filled(self, data: Any, fill: Callable[[str], str], place: Place) -> Any:
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            self._too_many(place)
        if isinstance(data, str):
            return fill(data)
        if isinstance(data, list):
            return [self._filled(item, fill, place) for item in data]
        if isinstance(data, dict):
            return {key: self._filled(value, fill, place) for key, value in data.items()}
        return data

    def _count(self, place: Place) -> None:
        self._copies += 1
        if self._copies > MAX_COPIES:
            self._too_many(place)

    def _too_many(self, place: Place) -> NoReturn:
        message = f"this makes more entries than {MAX_COPIES:,}, the most in one file"
        self._findings.give_up(Place(place.path), message)


def _counters(data: Mapping[str, Any], default_step: int) -> list[_Counter]:
    return [*_ranges(data), *_repeats(data, default_step)]


def _repeats(data: Mapping[str, Any], default_step: int) -> list[_Counter]:
    if "repeat" not in data:
        return []
    repeat, first, step = data["repeat"], data.get("first", 1), data.get("step")
    if not isinstance(repeat, dict):
        if any(_has_repeat(value) for value in data.values()):
            raise TemplateError("repeat", 'with a template inside, counters need names, such as {"RACK": 9}')
        return [_Counter("", _values(repeat, first, "repeat"), default_step if step is None else _whole(step, "step"))]
    if not repeat:
        raise TemplateError("repeat", "expected at least one counter")
    for key, named in (("step", step), ("first", data.get("first"))):
        if named is not None and not isinstance(named, dict):
            raise TemplateError(key, 'expected an object with the counters of repeat, such as {"RACK": 1024}')
        if unknown := set(named or ()) - set(repeat):
            raise TemplateError(key, f"{min(unknown)!r} is no counter of repeat")
    steps = step or {}
    firsts = data.get("first") or {}
    found: list[_Counter] = []
    # From the fastest counter on: one that says no step follows the block that those after it fill.
    block = default_step
    for name, count in reversed(repeat.items()):
        values = _values(count, firsts.get(name, 1), f"repeat.{name}")
        own = _whole(steps[name], f"step.{name}") if name in steps else block
        found.append(_Counter(f"${{{name}}}", values, own))
        block = own * len(values)
    return found[::-1]


def _ranges(data: Mapping[str, Any]) -> list[_Counter]:
    found: list[_Counter] = []
    for key in _RANGES:
        if key not in data:
            continue
        entry = range_of(data[key], key)
        if key == "device_id_range":
            found.append(_Counter(entry.replace, range(entry.begin, entry.end + 1, entry.step), 0, is_device_id=True))
        else:
            found.append(_Counter(entry.replace, range(entry.begin, entry.end + 1), entry.step))
    return found


def range_of(data: Any, key: str) -> RangeEntry:
    """Return a range of the original.

    Raises:
        TemplateError: it is none, or makes too many copies.
    """
    try:
        entry = RangeEntry.model_validate(data)
    except ValueError:
        raise TemplateError(key, "expected an object with begin, end and replace, and maybe step") from None
    if not 0 <= entry.begin <= entry.end <= entry.begin + MAX_COPIES:
        raise TemplateError(key, f"expected begin up to end, got {entry.begin} to {entry.end}")
    if entry.step < 1 or entry.step > MAX_ADDRESS:
        raise TemplateError(f"{key}.step", f"expected a number from 1, got {entry.step}")
    if key == "device_id_range" and entry.end > _MAX_DEVICE_ID:
        raise TemplateError(f"{key}.end", f"expected a device id up to {_MAX_DEVICE_ID}, got {entry.end}")
    return entry


def _filler(counters: list[_Counter], numbers: tuple[int, ...]) -> Callable[[str], str]:
    texts = [(counter.marks, str(number)) for counter, number in zip(counters, numbers, strict=True)]

    def fill(text: str) -> str:
        for marks, number in texts:
            if marks:
                text = text.replace(marks, number)
            elif "${" in text:
                text = _NAME.sub(number, text)
        return text

    return fill


def filled(data: Any, marks: str, number: int) -> Any:
    """Return `data` with `marks` in all its texts replaced by a number."""
    if isinstance(data, str):
        return data.replace(marks, str(number))
    if isinstance(data, list):
        return [filled(item, marks, number) for item in data]
    if isinstance(data, dict):
        return {key: filled(value, marks, number) for key, value in data.items()}
    return data


def _has_repeat(data: Any) -> bool:
    if isinstance(data, dict):
        return "repeat" in data or any(_has_repeat(value) for value in data.values())
    return isinstance(data, list) and any(_has_repeat(item) for item in data)


def _default_step(data: Mapping[str, Any]) -> int:
    size = data.get("size", 1)
    return size if isinstance(size, int) and 0 < size <= MAX_ADDRESS else 1


def _values(count: Any, first: Any, key: str) -> range:
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_COPIES:
        raise TemplateError(key, f"expected a number from 1 to {MAX_COPIES:,}, got {str(count)[:60]}")
    start = _whole(first, "first")
    return range(start, start + count)


def _whole(value: Any, key: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_ADDRESS:
        raise TemplateError(key, f"expected a whole number up to {MAX_ADDRESS}, got {str(value)[:60]}")
    return value


def unfilled(data: Any) -> str:
    """Return a ``${NAME}`` that is left in the texts of an entry, or an empty text."""
    if isinstance(data, str):
        start = data.find("${")
        return data[start : start + 40] if start >= 0 else ""
    if isinstance(data, dict):
        return next((found for value in data.values() if (found := unfilled(value))), "")
    return next((found for item in data if (found := unfilled(item))), "") if isinstance(data, list) else ""
