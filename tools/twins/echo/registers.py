"""The two kinds of registers: what is computed from fields, and what holds what was written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ess_bus.expression import EvaluationError, Expression
from tools.twins.device import require_type
from tools.twins.echo.binding import Effect, Setting, Target


@dataclass(slots=True)
class Computed:
    """A register that shows fields.

    Attributes:
        sources: the fields.
        expression: what is made of them; `None` shows the one field as it is.
        effects: what writing does.
        is_field: a write goes to the one field.
    """

    sources: tuple[Target, ...]
    expression: Expression | None = None
    effects: tuple[Effect, ...] = ()
    is_field: bool = False

    def value(self) -> Any:
        """Return what it shows; `None` if the expression has no result."""
        if self.expression is None:
            source = self.sources[0]
            return source.read_of(source.model)
        try:
            return self.expression.evaluate([source.read_of(source.model) for source in self.sources])
        except EvaluationError:
            return None

    def planned(self, name: str, written: Any) -> list[tuple[Target, Any]]:
        """Return what writing sets.

        Raises:
            ValueError: it cannot be written, or not with this value.
        """
        if self.is_field:
            target = self.sources[0]
            return [(target, target.spec.accepted(_as_kind(target.spec.kind, written)))]
        if not self.effects:
            raise ValueError(f"{name}: it is computed and cannot be written")
        return planned(name, self.effects, written)

    def store(self, written: Any) -> None:
        """Keep nothing: it shows what came of it."""


@dataclass(slots=True)
class Held:
    """A register that holds what was written."""

    held: Any
    effects: tuple[Effect, ...] = ()
    is_momentary: bool = False

    def value(self) -> Any:
        """Return what was written."""
        return self.held

    def planned(self, name: str, written: Any) -> list[tuple[Target, Any]]:
        """Return what writing sets.

        Raises:
            ValueError: it cannot be written with this value.
        """
        require_type(name, self.held, written)
        return planned(name, self.effects, written)

    def store(self, written: Any) -> None:
        """Keep what was written."""
        if not self.is_momentary:
            self.held = written


Register = Computed | Held


def planned(name: str, effects: tuple[Effect, ...], written: Any) -> list[tuple[Target, Any]]:
    """Return what the effects of writing a register set.

    Raises:
        ValueError: an expression has no result for what was written, or one that does not fit.
    """
    try:
        settings: list[Setting] = [one for effect in effects if effect.holds(written) for one in effect.settings]
        return [(setting.target, setting.value(written)) for setting in settings]
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def carry_out(plan: list[tuple[Target, Any]]) -> None:
    """Set fields."""
    for target, value in plan:
        target.model.write(target.spec.attribute, value)
    for model in {target.model for target, _ in plan}:
        model.changed()


def _as_kind(kind: str, written: Any) -> Any:
    """Return a register's 0 or 1 as true or false, where the field is one of those."""
    return bool(written) if kind == "bool" and type(written) is int and written in (0, 1) else written
