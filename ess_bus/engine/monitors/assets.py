"""The checks of an asset: its timestamp and its heartbeat must change, its status must be the one expected (3.6).

Each keeps ``<Title>State`` (Init, Ok, Alarm, Fault, Bypassed), ``<Title>OK`` and ``<Title>FaultCnt`` in
``/status/<asset>``. Its time-outs are ``ess<Title>AlarmTimeout`` and so on in ``/config/<asset>`` or ``/config/ess``,
and ``Bypass<Title>`` there or in ``/status/<asset>`` switches it off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from ess_bus.engine.alarms import SHUTDOWN, put
from ess_bus.engine.monitors.finding import Finding, written
from ess_bus.engine.monitors.monitor import Monitor, Watched
from ess_bus.engine.monitors.settings import ESS, AssetSettings, delays, timeout_s
from ess_bus.engine.monitors.still import Still, still
from ess_bus.engine.monitors.trip import Delays, Judgement, What
from ess_bus.engine.numbers import is_number
from ess_bus.reference import Reference

# The data map reads actions, and these name functions.
if TYPE_CHECKING:
    from ess_bus.engine.functions.registry import Call, Engine
    from ess_bus.engine.variable import Variable


@dataclass(frozen=True, slots=True)
class AssetCheck:
    """One check of assets.

    Attributes:
        function: as actions call it.
        title: ``Comms`` of ``CommsState``, ``CommsOK``, ``BypassComms``.
        watched: the variables of ``/status/<asset>`` that it may look at; the first that is there counts.
        setting: ``essComms`` of ``essCommsAlarmTimeout``.
        patience: the time-outs where none are configured.
        recovery: what the time-out is called that ends it.
        hold_s: how long a value may stand still and counts as changing; ``None``: until there is an alarm.
        expected: the variable that says what the value should be; without it, it must change.
        state, ok, bypass: what its variables are called: ``CommsState``, ``CommsOK``, ``BypassComms``.
        timeouts: what its time-outs are called, and the one of `hold_s`.
    """

    function: str
    title: str
    watched: tuple[str, ...]
    setting: str
    patience: Delays
    recovery: str = "Reset"
    hold_s: float | None = None
    expected: str | None = None
    # These follow from the others, and are asked for each time.
    state: str = field(init=False)
    ok: str = field(init=False)
    bypass: str = field(init=False)
    timeouts: tuple[str, str, str] = field(init=False)
    hold: str = field(init=False)

    def __post_init__(self) -> None:
        title, setting = self.title, self.setting
        object.__setattr__(self, "state", f"{title}State")
        object.__setattr__(self, "ok", f"{title}OK")
        object.__setattr__(self, "bypass", f"Bypass{title}")
        recovery = f"{setting}{self.recovery}Timeout"
        object.__setattr__(self, "timeouts", (f"{setting}AlarmTimeout", f"{setting}FaultTimeout", recovery))
        object.__setattr__(self, "hold", f"{setting}HoldTimeout")


COMMS: Final = AssetCheck("CheckAmComms", "Comms", ("Timestamp",), "essComms", Delays(0.5, 5, 2.5), "Recover")
TIMESTAMP: Final = replace(COMMS, function="CheckAmTimestamp", title="Timestamp")
HEARTBEAT: Final = AssetCheck(
    "CheckAmHeartbeat", "Heartbeat", ("HeartbeatRead",), "essHeartbeat", Delays(2.5, 6, 2.5), hold_s=1.5
)
_STATUS: Final = Delays(2.5, 10, 2.5)
PCS_STATUS: Final = AssetCheck(
    "CheckAmPcsStatus", "Status", ("PCSStatus", "PCSStatusResp"), "essStatus", _STATUS, expected="ExpStatus"
)
BMS_STATUS: Final = AssetCheck("CheckAmBmsStatus", "Status", ("BMSStatus",), "essStatus", _STATUS, expected="ExpStatus")


def check_asset(call: Call, check: AssetCheck) -> None:
    """Make a check of the asset of a call, and keep what it says."""
    engine, table = call.engine, f"/status/{call.asset}"
    for name in check.watched:
        variable = engine.find(table, name)
        if variable is not None:
            break
    else:
        text = f"{check.function}: there is no {table}:{check.watched[0]}, nothing is checked"
        engine.warn(f"{table} {check.function}", text)
        return
    state = engine.find(table, check.state) or engine.datamap.create(Reference(table, check.state))
    monitor: Monitor | None = state.memory.get(check.function)
    if monitor is None:
        monitor = state.memory[check.function] = Monitor()
        _watch_settings(engine, call.asset, check, monitor)
    if monitor.settings is None:
        monitor.settings = _settings(engine, call.asset, check)
    settings = monitor.settings
    if settings.is_bypassed:
        monitor.forget()
        _keep(engine, table, check, "Bypassed", ok=True)
        return
    finding = _finding(engine, call.asset, check, settings, monitor, variable)
    watched = monitor.watched
    if watched is None or watched.name != name:
        watched = Watched(engine, call.asset, name, f"{check.function} {table}", state, _again(call, check))
    happened = monitor.look(watched, [finding])
    if happened:
        _count_faults(engine, table, check, [what for _, what in happened])
    _tell(engine, table, check, monitor, finding)


def _again(call: Call, check: AssetCheck) -> Callable[[], None]:
    return lambda: check_asset(call, check)


def _settings(engine: Engine, asset: str, check: AssetCheck) -> AssetSettings:
    bypasses = (engine.find(place.table, place.name) for place in _bypasses(asset, check))
    is_bypassed = any(one is not None and one.value == 1 for one in bypasses)
    hold_s = None if check.hold_s is None else timeout_s(engine, asset, check.hold, check.hold_s)
    return AssetSettings(is_bypassed, delays(engine, asset, check.timeouts, check.patience), hold_s)


def _watch_settings(engine: Engine, asset: str, check: AssetCheck, monitor: Monitor) -> None:
    """Let the settings be read again once one of them is another one: they change far less often than values."""

    def forget() -> None:
        monitor.settings = None

    for place in _bypasses(asset, check):
        engine.watch(place, forget)
    for name in (*check.timeouts, check.hold):
        for owner in (asset, ESS):
            engine.watch(Reference(f"/config/{owner}", name), forget)


def _bypasses(asset: str, check: AssetCheck) -> Iterator[Reference]:
    """Yield the variables each of which switches a check off."""
    for table in (f"/config/{asset}", f"/status/{asset}", f"/config/{ESS}"):
        yield Reference(table, check.bypass)


def _finding(
    engine: Engine, asset: str, check: AssetCheck, settings: AssetSettings, monitor: Monitor, variable: Variable
) -> Finding:
    if check.expected is not None:
        wanted = engine.find(f"/status/{asset}", check.expected)
        return _status(variable.value, None if wanted is None else wanted.value, settings.patience)
    if monitor.still is None:
        monitor.still = Still(variable.value, engine.steady_s)
    monitor.still.look(engine.steady_s, variable.value)
    return still(engine.steady_s, monitor.still, settings.patience, with_fault=True, hold_s=settings.hold_s, names=None)


def _status(value: Any, wanted: Any, patience: Delays) -> Finding:
    """Return the finding that a status is not the one expected; where nothing is expected, everything is well."""

    def describe(judgement: Judgement, _severity: str) -> str:
        return f"value [{written(judgement.shown)}] is not [{written(wanted)}]"

    bad = False if wanted in (None, "") else None if value is None else value != wanted
    judgement = Judgement(bad, bad, bad is False, value)
    return Finding("status", None, judgement, patience, patience, describe, with_fault=True)


def _tell(engine: Engine, table: str, check: AssetCheck, monitor: Monitor, finding: Finding) -> None:
    trips = monitor.trips.values()
    if any(trip.seen_fault for trip in trips):
        _keep(engine, table, check, "Fault", ok=False)
    elif any(trip.seen_alarm for trip in trips):
        _keep(engine, table, check, "Alarm", ok=False)
    elif finding.judgement.known and (monitor.still is None or monitor.still.has_changed):
        _keep(engine, table, check, "Ok", ok=True)
    elif engine.find(table, check.ok) is None:
        _keep(engine, table, check, "Init", ok=False)


def _keep(engine: Engine, table: str, check: AssetCheck, state: str, *, ok: bool) -> None:
    for name, value in ((check.state, state), (check.ok, ok)):
        known = engine.find(table, name)
        if known is None or known.value != value:
            put(engine, Reference(table, name), value)


def _count_faults(engine: Engine, table: str, check: AssetCheck, happened: list[What]) -> None:
    """Count a new fault, and ask for a shutdown of everything: nobody knows what the asset does."""
    if What.FAULT not in happened:
        return
    place = Reference(table, f"{check.title}FaultCnt")
    known = engine.find(table, place.name)
    count = known.value if known is not None and is_number(known.value) else 0
    put(engine, place, count + 1)
    put(engine, Reference(f"/status/{ESS}", SHUTDOWN), True)
