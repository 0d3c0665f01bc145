"""Entries of a plant's configuration: from JSON to fields that fit their model, or precise problems. No I/O."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from ess_bus.configuration import problems_of
from ess_bus.errors import Problem
from tools.twins.kinds import RACK, RACKS, TABLES
from tools.twins.models.fields import LARGEST, FieldSpec
from tools.twins.models.model import Model
from tools.twins.models.words import ControlValue, StatusValue

_NUMBERS: Final = "Sequence[float]"
_WORDS: Final[Mapping[str, TypeAdapter[Any]]] = {
    "tuple[ControlValue, ...]": TypeAdapter(tuple[ControlValue, ...]),
    "tuple[StatusValue, ...]": TypeAdapter(tuple[StatusValue, ...]),
}


@dataclass
class Findings:
    """What is wrong with a configuration, and what of it means nothing here.

    Attributes:
        errors: what must be changed.
        unsupported: ``kind.key`` -> how often it was left out.
        unconnected: components that the tree does not name: nothing ever happens to them.
    """

    errors: list[Problem] = field(default_factory=list)
    unsupported: Counter[str] = field(default_factory=Counter)
    unconnected: list[str] = field(default_factory=list)

    def error(self, where: str, message: str) -> None:
        """Note what must be changed."""
        self.errors.append(Problem(where, message))


@dataclass
class Entry:
    """A component as it is configured; `fields` are attributes of its model, and ``sbmu`` entries of racks."""

    kind: str
    id: str
    where: str
    fields: dict[str, Any] = field(default_factory=dict)


class EntryReader:
    """Reads the objects of one list."""

    def __init__(self, kind: str, model: type[Model], findings: Findings) -> None:
        self._kind = kind
        self._model = model
        self._lists = _lists_of(model)
        self._findings = findings

    def read(self, where: str, raw: Any) -> Entry | None:
        """Return an entry; what is wrong with it is found."""
        if not isinstance(raw, dict):
            self._findings.error(where, f"expected an object, got {raw!r:.40}")
            return None
        name = raw.get("id", raw.get("ID"))
        if not isinstance(name, str) or not is_name(name):
            self._findings.error(f"{where}.id", "expected the name of a component, one word without '/'")
            return None
        return Entry(self._kind, name, where, self.fields(where, raw))

    def fields(self, where: str, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Return what an object says about the attributes of the model."""
        found: dict[str, Any] = {}
        for key, value in raw.items():
            name = key.lower()
            if name == "id" or name.startswith("note") or name == "units":
                continue
            name = self._model.legacy.get(name, name)
            self._field(f"{where}.{key}", name, value, found)
        self._check_tables(where, found)
        return found

    def _field(self, where: str, name: str, value: Any, found: dict[str, Any]) -> None:
        kind = self._lists.get(name)
        if name == RACKS and self._kind == "bms":
            found[RACKS] = self._racks(where, value)
        elif name == "aliases":
            found[name] = self._aliases(where, value)
        elif kind is not None:
            self._list(where, *kind, value, found)
        elif isinstance(value, dict) and name in getattr(self._model, "measurements", ()):
            for part, inner in value.items():
                full = name if part.lower() == "value" else f"{name}_{part.lower()}"
                self._scalar(f"{where}.{part}", full, inner, found)
        else:
            self._scalar(where, name, value, found)

    def _scalar(self, where: str, name: str, value: Any, found: dict[str, Any]) -> None:
        spec = self._model.specs().get(name)
        if spec is None:
            self._findings.unsupported[f"{self._kind}.{where.rsplit('.', 1)[-1]}"] += 1
            return
        try:
            found[spec.attribute] = spec.accepted(value)
        except ValueError as error:
            self._findings.error(where, _without_name(spec, str(error)))

    def _list(self, where: str, attribute: str, kind: str, value: Any, found: dict[str, Any]) -> None:
        if kind == _NUMBERS:
            if not isinstance(value, list) or not all(_is_number(one) for one in value):
                self._findings.error(where, "expected a list of numbers")
            else:
                found[attribute] = tuple(float(one) for one in value)
            return
        try:
            words = _WORDS[kind].validate_python(value)
        except ValidationError as error:
            for problem in problems_of(error):
                self._findings.error(f"{where}.{problem.where}", problem.message)
            return
        kept = [self._kept(where, word) for word in words]
        found[attribute] = tuple(word for word in kept if word is not None)

    def _kept(self, where: str, word: ControlValue | StatusValue) -> ControlValue | StatusValue | None:
        """Return a control or status word without the fields that the model does not have."""
        if isinstance(word, StatusValue):
            return word if self._knows(where, word.field) else None
        controls = []
        for control in word.controls:
            if not self._knows(where, control.field):
                continue
            spec = self._model.spec(control.field)
            try:
                spec.accepted(control.value)
            except ValueError as error:
                self._findings.error(f"{where}.{control.field}", _without_name(spec, str(error)))
                continue
            controls.append(control)
        return ControlValue(value=word.value, controls=tuple(controls))

    def _knows(self, where: str, name: str) -> bool:
        try:
            self._model.spec(name)
        except LookupError:
            self._findings.unsupported[f"{self._kind}.{where.rsplit('.', 1)[-1]}: {name}"] += 1
            return False
        return True

    def _racks(self, where: str, value: Any) -> list[dict[str, Any]]:
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            self._findings.error(where, "expected a list of objects")
            return []
        reader = EntryReader(RACKS, RACK, self._findings)
        return [reader.fields(f"{where}.{number}", one) for number, one in enumerate(value)]

    def _aliases(self, where: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(is_name(one) for one in value):
            self._findings.error(where, "expected a list of names, words without '/'")
            return ()
        return tuple(value)

    def _check_tables(self, where: str, found: Mapping[str, Any]) -> None:
        for first, second in TABLES:
            xs, ys = found.get(first), found.get(second)
            if xs is None or ys is None:
                continue
            if len(xs) != len(ys) or not xs:
                names = f"{_plain(first)} and {_plain(second)}"
                self._findings.error(where, f"expected as many {names}, got {len(xs)} and {len(ys)}")
            elif any(left >= right for left, right in pairwise(xs)):
                self._findings.error(where, f"expected a {_plain(first)} that ascends")


def is_name(value: object) -> bool:
    """Tell whether a value can be one segment of a URI."""
    return (
        isinstance(value, str)
        and 0 < len(value) <= 100
        and value.isprintable()
        and not any(character in '/{}\\"% ' for character in value)
    )


def _lists_of(model: type[Model]) -> Mapping[str, tuple[str, str]]:
    """Return the fields of a model that are lists: name -> attribute, type."""
    return {
        _plain(one.name): (one.name, str(one.type))
        for one in dataclasses.fields(model)
        if one.init and (one.type == _NUMBERS or one.type in _WORDS)
    }


def _plain(attribute: str) -> str:
    return attribute.replace("_", "")


def _without_name(spec: FieldSpec, text: str) -> str:
    return text.removeprefix(f"{spec.name}: ")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST


def replaced(value: Any, token: str, text: str) -> Any:
    """Return JSON with a token replaced in all its texts."""
    if isinstance(value, str):
        return value.replace(token, text)
    if isinstance(value, dict):
        return {replaced(key, token, text): replaced(inner, token, text) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [replaced(inner, token, text) for inner in value]
    return value
