"""What the row of the expressions evaluates: texts of real sites, each with operands and the result. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Value = float | int | bool | str


@dataclass(frozen=True, slots=True)
class Case:
    """One expression.

    Attributes:
        text: as it is configured.
        python: the same in Python's syntax, with a, b, c... for the operands.
        operands: their values.
        result: what must come out.
    """

    text: str
    python: str
    operands: tuple[Value, ...]
    result: Value

    @property
    def names(self) -> dict[str, Value]:
        """The operands by their names in `python`."""
        return dict(zip("abcdefghij", self.operands, strict=False))


CASES: Final = (
    Case("{1} * 1.05", "a * 1.05", (40,), 42.0),
    Case("{1} * 2 ** 16 + {2}", "a * 2 ** 16 + b", (3, 5), 196613),
    Case("{1} or {2}", "a or b", (False, True), True),
    Case("{1} and {2}", "a and b", (True, True), True),
    Case("{1} * -0.000007 + 1.0032", "a * -0.000007 + 1.0032", (0,), 1.0032),
    Case("not {1} and {2}", "(not a) and b", (False, True), True),
    Case("{1} == On-grid", "a == 'On-grid'", ("On-grid",), True),
    Case("sqrt(({1} ** 2 + {2} ** 2))", "sqrt((a ** 2 + b ** 2))", (3, 4), 5.0),
    Case(
        "{1} and {2} and ({3} == Off or {3} == Ready)",
        "a and b and (c == 'Off' or c == 'Ready')",
        (True, True, "Ready"),
        True,
    ),
    Case(
        "{1} and ({2} == Running or {2} == Ready or {2} == Starting)",
        "a and (b == 'Running' or b == 'Ready' or b == 'Starting')",
        (True, "Starting"),
        True,
    ),
    Case("{1} > 0", "a > 0", (-4,), False),
    Case("{2} - {1}", "b - a", (7, 9), 2),
    Case("{1} == 1", "a == 1", (1,), True),
    Case(
        "{1} * ({2} + {3} - {4}) * 0.001 * 1.0165 - 40.819",
        "a * (b + c - d) * 0.001 * 1.0165 - 40.819",
        (0, 1, 2, 3),
        -40.819,
    ),
    Case("if(({1} < -1000), ({2} + {3}), ({2} * 0.96))", "(b + c) if a < -1000 else (b * 0.96)", (0, 50, 5), 48.0),
    Case("if({1}, {2}, ({3} / {4}))", "b if a else (c / d)", (False, 1, 9, 2), 4.5),
    Case(
        "{1} and ({2} == Stop or {2} == Fault) and {3} == FollowPQ",
        "a and (b == 'Stop' or b == 'Fault') and c == 'FollowPQ'",
        (True, "Fault", "FollowPQ"),
        True,
    ),
    Case(
        "( {1} + {2} + {3} + {4} + {5} + {6} + {7} + {8} + {9} ) / {10}",
        "(a + b + c + d + e + f + g + h + i) / j",
        (1, 2, 3, 4, 5, 6, 7, 8, 9, 9),
        5.0,
    ),
    Case("{1} >= 2.5 and {1} <= 4", "a >= 2.5 and a <= 4", (3.1,), True),
    Case("{2} >= {1} and {1} >= (-1 * {2})", "b >= a and a >= (-1 * b)", (-20, 30), True),
)
