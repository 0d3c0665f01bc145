"""`fims_record` as people type it: against a real broker, a real disk, and the signals that end processes."""

import csv
import json
import resource
import signal
import time

import psutil
import pyarrow.parquet
import pytest

from ess_bus.client import Bus
from ess_bus.errors import NoOneListening
from tests.integration.conftest import eventually, start_broker
from tools.record.entry import RecordingError
from tools.record.reader import Recording
from tools.record.selection import Selection

RECORD = "tools.fims_record"
LISTEN = "tools.fims_listen"
ALL = Selection()


@pytest.fixture
def bus(broker):
    with Bus(broker, name="sender", username="me") as found:
        yield found


@pytest.fixture
def record(start, bus, broker):
    """Start fims_record and return when its subscriptions are in force."""

    def start_recording(*arguments: object):
        process = start(RECORD, *arguments, bus=broker)
        eventually(lambda: "recording" in process.output)
        return process

    return start_recording


@pytest.fixture
def path(folder):
    return folder / "a.rec"


def recorded(path, uris=("/",)) -> list[object]:
    """The bodies of a recording that may be under way."""
    with Recording(path) as recording:
        return [entry.message.json() for entry in recording.entries(Selection(uris))]


def test_all_that_is_sent_is_recorded_with_its_fields_and_nothing_is_answered(record, bus, path):
    process = record("-o", path)
    bus.send("pub", "/a", {"n": 1}, replyto="/me")
    with pytest.raises(NoOneListening):
        bus.set("/b", 2)
    bus.send("post", "/c", b"\xff\0")
    eventually(lambda: len(recorded(path, ("/a", "/b"))) == 2)
    assert process.stop() == 0
    with Recording(path) as recording:
        found = {entry.message.uri: entry for entry in recording.entries(ALL)}
        assert recording.gaps() == []
    first = found["/a"].message
    assert (first.method, first.body, first.replyto) == ("pub", b'{"n":1}', "/me")
    assert (first.process_name, first.username) == ("sender", "me")
    assert found["/c"].message.body == b"\xff\0"
    assert abs(found["/a"].at_us / 1e6 - time.time()) < 60
    # What SQLite and the recorder need beside it is gone.
    assert list(path.parent.glob("a.rec*")) == [path]


def test_only_what_was_asked_for_is_recorded(record, bus, path):
    process = record("-u", "/a", "-u", "/b/c", "-o", path, "--no-zlib")
    for uri in ("/a/x", "/b", "/b/c", "/ab"):
        bus.publish(uri, uri)
    eventually(lambda: recorded(path) == ["/a/x", "/b/c"])
    assert process.stop(signal.SIGINT) == 0


def test_killed_in_the_middle_it_has_lost_a_second_at_most(start, broker, record, bus, path):
    process = record("-u", "/a", "-o", path)
    begun = time.monotonic()
    sent: list[float] = []
    while time.monotonic() - begun < 2.5:
        bus.publish("/a", len(sent))
        bus.flush()
        sent.append(time.monotonic())
        time.sleep(0.002)
    process.popen.kill()
    killed = time.monotonic()
    process.popen.wait()
    found = recorded(path)
    assert found == list(range(len(found)))  # whole, and in order
    # What was sent a second before the kill, by the clock of the sender, is there.
    assert len(found) >= sum(at < killed - 1.0 for at in sent) > 100
    again = start(RECORD, "-u", "/a", "-o", path, bus=broker)
    eventually(lambda: "recording" in again.output)
    bus.publish("/a", "again")
    eventually(lambda: recorded(path) == [*found, "again"])
    assert again.stop() == 0


