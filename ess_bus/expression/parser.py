"""From tokens to a tree: precedence climbing, bounded in every direction.

What can be known to fail is refused here: arithmetic with texts, a text compared with a number.
"""

from __future__ import annotations

from typing import Final

from ess_bus.expression import tree
from ess_bus.expression.errors import ParseError, UnknownOperand
from ess_bus.expression.tokens import RESERVED, Sort, Token, tokens
from ess_bus.expression.tree import Kind, Node, Step, kind_of

MAX_LENGTH: Final = 10_000
MAX_NODES: Final = 1_000
MAX_NESTING: Final = 100
# (at least, at most) so many arguments.
_ARGUMENTS: Final = {"if": (3, 3), "sqrt": (1, 1), "max": (2, MAX_NODES), "min": (2, MAX_NODES)}
_VALUE: Final = "expected a value"


def parse(text: str, operands: int | None = None) -> Node:
    """Return the tree of an expression.

    Args:
        text: the expression, of at most `MAX_LENGTH` characters, `MAX_NODES` values and operators, and `MAX_NESTING`
            levels.
        operands: how many operands there are; ``None`` if that is not known.

    Raises:
        ParseError: it is not one; the error says where and what was expected.
    """
    if len(text) > MAX_LENGTH:
        raise ParseError(f"{len(text)} characters; an expression has at most {MAX_LENGTH}", "", 1)
    return _Parser(text, operands).whole()


