"""`Ledger`: are the replies to sets true? It compares them with what reached the device. No I/O."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tools.awkward.records import Records, Written
from tools.soak.findings import Findings
from tools.soak.site import Variable

UNFOUNDED: Final = "confirmed, but not written"
DENIED: Final = "said to be refused, but written"
TWICE: Final = "set once, but written twice"
# What was under way when the reply was sent has arrived by then.
JUDGE_AFTER_S: Final = 3.0


class Reply(StrEnum):
    """What the bridge says of a set."""

    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Order:
    """A set and what was said of it.

    Attributes:
        variable: what was set.
        words: what its registers should hold.
        sent_s: when it was sent.
        replied_s: when it was answered, or given up.
        reply: the answer.
        reason: its text, if it is not `Reply.DONE`.
    """

    variable: Variable
    words: tuple[int, ...]
    sent_s: float
    replied_s: float
    reply: Reply
    reason: str = ""


class Ledger:
    """Judges sets once all of their effects are there.

    Attributes:
        replies: how many sets got which reply.
    """

    def __init__(self, records: Records, findings: Findings) -> None:
        self.replies: Counter[Reply] = Counter()
        self._records = records
        self._findings = findings
        self._open: deque[Order] = deque()

    def add(self, order: Order) -> None:
        """Note a set that was answered or given up."""
        self.replies[order.reply] += 1
        self._open.append(order)

    def judge(self, now_s: float) -> None:
        """Judge what is old enough."""
        while self._open and now_s - self._open[0].replied_s >= JUDGE_AFTER_S:
            self._judge(self._open.popleft())

    def _judge(self, order: Order) -> None:
        # A switch has two positions only: what comes after the reply may be of a later set.
        until_s = order.replied_s if order.variable.table.is_bits else float("inf")
        writes = self._records.writes(order.sent_s)
        times = sum(write.at_s <= until_s and _is_of(write, order) for write in writes)
        what = f"{order.variable.uri}: {list(order.words)}"
        if order.reply is Reply.DONE and not times:
            self._findings.add(UNFOUNDED, what)
        elif order.reply is Reply.FAILED and times:
            self._findings.add(DENIED, f"{what}: {order.reason}")
        if times > 1:
            self._findings.add(TWICE, what)


def _is_of(write: Written, order: Order) -> bool:
    variable = order.variable
    if (write.unit, write.table) != (variable.unit, variable.table):
        return False
    first = variable.offset - write.start
    return first >= 0 and write.words[first : first + variable.size] == order.words
