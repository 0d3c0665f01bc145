"""RunLinks, RunAllLinks, RunVLinks, RunAllVLinks, MakeLink: what the tables below /links and /vlinks ask for."""

from __future__ import annotations

from ess_bus.engine.functions.registry import Call, function


@function("RunLinks")
def run_links(call: Call) -> None:
    """Make the links of /links/<asset>."""
    call.engine.links.run(call.asset)


@function("RunAllLinks", "RunAllLinks2")
def run_all_links(call: Call) -> None:
    """Make the links of every asset."""
    call.engine.links.run()


@function("RunVLinks")
def run_vlinks(call: Call) -> None:
    """Let the variables of /vlinks/<asset> follow."""
    call.engine.links.run_values(call.asset)


@function("RunAllVLinks")
def run_all_vlinks(call: Call) -> None:
    """Let the variables of every table below /vlinks follow."""
    call.engine.links.run_values()


@function("MakeLink")
def make_link(call: Call) -> None:
    """Make the link of the asset whose name is the variable's value; to /status/<asset> where none is configured."""
    if isinstance(call.value, str):
        call.engine.links.resolve(call.asset, call.value)