class _Parser:
    def __init__(self, text: str, operands: int | None) -> None:
        self._text = text
        self._operands = operands
        self._tokens = tokens(text)
        self._next = next(self._tokens)
        self._nodes = 0
        self._nesting = 0

    def whole(self) -> Node:
        node = self._expression(1)
        if self._next.sort is not Sort.END:
            self._fail("expected an operator or the end")
        return node

    def _expression(self, level: int) -> Node:
        """Parse operators of this level and of tighter ones."""
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            self._refuse(f"more than {MAX_NESTING} levels within each other", self._next.at)
        left = self._unary()
        while (found := self._level()) >= level:
            if found == tree.POWER_LEVEL:
                at = self._advance().at
                # Right-associative: 2 ** 3 ** 2 is 2 ** 9.
                left = self._numeric(tree.Power(left, self._expression(found), at), "**")
            else:
                left = self._joined(left, self._steps(found))
        self._nesting -= 1
        return left

    def _steps(self, level: int) -> tuple[Step, ...]:
        steps = []
        while self._level() == level:
            operator = self._advance()
            steps.append(Step(str(operator.value), self._expression(level + 1), operator.at))
        return tuple(steps)

    def _level(self) -> int:
        """Return the level of the operator that comes next, 0 if it is none."""
        return tree.LEVEL.get(str(self._next.value), 0) if self._next.sort is Sort.SYMBOL else 0

    def _joined(self, first: Node, steps: tuple[Step, ...]) -> Node:
        operator = steps[0].operator
        if operator in ("and", "or"):
            node: Node = tree.Logic(operator, (first, *(step.term for step in steps)))
            return self._numeric(node, operator, "true or false")
        if operator in ("==", "!="):
            return self._equality(tree.Comparison(first, steps))
        if operator in ("<", "<=", ">", ">="):
            return self._numeric(tree.Comparison(first, steps), operator)
        return self._numeric(tree.Chain(first, steps), operator)

    def _unary(self) -> Node:
        token = self._next
        if token.sort is not Sort.SYMBOL or token.value not in tree.UNARY:
            return self._primary()
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            self._refuse(f"more than {MAX_NESTING} levels within each other", token.at)
        self._advance()
        node = tree.Unary(str(token.value), self._unary(), token.at)
        self._nesting -= 1
        return self._numeric(node, node.operator, "true or false" if node.operator == "not" else "numbers")

    def _primary(self) -> Node:
        token = self._next
        match token.sort:
            case Sort.NUMBER | Sort.BOOL | Sort.TEXT:
                self._advance()
                if self._next.sort is Sort.SYMBOL and self._next.value == "(" and token.sort is Sort.TEXT:
                    functions = ", ".join(tree.FUNCTIONS)
                    self._refuse(f"there is no function {_short(str(token.value))}; there are {functions}", token.at)
                return tree.Literal(token.value, token.at)
            case Sort.OPERAND:
                self._advance()
                return self._operand(int(token.value), token.at)
            case Sort.FUNCTION:
                return self._call(self._advance())
        if token.sort is Sort.SYMBOL and token.value == "(":
            self._advance()
            node = self._expression(1)
            self._expect(")")
            return node
        return self._fail(_VALUE)

    def _operand(self, number: int, at: int) -> Node:
        if number < 1:
            self._refuse("operands are numbered from {1}", at)
        if self._operands is not None and number > self._operands:
            raise UnknownOperand(number, self._operands, self._text, at + 1)
        return tree.Operand(number, at)

    def _call(self, function: Token) -> Node:
        name = str(function.value)
        self._expect("(", after=name)
        arguments = [self._expression(1)]
        while self._next.sort is Sort.SYMBOL and self._next.value == ",":
            self._advance()
            arguments.append(self._expression(1))
        self._expect(")", "',' or ')'")
        least, most = _ARGUMENTS[name]
        if not least <= len(arguments) <= most:
            wanted = str(least) if least == most else f"at least {least}"
            self._refuse(f"{name} takes {wanted} values, not {len(arguments)}", function.at)
        if name == "if":
            self._check(arguments[0], "if", "true or false")
            return tree.Choice(arguments[0], arguments[1], arguments[2], function.at)
        return self._numeric(tree.Call(name, tuple(arguments), function.at), name)

    # -- what can never have a result ------------------------------------------------------------------------------

    def _numeric(self, node: Node, operator: str, wanted: str = "numbers") -> Node:
        for term in tree.terms_of(node):
            self._check(term, operator, wanted)
        return node

    def _check(self, term: Node, operator: str, wanted: str) -> None:
        if kind_of(term) is Kind.TEXT:
            shown = f"{_short(term.value)!r} is a text" if isinstance(term, tree.Literal) else "this is a text"
            self._refuse(f"{shown}, but {operator!r} takes {wanted} (operands are written {{1}})", term.at)

    def _equality(self, node: tree.Comparison) -> Node:
        terms = tree.terms_of(node)
        kinds = {kind_of(term) for term in terms} - {Kind.ANY}
        if Kind.TEXT in kinds and len(kinds) > 1:
            reason = "a text never equals a number or true or false"
            if isinstance(node.first, tree.Unary) and node.first.operator == "not":
                reason += "; 'not' is tighter than '==': write not (... == ...)"
            self._refuse(reason, node.steps[0].at)
        return node

    # -- tokens ----------------------------------------------------------------------------------------------------

    def _advance(self) -> Token:
        token = self._next
        self._nodes += token.sort is not Sort.SYMBOL or token.value not in ("(", ")", ",")
        if self._nodes > MAX_NODES:
            self._refuse(f"more than {MAX_NODES} values and operators", token.at)
        self._next = next(self._tokens)
        return token

    def _expect(self, symbol: str, wanted: str = "", after: str = "") -> None:
        if self._next.sort is not Sort.SYMBOL or self._next.value != symbol:
            self._fail(f"expected {wanted or repr(symbol)}" + (f" after {after}" if after else ""))
        self._advance()

    def _fail(self, expected: str) -> Node:
        token = self._next
        if token.sort is Sort.END:
            self._refuse(f"{expected}, but the text ends", token.at)
        written = self._text[token.at : token.end]
        hint = ""
        if token.sort is Sort.TEXT and expected != _VALUE:
            lower = written.lower()
            hint = f" (write {lower})" if lower in RESERVED else " (a text of several words needs quotes)"
        return self._refuse(f"{expected}, got {_short(written)!r}{hint}", token.at)

    def _refuse(self, reason: str, at: int) -> Node:
        raise ParseError(reason, self._text, at + 1)


def _short(text: object) -> str:
    shown = str(text)
    return shown if len(shown) <= 40 else shown[:37] + "..."
