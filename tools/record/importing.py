"""Makes a recording of a text that ``fims_listen`` has printed."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from ess_bus.uri import is_under
from tools.record.capture import Capture, CaptureError
from tools.record.entry import RecordingError, Run
from tools.record.recording import now_us
from tools.record.writer import Writer

log = logging.getLogger(__name__)

_BATCH: Final = 1000
# A line that is longer is no message of any bus.
_LONGEST: Final = 128 << 20


def import_capture(text: Path, path: Path, uris: tuple[str, ...], *, skip_bad: bool, packed: bool) -> int:
    """Write a new recording of a text, whole or not at all; return how many messages were skipped.

    Args:
        text: the file; ``-`` is the standard input.
        path: the recording, which must not exist.
        uris: messages to these and below are taken.
        skip_bad: pass over what cannot be understood.
        packed: whether bodies are packed.

    Raises:
        RecordingError: there is a file at `path`, or the text is not what fims_listen prints.
        OSError, sqlite3.Error: something cannot be read or written.
    """
    if path.exists():
        raise RecordingError(path, "is there already; choose another name")
    capture = Capture(skip_bad)
    count = 0
    with _opened(text) as lines, tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        made = Path(folder) / path.name
        entries = (one for one in capture.entries(lines) if any(is_under(one.message.uri, uri) for uri in uris))
        with Writer(made, Run(now_us(), str(text), uris), packed=packed) as writer:
            try:
                while batch := list(islice(entries, _BATCH)):
                    writer.append(batch)
                    count += len(batch)
            except CaptureError as error:
                raise RecordingError(text, f"{error} (--skip-bad passes over such)") from None
        _say(text, capture, count)
        # Not a rename: somebody may have made a file of that name meanwhile.
        os.link(made, path)
    log.info("%s: %d messages", path, count)
    return len(capture.skipped)


def _say(text: Path, capture: Capture, count: int) -> None:
    if not count and not capture.skipped:
        raise RecordingError(text, "no messages in it; expected what fims_listen prints")
    for line in capture.skipped:
        log.warning("%s: %s: skipped", text, line)
    if capture.unfinished is not None:
        log.warning("%s: line %d: the last message is not complete: left out", text, capture.unfinished)
    if capture.strays:
        log.warning("%s: %d lines that belong to no message", text, capture.strays)


@contextmanager
def _opened(text: Path) -> Iterator[Iterator[bytes]]:
    if str(text) == "-":
        yield _lines(sys.stdin.buffer, text)
        return
    with text.open("rb") as file:
        yield _lines(file, text)


def _lines(file: BinaryIO, text: Path) -> Iterator[bytes]:
    number = 0
    while line := file.readline(_LONGEST):
        number += 1
        if len(line) == _LONGEST:
            raise RecordingError(text, f"line {number}: longer than {_LONGEST} bytes")
        yield line
