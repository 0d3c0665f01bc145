"""From a tree to a Python function that is right whenever it returns, and asks `explained` whenever anything is odd.

The function is compiled from a syntax tree that is built here node by node: nothing of the text gets into it but
numbers and texts, as constants, and all it can call are the functions of `_KNOWN`. Values are checked as late as that
is safe. NaN and infinity stay what they are under ``+ - *``, so one check of the result finds them: ``x - x`` is 0 for
every other number, and raises for texts, lists and ``None``. What is to be said then is `explained`'s business.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Sequence
from types import CodeType, FunctionType
from typing import Any, Final, cast

from ess_bus.expression import arithmetic, tree
from ess_bus.expression.arithmetic import Unsound
from ess_bus.expression.explained import Result
from ess_bus.expression.tree import Kind, Node, kind_of

Function = Callable[[Sequence[object]], Result]
# What a compiled function may raise.
ODD: Final = (TypeError, ValueError, ArithmeticError, LookupError)

# Python's compiler is recursive; deeper trees are evaluated without it.
_MOST_DEPTH: Final = 60
# Powers up to this one are computed in place.
_SMALL_POWER: Final = 8


def _refuse(_values: object = None) -> Any:
    raise Unsound


def _truth(value: Any) -> bool:
    return bool(arithmetic.finite(value) != 0)


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, str) is not isinstance(right, str):
        raise Unsound
    return bool(left == right)


_NAMES: Final = {
    "%": "remainder",
    "**": "power",
    "<<": "shifted_left",
    ">>": "shifted_right",
    "&": "bits_and",
    "^": "bits_xor",
    "|": "bits_or",
}
_KNOWN: Final[dict[str, Any]] = {
    "__builtins__": {},
    "odd": ODD,
    "refuse": _refuse,
    "truth": _truth,
    "same": _same,
    "str": str,
    "max": max,
    "min": min,
    "sqrt": math.sqrt,
    "complement": arithmetic.complement,
    **{name: arithmetic.BINARY[operator] for operator, name in _NAMES.items()},
}
_IN_PLACE: Final[dict[str, type[ast.operator]]] = {"+": ast.Add, "-": ast.Sub}
_SIGNS: Final[dict[str, type[ast.unaryop]]] = {"+": ast.UAdd, "-": ast.USub}
_COMPARE: Final[dict[str, type[ast.cmpop]]] = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
}


def compiled(root: Node, explain: Function) -> Function:
    """Return a function of the operands' values.

    Args:
        root: the expression.
        explain: called where the expression has no result, and perhaps where it has one: it knows, and is slower.
    """
    if _depth(root) > _MOST_DEPTH:
        return explain
    # One function that tries the expression, and behind the attempt asks: each call of another one would take as long
    # as the expression itself.
    arguments = ast.arguments(posonlyargs=[], args=[ast.arg("values")], kwonlyargs=[], kw_defaults=[], defaults=[])
    attempt = ast.Return(_Emitter().value(root))
    body: list[ast.stmt] = [
        ast.Try([attempt], [ast.ExceptHandler(_load("odd"), None, [ast.Pass()])], [], []),
        ast.Return(_call("explain", _load("values"))),
    ]
    function = ast.FunctionDef("evaluate", arguments, body, decorator_list=[])
    module = compile(ast.fix_missing_locations(ast.Module([function], [])), "<expression>", "exec")
    (code,) = (constant for constant in module.co_consts if isinstance(constant, CodeType))
    return cast(Function, FunctionType(code, {**_KNOWN, "explain": explain}))


def _depth(node: Node) -> int:
    """Return how deep the function's syntax tree becomes at most: chains lean to the left."""
    terms = tree.terms_of(node)
    leaning = len(terms) if isinstance(node, tree.Chain) else 1
    return leaning + max(map(_depth, terms), default=0)


