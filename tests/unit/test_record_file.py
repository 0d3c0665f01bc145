"""What is written into a recording is read from it, packed or not; and nothing in a file is trusted."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ess_bus.message import Message, Status
from tools.record import schema
from tools.record.entry import Entry, Gap, RecordingError, Run
from tools.record.packing import pack, unpack
from tools.record.reader import Recording
from tools.record.selection import Selection, moment
from tools.record.writer import Writer

BODY = b'{"voltage":1331.2,"current":20150,"soc":50.0,"Timestamp":"11-24-2026 15:49:12.456733"}'
RUN = Run(1_000_000, "ipc:///bus", ("/",))
ALL = Selection()


def messages():
    yield Message("pub", "/a", BODY, None, "bridge", "ems")
    yield Message("pub", "/a", BODY.replace(b"20150", b"20151"), None, "bridge", "ems")
    yield Message("pub", "/a", None, None, "bridge")
    yield Message("pub", "/a", b"", "/me", "bridge")
    yield Message("set", "/a/x", b"\xff\0" * 1000, "/_reply/1/2", "calculator", "ems", None, "token")
    yield Message("pub", "/b", b"x" * 100_000, None, "")


def entries(found=None):
    return [Entry(1_000_000 * n, 1000 * n, 1, message) for n, message in enumerate(found or messages(), 2)]


def write(path, given, gaps=(), *, packed=True):
    with Writer(path, RUN, packed=packed) as writer:
        writer.append(given, gaps)


def read_all(path):
    with Recording(path) as recording:
        recording.runs()
        recording.gaps()
        list(recording.entries(ALL))
        recording.topics()


@pytest.mark.parametrize("packed", [True, False])
def test_every_field_comes_back(tmp_path, packed):
    path, gap = tmp_path / "a.rec", Gap(1, 2, None, "away")
    write(path, entries(), [gap], packed=packed)
    with Recording(path) as recording:
        assert list(recording.entries(ALL)) == entries()
        assert recording.gaps() == [gap]
        assert recording.runs() == [RUN]
        assert recording.span() == (2_000_000, 7_000_000)
    assert path.stat().st_mode & 0o777 == 0o600


def test_answers_share_a_topic_and_keep_where_they_went(tmp_path):
    answers = [Message("set", f"/_reply/x/{n}", b"5", None, "engine", None, Status.OK) for n in range(100)]
    write(tmp_path / "a.rec", entries(answers))
    with Recording(tmp_path / "a.rec") as recording:
        assert len(recording.topics()) == 1
        assert list(recording.entries(ALL)) == []  # no answer is ever selected
        also = [entry.message for entry in recording.entries(ALL, also=lambda topic: topic.is_reply)]
        assert also == answers


def test_a_second_start_appends_and_is_a_run_of_its_own(tmp_path):
    write(tmp_path / "a.rec", entries())
    with Writer(tmp_path / "a.rec", Run(RUN.started_us + 1, RUN.source, RUN.uris)) as writer:
        writer.append(entries())
    with Recording(tmp_path / "a.rec") as recording:
        assert [entry.run for entry in recording.entries(ALL)] == [1] * 6 + [2] * 6


def test_what_repeats_itself_takes_a_tenth(tmp_path):
    given = [BODY.replace(b"456733", b"%06d" % n).replace(b"20150", b"%d" % (20000 + n)) for n in range(5000)]
    write(tmp_path / "a.rec", entries([Message("pub", "/a", body, None, "b", "e") for body in given]))
    assert (tmp_path / "a.rec").stat().st_size < 60 * len(given)
    assert sum(map(len, given)) > 80 * len(given)


@given(st.binary(max_size=200), st.one_of(st.none(), st.binary(min_size=1, max_size=200)))
def test_packing_loses_nothing(body, sample):
    size, packed = pack(body, sample)
    assert unpack(size, packed, sample) == body
    assert len(packed or b"") <= len(body)


@given(st.one_of(st.none(), st.integers(-5, 1 << 70)), st.binary(max_size=50), st.one_of(st.none(), st.binary()))
def test_damaged_bodies_are_refused_or_short(size, packed, sample):
    try:
        body = unpack(size, packed, sample)
    except ValueError:
        return
    assert body is not None
    assert len(body) == (len(packed) if size is None else size)


def test_a_bomb_is_not_unpacked():
    _, packed = pack(bytes(1 << 24), None)
    with pytest.raises(ValueError, match="not of 10 bytes"):
        unpack(10, packed, None)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (None, None, [2, 3, 4, 5, 6, 7]),
        ("+1s", None, [3, 4, 5, 6, 7]),
        ("+1", "+3s", [3, 4]),
        ("1970-01-01T00:00:04Z", "1970-01-01T00:00:06+00:00", [4, 5]),
    ],
)
def test_a_time_can_be_chosen(tmp_path, since, until, expected):
    write(tmp_path / "a.rec", entries())
    chosen = Selection(since=since and moment(since), until=until and moment(until))
    with Recording(tmp_path / "a.rec") as recording:
        assert [entry.at_us // 1_000_000 for entry in recording.entries(chosen)] == expected


def test_uris_and_methods_can_be_chosen(tmp_path):
    write(tmp_path / "a.rec", entries())
    with Recording(tmp_path / "a.rec") as recording:

        def chosen(**what):
            return {entry.message.uri for entry in recording.entries(Selection(**what))}

        assert chosen(uris=("/a",)) == {"/a", "/a/x"}
        assert chosen(uris=("/a",), without=("/a/x",)) == {"/a"}
        assert chosen(methods=frozenset({"set"})) == {"/a/x"}


@pytest.mark.parametrize("text", ["", "+", "+1y", "yesterday", "+1e9", "99999-01-01", "+-1", "12:00"])
def test_what_is_no_time_is_said(text):
    with pytest.raises(ValueError, match="expected a time such as"):
        moment(text)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("PRAGMA application_id=5", "not a recording; expected a file of fims_record"),
        ("PRAGMA user_version=9", "a recording of version 9, expected 1"),
        ("CREATE VIEW x AS SELECT 1", "tables that are not those"),
        ("CREATE TRIGGER x AFTER INSERT ON gap BEGIN DELETE FROM message; END", "tables that are not those"),
        ("UPDATE topic SET method='shout'", "unknown method 'shout'"),
        ("UPDATE topic SET uri='a' || id", "bad URI"),
        ("UPDATE topic SET status='perhaps'", "'perhaps' is not a valid Status"),
        ("DELETE FROM topic", "a message of a topic that is not there"),
        ("UPDATE message SET body=x'ff', size=77", "message 1: a packed body that cannot be unpacked"),
        ("UPDATE message SET size=1<<40", "message 1: a body of 1099511627776 bytes"),
        ("UPDATE run SET uris='['", "damaged, or not a recording"),
    ],
)
def test_a_file_that_was_tampered_with_is_one_clear_error(tmp_path, statement, reason):
    path = tmp_path / "a.rec"
    write(path, entries())
    with sqlite3.connect(path) as database:
        database.execute(statement)
    database.close()
    with pytest.raises(RecordingError) as caught:
        read_all(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert reason in str(caught.value)


@pytest.mark.parametrize("content", [b"no database at all, and long enough to be taken for one" * 100, b"x"])
def test_another_file_is_neither_read_nor_written(tmp_path, content):
    path = tmp_path / "a.rec"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match="not a recording"):
        Recording(path)
    with pytest.raises(RecordingError, match="not a recording"):
        Writer(path, RUN)
    assert path.read_bytes() == content


def test_another_database_is_not_written(tmp_path):
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE precious (x)")
    database.close()
    before = path.read_bytes()
    with pytest.raises(RecordingError, match="not a recording of this version"):
        Writer(path, RUN)
    assert path.read_bytes() == before


@given(st.binary(min_size=1, max_size=30), st.integers(0, 30_000))
def test_damage_anywhere_is_an_error_or_unseen(tmp_path_factory, damage, at):
    path = tmp_path_factory.mktemp("damaged") / "a.rec"
    write(path, entries())
    content = bytearray(path.read_bytes())
    content[at % len(content) : at % len(content) + len(damage)] = damage
    path.write_bytes(content)
    try:
        read_all(path)
    except RecordingError:
        return


def test_a_file_of_which_only_the_first_step_was_done_is_a_new_one(tmp_path):
    path = tmp_path / "a.rec"
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode=WAL")
    database.close()
    write(path, entries())
    with Recording(path) as recording:
        assert len(list(recording.entries(ALL))) == 6


def test_the_tables_are_strict():
    assert all(statement.endswith(" STRICT") for statement in schema.TABLES.values())
