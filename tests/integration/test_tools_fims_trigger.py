"""`fims_trigger` as people and scripts type it, against a real broker."""

import re
import signal

import pytest

from ess_bus.client import Bus
from tests.integration.conftest import eventually

TRIGGER = "tools.fims_trigger"


@pytest.fixture
def broker(shared_broker):
    return shared_broker


@pytest.fixture
def bus(broker):
    with Bus(broker, name="sender") as found:
        yield found


@pytest.fixture
def trigger(start, broker):
    """Start fims_trigger and return when it waits for the first condition."""

    def start_trigger(*arguments: str):
        process = start(TRIGGER, *arguments, bus=broker)
        eventually(lambda: "on URI 1: " in process.output)
        return process

    return start_trigger


def test_what_it_prints_from_a_pub_to_a_set(trigger, bus):
    process = trigger("-p", "/components/poi/frequency", "-e", "58", "-s", "/components/ess/setpoint", "-e", "5500")
    started = (
        "Subscribed to URI 1: /components/poi\n"
        "Subscribed to URI 2: /components/ess/setpoint\n"
        "Awaiting pubs on URI 1: /components/poi/frequency\n"
    )
    assert process.output == started
    bus.send("set", "/components/ess/setpoint", 5500)  # too early
    bus.send("pub", "/components/poi", {"frequency": 59, "voltage": 58})
    bus.send("pub", "/components/poi", {"frequency": 58.0004, "voltage": 480})
    running = "URI 1 received - START TIMER \nAwaiting sets on URI 2: /components/ess/setpoint\n"
    eventually(lambda: process.output == started + running)
    bus.send("set", "/components/ess/setpoint", {"value": 5499})
    bus.send("set", "/components/ess/setpoint", {"value": 5500})
    assert process.popen.wait(60) == 0
    end = process.output.removeprefix(started + running)
    assert re.fullmatch(r"URI 2 received - STOP TIMER \nElapsed Time: \d+ ms \n", end)


def test_the_time_is_that_between_the_two(trigger, bus):
    process = trigger("-s", "/a", "-g", "1", "-s", "/b", "-l", "-1.5")
    bus.send("set", "/a", 1)
    eventually(lambda: "START TIMER" in process.output)
    assert bus.subscribe("/never").receive(0.3) is None
    bus.send("set", "/b", -1.6)
    assert process.popen.wait(60) == 0
    (elapsed,) = re.findall(r"Elapsed Time: (\d+) ms ", process.output)
    assert int(elapsed) >= 300


def test_it_only_looks_on(trigger, bus):
    trigger("-s", "/a", "-e", "1", "-s", "/b", "-e", "1")
    bus.send("set", "/a", 1)
    with pytest.raises(Exception, match="no one is listening on /a"):
        bus.flush()


@pytest.mark.parametrize(("met", "awaited"), [(False, "set of /a = 1"), (True, "pub of /b/c >= -2.5")])
def test_what_did_not_come_in_time_is_named(trigger, bus, met, awaited):
    process = trigger("-s", "/a", "-e", "1", "-p", "/b/c", "-g", "-2.5", "--timeout", "3")
    if met:
        bus.send("set", "/a", 1)
    assert process.popen.wait(60) == 3
    assert process.output.splitlines()[-1] == f"fims_trigger: no {awaited} within 3 s"
    assert "Elapsed" not in process.output


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_quietly(trigger, number):
    process = trigger("-s", "/a", "-e", "1", "-s", "/b", "-e", "1")
    before = process.output
    assert process.stop(number) == 0
    assert process.output == before


def test_without_a_broker_it_says_that_it_waits_and_then_gives_up_with_status_1(run, folder):
    result = run(TRIGGER, "-s/a", "-e1", "-s/b", "-e-1", "--bus", f"ipc://{folder}/none")
    assert (result.returncode, result.stdout) == (1, "")
    waits, gives_up = result.stderr.splitlines()
    assert f"the broker on ipc://{folder}/none does not answer; waiting for it" in waits
    assert gives_up.startswith(f"fims_trigger: no broker on ipc://{folder}/none")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("", "expected two conditions, each -p or -s and then -e, -g or -l; got nothing"),
        ("-p /a -e 1", "got -p -e"),
        ("-p /a -e 1 -s /b -e 1 x", "got -p -e -s -e x"),
        ("-p /a -e 1 -s /b -x 1", "option -x not recognized"),
        ("-p /a -e 1 -s /b -e", "option -e requires argument"),
        ("-p /a -e one -s /b -e 1", "-e 'one': expected a number"),
        ("-p a -e 1 -s /b -e 1", "bad URI 'a': it must start with '/'"),
        ("-p / -e 1 -s /b -e 1", "-p /: expected the URI of a variable"),
        ("-p /a -e 1 -s /b -e 1 --timeout 0", "'0': expected seconds above 0, such as 0.5"),
    ],
)
def test_wrong_usage_is_one_line(run, broker, arguments, reason):
    result = run(TRIGGER, *arguments.split(), bus=broker)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("fims_trigger: ")
    assert reason in result.stderr
    assert result.stderr.endswith("; see fims_trigger --help\n")
    assert result.stderr.count("\n") == 1


def test_help_is_printed_without_a_broker(run, folder):
    result = run(TRIGGER, "--help", "--bus", f"ipc://{folder}/none")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("Usage: fims_trigger -p|-s URI -e|-g|-l VALUE")
    assert all(f"\n  {code}  " in result.stdout for code in (0, 1, 2, 3))
