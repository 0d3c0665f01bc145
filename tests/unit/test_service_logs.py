"""Lines of JSON, and the level that can be changed while a process runs."""

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ess_bus.message import Message
from ess_bus.service import logs
from ess_bus.service.logs import JsonLines

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _level_as_before():
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.INFO)
    yield
    root.setLevel(before)


def line(message: str, *arguments: object, **extra: object) -> dict[str, Any]:
    record = logging.LogRecord("ess_bus.test", logging.WARNING, "x.py", 1, message, arguments, None)
    record.__dict__.update(extra)
    text = JsonLines("bms").format(record)
    assert "\n" not in text
    found: dict[str, Any] = json.loads(text)
    return found


class TestJsonLines:
    def test_a_line_has_time_level_process_and_message(self):
        found = line("%d of %s", 3, "x")
        assert found.pop("time").endswith("+00:00")
        assert found == {"level": "warning", "process": "bms", "logger": "ess_bus.test", "message": "3 of x"}

    def test_what_is_given_as_extra_is_told_and_takes_the_place_of_nothing(self):
        found = line("x", uri="/a", process="other", level="debug")
        assert (found["uri"], found["process"], found["level"]) == ("/a", "bms", "warning")

    @pytest.mark.parametrize("text", ["two\nlines", "\x00\x1b[31m", '"quoted"', "\N{SNOWMAN}"])
    def test_whatever_is_in_a_message_stays_on_one_line(self, text):
        assert line("%s", text)["message"] == text

    def test_what_json_cannot_say_is_said_as_text(self):
        assert "\\ud800" in str(line("%s", "\ud800")["message"])
        assert line("x", much=1 << 80)["much"] == str(1 << 80)
        assert line("x", odd=object)["odd"] == str(object)

    def test_an_exception_is_told(self):
        try:
            raise KeyError("gone")
        except KeyError as error:
            info = (KeyError, error, error.__traceback__)
        assert "KeyError: 'gone'" in str(line("failed", exc_info=info)["exception"])


def asked(method: str, body: bytes | None = None) -> str:
    return logs.answer(Message(method, "/processes/bms/log_level", body, "/me", "fims_send"))


class TestLevel:
    def test_a_get_tells_what_is_in_force(self):
        assert asked("get") == "info"

    @pytest.mark.parametrize("body", [b'"debug"', b"debug", b" DEBUG ", b'{"value": "Debug"}'])
    def test_a_set_is_answered_with_what_is_in_force_then(self, body):
        assert asked("set", body) == "debug"
        assert logging.getLogger().isEnabledFor(logging.DEBUG)

    @pytest.mark.parametrize("body", [b"loud", b"10", b"null", b"", None, b"[]", b"\xff", b'{"value": 1}', b'"notset"'])
    def test_what_is_no_level_changes_nothing(self, body):
        with pytest.raises(ValueError, match=r"no log level .*; expected debug, info, warning, error"):
            asked("set", body)
        assert asked("get") == "info"

    def test_other_methods_are_refused(self):
        with pytest.raises(ValueError, match="expected get or set"):
            asked("del")

    def test_who_changes_it_is_in_the_log_even_where_it_becomes_silent(self, caplog):
        asked("set", b"warning")
        assert "the log level is warning now (set by fims_send)" in caplog.text


# A limit on the size of files is a full disk that needs no disk.
FULL = """
import logging, os, resource, sys
from ess_bus.service import logs

logs.start("info", sys.argv[1], "p")
log = logging.getLogger("x")
log.info("before")
resource.setrlimit(resource.RLIMIT_FSIZE, (os.fstat(2).st_size + 10, resource.RLIM_INFINITY))
for number in range(50):
    log.info("during %d", number)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.info("after")
log.info("and so on")
"""


@pytest.mark.parametrize("style", logs.FORMATS)
def test_what_a_full_disk_swallows_is_counted_and_tears_no_other_line(style, tmp_path):
    with (tmp_path / "log").open("wb") as output:
        done = subprocess.run([sys.executable, "-c", FULL, style], stderr=output, cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 0
    before, torn, told, after, last = (tmp_path / "log").read_text().splitlines()
    assert len(torn) == 10
    expected = ("before", "50 lines of this log could not be written: file too large", "after", "and so on")
    for line, text in zip((before, told, after, last), expected, strict=True):
        assert (json.loads(line)["message"] if style == logs.JSON else line.partition(" ")[2]) == text
