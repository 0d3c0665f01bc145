"""What `fims_trigger` waits for and measures."""

from decimal import Decimal

import pytest

from ess_bus.message import Message
from tools.fims.trigger import Measurement, condition
from tools.fims_trigger import conditions


@pytest.mark.parametrize(
    ("flag", "uri", "body", "met"),
    [
        ("-p", "/a", b'{"b": 5}', True),
        ("-p", "/a", b'{"b": {"value": 5}, "c": 1}', True),
        ("-p", "/a", b'{"b": 6}', False),
        ("-p", "/a", b'{"c": 5}', False),
        ("-p", "/a/b", b"5", True),
        ("-p", "/a/b", b'{"value": 5}', True),
        ("-p", "/a/b/c", b"5", False),
        ("-p", "/", b'{"b": 5}', False),
        ("-s", "/a/b", b"5", True),
        ("-s", "/a//b/", b"5.0", True),
        ("-s", "/a/b", b'{"value": 5}', True),
        ("-s", "/a/b", b'{"value": "5"}', False),
        ("-s", "/a/b", b'"5"', False),
        ("-s", "/a/b", b"5x", False),
        ("-s", "/a/b", b"", False),
        ("-s", "/a/b", None, False),
        ("-s", "/a", b'{"b": 5}', False),
        ("-s", "/a/b/c", b"5", False),
    ],
)
def test_which_messages_count(flag, uri, body, met):
    method = {"-p": "pub", "-s": "set"}[flag]
    wanted = condition(flag, "/a/b", "-e", "5")
    assert wanted.is_met_by(Message(method, uri, body)) is met
    other = {"pub": "set", "set": "pub"}[method]
    assert not wanted.is_met_by(Message(other, uri, body))


@pytest.mark.parametrize(
    ("comparison", "value", "met"),
    [
        ("-e", "58", "58 58.0 58.0009"),
        ("-e", "0.29", "0.29 0.2909"),
        ("-e", "58.0019", "58.001 58.0011"),
        ("-e", "-0.0009", "0 -0.0005 0.0001"),
        ("-g", "5", "5 5.0 5.001 1e308"),
        ("-l", "-5", "-5 -5.0009 -6 -1e308"),
        ("-l", "4.9999", "4.999 4.9999 4"),
        ("-e", "1", "true"),
    ],
)
def test_values_are_compared_after_three_decimals(comparison, value, met):
    wanted = condition("-s", "/a", comparison, value)
    for body in met.split():
        assert wanted.is_met_by(Message("set", "/a", body.encode())), body


@pytest.mark.parametrize(
    ("comparison", "value", "missed"),
    [
        ("-e", "58", "57.9999 58.001 -58 false null [58]"),
        ("-g", "5", "4.9999 -5 null"),
        ("-l", "-5", "-4.999 5"),
    ],
)
def test_values_that_do_not_compare(comparison, value, missed):
    wanted = condition("-s", "/a", comparison, value)
    for body in missed.split():
        assert not wanted.is_met_by(Message("set", "/a", body.encode())), body


@pytest.mark.parametrize(("uri", "target"), [("/a/b/c", "/a/b"), ("/a", "/"), ("//a//b/", "/a")])
def test_a_variable_is_published_one_level_up(uri, target):
    assert condition("-p", uri, "-e", "1").target == target
    assert condition("-s", uri, "-e", "1").target == uri


@pytest.mark.parametrize(
    ("uri", "value", "reason"),
    [
        ("a", "1", "it must start with '/'"),
        ("/", "1", "-p /: expected the URI of a variable"),
        ("/a", "x", "-e 'x': expected a number"),
        ("/a", "nan", "-e 'nan': expected a number"),
        ("/a", "inf", "-e 'inf': expected a number"),
        ("/a", "1e999", "-e '1e999': expected a number"),
    ],
)
def test_a_condition_that_cannot_be_met_is_refused(uri, value, reason):
    with pytest.raises(ValueError, match=r"expected|start") as caught:
        condition("-p", uri, "-e", value)
    assert reason in str(caught.value)


def test_the_time_runs_from_the_first_to_the_second():
    first, second = condition("-p", "/a/b", "-e", "1"), condition("-s", "/c", "-g", "2")
    measured = Measurement(first, second)
    assert measured.feed(Message("set", "/c", b"2"), 1.0) is None  # too early
    assert measured.awaited is first
    assert measured.feed(Message("pub", "/a", b'{"b": 1}'), 2.0) == "URI 1 received - START TIMER "
    assert measured.awaited is second
    assert measured.feed(Message("pub", "/a", b'{"b": 1}'), 3.0) is None
    assert measured.feed(Message("set", "/c", b"1.999"), 3.5) is None
    assert measured.elapsed_s is None
    assert measured.feed(Message("set", "/c", b"3"), 4.5) == "URI 2 received - STOP TIMER "
    assert measured.elapsed_s == 2.5
    assert measured.feed(Message("set", "/c", b"3"), 9.0) is None
    assert measured.elapsed_s == 2.5


def test_one_message_does_not_start_and_stop():
    wanted = condition("-s", "/a", "-e", "1")
    measured = Measurement(wanted, wanted)
    measured.feed(Message("set", "/a", b"1"), 1.0)
    assert measured.elapsed_s is None
    measured.feed(Message("set", "/a", b"1"), 1.25)
    assert measured.elapsed_s == 0.25


def test_a_condition_in_words():
    assert str(condition("-p", "/a/b", "-g", "-5.0009")) == "pub of /a/b >= -5"
    assert str(condition("-s", "/a", "-e", "1e3")) == "set of /a = 1000"


def test_the_order_of_the_options_is_their_meaning():
    given = [("-s", "/a"), ("-l", "1"), ("-p", "/b/c"), ("-g", "2")]
    first, second = conditions(given, [])
    assert (first.method, first.uri, first.comparison, first.value) == ("set", "/a", "-l", Decimal(1))
    assert (second.method, second.uri, second.comparison, second.value) == ("pub", "/b/c", "-g", Decimal(2))


@pytest.mark.parametrize(
    ("flags", "rest"),
    [
        ("", []),
        ("-p -e", []),
        ("-p -s -e -e", []),
        ("-e -p -e -s", []),
        ("-p -e -s -e -s -e", []),
        ("-p -e -s -e", ["x"]),
    ],
)
def test_anything_but_two_conditions_is_refused(flags, rest):
    with pytest.raises(ValueError, match="expected two conditions, each -p or -s and then -e, -g or -l; got "):
        conditions([(flag, "/1") for flag in flags.split()], rest)
