"""SchedItemOpts: starts many scheduled items at once (engine.md 3.2, 3.5)."""

from __future__ import annotations

from typing import Any, Final

from ess_bus.engine.functions.registry import Call, function
from ess_bus.engine.functions.scheduling import place_of
from ess_bus.engine.schedule.schedule import Plan
from ess_bus.engine.target import Target

_PLAN: Final = frozenset({"every", "offset", "after", "for", "in"})
_MAX_OPTIONS: Final = 1000


@function("SchedItemOpts")
def sched_item_opts(call: Call) -> None:
    """Schedule what options (or new_options) list: uri, every, offset, after, for; through targav or targfunc."""
    new = call.parameter("new_options")
    options = new or call.parameter("options", [])
    if not isinstance(options, list) or len(options) > _MAX_OPTIONS:
        raise ValueError(f"options: expected a list of at most {_MAX_OPTIONS} objects")
    if new:
        known = call.parameter("options", [])
        names = {option.get("uri") for option in new if isinstance(option, dict)}
        kept = [old for old in known if not isinstance(old, dict) or old.get("uri") not in names]
        call.keep(options=[*kept, *new], new_options=[])
    for number, option in enumerate(options):
        try:
            _start(call, option)
        except (ValueError, LookupError) as error:
            # One that is wrong must not keep the others from running.
            call.engine.fail(f"{call.place} {number} {error}", f"{call.place}: options: {error}")


def _start(call: Call, option: Any) -> None:
    if not isinstance(option, dict):
        raise ValueError(f"expected an object, got {str(option)[:40]!r}")
    place = place_of(option.get("uri"))
    if option.get("enable") is False:
        if call.engine.schedule.is_active(place):
            call.engine.schedule.stop(place)
        return
    function_name = option.get("targfunc", call.parameter("targfunc"))
    if isinstance(function_name, str) and function_name:
        asset = option.get("aname", call.parameter("aname"))
        parameters = {"fcn": function_name, **({"amap": asset} if isinstance(asset, str) else {})}
        call.engine.schedule.start(place, Plan.read(option), parameters)
        return
    given = call.parameter("targav")
    if given is None:
        call.engine.schedule.start(place, Plan.read(option))
        return
    said = {name: value for name, value in option.items() if name == "uri" or name in _PLAN}
    call.engine.put(place_of(given), _value(call, option), said)


def _value(call: Call, option: dict[str, Any]) -> Any:
    """Return what ``targav`` is set to: ``targVar`` says where that is, ``targVal`` or the option's ``value`` what."""
    where = call.parameter("targVar")
    if isinstance(where, str) and where:
        return call.engine.read(Target.parse(where))
    return call.parameter("targVal", option.get("value", 0))
