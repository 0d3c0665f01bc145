"""From a tree back to text: one spelling for all that mean the same."""

from __future__ import annotations

from ess_bus.expression import tree
from ess_bus.expression.tokens import is_plain_word
from ess_bus.expression.tree import Node


def written(node: Node) -> str:
    """Return the text of a tree: parsed again, it gives the same tree."""
    match node:
        case tree.Literal():
            return _literal(node.value)
        case tree.Operand():
            return f"{{{node.number}}}"
        case tree.Unary():
            space = " " if node.operator == "not" else ""
            return f"{node.operator}{space}{_within(node.term, tree.UNARY_LEVEL)}"
        case tree.Chain() | tree.Comparison():
            level = tree.LEVEL[node.steps[0].operator]
            steps = (f" {step.operator} {_within(step.term, level + 1)}" for step in node.steps)
            return _within(node.first, level + 1) + "".join(steps)
        case tree.Power():
            base, exponent = _within(node.base, tree.UNARY_LEVEL), _within(node.exponent, tree.POWER_LEVEL)
            return f"{base} ** {exponent}"
        case tree.Logic():
            level = tree.LEVEL[node.operator]
            return f" {node.operator} ".join(_within(term, level + 1) for term in node.terms)
        case tree.Choice():
            return f"if({', '.join(map(written, tree.terms_of(node)))})"
        case tree.Call():
            return f"{node.function}({', '.join(map(written, node.arguments))})"


def _within(node: Node, level: int) -> str:
    text = written(node)
    return text if _level(node) >= level else f"({text})"


def _level(node: Node) -> int:
    match node:
        case tree.Chain() | tree.Comparison():
            return tree.LEVEL[node.steps[0].operator]
        case tree.Logic():
            return tree.LEVEL[node.operator]
        case tree.Power():
            return tree.POWER_LEVEL
    return tree.UNARY_LEVEL


def _literal(value: float | bool | str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        quote = '"' if "'" in value else "'"
        return value if is_plain_word(value) else f"{quote}{value}{quote}"
    return repr(value)
