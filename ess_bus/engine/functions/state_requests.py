"""LocalStartPCS, StartupPCS, SiteRunCmd and their like: requests to the state machines (engine.md 4.2, 4.4).

None of them has a sequence of its own. What becomes of a request is shown in the variable's parameters: ``result`` is 1
while it is under way, then 0 or -1, and ``reason`` says why. As a scheduled item it stops itself (``endTime``).
"""

from __future__ import annotations

from typing import Any, Final

from ess_bus.engine.functions.registry import Call, function
from ess_bus.engine.states.stepping import Ticket

_UNDER_WAY: Final = 1
_DONE: Final = 0
_FAILED: Final = -1
# The words of /site/ess:site_status_control_command and start_stop_standby_command.
_RUN: Final = {0: "stop", 1: "start", 2: "standby"}
# The words of bms_dc_contactor_control.
_CONTACTORS: Final = {2: "close_dc", 3: "open_dc"}
_CONTACTORS_ALONE: Final = {2: "close", 3: "open"}


@function("LocalStartPCS", "StartupPCS")
def start_pcs(call: Call) -> None:
    """Ask the PCS to start, as a person."""
    _local(call, "pcs", "start")


@function("LocalStopPCS", "ShutdownPCS")
def stop_pcs(call: Call) -> None:
    """Ask the PCS to stop, as a person."""
    _local(call, "pcs", "stop")


@function("LocalStandbyPCS")
def stand_by_pcs(call: Call) -> None:
    """Ask the PCS to go into standby, as a person."""
    _local(call, "pcs", "standby")


@function("LocalStartBMS", "StartupBMS")
def close_contactors(call: Call) -> None:
    """Ask the BMS to close its contactors, as a person."""
    _local(call, "bms", "close")


@function("LocalStopBMS", "ShutdownBMS")
def open_contactors(call: Call) -> None:
    """Ask the BMS to open its contactors, as a person."""
    _local(call, "bms", "open")


@function("SiteRunCmd", "SitePCSStatusControl")
def run_site(call: Call) -> None:
    """Ask the ESS to stop (0), to start (1) or to go into standby (2); other values ask for nothing."""
    _site(call, "ess", _RUN)


@function("SiteBMSContactorControl")
def control_contactors(call: Call) -> None:
    """Ask for the DC contactors to be closed (2) or opened (3); other values ask for nothing."""
    if any(machine.table.kind == "ess" for machine in call.engine.states.machines.values()):
        _site(call, "ess", _CONTACTORS)
    else:
        _site(call, "bms", _CONTACTORS_ALONE)


def _local(call: Call, kind: str, request: str) -> None:
    if call.value in (False, 0, ""):
        return
    _ask(call, kind, request, in_person=True)


def _site(call: Call, kind: str, words: dict[int, str]) -> None:
    request = None if isinstance(call.value, bool | str) else words.get(call.value)
    if request is not None:
        _ask(call, kind, request, in_person=False)


def _ask(call: Call, kind: str, request: str, in_person: bool) -> None:
    """Ask once; a scheduled item is called again and again while its request is under way."""
    memory, name = call.variable.memory, f"request {kind} {request}"
    under_way: Ticket | None = memory.get(name)
    if under_way is not None and not under_way.ended:
        return
    ticket = call.engine.states.ask(asset_for(call, kind), request, in_person)
    memory[name] = ticket
    call.keep(result=_UNDER_WAY, reason="")
    ticket.when_ended(lambda failure: _note(call, failure))


def _note(call: Call, failure: str) -> None:
    known: dict[str, Any] = {"result": _FAILED if failure else _DONE, "reason": failure}
    call.keep(**known, **({"endTime": 1} if call.place.table.startswith("/sched/") else {}))
    call.engine.mark(call.variable)


def asset_for(call: Call, kind: str) -> str:
    """Return the asset whose machine is meant: that of the call, or the only one of its kind.

    Raises:
        ValueError: there is none, or more than one.
    """
    machines = call.engine.states.machines
    if call.asset in machines and machines[call.asset].table.kind == kind:
        return call.asset
    found = [asset for asset, machine in machines.items() if machine.table.kind == kind]
    if len(found) != 1:
        there = f"there are {', '.join(found)}; say which one with amap" if found else "there is none"
        raise ValueError(f'expected a state machine of kind "{kind}" (/states/{call.asset}); {there}')
    return found[0]
