"""How fast expressions are evaluated, beside the evaluators that Python programs use for texts from outside."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Final

from ess_bus.expression import Expression
from tools.bench.expressions import CASES, Case, Value
from tools.bench.processes import Bench
from tools.bench.row import Figure, Row, Sample, Subject, at_least

# Evaluations in one sample of ours; the others do a tenth of it in about the same time.
_EVALUATIONS: Final = 1_000_000
_SLOWER: Final = 0.1
Evaluate = Callable[[], Value]


def _ours(case: Case) -> Evaluate:
    expression, operands = Expression.parse(case.text, len(case.operands)), list(case.operands)
    return partial(expression.evaluate, operands)


def _asteval(case: Case) -> Evaluate:
    from asteval import Interpreter

    interpreter = Interpreter(use_numpy=False)
    tree, names, table = interpreter.parse(case.python), case.names, interpreter.symtable

    def evaluate() -> Value:
        table.update(names)
        return interpreter.run(tree)  # type: ignore[no-any-return]

    return evaluate


def _simpleeval(case: Case) -> Evaluate:
    from math import sqrt

    from simpleeval import SimpleEval

    evaluator = SimpleEval(functions={"sqrt": sqrt})
    tree, names = evaluator.parse(case.python), case.names

    def evaluate() -> Value:
        evaluator.names = names
        return evaluator.eval(case.python, previously_parsed=tree)  # type: ignore[no-any-return]

    return evaluate


def _measured(prepare: Callable[[Case], Evaluate], share: float) -> Callable[[Bench], Sample]:
    def measure(bench: Bench) -> Sample:
        evaluations = [prepare(case) for case in CASES]
        right = [evaluate() == case.result for evaluate, case in zip(evaluations, CASES, strict=True)]
        rounds = max(1, bench.scale.count(int(_EVALUATIONS * share)) // len(CASES))
        began = time.perf_counter()
        for _ in range(rounds):
            for evaluate in evaluations:
                evaluate()
        seconds = time.perf_counter() - began
        return Sample({"rate": rounds * len(CASES) / seconds}, rounds * len(CASES), rounds * sum(right))

    return measure


def _peer(name: str, prepare: Callable[[Case], Evaluate]) -> Subject:
    missing = "" if find_spec(name) else f"the package {name}"
    return Subject(name, _measured(prepare, _SLOWER), missing)


ROWS: Final = (
    Row(
        name="expressions",
        title="expressions, evaluated",
        figures=(Figure("rate", "1/s"),),
        subjects=(
            Subject("ess_bus.expression", _measured(_ours, 1.0)),
            _peer("asteval", _asteval),
            _peer("simpleeval", _simpleeval),
        ),
        requirements=(at_least("rate", 10, "asteval"), at_least("rate", 10, "simpleeval")),
        note=f"{len(CASES)} expressions of real sites in turn, in one process and on one thread, all of them parsed "
        "before, operands given anew each time. *Lost* are wrong results.",
    ),
)
