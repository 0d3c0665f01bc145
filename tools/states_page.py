"""``python -m tools.states_page PAGE``: draw the tables of the state machines into a page.

A page is its own template: what stands between ``<!-- ess -->`` and ``<!-- end -->`` is replaced, and so for ``bms``
and ``pcs``; the rest is for people to write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from ess_bus.engine.states.ess_checks import KNOWN
from ess_bus.engine.states.model import Check, Follow, Guard, Of, Request, State, Step, Table
from ess_bus.engine.states.plan import TABLES

_EVERY = frozenset(State)
_BLOCK = re.compile(r"^<!-- (\w+) -->\n.*?^<!-- end -->$", re.MULTILINE | re.DOTALL)


def render(page: str) -> str:
    """Return a page with the tables as they are now."""
    return _BLOCK.sub(lambda found: f"<!-- {found[1]} -->\n{_section(TABLES[found[1]])}\n<!-- end -->", page)


def arrows(table: Table) -> Iterator[tuple[State, State, str]]:
    """Yield (from, to, why) of the changes of state that a table knows, without those to Fault of every state."""
    for request in table.requests:
        if request.during in (None, State.FAULT):
            if request.ends_in is not None and request.ends_in is not State.FAULT:
                others = _in_order(request.source - {request.ends_in})
                yield from ((source, request.ends_in, request.name) for source in others)
            continue
        during = request.during
        for source in _in_order(request.source - {during} - request.done_in):
            yield source, during, request.name
        if request.ends_in is not None:
            yield during, request.ends_in, "done"
    for follow in table.follows:
        if follow.source != _EVERY:
            yield from ((source, follow.to, follow.words) for source in _in_order(follow.source))


def _section(table: Table) -> str:
    parts = [
        _diagram(table),
        "Requests, the most urgent first:",
        _table(("request", "is asked for by", "in", "requires", "ends in"), map(_request, table.requests)),
        "Their steps:",
        _table(("request", "step", "is over when", "commands", "for at most", "if not"), _steps(table)),
        "What must go on holding (false counts at once, not valid after `stale_s`):",
        _table(("where", "what must hold", "otherwise"), _guards(table)),
        "What the devices decide, while nothing is asked for (the first that holds counts):",
        _table(("in", "if", "the state is"), map(_follow, table.follows)),
        f"Options of `/states/<{table.kind}>`:",
        _table(("option", "default", "is"), ((f"`{n}`", _shown(o.default), o.words) for n, o in table.options.items())),
        "What the configuration fills:",
        _table(("variable", "is"), ((f"`{place}`", words) for place, words in table.inputs.items())),
    ]
    return "\n\n".join(parts)


def _diagram(table: Table) -> str:
    labels: dict[tuple[str, str], list[str]] = {}
    for source, to, why in _drawn(table):
        told = labels.setdefault((source, to), [])
        if why and why not in told:
            told.append(why)
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> Init", '    state "from every state" as any']
    if not table.power:
        lines.append('    state "what the device reports" as device')
    for (source, to), reasons in labels.items():
        lines.append(f"    {source} --> {to}" + (f": {', '.join(reasons)}" if reasons else ""))
    return "\n".join([*lines, "```"])


def _drawn(table: Table) -> Iterator[tuple[str, str, str]]:
    """Yield the arrows with those in one that start from every state; where devices decide, by way of what they say."""
    if table.power:
        yield "any", State.FAULT, "trip, emergency"
        yield from ((source, to, why.replace("_", " ")) for source, to, why in arrows(table) if to is not State.FAULT)
        return
    for request in table.requests:
        if request.during is None and not request.done_in:
            continue  # it changes nothing by itself
        sources = ["any"] if request.source == _EVERY else _in_order(request.source)
        yield from ((source, request.during or "device", request.name.replace("_", " ")) for source in sources)
        if request.during is not None:
            yield request.during, "device", "done"
    yield from (("device", follow.to, "") for follow in table.follows)


def _request(request: Request) -> tuple[str, ...]:
    asked = [f"`{name}`" for name in (request.command, *request.held) if name]
    asked += [f"button `{name}`" for name in (request.button,) if name]
    required = [_words(request.requires)] if request.requires else []
    required += [f"by a person: {_words(request.in_person)}"] if request.in_person else []
    ends = str(request.ends_in or "what the devices report")
    if request.during is not None and request.during is not request.ends_in:
        ends = f"{request.during}, then {ends}"
    source = "every state" if request.source == _EVERY else ", ".join(_in_order(request.source))
    return f"**{request.name}**: {request.words}", ", ".join(asked) or "others", source, "; ".join(required), ends


def _steps(table: Table) -> Iterator[tuple[str, ...]]:
    for request in table.requests:
        for number, step in enumerate(request.steps, 1):
            yield _step(table, request, number, step)


def _step(table: Table, request: Request, number: int, step: Step) -> tuple[str, ...]:
    commands = [f"`{name}`" for name in step.commands] + [f"{ask.of}: {ask.request}" for ask in step.asks]
    limit = ""
    if step.timeout:
        limit = f"`{step.timeout}` ({_shown(table.options[step.timeout].default)} s)"
        limit += f", `{step.tries}` ({_shown(table.options[step.tries].default)})" if step.tries else ""
    words = step.words + (f" (only if {step.only_if.words})" if step.only_if else "")
    otherwise = "goes on" if step.goes_on else request.or_else or "it fails"
    return f"{request.name} {number}", words, _words(step.checks), "; ".join(commands), limit, otherwise


def _guards(table: Table) -> Iterator[tuple[str, ...]]:
    where: dict[Guard, list[str]] = {}
    for guard in table.always:
        where.setdefault(guard, []).append("everywhere")
    for state, guards in table.keeps.items():
        for guard in guards:
            where.setdefault(guard, []).append(str(state))
    for request in table.requests:
        for guard in request.keeps:
            where.setdefault(guard, []).append(f"*{request.name}*")
    for guard, places in where.items():
        words = _words((guard.check,))
        words += ", except in maintenance mode" if "maint_mode" in guard.check.expression else ""
        yield ", ".join(places), words, guard.request + ("" if guard.fault else " (alarm)")


def _follow(follow: Follow) -> tuple[str, ...]:
    source = "every state" if follow.source == _EVERY else ", ".join(_in_order(follow.source))
    return (
        source,
        _words(follow.checks) or "nothing of that",
        str(follow.to) + (f" ({follow.words})" if follow.words else ""),
    )


def _words(checks: tuple[Check, ...]) -> str:
    is_known = checks[: len(KNOWN)] == KNOWN
    words = [check.words + _whose(check) for check in (checks[len(KNOWN) :] if is_known else checks)]
    return "; ".join(["everything is known", *words] if is_known else words)


def _whose(check: Check) -> str:
    return "" if check.of in (Of.OWN, Of.ESS) else f" ({check.of})"


def _in_order(states: Iterable[State]) -> list[State]:
    known = set(states)
    return [state for state in State if state in known]


def _shown(value: float | bool | str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else f"{value:g}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)


@click.command()
@click.argument("page", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(page: Path) -> None:
    """Draw the tables of the state machines into PAGE."""
    page.write_text(render(page.read_text()))


if __name__ == "__main__":
    main()
