"""``FIMS_COMPAT=1``: the original's exit statuses and silences (fims.md B4, B5)."""

import signal
import time

import pytest

from ess_bus.client import Bus
from ess_bus.message import Message
from tests.integration.conftest import eventually
from tests.integration.peers import Owner, received_nothing

SEND = "tools.fims_send"


@pytest.fixture(autouse=True)
def compat(monkeypatch):
    # The fixture `environment` is made of this process's.
    monkeypatch.setenv("FIMS_COMPAT", "1")


def answer(message: Message) -> bytes | None:
    if message.uri.endswith("/bad"):
        raise ValueError("Invalid URI")
    return b"no body" if message.body is None else message.body


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
        ("-m get -u /a -r /me", "no body\n"),
        ("-m set -u /a -r /me -- -5", "-5\n"),
        ("5 -mset -u /a -r /me", "5\n"),
        ("-m set -u /a 5", ""),
        ("-m get -u /a", ""),
        ("-m get -u /a/bad", ""),
        ("-m get -u /a/bad -r /me", '{"error":"Invalid URI"}\n'),
        ("-m set -u /nobody 5", ""),
        ("-m pub -u /nobody 5", ""),
    ],
)
def test_the_status_is_0_whatever_the_answer(owner, send, arguments, printed):
    assert send(*arguments.split()) == (0, printed, "")


def test_an_answer_without_a_body_is_null_in_brackets(broker, send):
    with Owner(broker, "/empty", lambda _message: b""):
        assert send("-m", "get", "-u", "/empty", "-r", "/me") == (0, "(null)\n", "")


@pytest.mark.parametrize("arguments", ["-m set -u /nobody -r /me 1", "-m pub -u /x -r /me 1"])
def test_no_answer_is_receive_timeout_after_waiting(send, arguments):
    started = time.monotonic()
    assert send(*arguments.split(), "--timeout", "0.5") == (0, "", "Receive Timeout.\n")
    assert time.monotonic() - started > 0.5


def test_any_message_below_the_replyto_is_an_answer(broker, send):
    with Bus(broker, name="old style") as bus:

        def answers(_message: Message) -> None:
            bus.send("pub", "/me/below", b"by hand")
            bus.flush()

        with Owner(broker, "/silent", answers):
            assert send("-m", "get", "-u", "/silent", "-r", "/me") == (0, "by hand\n", "")


@pytest.mark.parametrize("arguments", ["-u /a 5", "-m set 5", "5", ""])
def test_without_method_or_uri_nothing_is_sent(owner, send, arguments):
    said = "fims_send: Can't transmit message without method or uri.\n"
    assert send(*arguments.split()) == (0, "", said)
    assert send(*arguments.split(), "-r", "/me", "--timeout", "0.1") == (0, "", f"{said}Receive Timeout.\n")
    assert received_nothing(owner, send)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("-m shout -u /a 5", "unknown method 'shout', expected one of del, get, post, pub, set"),
        ("-m set -u a 5", "bad URI 'a': it must start with '/'"),
    ],
)
def test_what_cannot_be_sent_is_said_and_the_status_is_0(owner, send, arguments, reason):
    assert send(*arguments.split()) == (0, "", f"fims_send: {reason}\n")
    assert received_nothing(owner, send)


def test_a_file_that_is_not_there_is_named_and_the_rest_is_sent(owner, send):
    said = "input file /no/such/file not found \n"
    assert send("-m", "set", "-u", "/a", "-r", "/me", "-f", "/no/such/file") == (0, "no body\n", said)
    assert send("-m", "set", "-u", "/a", "-r", "/me", "-f", "/no/such/file", "5") == (0, "5\n", said)


def test_a_file_beats_the_body_on_the_command_line(owner, send, folder):
    (folder / "body").write_bytes(b"{}")
    said = "fims_send: ignored '5'; a message has one body\n"
    assert send("-m", "set", "-u", "/a", "-r", "/me", "-f", str(folder / "body"), "5") == (0, "{}\n", said)


def test_without_a_broker_the_status_is_1(run, folder):
    result = run(SEND, "-m", "set", "-u", "/a", "5", "--bus", f"ipc://{folder}/none")
    assert (result.returncode, result.stdout) == (1, "")
    reason, last = result.stderr.splitlines()
    assert reason.startswith(f"fims_send: no broker on ipc://{folder}/none")
    assert last == "Connect failed."


def test_a_replyto_that_cannot_be_subscribed_to_is_status_1(owner, send):
    assert send("-m", "set", "-u", "/a", "-r", "me", "5") == (
        1,
        "",
        "fims_send: bad URI 'me': it must start with '/'\nSubscription to replyto failed.\n",
    )
    assert received_nothing(owner, send)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("-h", ""),
        ("--help", ""),
        ("-x", "fims_send: option -x not recognized\n"),
        ("-m set -u", "fims_send: option -u requires argument\n"),
        ("-m get -u /a -r /me --jq .[", "fims_send: bad filter '.[': "),
    ],
)
def test_wrong_usage_and_a_call_for_help_print_the_usage_and_are_status_1(owner, send, arguments, reason):
    status, out, err = send(*arguments.split())
    assert status == 1
    assert out.startswith("Usage: fims_send -m METHOD -u URI")
    assert err.startswith(reason)
    assert err.count("\n") == bool(reason)
    assert received_nothing(owner, send)


def test_filters_work_here_too(owner, send):
    assert send("-m", "set", "-u", "/a", "-r", "/me", "--jq", ".x", '{"x": 1}') == (0, "1\n", "")
    said = (
        "fims_send: the answer is not what --jq expects: not JSON: Invalid numeric literal at EOF at line 1, column 1\n"
    )
    assert send("-m", "set", "-u", "/a", "-r", "/me", "--jq", ".x", "x") == (0, "", said)


def test_completion_works_here_too(send):
    status, out, err = send("--completion", "bash")
    assert (status, err) == (0, "")
    assert "_fims_listen_completion()" in out


@pytest.mark.parametrize("value", ["0", ""])
def test_the_variable_can_be_switched_off(monkeypatch, owner, run, broker, environment, value):
    environment["FIMS_COMPAT"] = value
    result = run(SEND, "-m", "get", "-u", "/a", bus=broker)
    assert (result.returncode, result.stdout) == (0, "no body\n")


@pytest.mark.parametrize(
    ("command", "arguments"),
    [("fims_listen", ["-x"]), ("fims_listen", ["-n", "0"]), ("fims_echo", []), ("fims_trigger", ["-p", "/a"])],
)
def test_wrong_usage_of_the_others_is_status_1(compat, run, command, arguments):
    result = run(f"tools.{command}", *arguments)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"{command}: ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_signal_that_ends_a_listener_is_named(compat, start, broker, number):
    process = start("tools.fims_listen", "-u", "/compat", bus=broker)
    with Bus(broker) as bus:
        eventually(lambda: "/compat" in bus.get("/bus/subscriptions"))
    assert process.stop(number) == 0
    assert process.output == f"signal of type {int(number)} caught.\n"
