"""What ``fims_record --info`` says about a recording."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ess_bus.message import Message
from tools.fims.statistics import table
from tools.record.entry import local
from tools.record.reader import Recording, Topic


def about(recording: Recording) -> Iterator[str]:
    """Yield the lines: what it is, the gaps, and a table of who sent what, how often."""
    topics, gaps, runs = recording.topics(), recording.gaps(), recording.runs()
    count, size = sum(one.count for one in topics), _size(recording.path)
    yield f"{recording.path}: {count} messages, {size} bytes"
    for run in runs:
        yield f"started {local(run.started_us)} on {run.source}: {', '.join(run.uris)}"
    span = recording.span()
    if span is not None:
        yield f"from    {local(span[0])}"
        yield f"to      {local(span[1])} ({(span[1] - span[0]) / 1e6:.1f} s)"
    yield f"gaps    {len(gaps) or 'none'}"
    for gap in gaps:
        yield f"  {gap}"
    if topics:
        yield ""
        yield from table([("MESSAGE", "COUNT", "RATE/S", "BYTES"), *_rows(topics)])


def _size(path: Path) -> int:
    # While it is being written, the last megabytes are in the file beside it.
    beside = path.with_name(f"{path.name}-wal")
    return path.stat().st_size + (beside.stat().st_size if beside.exists() else 0)


def _rows(topics: list[Topic]) -> Iterator[tuple[str, ...]]:
    same: dict[str, list[Topic]] = {}
    for topic in topics:
        same.setdefault(_what(topic.message), []).append(topic)
    for what, ones in sorted(same.items(), key=lambda one: one[1][0].message.uri):
        count = sum(one.count for one in ones)
        seconds = (max(one.end_us for one in ones) - min(one.start_us for one in ones)) / 1e6
        rate = f"{(count - 1) / seconds:.1f}" if seconds > 0 else "-"
        yield what, str(count), rate, str(sum(one.size for one in ones))


def _what(message: Message) -> str:
    by = f" by {message.process_name}" if message.process_name else ""
    return f"answers{by}" if message.is_reply else f"{message.method} {message.uri}{by}"
