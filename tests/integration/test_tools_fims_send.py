"""`fims_send` as people and scripts type it, against a real broker."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ess_bus.client import Bus
from ess_bus.message import Message
from tests.integration.conftest import ROOT, eventually
from tests.integration.peers import Owner

SEND = "tools.fims_send"


def answer(message: Message) -> bytes | None:
    if message.uri.endswith("/bad"):
        raise ValueError("Invalid URI")
    return message.method.encode() if message.body is None else message.body


@pytest.fixture
def broker(shared_broker):
    return shared_broker


@pytest.fixture
def owner(broker):
    with Owner(broker, "/a", answer) as found:
        yield found


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        ("-m get -u /a", "get\n"),
        ("-m get -u /a -r /me", "get\n"),
        ("-mget -u/a -r/$$", "get\n"),
        ("-m set -u /a -r /me 5", "5\n"),
        ("5 -mset -u /a -r /me", "5\n"),
        ("-m set -u /a -r /me -- -250", "-250\n"),
        ("-m post -u /a -r /me x", "x\n"),
        ("-m del -u /a -r /me", "del\n"),
        ("-m set -u /a 5", ""),
        ("-m post -u /a 5", ""),
        ("-m pub -u /a 5", ""),
        ("-m pub -u /nobody 5", ""),
    ],
)
def test_the_answer_and_nothing_else_is_printed(owner, send, arguments, printed):
    assert send(*arguments.split()) == (0, printed, "")


def test_a_body_is_sent_and_printed_byte_for_byte(owner, environment, broker, folder):
    body = b"\xff\xfe\n{}\t\x80"
    (folder / "body").write_bytes(body)
    command = [sys.executable, "-m", SEND, "-m", "set", "-u", "/a", "-r", "/me"]
    variables = {**environment, "ESS_BUS": broker}
    for extra, stdin in ([body], b""), (["-f", str(folder / "body")], b""), (["-f", "-"], body):
        result = subprocess.run(
            [*command, *extra], input=stdin, env=variables, cwd=ROOT, capture_output=True, timeout=40, check=False
        )
        assert (result.returncode, result.stdout, result.stderr) == (0, body + b"\n", b"")


def test_user_and_process_travel_with_it(owner, send):
    assert send("-m", "set", "-u", "/a", "-n", "operator", "5")[0] == 0
    assert send("-m", "set", "-u", "/a", "-n", "\udcff", "5")[0] == 0
    eventually(lambda: len(owner.received) == 2)
    assert [(message.process_name, message.username) for message in owner.received] == [
        ("fims_send", "operator"),
        ("fims_send", "\ufffd"),
    ]


def test_an_answer_without_a_body_is_null_in_brackets(broker, send):
    with Owner(broker, "/empty", lambda _message: b""):
        assert send("-m", "get", "-u", "/empty") == (0, "(null)\n", "")


@pytest.mark.parametrize(
    ("method", "extra"), [("get", []), ("get", ["-r", "/me"]), ("set", []), ("set", ["-r", "/me"]), ("del", [])]
)
def test_a_uri_that_nobody_has_is_status_3(send, method, extra):
    expected = f"fims_send: no one is listening on /nobody ({method} not delivered)\n"
    assert send("-m", method, "-u", "/nobody", *extra, "1") == (3, "", expected)


@pytest.mark.parametrize("extra", [[], ["-r", "/me"]])
def test_a_refusal_is_status_3_and_gives_the_owners_reason(owner, send, extra):
    status, out, err = send("-m", "get", "-u", "/a/bad", *extra)
    assert (status, out) == (3, "")
    assert err.startswith("fims_send: ")
    assert err.endswith("Invalid URI\n")
    assert err.count("\n") == 1


def test_no_answer_is_receive_timeout_and_status_2(broker, send):
    with Bus(broker, name="mute") as mute:
        mute.subscribe("/a")
        assert send("-m", "set", "-u", "/a", "-r", "/me", "1") == (2, "", "Receive Timeout.\n")


def test_without_a_broker_it_is_one_line_and_status_1(run, folder):
    result = run(SEND, "-m", "get", "-u", "/a", "--bus", f"ipc://{folder}/none")
    assert (result.returncode, result.stdout) == (1, "")
    expected = f"fims_send: no broker on ipc://{folder}/none within 2 s; is fims_server running?\n"
    assert result.stderr == expected


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["-m", "get", "-u", "a"], "bad URI 'a': it must start with '/'"),
        (["-m", "get", "-u", "/a\nb"], "control characters are not allowed"),
        (["-m", "get", "-u", "/a", "-r", "me"], "bad URI 'me': it must start with '/'"),
        (["-m", "shout", "-u", "/a"], "unknown method 'shout'"),
        (["-m", "get", "-u", "/a", "-q"], "option -q not recognized"),
        (["-m", "set", "-u", "/a", "-f", "/no/such"], "cannot read /no/such: No such file or directory"),
        (["-m", "get", "-u", "/a", "--bus", "tcp://a$b:1"], "expected tcp://HOST:PORT"),
        (["-m", "get", "-u", "/a", "--bus", "tcp://*:4000"], "bad bus 'tcp://*:4000'"),
        (["-m", "get", "-u", "/a", "--bus", "ipc:///tmp/\udcff"], "must be UTF-8"),
    ],
)
def test_what_cannot_be_sent_is_one_line_and_status_1(send, arguments, reason):
    status, out, err = send(*arguments)
    assert (status, out) == (1, "")
    assert err.startswith("fims_send: ")
    assert reason in err
    assert err.count("\n") == 1


def test_help_is_printed_and_names_every_exit_status(send):
    status, out, err = send("--help")
    assert (status, err) == (0, "")
    assert all(f"\n  {code}  " in out for code in (0, 1, 2, 3, 4))


@pytest.fixture
def send_into(environment, broker):
    """Run a command line with its output going somewhere that cannot take it; return (status, stderr)."""

    def run_send_into(output: Any, *command: str) -> tuple[int, bytes]:
        result = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            env={**environment, "ESS_BUS": broker},
            cwd=ROOT,
            timeout=40,
            check=False,
        )
        return result.returncode, result.stderr

    return run_send_into


GET = (sys.executable, "-m", SEND, "-m", "get", "-u", "/a")


def test_a_reader_that_left_is_no_traceback(owner, send_into):
    reading, writing = os.pipe()
    os.close(reading)
    for command in (GET, (sys.executable, "-m", SEND, "--help")):
        assert send_into(writing, *command) == (4, b"")
    os.close(writing)


def test_a_full_disk_is_one_line(owner, send_into):
    with Path("/dev/full").open("wb") as full:
        expected = b"fims_send: cannot write the answer: No space left on device\n"
        assert send_into(full, *GET) == (4, expected)


def test_a_closed_output_is_one_line(owner, send_into):
    expected = b"fims_send: cannot write the answer: the standard output is closed\n"
    assert send_into(None, "/bin/sh", "-c", 'exec "$@" >&-', "sh", *GET) == (4, expected)


def test_two_that_share_a_replyto_both_end_well(owner, send, broker):
    with Bus(broker) as other:
        answers = other.subscribe("/me")
        assert send("-m", "get", "-u", "/a", "-r", "/me") == (0, "get\n", "")
        message = answers.receive(60)
        assert message is not None
        assert message.body == b"get"


def test_the_answer_to_somebody_elses_request_is_passed_over(broker, send):
    with Bus(broker, name="busybody") as bus:

        def answers(message: Message) -> bytes:
            # Another user's answer arrives on the shared replyto first.
            assert message.replyto == "/me"
            other = Message("get", "/shared", None, "/me", token="somebody else's")
            bus.reply(other, "not yours")
            bus.flush()
            return b"yours"

        with Owner(broker, "/shared", answers):
            assert send("-m", "get", "-u", "/shared", "-r", "/me") == (0, "yours\n", "")


def test_what_is_not_an_answer_counts_on_the_replyto_as_it_always_did(broker, send):
    with Bus(broker, name="old style") as bus:

        def answers(_: Message) -> None:
            bus.send("set", "/me", b"by hand")
            bus.flush()

        with Owner(broker, "/silent", answers):
            status, printed, _ = send("-m", "get", "-u", "/silent", "-r", "/me")
            assert (status, printed) == (0, "by hand\n")


def test_a_second_body_is_named_and_left_out(owner, send):
    assert send("-m", "set", "-u", "/a", "-r", "/me", "{a:", "1}") == (
        0,
        "{a:\n",
        "fims_send: ignored '1}'; a message has one body\n",
    )


def test_a_bad_uri_is_named_even_without_a_broker(run, folder):
    result = run(SEND, "-m", "get", "-u", "no-slash", "--bus", f"ipc://{folder}/none")
    assert (result.returncode, result.stdout) == (1, "")
    assert "must start with '/'" in result.stderr
