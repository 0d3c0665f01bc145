"""Naked and clothed values (fims.md A9): ``5`` and ``{"value": 5}`` mean the same to a reader."""

from __future__ import annotations

from typing import Any


def naked(value: Any) -> Any:
    """Return ``x`` for ``{"value": x, ...}`` and every other value as it is."""
    return value["value"] if isinstance(value, dict) and "value" in value else value


def one_name(path: tuple[str, ...]) -> str | None:
    """Return which variable of a component a get asks for: ``None`` for ``()``, which is all of them.

    Raises:
        LookupError: the path is deeper than variables are.
    """
    if len(path) > 1:
        raise LookupError(f"{'/'.join(path)}: expected at most one segment, the variable's name")
    return path[0] if path else None


def assignments(path: tuple[str, ...], body: Any) -> dict[str, Any]:
    """Return what a set or pub assigns: variable name -> naked value.

    Args:
        path: the URI's segments below the component; ``()`` for the component itself.
        body: the decoded body. ``/bms 5`` is wrong; ``/bms {"soc": 5}``, ``/bms {"soc": {"value": 5}}``,
            ``/bms/soc 5``, ``/bms/soc {"value": 5}`` and ``/bms/soc {"soc": 5}`` all assign 5 to ``soc``.

    Raises:
        ValueError: the body does not fit the path; the text says what was expected.
    """
    if len(path) > 1:
        raise ValueError(f"{'/'.join(path)}: expected at most one segment, the variable's name")
    if path:
        name = path[0]
        if isinstance(body, dict) and "value" not in body and set(body) != {name}:
            raise ValueError(f'{name}: expected a value or {{"value": ...}}, got an object without "value"')
        inner = body[name] if isinstance(body, dict) and "value" not in body else body
        return {name: naked(inner)}
    if not isinstance(body, dict) or not body:
        raise ValueError('expected an object such as {"variable": value}')
    return {name: naked(value) for name, value in body.items()}
