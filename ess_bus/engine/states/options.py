"""The options of a machine: what ``/states/<asset>`` says, checked, with defaults for the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ess_bus.engine.numbers import is_number
from ess_bus.engine.states.model import Option, Table
from ess_bus.hints import did_you_mean

STATES: Final = "/states"
KIND: Final = "kind"
# What a machine shows in the same table.
SHOWN: Final = ("state", "since", "request", "step", "step_since", "waits_for", "result")


def options_of(table: Table, given: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the options that count: what is given where it is possible, else what it was before, else the default."""
    counted = {name: option.default for name, option in table.options.items()} | dict(before or {})
    wrong = dict(_wrong(table, given))
    return counted | {name: value for name, value in given.items() if name in table.options and name not in wrong}


def problems(table: Table, given: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with options: name, what was expected, what was found."""
    known = {*table.options, *SHOWN, KIND}
    unknown = [name for name in given if name not in known and not name.startswith("note")]
    return [
        *(f"{name}: {text}" for name, text in _wrong(table, given)),
        *(f"{name}: no such option{did_you_mean(name, table.options)}" for name in unknown),
    ]


def listed(text: Any) -> tuple[str, ...]:
    """Return the names of a list such as ``bms_1, bms_2``."""
    return tuple(name.strip() for name in str(text or "").split(",") if name.strip())


def _wrong(table: Table, given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, option in table.options.items():
        if name in given and (expected := _expected(option, given[name])) is not None:
            yield name, f"expected {expected}, got {str(given[name])[:40]!r}"


def _expected(option: Option, value: Any) -> str | None:
    """Return what was expected in the place of a value that cannot be; ``None`` if it can."""
    if isinstance(option.default, bool):
        return None if isinstance(value, bool) else "true or false"
    if isinstance(option.default, str):
        if option.choices:
            return None if value in option.choices else f"one of {', '.join(option.choices)}"
        return None if isinstance(value, str) else "a text"
    if is_number(value) and option.low <= value <= option.high:
        return None
    return f"a number from {option.low:g} to {option.high:g}"