def test_a_disk_without_room_is_told_waited_for_and_counted(record, bus, path):
    process = record("-u", "/a", "-o", path, "--no-zlib")
    bus.publish("/a", "before")
    eventually(lambda: recorded(path) == ["before"])
    running = psutil.Process(process.pid)
    unlimited = running.rlimit(resource.RLIMIT_FSIZE)
    # Nobody may write beyond 64 KiB of a file: to SQLite, that is a disk that takes no more.
    running.rlimit(resource.RLIMIT_FSIZE, (1 << 16, unlimited[1]))
    large = "x" * (1 << 20)
    for number in range(80):
        bus.publish("/a", [number, large])
    bus.flush()
    eventually(lambda: "cannot be written" in process.output)
    eventually(lambda: "messages are being lost" in process.output)
    assert process.popen.poll() is None
    running.rlimit(resource.RLIMIT_FSIZE, unlimited)
    eventually(lambda: "can be written again" in process.output)
    bus.publish("/a", "after")
    eventually(lambda: recorded(path)[-1:] == ["after"])
    assert process.stop() == 3
    numbers = [body[0] for body in recorded(path) if isinstance(body, list)]
    with Recording(path) as recording:
        # More than one where room comes while messages still do.
        lost = sum(gap.lost or 0 for gap in recording.gaps())
        assert len(recording.runs()) == 1
    assert numbers == sorted(set(numbers))
    assert lost == 80 - len(numbers) > 0
    assert f"{lost} lost" in process.output


def test_full_files_get_a_name_and_only_some_stay(record, bus, path):
    process = record("-u", "/a", "-o", path, "--rotate", "100KB", "--keep", "2", "--no-zlib")
    stray = path.with_name("a.old.rec")
    stray.write_text("mine")

    def finished():
        bus.publish("/a", "x" * 60_000)
        bus.publish("/a", "x" * 60_000)
        return process.output.count(" is removed") >= 2

    eventually(finished)
    bus.publish("/a", "last")
    eventually(lambda: any("last" in recorded(one) for one in path.parent.glob("a*.rec") if one != stray))
    assert process.stop() == 0
    kept = sorted(one for one in path.parent.glob("a.*.rec") if one != stray)
    assert len(kept) == 2
    assert all(len(recorded(one)) >= 2 for one in kept)
    assert stray.read_text() == "mine"


def test_a_broker_that_was_away_is_a_gap(start, folder, path):
    endpoint = f"ipc://{folder}/other.sock"
    first = start_broker(start, endpoint)
    process = start(RECORD, "-u", "/a", "-o", path, "--bus", endpoint)
    eventually(lambda: "recording" in process.output)
    first.stop(signal.SIGKILL)
    start_broker(start, endpoint)
    with Bus(endpoint) as bus:
        eventually(lambda: "/a" in bus.get("/bus/subscriptions", timeout_s=1))
        bus.publish("/a", "again")
        eventually(lambda: recorded(path) == ["again"])
    assert process.stop() == 0
    with Recording(path) as recording:
        (gap,) = recording.gaps()
    assert (gap.lost, gap.reason) == (None, "the broker was away")


def test_two_do_not_write_to_one_file(record, run, broker, path):
    record("-o", path)
    result = run(RECORD, "-o", path, bus=broker)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"fims_record: {path}: another fims_record writes to it; choose another file\n"


def test_a_file_that_is_taken_away_is_begun_anew(record, bus, path):
    process = record("-u", "/a", "-o", path)
    bus.publish("/a", 1)
    eventually(lambda: recorded(path) == [1])
    for one in path.parent.glob("a.rec*"):
        one.unlink()
    eventually(lambda: "somebody has taken the file away" in process.output)
    bus.publish("/a", 2)
    eventually(lambda: recorded(path) == [2])
    assert process.stop() == 0


