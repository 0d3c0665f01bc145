"""`fims_replay` against real brokers; and a recorded site gives a fresh engine and calculator the same results."""

import json
import signal
import time
from functools import partial

import pytest

from ess_bus.client import Bus
from ess_bus.control import BROKER_NAME
from ess_bus.message import Message, Status
from ess_bus.values import naked
from tests.integration.conftest import eventually, start_broker
from tools.record.entry import Entry, Gap, Run
from tools.record.writer import Writer

RECORD, REPLAY = "tools.fims_record", "tools.fims_replay"
HOUR_US = 3_600_000_000


@pytest.fixture
def path(folder):
    return folder / "a.rec"


@pytest.fixture
def looking(broker):
    """All messages on the broker, and the connection that looks."""
    with Bus(broker, name="looking") as bus:
        yield bus, bus.subscribe("/", passive=True)


def pub(uri, value, process="bridge", method="pub"):
    return Message(method, uri, json.dumps(value).encode(), None, process, "ems")


def gone(name):
    return pub(f"/processes/{name}", {"name": name, "gone": True}, BROKER_NAME)


def write(path, *timed, gaps=()):
    """Make a recording of (microseconds, message)."""
    start = 1_769_860_800_000_000
    with Writer(path, Run(start, "ipc:///bus", ("/",))) as writer:
        writer.append([Entry(start + at, at, 1, message) for at, message in timed], gaps)


def seen(messages, *uris):
    """What has arrived at these URIs, as (process, uri, value)."""
    found = []
    while (message := messages.receive(0)) is not None:
        if message.uri.startswith(uris):
            found.append((message.process_name, message.uri, message.json()))
    return found


def test_pubs_are_sent_again_in_order_under_the_names_of_their_senders(run, broker, looking, path):
    bus, messages = looking
    many = [(n, pub("/a", n, ("bridge", "plant")[n % 7 > 3])) for n in range(500)]
    others = [
        (600, pub("/a", "a set", method="set")),
        (700, Message("set", "/_reply/x", b"5", None, "engine", None, Status.OK)),
        (800, pub("/processes/bridge", {"name": "bridge"})),
        (900, pub("/_reply/x", 1)),
        (1000, pub("/bus/x", 1)),
    ]
    write(path, *many, *others)
    result = run(REPLAY, path, "--as-fast", bus=broker)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    assert "500 messages in" in result.stderr
    bus.flush()
    found = seen(messages, "/a", "/_reply/x", "/bus")
    assert found == [(message.process_name, "/a", n) for n, (_, message) in enumerate(many)]


def test_the_time_between_messages_is_kept_and_divided(run, broker, path, looking):
    write(path, (0, pub("/a", 1)), (1_500_000, pub("/a", 2)), (1_500_000 + HOUR_US, pub("/b", 3)))

    def took(*arguments):
        begun = time.monotonic()
        result = run(REPLAY, path, *arguments, bus=broker)
        assert result.returncode == 0, result.stderr
        return time.monotonic() - begun

    assert took("-u", "/a") >= 1.5
    assert took("--speed", "3600") >= 1.0
    # An hour is not waited for: neither at full speed, nor for what was not chosen.
    took("--speed", "max")
    took("-u", "/a", "--speed", "100", "--to", "+1h")
    _, messages = looking
    assert [value for _, _, value in seen(messages, "/a", "/b")] == [1, 2, 1, 2, 3, 1, 2, 3, 1, 2]


def test_when_a_process_was_gone_and_at_the_end_the_broker_says_so(run, broker, looking, path):
    bus, messages = looking
    write(
        path,
        (0, pub("/a", 1)),
        (1, pub("/b", 1, "plant")),
        (2, gone("bridge")),
        (3_000_000, pub("/b", 2, "plant")),
    )
    assert run(REPLAY, path, bus=broker).returncode == 0
    events: list[tuple[str, object]] = []

    def plant_is_gone():
        bus.flush()
        events.extend((uri, value) for name, uri, value in seen(messages, "/") if name in ("plant", BROKER_NAME))
        return ("/processes/plant", {"name": "plant", "gone": True}) in events

    eventually(plant_is_gone)
    (bridge,) = [n for n, (uri, _) in enumerate(events) if uri == "/processes/bridge"]
    assert bridge < events.index(("/b", 2))


