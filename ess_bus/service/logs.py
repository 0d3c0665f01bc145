"""The log of a process: lines of text or JSON on stderr, at a level that can be changed while it runs."""

from __future__ import annotations

import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import orjson

from ess_bus.message import Message

TEXT: Final = "text"
JSON: Final = "json"
FORMATS: Final = (TEXT, JSON)
LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
# Where a process answers for its log, below /processes/NAME; the broker below /bus.
LOG_LEVEL: Final = "log_level"
_LINE: Final = "%(levelname)s %(message)s"
# What every record has; whatever else one carries was given as `extra`.
_OWN: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One object a line: ``time``, ``level``, ``process``, ``logger``, ``message``, then whatever was given as `extra`.

    Attributes:
        process: the name of the process.
    """

    def __init__(self, process: str) -> None:
        super().__init__()
        self.process = process

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record; it never fails, for what cannot be said in JSON is said as text."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self.process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        # What was given as extra comes last, and takes the place of nothing.
        line |= {name: value for name, value in record.__dict__.items() if name not in _OWN and name not in line}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        try:
            return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        except TypeError:  # half of a surrogate pair, or an integer of more than 64 bits
            return orjson.dumps({name: ascii(value) for name, value in line.items()}).decode()


class Lines(logging.StreamHandler[TextIO]):
    """Writes each line whole: what a full disk has torn is ended first, and what it has swallowed is counted.

    The buffers of Python would run a torn line and the next one together, and say nothing of those between the two.
    """

    def __init__(self, stream: TextIO, descriptor: int) -> None:
        super().__init__(stream)
        self._descriptor = descriptor
        self._lost = 0
        self._reason = ""
        self._is_torn = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; it is lost and counted if it cannot be written."""
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - whatever it is, it must not end what wants to log
            self.handleError(record)
            return
        before = f"{self.terminator * self._is_torn}{self._told() if self._lost else ''}"
        try:
            self._write(f"{before}{text}{self.terminator}".encode(errors="backslashreplace"))
        except OSError as error:
            self._lost += 1
            self._reason = (error.strerror or str(error)).lower()
        else:
            self._lost = 0

    def _told(self) -> str:
        facts = {"name": __name__, "levelno": logging.WARNING, "levelname": "WARNING"}
        text = f"{self._lost} line{'s' * (self._lost != 1)} of this log could not be written: {self._reason}"
        return self.format(logging.makeLogRecord({**facts, "msg": text})) + self.terminator

    def _write(self, line: bytes) -> None:
        written = 0
        while written < len(line):
            written += os.write(self._descriptor, line[written:])
            self._is_torn = written < len(line)


def _handler() -> logging.StreamHandler[TextIO]:
    try:
        return Lines(sys.stderr, sys.stderr.fileno())
    except (AttributeError, OSError):  # closed by who started us, or no file
        return logging.StreamHandler(sys.stderr)


def start(level: str, style: str, process: str) -> None:
    """Begin to log to stderr.

    Args:
        level: a key of `LEVELS`.
        style: one of `FORMATS`.
        process: what JSON lines call this process.
    """
    handler = _handler()
    handler.setFormatter(JsonLines(process) if style == JSON else logging.Formatter(_LINE))
    logging.basicConfig(handlers=[handler], level=LEVELS[level])
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def call(process: str) -> None:
    """Let lines of JSON call this process so: its name may only be known when its configuration was read."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, JsonLines):
            handler.formatter.process = process


def answer(request: Message) -> str:
    """Answer a get or set of the log level with the one that is in force.

    Raises:
        ValueError: this cannot be done, or there is no such level.
    """
    root = logging.getLogger()
    if request.method == "set":
        level = _level(request)
        before, after = in_force(), LEVELS[level]
        root.setLevel(after)
        # Not less than a warning, so that it is seen at each level that tells warnings.
        if before != level:
            logging.getLogger(__name__).warning("the log level is %s now (set by %s)", level, request.process_name)
    elif request.method != "get":
        raise ValueError(f"{request.method} is not something a log level takes; expected get or set")
    return in_force()


def in_force() -> str:
    """Return the name of the level that counts now."""
    return logging.getLevelName(logging.getLogger().level).lower()


def _level(request: Message) -> str:
    try:
        wanted = request.json()
    except ValueError:  # `fims_send ... debug` is no JSON, and clear all the same
        wanted = (request.body or b"").decode(errors="replace")
    if isinstance(wanted, dict):
        wanted = wanted.get("value")
    level = wanted.strip().lower() if isinstance(wanted, str) else wanted
    if not isinstance(level, str) or level not in LEVELS:
        raise ValueError(f"no log level {str(wanted)[:40]!r}; expected {', '.join(LEVELS)}")
    return level
