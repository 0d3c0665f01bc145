"""References of a mapping, bound to the fields of models: ``bms_1/soc``, or ``soc`` of the input's component."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from ess_bus.expression import EvaluationError, Expression, ParseError
from ess_bus.hints import did_you_mean
from tools.twins.echo.mapping import Calculated, Scalar, Write
from tools.twins.models.fields import FieldSpec
from tools.twins.models.model import Model

Read = Callable[[], Any]


class BindingError(Exception):
    """A reference or an expression of a mapping is wrong; the text is for its author."""


@dataclass(frozen=True, slots=True)
class Target:
    """A field of a model.

    Attributes:
        read_of: what reads it, of the model: found once, for registers are read far more often than they are bound.
    """

    model: Model
    spec: FieldSpec
    read_of: Callable[[Model], Any] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "read_of", attrgetter(self.spec.attribute))

    def read(self) -> Any:
        """Return its value."""
        return self.read_of(self.model)


@dataclass(frozen=True, slots=True)
class Setting:
    """A field to set, to a constant or to what an expression of the written value says."""

    target: Target
    constant: Any
    expression: Expression | None = None
    operands: tuple[Target, ...] = ()

    def value(self, written: Any) -> Any:
        """Return what to set.

        Raises:
            ValueError: the expression has no result for what was written, or one that does not fit the field.
        """
        if self.expression is None:
            return self.constant
        try:
            result = self.expression.evaluate([written, *(operand.read() for operand in self.operands)])
        except EvaluationError as error:
            raise ValueError(error.reason) from None
        return self.target.spec.accepted(result)


@dataclass(frozen=True, slots=True)
class Effect:
    """What writing a register does, if the condition holds."""

    when: Expression | None
    settings: tuple[Setting, ...]

    def holds(self, written: Any) -> bool:
        """Tell whether it does something for this value.

        Raises:
            ValueError: the condition has no result for it.
        """
        if self.when is None:
            return True
        try:
            return self.when.condition([written])
        except EvaluationError as error:
            raise ValueError(error.reason) from None


class Binder:
    """Finds what the texts of a mapping mean among the models of a plant."""

    def __init__(self, models: Mapping[str, Model], component: str | None = None) -> None:
        self._models = models
        self._component = component
        # All models that were named: an output is silent with them.
        self.named: dict[str, Model] = {}

    def within(self, component: str) -> Binder:
        """Return a binder for the registers of one component, which may name its fields alone."""
        inner = Binder(self._models, component)
        inner.named = self.named
        inner.model(component)
        return inner

    def model(self, name: str) -> Model:
        """Return a model.

        Raises:
            BindingError: there is none of that name.
        """
        model = self._models.get(name)
        if model is None:
            raise BindingError(f"no component {name!r}{did_you_mean(name, self._models)}")
        self.named[name] = model
        return model

    def target(self, text: str) -> Target:
        """Return the field that a text names.

        Raises:
            BindingError: there is none.
        """
        component, slash, field = text.rpartition("/")
        if not slash:
            if self._component is None:
                raise BindingError(f"expected COMPONENT/FIELD, got {text!r}")
            component = self._component
        model = self.model(component)
        try:
            return Target(model, model.spec(field))
        except LookupError as error:
            raise BindingError(f"{component}: {error}") from None

    def targets(self, texts: Sequence[str]) -> tuple[Target, ...]:
        """Return the fields that texts name; errors as `target`."""
        return tuple(self.target(text) for text in texts)

    def settings(self, wanted: Mapping[str, Scalar | Calculated]) -> tuple[Setting, ...]:
        """Return what a mapping sets.

        Raises:
            BindingError: a field is unknown, a constant does not fit it, or an expression is wrong.
        """
        return tuple(self._setting(text, value) for text, value in wanted.items())

    def _setting(self, text: str, value: Scalar | Calculated) -> Setting:
        target = self.target(text)
        if isinstance(value, Calculated):
            expression = parsed(value.expression, 1 + len(value.fields))
            return Setting(target, None, expression, self.targets(value.fields))
        try:
            return Setting(target, target.spec.accepted(value))
        except ValueError as error:
            raise BindingError(str(error)) from None

    def effects(self, writes: Sequence[Write]) -> tuple[Effect, ...]:
        """Return what writing a register does; errors as `settings`."""
        return tuple(
            Effect(parsed(write.when, 1) if write.when is not None else None, self.settings(write.set))
            for write in writes
        )


def parsed(text: str, operands: int) -> Expression:
    """Return an expression.

    Raises:
        BindingError: it is none.
    """
    try:
        return Expression.parse(text, operands)
    except ParseError as error:
        raise BindingError(f"expression: {error}") from None