def test_commands_are_sent_only_when_that_is_said_twice(run, start, broker, path):
    write(path, (0, pub("/a", 7, method="set")), (1, pub("/nobody", 8, method="set")), (2, pub("/a", 1)))
    refused = run(REPLAY, path, "--methods", "pub,set", bus=broker)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == ("fims_replay: set: commands, which devices will carry out; add --sets if that is meant\n")
    with Bus(broker, name="owner") as owner:
        messages = owner.subscribe("/a")
        done = run(REPLAY, path, "--methods", "set", "--sets", bus=broker)
        assert done.returncode == 3
        assert "/nobody" in done.stderr
        assert "1 commands reached nobody" in done.stderr
        owner.flush()
        message = messages.receive(60)
        assert message is not None
        assert (message.method, message.body, message.replyto) == ("set", b"7", None)
        assert messages.receive(0) is None


def test_old_values_are_not_sent_where_their_process_is_alive(run, broker, path):
    write(path, (0, pub("/a", 1)), (1, pub("/b", 1, "plant")))
    with Bus(broker, name="bridge") as bridge:
        messages = bridge.subscribe("/")
        result = run(REPLAY, path, bus=broker)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.startswith("fims_replay: bridge: on this bus now; ")
        assert "(--not-by bridge)" in result.stderr
        assert seen(messages, "/a", "/b") == []
        assert run(REPLAY, path, "--not-by", "bridge", bus=broker).returncode == 0
        assert run(REPLAY, path, "--over-live", bus=broker).returncode == 0
        bridge.flush()
        assert [(uri, value) for _, uri, value in seen(messages, "/a", "/b")] == [("/b", 1), ("/a", 1), ("/b", 1)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_begins_again_until_it_is_stopped(start, broker, looking, path, number):
    write(path, *((n * 10_000, pub("/a", n)) for n in range(3)))
    process = start(REPLAY, path, "--loop", bus=broker)
    _, messages = looking
    found: list[object] = []

    def three_rounds():
        found.extend(value for _, _, value in seen(messages, "/a"))
        return len(found) >= 9

    eventually(three_rounds)
    assert process.stop(number) == 0
    assert found[:9] == [0, 1, 2] * 3
    assert "Traceback" not in process.output


def test_the_end_of_the_broker_ends_it_in_one_line(start, folder, path):
    endpoint = f"ipc://{folder}/other.sock"
    first = start_broker(start, endpoint)
    write(path, *((n * 50_000, pub("/a", n)) for n in range(2000)))
    process = start(REPLAY, path, "--bus", endpoint)
    with Bus(endpoint, name="looking") as bus:
        messages = bus.subscribe("/a")
        eventually(lambda: messages.receive(1) is not None)
    first.stop(signal.SIGKILL)
    assert process.popen.wait(60) == 1
    assert "fims_replay: " in process.output
    assert "Traceback" not in process.output


def test_what_was_missed_is_said(run, broker, path):
    write(path, (0, pub("/a", 1)), gaps=[Gap(1_769_860_800_000_000, 1_769_860_801_000_000, 7, "the disk was full")])
    assert "7 messages lost: the disk was full" in run(REPLAY, path, bus=broker).stderr


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (["{}/none"], 1, "no such file or directory"),
        (["/dev/null"], 1, "not a recording"),
        (["{}/a.rec", "-u", "/nothing"], 1, "there is nothing to replay in what was selected"),
        (["{}/a.rec", "--speed", "0"], 2, "expected a number above 0, such as 10 or 0.5, or max"),
        (["{}/a.rec", "--speed", "nan"], 2, "expected a number above 0"),
        (["{}/a.rec", "--methods", "get"], 2, "'get': expected some of del, post, pub, set"),
        (["{}/a.rec", "--from", "noon"], 2, "expected a time such as"),
        (["{}/a.rec", "--bus", "ipc://{}/none"], 1, "no broker on"),
        ([], 2, "Missing argument 'FILE'"),
    ],
)
def test_what_cannot_be_done_is_one_line(run, broker, folder, path, arguments, status, reason):
    write(path, (0, pub("/a", 1)))
    result = run(REPLAY, *(one.replace("{}", str(folder)) for one in arguments), bus=broker)
    assert (result.returncode, result.stdout) == (status, "")
    # Who waits for a broker says so before.
    (line,) = [line for line in result.stderr.splitlines() if "waiting for it" not in line]
    assert line.startswith("fims_replay: ")
    assert reason in line


