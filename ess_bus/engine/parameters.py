"""`Parameters`: everything of a variable but its value, which tells when something of it changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any


class Parameters(dict[str, Any]):
    """Name -> value. Actions, functions and sets all write here, so here is where a change is noticed.

    A list or object that is changed in place is not: whoever keeps one sets it again.

    Args:
        note: told the name of each parameter that is new, has another value, or is gone.
        given: what there is from the beginning; nobody is told of that.
    """

    __slots__ = ("_note",)

    def __init__(self, note: Callable[[str], None], given: Mapping[str, Any] | None = None) -> None:
        super().__init__(given or {})
        self._note = note

    def __setitem__(self, name: str, value: Any) -> None:
        held = self.get(name, self)
        if held is value:
            return
        if type(held) is not type(value) or held != value:
            self._note(name)
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        self._note(name)

    def update(  # type: ignore[override]  # the form with positional-only keys
        self, *others: Mapping[str, Any] | Iterable[tuple[str, Any]], **named: Any
    ) -> None:
        """Set several."""
        news = dict(*others, **named) if named or len(others) != 1 or not isinstance(others[0], dict) else others[0]
        for name, value in news.items():
            self[name] = value

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Return a parameter, and set it if it is not there."""
        if name not in self:
            self[name] = default
        return self[name]

    def pop(self, name: str, *default: Any) -> Any:
        """Remove a parameter and return its value."""
        is_there = name in self
        value = super().pop(name, *default)
        if is_there:
            self._note(name)
        return value
