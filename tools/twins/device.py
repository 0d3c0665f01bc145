"""`Device`: a component whose registers hold what they were last set to."""

from __future__ import annotations

from typing import Any

from ess_bus.hints import did_you_mean
from ess_bus.values import assignments, one_name


class Device:
    """A passive device: it behaves as its registers say and changes only when it is told to."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = dict(values)

    def get(self, path: tuple[str, ...]) -> Any:
        """Return all registers for ``()``, one for ``(register,)``.

        Raises:
            LookupError: there is no such register.
        """
        name = one_name(path)
        if name is None:
            return self.values
        self._require(name)
        return self.values[name]

    def set(self, path: tuple[str, ...], body: Any) -> None:
        """Set one register or several, all or none.

        Raises:
            LookupError: there is no such register.
            ValueError: the body does not fit the path, or a value is not of the register's type.
        """
        wanted = assignments(path, body)
        for name, value in wanted.items():
            self._require(name)
            require_type(name, self.values[name], value)
        self.values.update(wanted)

    def _require(self, name: str) -> None:
        if name not in self.values:
            raise LookupError(f"no register {name!r}{did_you_mean(name, self.values)}")


def require_type(name: str, held: Any, value: Any) -> None:
    """Check that a value is of the kind of what a register holds.

    Raises:
        ValueError: it is not.
    """
    for kind, word in ((bool, "true or false"), (int | float, "a number"), (str, "a text")):
        if isinstance(held, kind):
            if not isinstance(value, kind) or isinstance(value, bool) is not isinstance(held, bool):
                raise ValueError(f"{name}: expected {word}, got {str(value)[:40]!r}")
            return
