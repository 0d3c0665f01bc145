"""UpdateSysTime, SendTime: the time and a heartbeat, for people and for devices (engine.md 3.6)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from ess_bus.engine import assets
from ess_bus.engine.functions.registry import Call, function
from ess_bus.engine.inputs import as_number, is_enabled, is_engine, own, put_if_changed, setting, usual
from ess_bus.engine.links import LINKS
from ess_bus.engine.orders.giving import DEVICES, give
from ess_bus.uri import is_under

_HEARTBEAT: Final = "Heartbeat"
# What a device may want to be told; the rest is for people.
_FIELDS: Final = ("Year", "Month", "Day", "Hour", "Min", "Sec")
_MAX_HEARTBEAT: Final = 60
_MEMORY: Final = "UpdateSysTime"


@function("UpdateSysTime", "UpdateSystemTime", takes_invalid=True)
def update_sys_time(call: Call) -> None:
    """Once a second set Year, Month, Day, Hour, Min, Sec, tNow, timeString and Heartbeat in /status/<asset>.

    For the engine: of itself, and of every manager that links one of them. What is linked to a device is sent to it
    where the options UpdateSysTimeSend (what has changed), SendAll (all of it) and SendHB (the heartbeat) say so.
    """
    if not is_enabled(call):
        return
    second = int(call.engine.now_s)
    memory: dict[str, Any] = call.variable.memory.setdefault(_MEMORY, {})
    if memory.get("second") == second:
        return
    memory["second"] = second
    for asset in _assets(call):
        _update(call._replace(asset=asset), memory.setdefault(f"of {asset}", {}))


@function("SendTime", takes_invalid=True)
def send_time(call: Call) -> None:
    """Send a set of the time, in seconds since 1970, to the variable's URI."""
    call.engine.send("set", call.place.table, {call.place.name: {"value": round(call.engine.now_s, 3)}})


def _assets(call: Call) -> list[str]:
    if not is_engine(call):
        return [call.asset]
    known = assets.managers(call.engine.datamap, call.engine.name)
    linked = [
        asset
        for asset in known
        if asset != call.asset
        and any(call.engine.find(f"{LINKS}/{asset}", name) is not None for name in (*_FIELDS, _HEARTBEAT))
    ]
    return [call.asset, *linked]


def _update(call: Call, sent: dict[str, Any]) -> None:
    time = datetime.fromtimestamp(call.engine.now_s, UTC)
    if setting(call, "LocalTime", False):
        time = time.astimezone()
    fields = dict(zip(_FIELDS, time.timetuple()[: len(_FIELDS)], strict=True))
    sends = {name: bool(setting(call, name, False)) for name in ("UpdateSysTimeSend", "SendAll", "SendHB")}
    for name, value in fields.items():
        wanted = sends["SendAll"] or (sends["UpdateSysTimeSend"] and sent.get(name) != value)
        if _tell(call, name, value, wanted):
            sent[name] = value
    _tell(call, "tNow", round(call.engine.now_s, 3), False)
    _tell(call, "timeString", time.strftime("%Y-%m-%d %H:%M:%S"), False)
    beat = sent[_HEARTBEAT] = _next_beat(call, sent.get(_HEARTBEAT))
    _tell(call, _HEARTBEAT, beat, sends["SendHB"])


def _tell(call: Call, name: str, value: Any, wanted: bool) -> bool:
    """Set a variable of the asset; what a device holds is sent to it where that is wanted. Tell whether it was."""
    place = usual(call.engine, "status", call.asset, name)
    if not is_under(own(call.engine, place).table, DEVICES):
        put_if_changed(call.engine, place, value)
        return False
    if wanted:
        give(call.engine, place, value)
    return wanted


def _next_beat(call: Call, last: int | None) -> int:
    place = usual(call.engine, "status", call.asset, _HEARTBEAT)
    variable = call.engine.find(place.table, place.name)
    given = None if variable is None else as_number(variable.parameters.get("MaxHeartbeat"))
    most = _MAX_HEARTBEAT if given is None else max(1, int(given))
    return 0 if last is None else (last + 1) % most
