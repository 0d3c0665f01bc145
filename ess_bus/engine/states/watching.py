"""Looking on whether guards hold: false counts at once, not known only after a while."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ess_bus.engine.states.checks import Finding, World, look
from ess_bus.engine.states.model import Check, Guard
from ess_bus.engine.timing import NEVER


class Watch:
    """What one machine remembers of its guards.

    Attributes:
        due_s: when a value that is not known will count as a failure.
    """

    def __init__(self) -> None:
        self.due_s = NEVER
        self._unknown_since: dict[Check, float] = {}
        # What was found where a guard did not hold.
        self._wrong: dict[Check, str] = {}

    def broken(
        self, guards: Iterable[Guard], world: World, now_s: float, patience_s: float
    ) -> Iterator[tuple[Guard, Finding, bool]]:
        """Yield (guard, what was found, whether that is news) for those that do not hold.

        It is news as well if something else is found than before: a device that nobody has heard of has not got what
        it was told, and one that comes back as it was must be told again.

        Args:
            guards: those that count now.
            world: what they look at.
            now_s: the steady clock.
            patience_s: how long a value may be not known; `NEVER` if that is waited for.
        """
        before, self._unknown_since, self.due_s = self._unknown_since, {}, NEVER
        for guard in guards:
            check = guard.check
            finding = look(check, world)
            if finding.truth is True:
                if self._wrong:
                    self._wrong.pop(check, None)
                continue
            if finding.truth is None:
                since_s = self._unknown_since[check] = before.get(check, now_s)
                if since_s + patience_s > now_s:
                    self.due_s = min(self.due_s, since_s + patience_s)
                    continue
            is_news = self._wrong.get(check) != finding.found
            self._wrong[check] = finding.found
            yield guard, finding, is_news

    def forget(self) -> None:
        """Take everything that is wrong for news again."""
        self._wrong.clear()
