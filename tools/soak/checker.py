"""`Checker`: is what was published true or marked? It compares pubs with the records of the device. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from tools.awkward.records import Answer, Records
from tools.soak.findings import Findings
from tools.soak.site import Variable

CONNECTED: Final = "component_connected"
LIE: Final = "published, but not what the device said"
STALE: Final = "published for longer than it was true"
MISSING: Final = "neither published nor marked"
FALSE_LIFE: Final = "shown as connected, but silent"

# Ages are counted in steps of this many seconds.
_AGE_STEP_S: Final = 0.01


class Checker:
    """Judges every value of every pub.

    A value is *true* if a good answer of the device held it in this very register, at most `window_s` before the pub
    was received, and *marked* if it is null. All else is a finding, as is any value of a component that is shown as not
    connected.

    Attributes:
        pubs: component -> how many.
        connected: component -> whether it was shown as connected last.
        true, marked: how many values.
        seen: the variables that were true at least once.
        nulls: component -> the variables that were null in its last pub.
    """

    def __init__(
        self, variables: Iterable[Variable], records: Records, findings: Findings, *, window_s: float, dead: str
    ) -> None:
        self.pubs: Counter[str] = Counter()
        self.connected: dict[str, bool] = {}
        self.true = 0
        self.marked = 0
        self.seen: set[Variable] = set()
        self.nulls: dict[str, list[Variable]] = {}
        self._variables: dict[str, list[Variable]] = {}
        for variable in variables:
            self._variables.setdefault(variable.component, []).append(variable)
        self._records = records
        self._findings = findings
        self._window_s = window_s
        self._dead = dead
        self._ages: Counter[int] = Counter()

    @property
    def components(self) -> tuple[str, ...]:
        """The names of all components."""
        return tuple(self._variables)

    def take(self, component: str, body: Mapping[str, Any], now_s: float) -> None:
        """Judge a pub that was received at `now_s`, on the clock of the device."""
        self.pubs[component] += 1
        connected = body.get(CONNECTED)
        self.connected[component] = connected is True
        if not isinstance(connected, bool):
            self._findings.add(MISSING, f"/components/{component}/{CONNECTED}")
        elif connected and component == self._dead:
            self._findings.add(FALSE_LIFE, f"/components/{component}")
        nulls = []
        for variable in self._variables[component]:
            if variable.id not in body:
                self._findings.add(MISSING, variable.uri)
            elif (value := body[variable.id]) is None:
                self.marked += 1
                nulls.append(variable)
            elif connected is False:
                self._findings.add(LIE, f"{variable.uri}: {value!r} while {CONNECTED} is false")
            else:
                self._judge(variable, value, now_s)
        self.nulls[component] = nulls

    def ages_s(self, *percents: float) -> list[float]:
        """Return percentiles of how old true values were when their pub was received; 100 is the oldest one."""
        found = []
        for percent in percents:
            left = percent / 100 * self.true
            for step in sorted(self._ages):
                left -= self._ages[step]
                if left <= 0:
                    found.append((step + 1) * _AGE_STEP_S)
                    break
        return found

    def _judge(self, variable: Variable, value: Any, now_s: float) -> None:
        wrong: Answer | None = None
        for answer in self._records.answers(variable.unit, variable.table):
            words = answer.part(variable.offset, variable.size)
            if words is None or not _same(variable.value(words), value):
                continue
            if answer.is_good and now_s - answer.at_s <= self._window_s:
                self.true += 1
                self.seen.add(variable)
                self._ages[int((now_s - answer.at_s) / _AGE_STEP_S)] += 1
                return
            # The newest explains it best.
            wrong = wrong or answer
        self._accuse(variable, value, wrong, now_s)

    def _accuse(self, variable: Variable, value: Any, wrong: Answer | None, now_s: float) -> None:
        if wrong is None:
            self._findings.add(LIE, f"{variable.uri}: {value!r}, which the device never said")
        elif wrong.is_good:
            self._findings.add(
                STALE, f"{variable.uri}: {value!r}, which the device said {now_s - wrong.at_s:.2f} s ago"
            )
        else:
            self._findings.add(LIE, f"{variable.uri}: {value!r}, from an answer that was wrong ({wrong.misdeed})")


def _same(told: object, value: object) -> bool:
    # 1 == True in Python, but not in JSON.
    return told == value and isinstance(told, bool) is isinstance(value, bool)
