"""What can be wrong with an expression, and where in its text.

::

    ExpressionError
     ├─ ParseError (ValueError)      the text is no expression; known before anything is calculated
     │   └─ UnknownOperand           it names an operand that there is not
     └─ EvaluationError              these values have no result
"""

from __future__ import annotations

from typing import Final

from ess_bus.errors import EssError

# So much of the text is shown to the left and to the right of the place.
_AROUND: Final = 30
_MORE: Final = "..."


class ExpressionError(EssError):
    """Base of the errors of expressions; its text is one line.

    Attributes:
        reason: what is wrong and what was expected.
        text: the expression.
        column: where in `text`, from 1.
    """

    def __init__(self, reason: str, text: str, column: int) -> None:
        super().__init__(f"{reason}, at column {column}")
        self.reason = reason
        self.text = text
        self.column = column

    @property
    def caret(self) -> str:
        """Return two lines: the text around the place, and a caret under it."""
        at = self.column - 1
        first = max(0, at - _AROUND)
        return f"{self.excerpt}\n{' ' * (len(_MORE) * (first > 0) + at - first)}^"

    @property
    def excerpt(self) -> str:
        """Return the text around the place, in one line."""
        at = self.column - 1
        first, last = max(0, at - _AROUND), at + _AROUND
        shown = "".join(_shown(character) for character in self.text[first:last])
        return f"{_MORE * (first > 0)}{shown}{_MORE * (len(self.text) > last)}"


class ParseError(ExpressionError, ValueError):
    """A text is not an expression."""


class UnknownOperand(ParseError):
    """An expression names an operand that its user does not have.

    Attributes:
        operand: its number.
    """

    def __init__(self, operand: int, operands: int, text: str, column: int) -> None:
        known = f"the operands are {{1}} to {{{operands}}}" if operands else "there are no operands"
        super().__init__(f"there is no operand {{{operand}}}: {known}", text, column)
        self.operand = operand


class EvaluationError(ExpressionError):
    """An expression has no result for these values.

    Attributes:
        operand: the number of the operand that is not usable; ``None`` if a calculation failed.
        fault: without the operand's name (``is not valid``), for those who know a better one; the reason otherwise.
    """

    def __init__(self, fault: str, text: str, column: int, operand: int | None = None) -> None:
        super().__init__(fault if operand is None else f"{{{operand}}} {fault}", text, column)
        self.operand = operand
        self.fault = fault


def _shown(character: str) -> str:
    return character if character.isprintable() else " "
