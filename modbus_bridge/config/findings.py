"""Collecting everything that is wrong or odd in one file, so that a person sees it all at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from ess_bus.configuration import problems_of
from ess_bus.errors import ConfigurationError, Problem
from modbus_bridge.config.keys import is_remark
from modbus_bridge.config.place import Place

Model = TypeVar("Model", bound=BaseModel)

# Real files carry hundreds of foreign keys; more names than this help nobody.
_SHOWN = 12


class Findings:
    """The problems and the warnings of one file.

    Attributes:
        strict: whether what is otherwise tolerated or left out makes the file unusable.
        problems: what makes the file unusable.
    """

    def __init__(self, source: object, *, strict: bool = False) -> None:
        self.source = source
        self.strict = strict
        self.problems: list[Problem] = []
        self._warnings: list[Problem] = []
        self._left_out: list[Problem] = []
        self._unknown: Counter[str] = Counter()
        self._ignored: Counter[str] = Counter()

    def problem(self, place: Place, message: str) -> None:
        """Note what makes the file unusable."""
        self.problems.append(Problem(place.path, place.says(message)))

    def warn(self, place: Place, message: str) -> None:
        """Note what is odd but harmless."""
        self._warnings.append(Problem(place.path, place.says(message)))

    def tolerate(self, place: Place, message: str, instead: str = "") -> None:
        """Note what is harmless here, and what is done `instead`; the original refuses it."""
        if self.strict:
            self.problem(place, message)
        else:
            self.warn(place, f"{message}{instead and ', '}{instead}")

    def strictly(self, place: Place, message: str) -> None:
        """Note what only the original refuses; nobody else needs to know."""
        if self.strict:
            self.problem(place, message)

    def leave_out(self, place: Place, reason: str) -> None:
        """Note an entry that is not used, because using it would give wrong values."""
        if self.strict:
            self.problem(place, reason)
        else:
            self._left_out.append(Problem(place.path, place.says(reason)))

    def nothing_left(self, place: Place) -> None:
        """Note that a file is unusable because all of it is left out; the reasons come first."""
        if not self.problems:
            self.problems = [*self._left_out, Problem(place.path, "nothing in it can be used")]
            self._left_out = []

    def disabled(self, place: Place) -> None:
        """Note an entry that somebody has switched off by writing ``xid``."""
        self.warn(place, "left out: its id is disabled")

    def validate(self, model: type[Model], data: Any, place: Place, *, needed: bool = False) -> Model | None:
        """Return `data` as a `model`, or note every field that is wrong and return ``None``.

        What is `needed` makes the whole file unusable if it is wrong; anything else is left out.
        """
        try:
            return model.model_validate(data)
        except ValidationError as error:
            for found in problems_of(error):
                (self.problem if needed else self.leave_out)(place.at(found.where), found.message)
            return None

    def note_keys(self, entry: BaseModel, ignored: frozenset[str], silent: frozenset[str]) -> None:
        """Name the keys of `entry` that have no effect."""
        for key, value in (entry.model_extra or {}).items():
            if key in ignored:
                # Switched off is what happens anyway.
                self._ignored[key] += value not in (False, None, 0, "")
            elif key not in silent and not is_remark(key):
                self._unknown[key] += 1

    def note_foreign(self, data: Iterable[str], known: Collection[str]) -> None:
        """Name the keys of a whole file that are not `known`."""
        self._unknown.update(key for key in data if key not in known and not is_remark(key))

    def warnings(self) -> list[Problem]:
        """Everything that does not make the file unusable."""
        found = self._warnings + [Problem(where, f"left out: {reason}") for where, reason in self._left_out]
        for title, keys in (("not honoured", self._ignored), ("unknown keys ignored", self._unknown)):
            if keys := +keys:
                found.append(Problem("", f"{title}: {_listed(keys)}"))
        return found

    def refuse_if_problems(self) -> None:
        """Give up on the file if something makes it unusable.

        Raises:
            ConfigurationError: with everything that was found.
        """
        if self.problems:
            self.refuse()

    def give_up(self, place: Place, message: str) -> NoReturn:
        """Refuse a file that is not read to its end; what was left out so far is of no interest then.

        Raises:
            ConfigurationError: with this problem and those before it.
        """
        self.problem(place, message)
        raise ConfigurationError(self.source, self.problems)

    def refuse(self) -> NoReturn:
        """Give up on the file.

        Raises:
            ConfigurationError: with everything that was found, also what would only be left out.
        """
        left_out = [Problem(where, f"left out: {reason}") for where, reason in self._left_out]
        raise ConfigurationError(self.source, self.problems + left_out)


def _listed(keys: Counter[str]) -> str:
    shown = [f"{key} ({count})" if count > 1 else key for key, count in keys.most_common(_SHOWN)]
    more = len(keys) - len(shown)
    return ", ".join(shown) + (f" and {more} other keys" if more > 0 else "")
