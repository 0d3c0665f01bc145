"""What the answers of a site's processes mean: which run, which values are old or not valid; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from tools.ess_site.doctor.alive import Answers
from tools.ess_site.doctor.finding import Finding, Verdict, note, ok, unknown, wrong
from tools.ess_site.site_file import Site, SiteProcess

_NAMED: Final = 5
# A value that was not read for so many of its periods is old, if it is also older than this.
_PERIODS: Final = 3
_OLD_S: Final = 2.0


def look(site: Site, answers: Answers) -> Iterator[Finding]:
    """Yield how each process is."""
    if not answers.about and not answers.silent:
        yield note("processes", "the site does not run", "ess_site up SITE.toml starts it")
        return
    for process in site.processes:
        about = answers.about.get(process.name)
        if about is None:
            yield _silent(process, answers)
            continue
        yield _broker(process, about) if process.is_broker else ok(process.name, f"runs, pid {about.get('pid')}")
        yield from _together(process, _details(process, answers.details.get(process.name, {})))


def _details(process: SiteProcess, details: Mapping[str, Any]) -> Iterator[Finding]:
    for uri, answer in details.items():
        try:
            yield from list(_detail(process, uri, answer))
        except (AttributeError, LookupError, TypeError, ValueError):
            # Whatever answers there is not what it should be; nothing of it is believed.
            text = f"{uri} answered something that a {process.command} does not"
            yield unknown(process.name, text, f"see what it is: fims_send -m get -u {uri}")


def _together(process: SiteProcess, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield one finding for all components of a device with which the same is wrong, others as they are."""
    alike: dict[Finding, list[Finding]] = {}
    for found in findings:
        key = found._replace(what="") if found.verdict is Verdict.WRONG else found
        alike.setdefault(key, []).append(found)
    for first, *others in alike.values():
        names = [one.what.removeprefix(f"{process.name}: ") for one in (first, *others)]
        yield first._replace(what=f"{process.name}: {_few(names)}") if others else first


def _silent(process: SiteProcess, answers: Answers) -> Finding:
    """Return what is the matter with a process that has told nothing: it hangs, cannot be asked, or is not there."""
    trouble = answers.trouble.get(process.name, "no answer")
    if process.name in answers.silent:
        pid = answers.silent[process.name]
        who, end = ("it", "end it") if pid is None else (f"pid {pid}", f"kill -KILL {pid}")
        advice = f"see its log; {end}, and ess_site up or systemd starts it anew (kill -CONT, if it was only stopped)"
        return wrong(process.name, f"hangs: {who} is there, and does not answer ({trouble})", advice)
    if process.name in answers.cut_off:
        broker = answers.cut_off[process.name]
        return unknown(process.name, f"cannot be asked: {trouble}", f"see {broker} first: it is the broker")
    advice = f"see why in its log, or start the site again; it should answer for {process.sign_of_life}"
    return wrong(process.name, f"does not run: {trouble}", advice)


def _broker(process: SiteProcess, stats: Mapping[str, Any]) -> Finding:
    text = f"runs, pid {stats.get('pid')}, {stats.get('clients')} clients, {stats.get('messages_per_s')} messages/s"
    dropped, waiting = stats.get("dropped", 0), stats.get("waiting", 0)
    if dropped:
        advice = "fims_send -m get -u /bus/clients shows which client does not keep up"
        return note(process.name, f"{text}; {dropped} messages were lost since its start", advice)
    if waiting:
        return note(process.name, f"{text}; {waiting} messages wait", "look again: a client may not keep up")
    return ok(process.name, text)


def _detail(process: SiteProcess, uri: str, answer: Any) -> Iterator[Finding]:
    if not isinstance(answer, dict):
        yield unknown(process.name, f"no answer from {uri}", "the process is busy, or hangs: see its log")
        return
    match process.command:
        case "modbus_client":
            yield _component(process, answer)
        case "modbus_server":
            yield _server(process, answer)
        case "ess_controller":
            yield _not_valid(
                process, "variables", [*_nulls("", answer)], "see where they come from: a device, a calculator"
            )
        case "calculator":
            reasons = [f"{name} ({one['reason']})" for name, one in answer.items() if one.get("reason")]
            yield _not_valid(process, "results", reasons, f"fims_send -m get -u {uri}/TABLE/NAME shows the operands")


def _component(process: SiteProcess, stats: Mapping[str, Any]) -> Finding:
    one, connection = stats.get("component", {}), stats.get("connection", {})
    what, age_s = f"{process.name}: {one.get('id')}", one.get("age_s")
    if not one.get("connected"):
        reason = one.get("failing") or f"{connection.get('address')} does not answer"
        advice = "check cable, power and address of the device; its values are null until it is read again"
        return wrong(what, f"not read: {reason}", advice)
    if age_s is not None and age_s > max(_OLD_S, _PERIODS * one.get("period_ms", 0) / 1000):
        return wrong(what, f"its values are {age_s:.1f} s old", "the device is slow: a longer period, or fewer points")
    if one.get("points_bad"):
        names = _few(one["points_bad"])
        return note(
            what, f"the device has no {names}", "correct the register map; modbus_client --probe shows what is there"
        )
    failed, polls = one.get("polls_failed", 0), one.get("polls", 0)
    return ok(what, f"read {age_s:.1f} s ago, {failed} of {polls} polls failed" if age_s is not None else "read")


def _server(process: SiteProcess, status: Mapping[str, Any]) -> Finding:
    masters, unknown_points = len(status.get("masters", [])), status.get("unknown_points", 0)
    text = f"{_count(status.get('points', 0), 'point')}, {_count(masters, 'master')}"
    if unknown_points:
        names = _few(status.get("unknown", []), unknown_points)
        advice = "masters get exception 4 for them: is their owner running, and does it have such names?"
        return note(process.name, f"{text}; not known: {unknown_points} ({names})", advice)
    return ok(process.name, text)


def _not_valid(process: SiteProcess, what: str, names: list[str], advice: str) -> Finding:
    if names:
        return note(process.name, f"{len(names)} {what} are not valid: {_few(names)}", advice)
    return ok(process.name, f"all {what} are valid")


def _nulls(where: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _nulls(name if name.startswith("/") else f"{where}/{name}", inner)
    elif value is None:
        yield where


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _few(names: list[Any], count: int | None = None) -> str:
    """Name the first ones; `count` is how many there are where `names` holds only some."""
    more = (len(names) if count is None else count) - _NAMED
    return ", ".join(map(str, names[:_NAMED])) + (f" and {more} more" if more > 0 else "")
