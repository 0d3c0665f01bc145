"""What the processes of a site answer on the bus, if they run."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from ess_bus.client import AsyncBus
from ess_bus.client.link import Timeouts
from ess_bus.errors import EssError
from tools.ess_site.output import OWN_NAME
from tools.ess_site.site_file import Site, SiteProcess

_TIMEOUTS: Final = Timeouts(connect=1.0)
_ANSWER_S: Final = 2.0


@dataclass(slots=True)
class Answers:
    """What was answered.

    Attributes:
        about: name of a process -> what it says of itself, for those that run; a broker's are its statistics.
        trouble: name of a process -> why it told nothing.
        details: name of a process -> URI -> what was answered there; ``None`` for no answer.
    """

    about: dict[str, dict[str, Any]] = field(default_factory=dict)
    trouble: dict[str, str] = field(default_factory=dict)
    details: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def pids(self) -> dict[str, int]:
        """Name -> process id of those that run."""
        return {name: about["pid"] for name, about in self.about.items() if isinstance(about.get("pid"), int)}


def ask(site: Site, uris: dict[str, list[str]]) -> Answers:
    """Ask every process whether it runs, and those that do for the URIs that are given by their names."""
    return asyncio.run(_ask(site, uris))


async def _ask(site: Site, uris: dict[str, list[str]]) -> Answers:
    answers = Answers()
    for endpoint in dict.fromkeys(process.endpoint for process in site.processes):
        processes = [process for process in site.processes if process.endpoint == endpoint]
        try:
            async with AsyncBus(endpoint, name=OWN_NAME, timeouts=_TIMEOUTS) as bus:
                await asyncio.gather(*(_ask_one(bus, process, uris, answers) for process in processes))
        except EssError as error:
            for process in processes:
                answers.trouble.setdefault(process.name, str(error))
    return answers


async def _ask_one(bus: AsyncBus, process: SiteProcess, uris: dict[str, list[str]], answers: Answers) -> None:
    try:
        about = await bus.get(process.sign_of_life, timeout_s=_ANSWER_S)
    except EssError as error:
        answers.trouble[process.name] = str(error)
        return
    if not isinstance(about, dict):
        answers.trouble[process.name] = f"{process.sign_of_life} answered something else than expected"
        return
    answers.about[process.name] = about
    found = answers.details[process.name] = {}
    for uri in (*uris.get(process.name, ()), *_more(process, about)):
        found[uri] = None
        with suppress(EssError):
            found[uri] = await bus.get(uri, timeout_s=_ANSWER_S)


def _more(process: SiteProcess, about: dict[str, Any]) -> list[str]:
    """Return what else to ask, at a prefix that only the process itself knows."""
    prefix = about.get("prefix")
    if not isinstance(prefix, str):
        return []
    return {"ess_controller": [f"{prefix}/naked"], "calculator": [f"/calculator{prefix}"]}.get(process.command, [])
