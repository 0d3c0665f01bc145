"""Where something stands in a file: a path, and which copy of a template it was."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Place:
    """A path such as ``components.0.registers.1.map.7``, and in a template the id of the copy."""

    path: str = ""
    copy: str = ""

    def at(self, *parts: object) -> Place:
        """Return the place of something inside of it."""
        return replace(self, path=".".join(text for part in (self.path, *parts) if (text := str(part))))

    def of(self, copy: str) -> Place:
        """Return the same place for one copy of the template there."""
        return replace(self, copy=copy)

    def says(self, message: str) -> str:
        """Return `message` with the copy that it is about."""
        return f"{self.copy!r}: {message}" if self.copy else message
