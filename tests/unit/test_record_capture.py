"""Texts of fims_listen become messages: every format of the original, ours, and what is none of them."""

import contextlib
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ess_bus.message import Message, Status
from tools.fims.layout import block, json_line
from tools.record.capture import Capture, CaptureError

NEW = b"""
Method:       set
Uri:          /components/pv_2/reactive_power_mode
ReplyTo:      (null)
Process Name: site_controller\x20
Username:     hybridos
Body:         {"value":0}\x20
Timestamp:    2023-12-06 14:50:02.277432
"""
OLD = b"""Method:  get
Uri:     /assets
ReplyTo: /28800
Body:    (null)
Timestamp:   2020-11-30 13:56:09.24117
"""
MIDDLE = b"""
Method:    pub
Uri:       /a
ReplyTo:   null
Body:      5
Timestamp: 2022-02-01 10:00:00.000001
"""
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Z")), min_size=1, max_size=10)
MESSAGES = st.builds(
    Message,
    st.sampled_from(["get", "set", "pub", "post", "del"]),
    TEXTS.map(lambda text: "/" + text),
    st.one_of(st.none(), st.binary(min_size=1).filter(lambda body: body not in (b"(null)",))),
    st.one_of(st.none(), TEXTS.map(lambda text: "/r/" + text)),
    TEXTS.filter(lambda text: text not in ("null", "(null)")),
    st.one_of(st.none(), TEXTS.filter(lambda text: text not in ("null", "(null)"))),
    st.none(),
    st.none(),
)


@pytest.fixture(autouse=True)
def far_away(monkeypatch):
    """Times without a zone are local ones."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def read(text: bytes, *, skip_bad: bool = False):
    capture = Capture(skip_bad)
    return list(capture.entries(text.splitlines(keepends=True))), capture


def us(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1_000_000)


def test_the_three_formats_of_the_original_are_read():
    entries, capture = read(NEW + OLD + MIDDLE)
    assert [entry.message for entry in entries] == [
        Message("set", "/components/pv_2/reactive_power_mode", b'{"value":0}', None, "site_controller", "hybridos"),
        Message("get", "/assets", None, "/28800"),
        Message("pub", "/a", b"5"),
    ]
    # The old one did not pad its microseconds.
    assert entries[1].at_us == us("2020-11-30T13:56:09.024117-05:00")
    assert (capture.strays, capture.unfinished, capture.skipped) == (0, None, [])


def test_times_never_run_backwards_even_where_the_clock_was_set():
    entries, _ = read(NEW + OLD + NEW)
    assert [entry.elapsed_us for entry in entries] == [0, 0, 0]


def test_a_body_may_have_lines_and_labels_of_its_own():
    text = NEW.replace(b'{"value":0}', b'{\n\n"Username: x\nUri: y\n}')
    (entry,), _ = read(text)
    assert entry.message.body == b'{\n\n"Username: x\nUri: y\n}'


def test_what_stands_between_messages_is_counted_and_what_has_no_end_is_told():
    entries, capture = read(b"$ fims_listen -u /\n" + NEW + b"signal of type 2 caught.\n" + NEW.partition(b"Body")[0])
    assert (len(entries), capture.strays, capture.unfinished) == (1, 2, 12)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (NEW.replace(b"set", b"shout"), "line 2: method 'shout', expected one of"),
        (NEW.replace(b"/components", b"components"), "line 2: bad URI"),
        (NEW.replace(b"2023-12", b"2023-13"), "line 2: month must be in 1..12"),
        (NEW.replace(b"14:50:02.277432", b"14:50"), "line 2: Timestamp '2023-12-06 14:50', expected one such as"),
        (NEW.replace(b"Uri:", b"uri:"), "line 2: expected the next label, got b'uri:"),
        (NEW.replace(b"Username: ", b"Process Name: "), "line 2: two lines of Process Name"),
        (NEW.partition(b"Timestamp")[0] + NEW, "line 2: a message without a Timestamp"),
        (b'{"method":"pub","uri":"/a"}\n', "line 1: 'timestamp' is missing"),
        (b'{"method"\n', "line 1: "),
    ],
)
def test_what_is_no_message_names_its_line_or_is_passed_over(text, reason):
    with pytest.raises(CaptureError) as caught:
        read(text)
    assert str(caught.value).startswith(reason)
    entries, capture = read(text + OLD, skip_bad=True)
    assert entries[-1].message.uri == "/assets"
    assert len(capture.skipped) == 1


@given(st.lists(MESSAGES, max_size=4))
def test_what_our_fims_listen_prints_is_read_as_it_was(messages):
    stamp = datetime(2026, 1, 31, 12, tzinfo=UTC).astimezone()
    # What a block cannot say: where a body begins that begins with spaces, and where it ends if it holds labels.
    bodies = {one.body or b"" for one in messages}
    unclear = {body for body in bodies if b"\r" in body or b":" in body or body != body.lstrip(b" \t")}
    plain = [one for one in messages if one.body not in unclear]
    text = b"".join(block(one, stamp) for one in plain)
    assert [entry.message for entry in Capture().entries(text.splitlines(keepends=True))] == plain
    lines = b"".join(json_line(one, stamp) for one in messages).split(b"\n")
    again = [entry.message for entry in Capture().entries(lines)]
    assert [one._replace(body=None) for one in again] == [one._replace(body=None) for one in messages]
    assert all(entry.at_us == int(stamp.timestamp()) * 1_000_000 for entry in Capture().entries(lines))


def test_an_answer_in_json_stays_one():
    message = Message("set", "/me", b"5", None, "engine", None, Status.REFUSED)
    (entry,) = Capture().entries([json_line(message, datetime.now().astimezone())])
    assert entry.message == message


@given(st.binary(max_size=300))
def test_garbage_never_does_more_than_name_its_line(text):
    for skip_bad in (False, True):
        with contextlib.nullcontext() if skip_bad else contextlib.suppress(CaptureError):
            read(b"Method: pub\n" + text, skip_bad=skip_bad)
