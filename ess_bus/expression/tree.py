"""What a parsed expression is made of. All nodes have ``at``, their place in the text, from 0."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

# Operators from loose to tight (engine.md 1.4); unary ones are tighter than all of them.
LEVELS: Final = (
    ("or",),
    ("and",),
    ("|",),
    ("^",),
    ("&",),
    ("==", "!="),
    ("<", "<=", ">", ">="),
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "%"),
    ("**",),
)
LEVEL: Final = {operator: level for level, operators in enumerate(LEVELS, 1) for operator in operators}
POWER_LEVEL: Final = LEVEL["**"]
UNARY_LEVEL: Final = POWER_LEVEL + 1
UNARY: Final = ("not", "~", "-", "+")
FUNCTIONS: Final = ("if", "max", "min", "sqrt")


class Kind(StrEnum):
    """What is known of a value before there is one."""

    NUMBER = "number"
    BOOL = "bool"
    TEXT = "text"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, ``true``, ``false`` or a text."""

    value: float | int | bool | str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Operand:
    """``{1}``: the value of that number, from 1."""

    number: int
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """``not``, ``~``, ``-`` or ``+`` and what follows."""

    operator: str
    term: Node
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Step:
    """An operator and what is to the right of it; ``at`` is the operator's place."""

    operator: str
    term: Node
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Chain:
    """Arithmetic of one level, from left to right: ``1 - 2 + 3``. Flat, so that long sums are not deep."""

    first: Node
    steps: tuple[Step, ...]

    @property
    def at(self) -> int:
        """The place of the first term."""
        return self.first.at


@dataclass(frozen=True, slots=True)
class Power:
    """``base ** exponent``."""

    base: Node
    exponent: Node
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Comparisons of one level; ``1 < 2 <= 3`` means that both hold."""

    first: Node
    steps: tuple[Step, ...]

    @property
    def at(self) -> int:
        """The place of the first term."""
        return self.first.at

    @property
    def is_order(self) -> bool:
        """Whether it is one of ``< <= > >=``, and not of ``== !=``."""
        return self.steps[0].operator not in ("==", "!=")


@dataclass(frozen=True, slots=True)
class Logic:
    """Terms with ``and`` between all of them, or ``or``."""

    operator: str
    terms: tuple[Node, ...]

    @property
    def at(self) -> int:
        """The place of the first term."""
        return self.terms[0].at


@dataclass(frozen=True, slots=True)
class Choice:
    """``if(condition, then, otherwise)``."""

    condition: Node
    then: Node
    otherwise: Node
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """``max``, ``min`` or ``sqrt`` of numbers."""

    function: str
    arguments: tuple[Node, ...]
    at: int = field(default=0, compare=False)


Node = Literal | Operand | Unary | Chain | Power | Comparison | Logic | Choice | Call


def kind_of(node: Node) -> Kind:
    """Return what is known of a node's value."""
    match node:
        case Literal():
            return _of_value(node.value)
        case Operand():
            return Kind.ANY
        case Unary(operator="not") | Comparison() | Logic():
            return Kind.BOOL
        case Choice():
            then, otherwise = kind_of(node.then), kind_of(node.otherwise)
            return then if then is otherwise else Kind.ANY
    return Kind.NUMBER


def terms_of(node: Node) -> tuple[Node, ...]:
    """Return the nodes that a node is made of, from left to right."""
    match node:
        case Unary():
            return (node.term,)
        case Chain() | Comparison():
            return (node.first, *(step.term for step in node.steps))
        case Power():
            return (node.base, node.exponent)
        case Logic():
            return node.terms
        case Choice():
            return (node.condition, node.then, node.otherwise)
        case Call():
            return node.arguments
    return ()


def _of_value(value: float | bool | str) -> Kind:
    if isinstance(value, bool):
        return Kind.BOOL
    return Kind.TEXT if isinstance(value, str) else Kind.NUMBER
