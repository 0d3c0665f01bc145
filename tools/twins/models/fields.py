"""The fields of a component as people name them: ``accontactor`` for ``ac_contactor``; types and ranges are checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

LARGEST: Final = 1e15
_WORDS: Final = {"float": "a number", "int": "a whole number", "bool": "true or false", "str": "a text"}


def quantity(default: float = 0.0, *, low: float | None = None, high: float | None = None) -> Any:
    """Declare a field with a range."""
    return dataclasses.field(default=default, metadata={"low": low, "high": high})


def private(default: Any) -> Any:
    """Declare what a model remembers and nobody sees."""
    return dataclasses.field(default=default, init=False, repr=False)


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field.

    Attributes:
        name: as in files and on the bus.
        attribute: as in Python.
        kind: ``float``, ``int``, ``bool`` or ``str``.
        low: the smallest value, if there is one.
        high: the largest value, if there is one.
    """

    name: str
    attribute: str
    kind: str
    low: float | None = None
    high: float | None = None

    def accepted(self, value: Any) -> Any:
        """Return a value as this field holds it.

        Raises:
            ValueError: it is of another type or out of range; the text says what was expected.
        """
        fits = {"float": _is_number, "int": _is_whole, "bool": _is_bool, "str": _is_text}[self.kind]
        if not fits(value):
            wanted = (
                f"a number less than {LARGEST:g}" if _is_numeric(value) and self.kind == "float" else _WORDS[self.kind]
            )
            raise ValueError(f"{self.name}: expected {wanted}, got {value!r:.40}")
        if self.kind in ("float", "int"):
            value = float(value) if self.kind == "float" else int(value)
            self._require_range(value)
        return value

    def _require_range(self, value: float) -> None:
        low, high = self.low, self.high
        if (low is not None and value < low) or (high is not None and value > high):
            wanted = f"{low:g} to {high:g}" if low is not None and high is not None else ""
            wanted = wanted or (f"at least {low:g}" if low is not None else f"at most {high:g}")
            raise ValueError(f"{self.name}: expected {wanted}, got {value:g}")


def specs_of(model: type[Any]) -> Mapping[str, FieldSpec]:
    """Return the fields of a model that hold one value, by name."""
    found = {}
    for field in dataclasses.fields(model):
        if field.init and field.type in _WORDS:
            name = field.name.replace("_", "")
            found[name] = FieldSpec(
                name, field.name, str(field.type), field.metadata.get("low"), field.metadata.get("high")
            )
    return found


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 1000


def _is_number(value: Any) -> bool:
    # No quantity of a plant is larger, and the square of this is still a float. NaN is not less than anything.
    return _is_numeric(value) and abs(value) < LARGEST


def _is_numeric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and float(value).is_integer()