@pytest.fixture
def made(run, folder, path):
    """A recording of a text that fims_listen has printed."""
    text = folder / "listen.log"
    lines = [
        {"method": "pub", "uri": "/a", "body": {"soc": 50 + n, "on": n > 1, "name": "x", "bad": None}, "second": n}
        for n in range(3)
    ]
    lines.append({"method": "set", "uri": "/a/soc", "body": 7, "second": 9})
    text.write_text(
        "".join(
            json.dumps({**line, "encoding": "json", "timestamp": f"2026-01-31T12:00:0{line['second']}+00:00"}) + "\n"
            for line in lines
        )
    )
    result = run(RECORD, "--from-listen", text, "-o", path)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    return path


def test_what_fims_listen_prints_becomes_the_same_recording(record, start, run, broker, bus, folder, path):
    listener = start(LISTEN, "-u", "/a", bus=broker)
    eventually(lambda: "/a" in bus.get("/bus/subscriptions"))
    process = record("-u", "/a", "-o", path)
    for number in range(20):
        bus.publish("/a", {"n": number, "text": "two\nlines"})
    eventually(lambda: len(recorded(path)) == 20)
    eventually(lambda: listener.output.count("Timestamp") == 20)
    assert (process.stop(), listener.stop()) == (0, 0)
    result = run(RECORD, "--from-listen", listener.output_file, "-o", folder / "b.rec")
    assert result.returncode == 0, result.stderr
    with Recording(path) as ours, Recording(folder / "b.rec") as theirs:
        pairs = list(zip(ours.entries(ALL), theirs.entries(ALL), strict=True))
    assert [one.message for one, _ in pairs] == [other.message for _, other in pairs]


@pytest.mark.parametrize("skip", [[], ["--skip-bad"]])
def test_a_text_with_something_else_in_it_is_refused_whole_or_passed_over_aloud(run, folder, path, skip):
    good = "Method: pub\nUri: /a\nReplyTo: (null)\nBody: 5\nTimestamp: 2026-01-31 12:00:00.000000\n"
    text = folder / "listen.log"
    text.write_text(good + good.replace("/a", "a") + good)
    result = run(RECORD, "--from-listen", text, "-o", path, *skip)
    assert "line 6: bad URI 'a'" in result.stderr
    assert result.returncode == (3 if skip else 1)
    assert path.exists() is bool(skip)
    assert not list(folder.glob(".a.rec*"))
    if skip:
        assert recorded(path) == [5, 5]


def test_the_info_says_what_is_in_it(made, run):
    result = run(RECORD, "--info", made)
    assert result.returncode == 0
    assert "a.rec: 4 messages" in result.stdout
    assert "(9.0 s)\ngaps    none\n" in result.stdout
    assert "\npub /a          3     1.0    128\nset /a/soc      1       -      1\n" in result.stdout


def test_a_long_table_tells_null_from_nothing(made, run, folder):
    out = folder / "a.csv"
    result = run(RECORD, "--export", "csv", out, "-u", "/a", "--to", "+1s", made)
    assert (result.returncode, result.stdout) == (0, f"{out}: 4 rows\n")
    with out.open() as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["time", "uri", "method", "process", "type", "number", "text"],
        ["2026-01-31T12:00:00.000000Z", "/a/soc", "pub", "", "number", "50", ""],
        ["2026-01-31T12:00:00.000000Z", "/a/on", "pub", "", "bool", "0", ""],
        ["2026-01-31T12:00:00.000000Z", "/a/name", "pub", "", "text", "", "x"],
        ["2026-01-31T12:00:00.000000Z", "/a/bad", "pub", "", "null", "", ""],
    ]


def test_wide_tables_say_the_same_in_csv_and_parquet_and_carry_nothing_on(made, run, folder):
    arguments = ("--wide", "--methods", "pub,set", made)
    assert run(RECORD, "--export", "csv", folder / "a.csv", *arguments).returncode == 0
    assert run(RECORD, "--export", "parquet", folder / "a.parquet", *arguments).returncode == 0
    with (folder / "a.csv").open() as file:
        heading, *rows = csv.reader(file)
    assert heading == ["time", "/a/bad", "/a/name", "/a/on", "/a/soc"]
    assert [row[1:] for row in rows] == [
        ["", "x", "0", "50"],
        ["", "x", "0", "51"],
        ["", "x", "1", "52"],
        ["", "", "", "7"],
    ]
    table = pyarrow.parquet.read_table(folder / "a.parquet")
    assert table.column_names == heading
    assert table["/a/soc"].to_pylist() == [50, 51, 52, 7]
    assert table["/a/name"].to_pylist() == ["x", "x", "x", None]
    assert [one.isoformat() for one in table["time"].to_pylist()][-1] == "2026-01-31T12:00:09+00:00"