# -- a site --------------------------------------------------------------------------------------------------------

DEVICE, RESULTS = "/components/catl_mbmu_summary_r", "/ess/status/bms"
POWER = {"value": None, "numVars": 2, "variable1": "mbmu_voltage", "variable2": "BMSCurrent", "scale": 1000}
ENGINE = {
    DEVICE: {
        "mbmu_current": {
            "value": None,
            "actions": {"onSet": [{"remap": [{"uri": "/status/bms:BMSCurrent", "offset": 20000}]}]},
        }
    },
    "/links/bms": {"mbmu_voltage": {"value": f"{DEVICE}:mbmu_voltage"}},
    "/status/bms": {"BMSCurrent": {"value": None}, "BMSPower": {**POWER, "operation": "*"}},
    # Every change is a result, however fast they come.
    "/schedule/wake_monitor/bms": {"/status/bms:BMSPower": {"enable": True, "rate": 0, "func": "CalculateVar"}},
}


@pytest.fixture
def site(start, folder):
    """Start a broker, an engine and its calculator; return where."""
    (folder / "engine").mkdir()
    (folder / "engine" / "bms.json").write_text(json.dumps(ENGINE))

    def start_site(name):
        endpoint = f"ipc://{folder}/{name}.sock"
        start_broker(start, endpoint)
        for module, process in (("ess_bus.engine.command", "engine"), ("calculator.command", "calculator")):
            start(module, folder / "engine", "--bus", endpoint, "--process-name", process)
            with Bus(endpoint, name="test") as bus:
                eventually(partial(bus.get, f"/processes/{process}"))
        return endpoint

    return start_site


def shows(bus, power):
    return bus.get(f"{RESULTS}/BMSPower") == power


def powers(messages):
    """Return what the calculator has set, in order; what is not valid left out."""
    found = []
    while (message := messages.receive(0.5)) is not None:
        value = naked(message.json().get("BMSPower")) if message.method == "set" else None
        found += [value] if isinstance(value, int | float) else []
    return found


def test_a_recorded_site_gives_a_fresh_engine_and_calculator_the_same_power(site, start, run, path):
    first = site("first")
    recorder = start(RECORD, "-o", path, "--bus", first)
    eventually(lambda: "recording" in recorder.output)
    expected = [float(n) for n in range(1, 31)]
    with Bus(first, name="device") as device, Bus(first, name="test") as test:
        messages = test.subscribe(RESULTS, passive=True)
        for power in expected:
            device.publish(DEVICE, {"mbmu_voltage": 1000, "mbmu_current": 20000 + power})
            eventually(partial(shows, device, power))
            device.run(0.03)
        assert powers(messages) == expected
    assert recorder.stop() == 0
    fresh = site("fresh")
    found = {}
    # On a machine that is too busy for results at that pace, a slower one must do.
    for speed in ("4", "1", "0.2"):
        with Bus(fresh, name="test") as test:
            messages = test.subscribe(RESULTS, passive=True)
            result = run(REPLAY, path, "-u", "/components", "--speed", speed, "--bus", fresh)
            assert result.returncode == 0, result.stderr
            found[speed] = powers(messages)
            # The device is gone again: its last power is no longer shown as good.
            eventually(lambda: test.get(f"{RESULTS}/BMSPower") is None)
        if found[speed] == expected:
            break
    assert expected in found.values(), found
