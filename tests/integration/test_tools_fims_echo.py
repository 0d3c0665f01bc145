"""`fims_echo` as people and scripts type it, against a real broker."""

import signal

import pytest

from ess_bus.client import Bus
from ess_bus.errors import RequestTimeout
from tests.integration.conftest import eventually

ECHO = "tools.fims_echo"


@pytest.fixture
def broker(shared_broker):
    return shared_broker


@pytest.fixture
def bus(broker):
    with Bus(broker, name="asker") as found:
        yield found


@pytest.fixture
def echo(start, bus, broker):
    """Start fims_echo and return when it answers."""

    def start_echo(*arguments: str):
        process = start(ECHO, *arguments, bus=broker)
        eventually(lambda: "replying with" in process.output)
        return process

    return start_echo


def test_a_fixed_body_answers_every_request(echo, bus):
    process = echo("-u", "/e", "-b", '{"power": {"value": 0}}')
    assert process.output == 'Listening on /e replying with {"power": {"value": 0}}.\n'
    for method in ("get", "set", "post", "del"):
        assert bus.request(method, "/e", b"other").body == b'{"power": {"value": 0}}'


def test_without_one_the_body_of_the_request_comes_back(echo, bus):
    process = echo("-u", "/e")
    assert process.output == "Listening on /e replying with body from message.\n"
    for body in (b"5", b"", b"\xff\0", b"x" * 100_000):
        assert bus.request("set", "/e", body).body == body
    assert bus.request("get", "/e").body == b""


def test_an_empty_fixed_body_is_a_fixed_body(echo, bus):
    process = echo("-u", "/e", "-b", "")
    assert process.output == "Listening on /e replying with .\n"
    assert bus.request("set", "/e", b"5").body == b""


def test_a_body_that_is_not_utf8_is_answered_as_it_was_typed(echo, bus):
    echo("-u", "/e", "-b", "\udcff\udc80")
    assert bus.request("get", "/e").body == b"\xff\x80"


def test_slashes_do_not_count_but_what_is_below_is_not_answered(echo, bus):
    echo("-u", "/e/f", "-b", "1")
    assert bus.get("//e//f/") == 1
    with pytest.raises(RequestTimeout):
        bus.get("/e/f/g", timeout_s=0.2)


def test_pubs_and_requests_without_a_replyto_are_not_answered(echo, bus):
    echo("-u", "/e", "-b", "1")
    answers = bus.subscribe("/me")
    bus.send("pub", "/e", 1, replyto="/me")
    bus.send("set", "/e", 1)
    bus.send("get", "/e", replyto="/me")
    message = answers.receive(60)
    assert message is not None
    assert (message.uri, message.body) == ("/me", b"1")
    assert bus.get("/e") == 1  # after this, an answer to the pub would be here
    assert answers.receive(0) is None


def test_it_says_who_it_is_under_its_name(echo, bus):
    process = echo("-u", "/e", "--process-name", "pcs_1")
    facts = bus.get("/processes/pcs_1")
    assert (facts["name"], facts["pid"]) == ("pcs_1", process.pid)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_quietly(echo, number):
    process = echo("-u", "/e")
    assert process.stop(number) == 0
    assert process.output == "Listening on /e replying with body from message.\n"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [([], 2), (["-u", "/e", "-x"], 2), (["-u", "no-slash"], 1), (["-u", "/e", "--bus", "a/b"], 1)],
)
def test_wrong_usage_is_one_line(run, broker, arguments, status):
    result = run(ECHO, *arguments, bus=broker)
    assert (result.returncode, result.stdout) == (status, "")
    assert result.stderr.startswith("fims_echo: ")
    assert result.stderr.count("\n") == 1