class _Emitter:
    """Builds syntax; each method is named after what the user of the value needs it to be."""

    def __init__(self) -> None:
        self._names = 0

    def value(self, node: Node) -> ast.expr:
        """Build what gives the result: any value that is a sound one."""
        match node:
            case tree.Literal():
                return ast.Constant(node.value)
            case tree.Operand():
                name = self._name()
                is_text = ast.Compare(_class(_named(name, _operand(node))), [ast.Is()], [_load("str")])
                return _if(
                    ast.BoolOp(ast.Or(), [is_text, ast.UnaryOp(ast.Not(), _times_zero(_load(name)))]), _load(name)
                )
            case tree.Choice():
                return ast.IfExp(self.truth(node.condition), self.value(node.then), self.value(node.otherwise))
        return self.truth(node) if kind_of(node) is Kind.BOOL else self._bounded(self.loose(node))

    def finite(self, node: Node) -> ast.expr:
        """Build what gives a number that is one: ``(refuse() if (name := built) - name else name)``."""
        if isinstance(node, tree.Literal) and not isinstance(node.value, str):
            return ast.Constant(node.value)
        if kind_of(node) is Kind.BOOL:
            return self.truth(node)
        name = self._name()
        difference = ast.BinOp(_named(name, self.loose(node)), ast.Sub(), _load(name))
        return ast.IfExp(difference, _call("refuse"), _load(name))

    def certain(self, node: Node) -> ast.expr:
        """Build what gives a number, which may be NaN or infinite, or as large as integers become."""
        built = self.loose(node)
        # For anything but a number, unary plus raises.
        return ast.UnaryOp(ast.UAdd(), built) if isinstance(node, tree.Operand | tree.Choice) else built

    def loose(self, node: Node) -> ast.expr:
        """Build what gives a number as `certain` does, or else the bare value of an operand."""
        match node:
            case tree.Literal():
                return _call("refuse") if isinstance(node.value, str) else ast.Constant(node.value)
            case tree.Operand():
                return _operand(node)
            case tree.Unary() if node.operator in _SIGNS:
                return ast.UnaryOp(_SIGNS[node.operator](), self.loose(node.term))
            case tree.Unary(operator="~"):
                return _call("complement", self.loose(node.term))
            case tree.Chain():
                return self._chain(node)
            case tree.Power():
                return self._power(node)
            case tree.Choice():
                return ast.IfExp(self.truth(node.condition), self.loose(node.then), self.loose(node.otherwise))
            case tree.Call():
                return self._function(node)
        return self.truth(node)

    def truth(self, node: Node) -> ast.expr:
        """Build what gives true or false."""
        match node:
            case tree.Unary(operator="not"):
                return ast.UnaryOp(ast.Not(), self.truth(node.term))
            case tree.Logic():
                joined = ast.And() if node.operator == "and" else ast.Or()
                return ast.BoolOp(joined, [self.truth(term) for term in node.terms])
            case tree.Comparison():
                return self._comparison(node)
            case tree.Choice():
                return ast.IfExp(self.truth(node.condition), self.truth(node.then), self.truth(node.otherwise))
            case tree.Operand():
                # Nearly always a bool: (name is True or (name is not False and truth(name)))
                name = self._name()
                true = ast.Compare(_named(name, _operand(node)), [ast.Is()], [ast.Constant(True)])
                not_false = ast.Compare(_load(name), [ast.IsNot()], [ast.Constant(False)])
                rest = ast.BoolOp(ast.And(), [not_false, _call("truth", _load(name))])
                return ast.BoolOp(ast.Or(), [true, rest])
        return _call("truth", self.loose(node))

    def text(self, node: Node) -> ast.expr:
        """Build what gives a text."""
        match node:
            case tree.Literal(value=str()):
                return ast.Constant(node.value)
            case tree.Operand():
                name = self._name()
                is_text = ast.Compare(_class(_named(name, _operand(node))), [ast.Is()], [_load("str")])
                return _if(is_text, _load(name))
            case tree.Choice():
                return ast.IfExp(self.truth(node.condition), self.text(node.then), self.text(node.otherwise))
        return _call("refuse")

    def _chain(self, node: tree.Chain) -> ast.expr:
        # Of the operators, * alone gives a number and a text or a list to something that is none, and a huge one.
        total = self.certain(node.first)
        for step in node.steps:
            match step.operator:
                case "+" | "-":
                    total = ast.BinOp(total, _IN_PLACE[step.operator](), self.loose(step.term))
                case "*":
                    total = ast.BinOp(total, ast.Mult(), self.certain(step.term))
                case "/":
                    # Infinity must not become a 0 by being divided by.
                    total = ast.BinOp(total, ast.Div(), self.finite(step.term))
                case _:
                    total = _call(_NAMES[step.operator], total, self.loose(step.term))
        return total

    def _power(self, node: tree.Power) -> ast.expr:
        match node.base, node.exponent:
            case tree.Literal(value=int() | float() as base), tree.Literal(value=int() | float() as exponent):
                try:
                    return ast.Constant(arithmetic.power(base, exponent))
                except ArithmeticError:
                    return _call("refuse")
            case _, tree.Literal(value=int() as exponent) if 0 < exponent <= _SMALL_POWER:
                return self._bounded(ast.BinOp(self.loose(node.base), ast.Pow(), ast.Constant(exponent)))
        return _call("power", self.loose(node.base), self.loose(node.exponent))

    def _function(self, node: tree.Call) -> ast.expr:
        if node.function == "sqrt":
            return _call("sqrt", self.loose(node.arguments[0]))
        return ast.UnaryOp(ast.UAdd(), _call(node.function, *map(self.finite, node.arguments)))

    def _comparison(self, node: tree.Comparison) -> ast.expr:
        terms = tree.terms_of(node)
        kinds = {kind_of(term) for term in terms}
        if node.is_order or (kinds & {Kind.NUMBER, Kind.BOOL} and Kind.TEXT not in kinds):
            first, *others = map(self.finite, terms)
        elif kinds <= {Kind.TEXT, Kind.ANY} and Kind.TEXT in kinds:
            first, *others = map(self.text, terms)
        elif len(terms) == 2:
            equal = _call("same", *map(self.value, terms))
            return equal if node.steps[0].operator == "==" else ast.UnaryOp(ast.Not(), equal)
        else:
            return _call("refuse")
        return ast.Compare(first, [_COMPARE[step.operator]() for step in node.steps], others)

    def _bounded(self, built: ast.expr) -> ast.expr:
        """Build ``(refuse() if (name := built) * 0.0 else name)``."""
        name = self._name()
        return ast.IfExp(_times_zero(_named(name, built)), _call("refuse"), _load(name))

    def _name(self) -> str:
        self._names += 1
        return f"value{self._names}"


def _times_zero(built: ast.expr) -> ast.expr:
    """Build what is 0 for numbers; it raises for integers that no float can hold."""
    return ast.BinOp(built, ast.Mult(), ast.Constant(0.0))


def _if(condition: ast.expr, value: ast.expr) -> ast.expr:
    return ast.IfExp(condition, value, _call("refuse"))


def _class(built: ast.expr) -> ast.expr:
    return ast.Attribute(built, "__class__", ast.Load())


def _named(name: str, built: ast.expr) -> ast.expr:
    return ast.NamedExpr(ast.Name(name, ast.Store()), built)


def _operand(node: tree.Operand) -> ast.expr:
    return ast.Subscript(_load("values"), ast.Constant(node.number - 1), ast.Load())


def _call(name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(_load(name), list(arguments), [])


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())
