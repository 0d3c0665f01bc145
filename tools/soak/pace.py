"""`Pace`: does every component go on publishing? No I/O and no clock."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tools.soak.findings import Findings

ENDED: Final = "did not publish any more"


class Pace:
    """Watches the time between pubs.

    Attributes:
        longest_s: the longest time that a component was quiet.
    """

    def __init__(self, components: Iterable[str], findings: Findings, *, limit_s: float, now_s: float) -> None:
        """Begin to watch at `now_s`; being quiet for longer than `limit_s` is a finding."""
        self.longest_s = 0.0
        self._last_s = dict.fromkeys(components, now_s)
        self._findings = findings
        self._limit_s = limit_s
        self._accused: set[str] = set()

    def begin(self, now_s: float) -> None:
        """Begin anew: what was before does not count."""
        self.longest_s = 0.0
        self._last_s = dict.fromkeys(self._last_s, now_s)

    def heard(self, component: str, now_s: float) -> None:
        """Note a pub."""
        self.longest_s = max(self.longest_s, now_s - self._last_s[component])
        self._last_s[component] = now_s
        self._accused.discard(component)

    def look(self, now_s: float) -> None:
        """Find who is quiet."""
        for component, last_s in self._last_s.items():
            quiet_s = now_s - last_s
            self.longest_s = max(self.longest_s, quiet_s)
            if quiet_s > self._limit_s and component not in self._accused:
                self._accused.add(component)
                self._findings.add(ENDED, f"/components/{component}: quiet for {quiet_s:.1f} s")
