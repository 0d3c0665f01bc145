"""How many messages a second: one to one, one to eight, eight to one, small and large."""

from __future__ import annotations

from typing import Final

from tools.bench.payload import LARGE, SMALL
from tools.bench.peers.base import System
from tools.bench.peers.redis import PLAIN_NAME
from tools.bench.processes import Bench
from tools.bench.row import LOSES_NOTHING, Figure, Requirement, Row, Sample, at_least
from tools.bench.rows.measuring import flood, subjects

_NOTE: Final = (
    "Publishers send one message a call as fast as their library takes them; subscribers take the message apart as "
    "far as their library does and count. The rate is that of all deliveries, from the first message sent to the "
    "last one received."
)
# About a second for ours; large messages are fewer.
_MESSAGES: Final = {SMALL: 300_000, LARGE: 60_000}
_WORDS: Final = {SMALL: "200 B", LARGE: "5 kB"}


def _row(publishers: int, subscribers: int, size: int, *required: Requirement, variants: tuple[str, ...] = ()) -> Row:
    count = _MESSAGES[size] // max(1, subscribers // 2)

    def measure(bench: Bench, system: System) -> Sample:
        return flood(bench, system, publishers=publishers, subscribers=subscribers, size=size, count=count)

    return Row(
        name=f"{publishers}-{subscribers}-{size}",
        title=f"{publishers} -> {subscribers}, {_WORDS[size]}",
        figures=(Figure("rate", "msg/s" if subscribers == 1 else "deliveries/s"),),
        subjects=subjects(measure, variants=variants),
        requirements=required,
        note=_NOTE,
    )


ROWS: Final = (
    _row(
        *(1, 1, SMALL),
        at_least("rate", 1.3, "nats"),
        at_least("rate", 8, "mosquitto"),
        at_least("rate", 0.3, "zmq proxy"),
        LOSES_NOTHING,
        variants=(PLAIN_NAME,),
    ),
    _row(1, 8, SMALL, at_least("rate", 1.2, "nats"), LOSES_NOTHING),
    _row(8, 1, SMALL),
    _row(1, 1, LARGE),
    _row(1, 8, LARGE),
    _row(8, 1, LARGE),
)
