"""Alarm and fault lists: what is wrong with an asset, as people see it (engine.md 3.7, 6).

A list is a UI variable, ``/assets/<asset>/summary:alarms`` or ``:faults`` unless ``AlarmDestination`` or
``FaultDestination`` in ``/config/<asset>`` names another one. Its value is 1 while there are messages, its options are
the newest of them, the newest last::

    "alarms": {"value": 1, "options": [{"name": "[SOC] value [3] < min alarm threshold [5] ...", "return_value": 3}]}

How many older ones there are is its parameter ``dropped``: they still stand, and are shown again once there is room.
``AlarmCnt`` and ``FaultCnt`` in ``/status/<asset>`` count all that stand. A fault also asks for a shutdown,
``/status/<asset>:FaultShutdown``; that stays until somebody clears the faults.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from ess_bus.engine.severity import Severity
from ess_bus.reference import Reference
from ess_bus.uri import segments

# Functions use this, and the data map reads actions that name functions.
if TYPE_CHECKING:
    from ess_bus.engine.functions.registry import Engine
    from ess_bus.engine.variable import Variable

ListKind = Literal["alarms", "faults"]

# What user interfaces take (the original's MaxAlarmSize).
MAX_SHOWN: Final = 32
# Texts of one source that can stand at once; more would be a source that never clears what it raises.
MAX_OF_SOURCE: Final = 32
MAX_TEXT: Final = 300
SHUTDOWN: Final = "FaultShutdown"
_MEMORY: Final = "messages"


class Message(NamedTuple):
    """One message that stands.

    Attributes:
        asset: what it is about: ``bms``.
        source: who has raised it and will clear it.
        text: for people.
    """

    asset: str
    source: str
    text: str


# A message, and what is to be called when a person clears it.
Held = dict[Message, Callable[[], None] | None]


@dataclass(frozen=True, slots=True)
class _Style:
    title: str
    severity: Severity
    ui_type: str
    destination: str
    counter: str


_STYLES: Final[dict[ListKind, _Style]] = {
    "alarms": _Style("Alarms", Severity.ALARM, "alarm", "AlarmDestination", "AlarmCnt"),
    "faults": _Style("Faults", Severity.FAULT, "fault", "FaultDestination", "FaultCnt"),
}


def raise_message(
    engine: Engine,
    asset: str,
    kind: ListKind,
    source: str,
    text: str,
    cleared: Callable[[], None] | None = None,
) -> bool:
    """Put a message into a list, count it and tell people; a fault asks for a shutdown first.

    Args:
        engine: in which it happens.
        asset: what it is about.
        kind: ``alarms`` or ``faults``.
        source: who raises it: any text that is the same when it is cleared.
        text: what people read.
        cleared: called when a person clears it: what is still so must be raised again.

    Returns:
        Whether it is new: the same text of the same source is raised once.
    """
    message = Message(asset, source, text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 3] + "...")
    held: Held = _list(engine, asset, kind).memory[_MEMORY]
    if message in held:
        return False
    if kind == "faults":
        put(engine, Reference(f"/status/{asset}", SHUTDOWN), True)
    own = [one for one in held if one[:2] == (asset, source)]
    for one in own[: max(0, len(own) - MAX_OF_SOURCE + 1)]:
        del held[one]
    held[message] = cleared
    _show(engine, asset, kind)
    engine.event(asset, message.text, _STYLES[kind].severity)
    return True


def clear_messages(engine: Engine, asset: str, kind: ListKind, source: str, but: str | None = None) -> int:
    """Take the messages of a source out of a list, but for one text; return how many there were.

    The shutdown that a fault has asked for is not taken back: that is `end_shutdown`.
    """
    own = (one for one in _held(engine, asset, kind) if one[:2] == (asset, source))
    return len(_take(engine, asset, kind, [one for one in own if one.text != but]))


def clear_list(engine: Engine, asset: str, kind: ListKind) -> int:
    """Take all messages of an asset out of a list, as people do; return how many there were.

    A shutdown is taken back if no fault is raised again at once.
    """
    taken = _take(engine, asset, kind, messages(engine, asset, kind))
    # Also where there is nothing: the count is what people look at.
    _show(engine, asset, kind)
    for cleared in taken:
        if cleared is not None:
            cleared()
    if kind == "faults":
        end_shutdown(engine, asset)
    return len(taken)


def messages(engine: Engine, asset: str, kind: ListKind) -> list[Message]:
    """Return what stands of an asset, the oldest first."""
    return [one for one in _held(engine, asset, kind) if one.asset == asset]


def end_shutdown(engine: Engine, asset: str) -> bool:
    """Take back the shutdown of an asset if no fault of it stands; tell whether that is so."""
    if messages(engine, asset, "faults"):
        return False
    shutdown = engine.find(f"/status/{asset}", SHUTDOWN)
    if shutdown is not None and shutdown.value is not False:
        put(engine, Reference(f"/status/{asset}", SHUTDOWN), False)
    return True


def destination(engine: Engine, asset: str, kind: ListKind) -> Reference:
    """Return where the list of an asset is shown."""
    style = _STYLES[kind]
    configured = engine.find(f"/config/{asset}", style.destination)
    if configured is not None and configured.value:
        try:
            return Reference.parse(str(configured.value))._replace(parameter=None)
        except ValueError as error:
            engine.warn(f"{asset} {kind}", f"/config/{asset}:{style.destination}: {error}")
    table = f"/assets/{asset}/summary"
    if table not in engine.datamap.tables:
        # An instance is shown below its manager: /assets/bms/rack_1.
        tables = ((one, segments(one)) for one in engine.datamap.tables)
        nested = (one for one, parts in tables if parts[0] == "assets" and parts[2:] == (asset,))
        table = next(nested, table)
    return Reference(table, kind)


def _shown_at(engine: Engine, asset: str, kind: ListKind) -> Reference:
    """Return the same, or a place beside the status of the asset where no variable can be."""
    place = destination(engine, asset, kind)
    obstacle = None if engine.find(place.table, place.name) else engine.datamap.obstacle(place)
    if obstacle is None:
        return place
    engine.warn(f"{asset} {kind}", f"the {kind} of {asset} cannot be shown at {place}: {obstacle}")
    return Reference(f"/status/{asset}", kind)


def _held(engine: Engine, asset: str, kind: ListKind) -> Held:
    """Return the messages of the list of an asset, the oldest first; none if there is no list yet."""
    place = _shown_at(engine, asset, kind)
    variable = engine.find(place.table, place.name)
    held: Held = {} if variable is None else variable.memory.setdefault(_MEMORY, {})
    return held


def _list(engine: Engine, asset: str, kind: ListKind) -> Variable:
    """Return the list of an asset; make it as user interfaces need it if it is not there."""
    place = _shown_at(engine, asset, kind)
    variable = engine.find(place.table, place.name)
    if variable is None:
        variable = engine.datamap.create(place)
        variable.set(0)
        variable.parameters.update(_definition(kind))
    variable.memory.setdefault(_MEMORY, {})
    return variable


def _take(engine: Engine, asset: str, kind: ListKind, standing: Sequence[Message]) -> list[Callable[[], None] | None]:
    held = _held(engine, asset, kind)
    taken = [held.pop(message) for message in standing]
    if taken:
        _show(engine, asset, kind)
        text = f"cleared: {standing[0].text}" if len(standing) == 1 else f"{len(standing)} {kind} cleared"
        engine.event(asset, text, Severity.INFO)
    return taken


def _definition(kind: ListKind) -> dict[str, Any]:
    style = _STYLES[kind]
    return {
        "name": style.title,
        "unit": "",
        "scaler": 0,
        "enabled": True,
        "ui_type": style.ui_type,
        "type": "number",
        "options": [],
    }


def _show(engine: Engine, asset: str, kind: ListKind) -> None:
    style, variable = _STYLES[kind], _list(engine, asset, kind)
    _show_options(variable, style)
    engine.mark(variable)
    put(engine, _shown_at(engine, asset, kind), 1 if variable.memory[_MEMORY] else 0)
    put(engine, Reference(f"/status/{asset}", style.counter), len(messages(engine, asset, kind)))


def _show_options(variable: Variable, style: _Style) -> None:
    held = list(variable.memory[_MEMORY])
    variable.parameters["options"] = [
        {"name": message.text, "return_value": int(style.severity)} for message in held[-MAX_SHOWN:]
    ]
    if len(held) > MAX_SHOWN:
        variable.parameters["dropped"] = len(held) - MAX_SHOWN
    else:
        variable.parameters.pop("dropped", None)


def put(engine: Engine, place: Reference, value: Any) -> None:
    """Set a variable as far as it can be set; that one cannot take it must not keep the others from being set."""
    try:
        engine.put(place, value)
    except ValueError as error:
        engine.warn(f"{place} alarms", str(error))
