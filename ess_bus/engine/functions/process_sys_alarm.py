"""process_sys_alarm: what a device says is wrong, as a text of its own for each thing (engine.md 3.6).

Real configurations have one variable in ``/alarms/<asset>`` or ``/faults/<asset>`` for each alarm of a device, which an
``enum`` of a register sets to ``Normal`` or to what is wrong, and ``clear_alarms`` and ``clear_faults`` beside them.
"""

from __future__ import annotations

from typing import Any, Final

from ess_bus.engine.alarms import ListKind, clear_list, clear_messages, put, raise_message
from ess_bus.engine.functions.registry import Call, function
from ess_bus.engine.monitors.finding import written
from ess_bus.engine.monitors.settings import numbered
from ess_bus.engine.monitors.watching import arm, home
from ess_bus.reference import Reference
from ess_bus.uri import segments

CLEAR: Final = "Clear"
_NORMAL: Final = "Normal"
_TYPES: Final[dict[str, ListKind]] = {"alarm": "alarms", "fault": "faults"}
_NORMAL_TEXTS: Final[dict[ListKind, str]] = {"alarms": "NoAlarmMsg", "faults": "NoFaultMsg"}


@function("process_sys_alarm")
def process_sys_alarm(call: Call) -> None:
    """Raise the text of the variable as an alarm or fault, and clear it when it is normal; "Clear" clears a list."""
    kind = _kind(call)
    if call.place.name.startswith("clear") or call.parameter("numVars") is not None:
        if call.value == CLEAR:
            _clear(call, kind)
        return
    _process(call, kind)


def _kind(call: Call) -> ListKind:
    """Return the list by the parameter ``type``, else by the table.

    Raises:
        ValueError: neither says it.
    """
    given = call.parameter("type")
    if given in _TYPES:
        return _TYPES[given]
    root = segments(call.place.table)[0]
    if root in _NORMAL_TEXTS:
        return "alarms" if root == "alarms" else "faults"
    raise ValueError(f"type: expected alarm or fault, got {str(given)[:40]!r}")


def _process(call: Call, kind: ListKind) -> None:
    table, name = home(call)
    source, normal = f"{table}:{name}", _normal(call, kind)
    if _is_normal(call.value, normal):
        clear_messages(call.engine, call.asset, kind, source)
        return
    text = f"[{name}] {_text(call.value)}"

    def cleared() -> None:
        # If the device still says so, it says it again; what only ever says that something is wrong is done with.
        put(call.engine, Reference(table, name), normal)

    raise_message(call.engine, call.asset, kind, source, text, cleared)
    clear_messages(call.engine, call.asset, kind, source, but=text)


def _clear(call: Call, kind: ListKind) -> None:
    clear_list(call.engine, call.asset, kind)
    for name in numbered(call, "numVars", "variable"):
        place = Reference.parse(name) if str(name).startswith("/") else Reference(f"/status/{call.asset}", str(name))
        variable = call.engine.find(place.table, place.name)
        if variable is not None:
            arm(variable, kind)


def _normal(call: Call, kind: ListKind) -> str:
    """Return the text that says that nothing is wrong: ``NoFaultMsg`` or ``NoAlarmMsg`` of the asset."""
    key = _NORMAL_TEXTS[kind]
    given = call.parameter(key)
    if given is None:
        configured = call.engine.find(f"/config/{call.asset}", key)
        given = None if configured is None else configured.value
    return given if isinstance(given, str) else _NORMAL


def _is_normal(value: Any, normal: str) -> bool:
    """Tell whether nothing is wrong; flags and numbers say so as false and 0, bit fields as no bit at all."""
    return value in (normal, CLEAR, "") if isinstance(value, str) else not value


def _text(value: Any) -> str:
    if isinstance(value, list):
        # Several set bits of a bit field, as modbus_client publishes them.
        return ", ".join(str(one.get("string", one)) if isinstance(one, dict) else str(one) for one in value)
    return value if isinstance(value, str) else written(value)