def test_an_export_that_fails_leaves_what_was_there(made, run, folder):
    out = folder / "a.csv"
    out.write_text("precious")
    content = bytearray(made.read_bytes())
    content[8192:] = bytes(len(content) - 8192)
    made.write_bytes(content)
    result = run(RECORD, "--export", "csv", out, made)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert out.read_text() == "precious"
    assert not list(folder.glob(".a.csv*"))


@pytest.mark.parametrize(("suffix", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_variables_are_drawn(made, run, folder, suffix, magic):
    out = folder / f"a.{suffix}"
    result = run(RECORD, "--plot", "/a/soc", "--plot", "/a/on", "-o", out, made)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert out.read_bytes().startswith(magic)


@pytest.mark.parametrize(
    ("arguments", "status", "reason"),
    [
        (["--plot", "/a/nothing", "-o", "{}/x.png", "{}/a.rec"], 1, "no numbers of /a/nothing"),
        (["--plot", "/a/soc", "-o", "{}/x.gif", "{}/a.rec"], 2, "expected a name that ends in .png, .svg, .pdf"),
        (["--plot", "a", "-o", "{}/x.png", "{}/a.rec"], 2, "bad URI 'a'"),
        (["--export", "xls", "{}/x", "{}/a.rec"], 2, "'xls' is not one of 'csv', 'parquet'"),
        (["--info", "--export", "csv", "{}/x", "{}/a.rec"], 2, "--info and --export: one at a time"),
        (["--info"], 2, "--info needs FILE"),
        (["--info", "{}/none"], 1, "no such file or directory"),
        (["--info", "{}/a.rec", "--wide"], 2, "--wide does not go with --info"),
        (["--from-listen", "{}/none", "-o", "{}/b.rec"], 1, "no such file or directory"),
        (["--from-listen", "{}/listen.log", "-o", "{}/a.rec"], 1, "is there already"),
        (["--from-listen", "/dev/null", "-o", "{}/b.rec"], 1, "no messages in it"),
        ([], 2, "to record needs -o FILE"),
        (["-o", "{}/b.rec", "--keep", "3"], 2, "--keep goes with --rotate"),
        (["-o", "{}/b.rec", "--rotate", "often"], 2, "expected a size or a time"),
        (["-o", "{}/b.rec", "-u", "a"], 2, "bad URI 'a'"),
        (["-o", "{}/b.rec", "{}/a.rec"], 2, "does not go with recording"),
        (["-o", "{}/b.rec", "--bus", "ipc://{}/none"], 1, "no broker"),
        (["--export", "csv", "{}/x", "--from", "noon", "{}/a.rec"], 2, "'noon': expected a time such as"),
    ],
)
def test_what_cannot_be_done_is_one_line(made, run, folder, arguments, status, reason):
    result = run(RECORD, *(one.replace("{}", str(folder)) for one in arguments))
    assert (result.returncode, result.stdout) == (status, "")
    # Who waits for a broker says so before.
    (line,) = [line for line in result.stderr.splitlines() if "waiting for it" not in line]
    assert line.startswith("fims_record: ")
    assert reason in line


def test_what_is_damaged_is_no_traceback(path):
    path.write_bytes(b"SQLite format 3\0" + bytes(5000))
    with pytest.raises(RecordingError, match="not a recording"):
        Recording(path)
