"""What an engine tells Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ess_bus.engine.ages import Ages
from ess_bus.engine.engine import Engine
from ess_bus.service.measures import Kind, Measure, Sample, age, counter, gauge

_METHODS: Final = ("get", "set", "pub", "reply")
_TICKS: Final = {
    "ticks": "What was due and has begun: scheduled items, states, lists of functions",
    "late": "Ticks that began more than 10 ms late",
    "skipped": "Runs that were left out because they would have been too late",
    "failures": "Functions that did not come to their end",
    "turns": "Rounds of the engine in which something was done",
}


def measures(engine: Engine, handled: Mapping[str, int]) -> Iterator[Measure]:
    """Yield what can be counted of an engine at this moment.

    Args:
        engine: the engine.
        handled: method -> how many messages of it were handled; ``refused`` -> how many were answered with an error.
    """
    variables = {id(one): one for table in engine.datamap.tables.values() for one in table.values()}.values()
    yield gauge("ess_engine_tables", "Tables of the data map", len(engine.datamap.tables))
    yield gauge("ess_engine_variables", "Variables of the data map", len(variables))
    not_valid = sum(one.value is None for one in variables)
    yield gauge("ess_engine_variables_not_valid", "Variables whose value is not valid (null)", not_valid)
    yield counter("ess_engine_actions", "Actions that were carried out", engine.actions)
    rows = [Sample(handled.get(method, 0), {"method": method}) for method in _METHODS]
    yield Measure("ess_engine_messages", Kind.COUNTER, "Messages that the engine has handled", rows)
    yield counter("ess_engine_refused", "Messages that the engine has refused", handled.get("refused", 0))
    timings = engine.timings.shown()
    for name, text in _TICKS.items():
        yield counter(f"ess_engine_{name}", text, timings[name])
    for name, of, text in (("lateness", "ticks", "How late ticks began"), ("turn", "turns", "How long rounds took")):
        yield from _spread(name, text, timings[f"{name}_ms"], is_known=bool(timings[of]))


def of_ages(ages: Ages, devices: Iterable[str], now_s: float) -> Iterator[Measure]:
    """Yield how old the values are that others keep up to date.

    Args:
        ages: when these were heard.
        devices: those that the data map has tables of.
        now_s: the time.
    """
    old = {device: age(seconds) for device, seconds in ages.of_devices(devices, now_s).items()}
    rows = [Sample(seconds, {"device": device}) for device, seconds in old.items()]
    text = "Seconds since a device told values; infinite before the first time"
    yield Measure("ess_engine_device_age_seconds", Kind.GAUGE, text, rows)
    calculated_s = ages.of_calculator(now_s)
    text = "Seconds since the calculator set results or answered that it keeps them"
    yield gauge("ess_engine_calculator_age_seconds", text, calculated_s)
    known = [*old.values(), *(() if calculated_s is None else (calculated_s,))]
    text = "The age of the oldest value that a device or the calculator keeps up to date"
    yield gauge("ess_engine_oldest_value_seconds", text, max(known, default=None))


def _spread(name: str, text: str, spread: Mapping[str, float], *, is_known: bool) -> Iterator[Measure]:
    """Yield quantiles, and the longest of all; none of nothing, which would look like never late."""
    quantiles = (("p50", "0.5"), ("p99", "0.99")) if is_known else ()
    rows = [Sample(spread[key] / 1000, {"quantile": label}) for key, label in quantiles]
    yield Measure(f"ess_engine_{name}_seconds", Kind.GAUGE, f"{text}, of the latest 2048", rows)
    longest = spread["max"] / 1000 if is_known else None
    yield gauge(f"ess_engine_{name}_longest_seconds", f"{text}, the longest of all", longest)
