"""Collecting everything that is wrong or odd in one file, so that a person sees it all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from ess_bus.configuration import problems_of
from ess_bus.errors import ConfigurationError, Problem

Model = TypeVar("Model", bound=BaseModel)

# Real files carry hundreds of foreign keys; more names than this help nobody.
_SHOWN = 12


class Findings:
    """The problems and the warnings of one file."""

    def __init__(self, source: Path) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self._notes: list[Problem] = []
        self._unknown: Counter[str] = Counter()
        self._unsupported: Counter[str] = Counter()
        self._left_out: dict[str, list[str]] = {}

    def problem(self, where: str, message: str) -> None:
        """Note what makes the file unusable."""
        self.problems.append(Problem(where, message))

    def warn(self, where: str, message: str) -> None:
        """Note what is odd but harmless."""
        self._notes.append(Problem(where, message))

    def leave_out(self, where: str, reason: str) -> None:
        """Note an entry that is not used, because using it would give wrong values."""
        self._left_out.setdefault(reason, []).append(where)

    def validate(self, model: type[Model], data: Any, where: str) -> Model | None:
        """Return `data` as a `model`, or note every field that is wrong and return ``None``."""
        try:
            return model.model_validate(data)
        except ValidationError as error:
            self.problems += [Problem(join(where, found.where), found.message) for found in problems_of(error)]
            return None

    def note_keys(self, entry: BaseModel, unsupported: frozenset[str], metadata: frozenset[str]) -> None:
        """Name the keys of `entry` that have no effect; a leading x disables a key and is silent (modbus.md 1)."""
        for key, value in (entry.model_extra or {}).items():
            if key in unsupported:
                # Switched off is what this version does anyway.
                self._unsupported[key] += value not in (False, None)
            elif key not in metadata and not key.startswith(("x", "X")):
                self._unknown[key] += 1

    def note_foreign(self, data: Iterable[str], known: frozenset[str]) -> None:
        """Name the keys of a whole file that are not `known`; a leading x disables a key and is silent."""
        self._unknown.update(key for key in data if key not in known and not key.startswith(("x", "X")))

    def warnings(self) -> list[Problem]:
        """Everything harmless, a few lines however long the file is."""
        found = list(self._notes)
        for reason, where in self._left_out.items():
            found.append(Problem(where[0], f"left out: {reason}{_times(len(where))}"))
        for title, keys in (("not honoured yet", self._unsupported), ("unknown keys ignored", self._unknown)):
            if keys := +keys:
                found.append(Problem("", f"{title}: {_listed(keys)}"))
        return found

    def refuse(self) -> NoReturn:
        """Give up on the file.

        Raises:
            ConfigurationError: with everything that was found.
        """
        raise ConfigurationError(self.source, self.problems)


def join(*parts: object) -> str:
    """Return a path inside a file: ``components.0.registers.1.map.7.size``."""
    return ".".join(text for part in parts if (text := str(part)))


def _times(count: int) -> str:
    return f" (and {count - 1} more)" if count > 1 else ""


def _listed(keys: Counter[str]) -> str:
    shown = [f"{key} ({count})" if count > 1 else key for key, count in keys.most_common(_SHOWN)]
    more = len(keys) - len(shown)
    return ", ".join(shown) + (f" and {more} other keys" if more > 0 else "")
