"""`Expression`: a text that was parsed once and is evaluated many times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial

from ess_bus.expression import tree
from ess_bus.expression.canonical import written
from ess_bus.expression.compiled import Function, compiled
from ess_bus.expression.errors import EvaluationError
from ess_bus.expression.explained import Explained, Result
from ess_bus.expression.parser import parse
from ess_bus.expression.tree import Kind, Node, kind_of


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression. ``str()`` is its canonical text: the same for all texts that mean the same tree.

    Attributes:
        text: as it was written; expressions with the same text are equal.
        operands: the numbers of the operands that it uses, in order.
        kind: what kind its results are, as far as the text says.
        evaluate: a function of the values of ``{1}``, ``{2}``, ...: numbers, bools, texts; ``None`` is a value that is
            not valid. It returns a number (finite), true or false, or a text, and raises `EvaluationError` where there
            is no right result; the error says why and where.
    """

    text: str
    operands: tuple[int, ...] = field(compare=False)
    kind: Kind = field(compare=False)
    evaluate: Function = field(compare=False, repr=False)
    _root: Node = field(compare=False, repr=False)

    # The components of a site say the same again and again, and nothing of an expression ever changes.
    @classmethod
    @lru_cache(maxsize=1024)
    def parse(cls, text: str, operands: int | None = None) -> Expression:
        """Return the expression of a text.

        Args:
            text: for instance ``{1} * ({2} + {3}) / 1000`` or ``{1} == On-grid and not {2}``.
            operands: how many operands there will be; ``None`` if that is not known.

        Raises:
            ParseError: it is not an expression; the error says where, and what was expected.
            UnknownOperand: it names an operand beyond `operands`.
        """
        root = parse(text, operands)
        evaluate = compiled(root, partial(_explained, text, root))
        return cls(text, tuple(sorted(set(_operands(root)))), kind_of(root), evaluate, root)

    def condition(self, values: Sequence[object]) -> bool:
        """Return the result of an expression that must be true or false.

        Raises:
            EvaluationError: it has no result, or one that is a number or a text.
        """
        result = self.evaluate(values)
        if result is True or result is False:
            return result
        kind = "a text" if isinstance(result, str) else "a number"
        raise EvaluationError(f"expected true or false, got {kind}", self.text, 1)

    def __str__(self) -> str:
        return written(self._root)


def _explained(text: str, root: Node, values: Sequence[object]) -> Result:
    return Explained(text, values).result(root)


def _operands(node: Node) -> Iterator[int]:
    if isinstance(node, tree.Operand):
        yield node.number
    for term in tree.terms_of(node):
        yield from _operands(term)
