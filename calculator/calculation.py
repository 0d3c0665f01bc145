"""`Calculation`: one calculator, understood: what it sets, from what, how, and when."""

from __future__ import annotations

from dataclasses import dataclass

from calculator.operations import Number, Operation
from ess_bus.expression import Expression
from ess_bus.reference import Reference

# How often a calculator runs at most, where nothing says so (engine.md 1.5), in seconds.
DEFAULT_RATE_S = 0.1
# What counts on by itself does so this often at most, in seconds: the engine sees each of its results.
LEAST_PERIOD_S = 0.01
OWN = "its own value"


@dataclass(frozen=True, slots=True)
class Input:
    """One operand's value: an aggregated operand (``bms:FaultCnt``) is one for each asset.

    Attributes:
        name: ``variable2``, or `OWN`.
        place: where its value is; a parameter that is not there is the variable's value (engine.md 1.1).
    """

    name: str
    place: Reference

    def __str__(self) -> str:
        return f"{self.name} ({self.place})"


# A switch: fixed, or true or false somewhere.
Switch = bool | Reference
# Place -> the variable that it shows.
Aliases = dict[Reference, Reference]


@dataclass(frozen=True, slots=True)
class Calculation:
    """One calculator.

    Attributes:
        result: the variable that it sets.
        inputs: in the order of ``variable1..N``; before them its own value with ``includeCurrVal``.
        operation: what is calculated; ``None`` if `problem` says why it cannot be.
        scale: the result of an operation is divided by it; an expression says itself what it divides by (engine.md
            1.4).
        rate_s: it runs this often at most, in seconds.
        listed: which ``/schedule/wake_monitor`` table names it; empty if none does.
        switches: all must be on for it to run.
        problem: why it can never be calculated; empty if it can.
        is_senseless: the problem is an expression that says nothing: the original writes 0 then (engine.md 1.4).
    """

    result: Reference
    inputs: tuple[Input, ...] = ()
    operation: Operation | Expression | None = None
    scale: Number = 1
    rate_s: float = DEFAULT_RATE_S
    listed: str = ""
    switches: tuple[Switch, ...] = ()
    problem: str = ""
    is_senseless: bool = False

    @property
    def of_itself(self) -> bool:
        """Whether its result depends on the value that it has."""
        return any(one.name == OWN for one in self.inputs)

    @property
    def of_changes(self) -> bool:
        """Whether it works on changes of its operands."""
        return isinstance(self.operation, Operation) and self.operation.of_changes

    @property
    def periodic(self) -> bool:
        """Whether it runs without a change of its operands: a wake list runs what counts on from its own value."""
        return self.of_itself and bool(self.listed)

    @property
    def every_s(self) -> float:
        """How long after a run the next one comes at the earliest, in seconds."""
        return max(self.rate_s, LEAST_PERIOD_S) if self.periodic else self.rate_s

    @property
    def text(self) -> str:
        """What is calculated, as people write it: ``{1} * {2} / 1000``."""
        if self.operation is None:
            return ""
        if isinstance(self.operation, Expression):
            return self.operation.text
        places = [f"{{{number}}}" for number in range(1, len(self.inputs) + 1)]
        name = self.operation.name
        if self.operation.of_itself:
            text = f"sqrt({places[-1]})" if name == "sqrt" else places[-1]
        elif name.isalpha() and name not in ("and", "or"):
            text = f"{name}({', '.join(places)})"
        else:
            text = f" {name} ".join(places) or f"{name}()"
        if not self.operation.scaled or self.scale == 1 or self.scale <= 0:
            return text
        is_one = name in "*/" or len(places) == 1 or "(" in text
        return f"{text if is_one else f'({text})'} / {self.scale}"
