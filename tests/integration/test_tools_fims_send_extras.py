"""What `fims_send` can do beyond its original: `--timeout`, `--jq`, and how it completes command lines."""

import subprocess
import sys
import threading
import time

import pytest

from ess_bus.message import Message
from tests.integration.conftest import ROOT
from tests.integration.peers import Owner, received_nothing

SEND = "tools.fims_send"
BODY = b'{"soc": 50.0, "name": "bms \xc3\xbc", "cells": [3.10, 3.2]}'


@pytest.fixture
def broker(shared_broker):
    return shared_broker


@pytest.fixture
def owner(broker):
    bodies = {"/a": BODY, "/a/text": b"not JSON", "/a/bytes": b"\xff", "/a/none": b""}
    with Owner(broker, "/a", lambda message: bodies[message.uri]) as found:
        yield found


@pytest.mark.parametrize(
    ("extra", "printed"),
    [
        (["--jq", ".soc"], "50.0\n"),
        (["--jq", ".name"], '"bms ü"\n'),
        (["--jq", ".name", "--raw"], "bms ü\n"),
        (["--raw", "--jq", ".cells[], .name"], "3.10\n3.2\nbms ü\n"),
        (["--jq", "."], '{"soc":50.0,"name":"bms ü","cells":[3.10,3.2]}\n'),
        (["--jq", "empty"], ""),
        (["-r", "/me", "--jq", ".soc"], "50.0\n"),
    ],
)
def test_a_filter_is_printed_as_jq_prints(owner, send, extra, printed):
    assert send("-m", "get", "-u", "/a", *extra) == (0, printed, "")


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("/a/text", "not JSON: Invalid numeric literal at line 1, column 4"),
        ("/a/bytes", "not JSON: it is not UTF-8"),
        ("/a/none", "it has no body"),
    ],
)
def test_an_answer_that_is_not_json_is_one_line_and_status_4(owner, send, uri, reason):
    expected = f"fims_send: the answer is not what --jq expects: {reason}\n"
    assert send("-m", "get", "-u", uri, "--jq", ".soc") == (4, "", expected)


def test_what_a_filter_printed_before_it_failed_is_kept(owner, send):
    reason = 'Cannot index number with string ("x")'
    expected = f"fims_send: the answer is not what --jq expects: {reason}\n"
    assert send("-m", "get", "-u", "/a", "--jq", ".soc, .soc.x") == (4, "50.0\n", expected)


def test_a_bad_filter_is_one_line_and_nothing_is_sent(owner, send):
    status, out, err = send("-m", "set", "-u", "/a", "-r", "/me", "--jq", ".soc |", "5")
    assert (status, out) == (1, "")
    reason = "syntax error, unexpected end of file at line 1, column 6"
    assert err == f"fims_send: bad filter '.soc |': {reason}; see fims_send --help\n"
    assert received_nothing(owner, send)


@pytest.mark.parametrize("extra", [[], ["-r", "/me"]])
def test_who_gives_up_earlier_does_not_get_a_late_answer(broker, send, extra):
    over = threading.Event()

    def late(_message: Message) -> bytes:
        over.wait(4)  # less than fims_send waits by itself
        return b"1"

    with Owner(broker, "/late", late):
        assert send("-m", "get", "-u", "/late", "--timeout", "0.1", *extra) == (2, "", "Receive Timeout.\n")
        over.set()


def test_who_waits_longer_gets_a_late_answer(broker, send):
    def late(_message: Message) -> bytes:
        time.sleep(0.3)
        return b"1"

    with Owner(broker, "/late", late):
        assert send("-m", "get", "-u", "/late", "-r", "/me", "--timeout", "30") == (0, "1\n", "")


# What takes longer to import than the broker to answer, or is for those who ask for it.
NOT_FOR_EVERYBODY = {
    "asyncio",
    "click",
    "dataclasses",
    "jq",
    "orjson",
    "pydantic",
    "pymodbus",
    "tools.fims.completion",
    "zmq",
}
LOADED = """
import atexit, sys
sys.argv = ["fims_send", "-m", "get", "-u", "/a"]
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
import tools.launch
tools.launch.main()
"""


def test_it_imports_little(owner, environment, broker):
    result = subprocess.run(
        [sys.executable, "-c", LOADED],
        env={**environment, "ESS_BUS": broker},
        cwd=ROOT,
        capture_output=True,
        timeout=40,
        check=True,
    )
    assert result.stdout == BODY + b"\n"
    loaded = {*result.stderr.decode().split()}
    assert "ess_bus.transport.local" in loaded
    assert not loaded & NOT_FOR_EVERYBODY
