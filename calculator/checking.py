"""What ``calculator --check`` prints: every calculator of a configuration with its operands."""

from __future__ import annotations

from collections.abc import Iterator

from calculator.calculation import Calculation, Input
from calculator.configuration import CalculatorConfiguration
from calculator.explaining import when
from ess_bus.reference import Reference


def lines(configuration: CalculatorConfiguration) -> Iterator[str]:
    """Yield the lines: the calculators in alphabetical order, those of templates behind them."""
    found = configuration.found
    calculations = sorted(found.calculations, key=lambda one: one.result)
    for one in (*calculations, *found.templates):
        yield from _one(one, configuration)
    wrong = sum(bool(one.problem) for one in (*calculations, *found.templates))
    templates = f", {len(found.templates)} more in templates" if found.templates else ""
    plural = "" if len(calculations) == 1 else "s"
    yield f"{len(calculations)} calculator{plural}{templates}; {wrong} cannot be calculated"


def problems(configuration: CalculatorConfiguration) -> list[str]:
    """Return the calculators that cannot be calculated, and why."""
    found = configuration.found
    return [f"{one.result}: {one.problem}" for one in (*found.calculations, *found.templates) if one.problem]


def _one(one: Calculation, configuration: CalculatorConfiguration) -> Iterator[str]:
    if one.problem:
        yield f"{one.result}: {one.problem}"
        return
    yield f"{one.result} = {one.text}"
    width = max((len(str(input_.place)) for input_ in one.inputs), default=0)
    for number, input_ in enumerate(one.inputs, 1):
        yield f"    {f'{{{number}}}':5} {input_.place!s:{width}}  {input_.name}{_where(input_, configuration)}"
    for switch in one.switches:
        if isinstance(switch, Reference) and switch._replace(parameter=None) != one.result:
            yield f"    on if {switch}"
        elif switch is False:
            yield "    switched off by its schedule"
    yield f"    {when(one)}"


def _where(input_: Input, configuration: CalculatorConfiguration) -> str:
    place = input_.place._replace(parameter=None)
    end = configuration.found.aliases.get(place)
    definition = configuration.tables.get(place.table, {}).get(place.name)
    if end is not None:
        return f", link to {end}"
    if definition is None:
        return ", in no file"
    parameter = input_.place.parameter
    if parameter is not None and not (isinstance(definition, dict) and parameter in definition):
        return f", the value while it has no {parameter}"
    return ""
