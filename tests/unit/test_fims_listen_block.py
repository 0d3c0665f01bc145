"""How `fims_listen` shows a message, and what it leaves to the broker."""

import json
import re
from datetime import datetime, timedelta, timezone

import pytest

from ess_bus.message import Message, Status
from tools.fims.layout import block, json_line
from tools.fims_listen import mode

WHEN = datetime(2023, 12, 6, 14, 50, 2, 7432)
NOTHING = (
    b"\n"
    b"Method:       get\n"
    b"Uri:          /a\n"
    b"ReplyTo:      /me\n"
    b"Process Name:  \n"
    b"Username:     (null)\n"
    b"Body:         (null) \n"
    b"Timestamp:    2023-12-06 14:50:02.007432\n"
)


def test_a_block_is_the_originals_byte_for_byte():
    message = Message(
        "set", "/components/pv_2/reactive_power_mode", b'{"value":0}', None, "site_controller", "hybridos"
    )
    assert block(message, WHEN) == (
        b"\n"
        b"Method:       set\n"
        b"Uri:          /components/pv_2/reactive_power_mode\n"
        b"ReplyTo:      (null)\n"
        b"Process Name: site_controller \n"
        b"Username:     hybridos\n"
        b'Body:         {"value":0} \n'
        b"Timestamp:    2023-12-06 14:50:02.007432\n"
    )


def test_what_is_missing_is_null_in_brackets():
    assert block(Message("get", "/a", None, "/me", "", None), WHEN) == NOTHING
    # On the original's wire an empty body is none.
    assert block(Message("get", "/a", b"", "/me", "", ""), WHEN) == NOTHING


@pytest.mark.parametrize("body", [b"\xff\xfe\0", b'{\n "a": 1\n}', "ü".encode()])
def test_a_body_is_printed_as_it_is(body):
    assert b"\nBody:         " + body + b" \nTimestamp:" in block(Message("pub", "/a", body, None, "p"), WHEN)


def test_a_reply_is_a_set():
    assert block(Message("set", "/r", b"1", None, "p", None, Status.REFUSED), WHEN).startswith(b"\nMethod:       set\n")


def test_the_labels_are_fourteen_columns_wide():
    lines = block(Message("get", "/a", b"x", "/r", "p", "u"), WHEN).decode().splitlines()[1:]
    assert [line[:14].rstrip() for line in lines] == [
        "Method:",
        "Uri:",
        "ReplyTo:",
        "Process Name:",
        "Username:",
        "Body:",
        "Timestamp:",
    ]
    assert all(line[13] == " " for line in lines)


def test_on_a_terminal_the_same_text_is_coloured():
    for message in (Message(method, "/a", b"5", None, "p") for method in ("get", "set", "pub", "post", "del")):
        coloured = block(message, WHEN, colours=True)
        assert re.sub(rb"\033\[\d*m", b"", coloured) == block(message, WHEN)
        assert coloured != block(message, WHEN)


def test_an_error_is_red():
    wrong = Message("set", "/r", b"no", None, "p", None, Status.REFUSED)
    right = Message("set", "/r", b"no", None, "p", None, Status.OK)
    assert b"\033[31mno \033[0m" in block(wrong, WHEN, colours=True)
    assert b"\033[31m" not in block(right, WHEN, colours=True)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("", {"passive": True}),
        ("po", {"passive": True}),
        ("s", {"passive": True}),
        ("p", {"pub_only": True}),
        ("pu", {"pub_only": True}),
        ("pub", {"pub_only": True}),
    ],
)
def test_a_filter_that_begins_pub_is_left_to_the_broker(method, expected):
    assert mode(method) == expected


LATER = WHEN.replace(tzinfo=timezone(timedelta(hours=1)))


def test_a_line_of_json_is_compact_and_complete():
    message = Message("pub", "/a", b'{"soc": 50.5}', "/me", "bridge", "ems")
    assert json_line(message, LATER) == (
        b'{"method":"pub","uri":"/a","replyto":"/me","process_name":"bridge","username":"ems","status":null,'
        b'"body":{"soc":50.5},"encoding":"json","timestamp":"2023-12-06T14:50:02.007432+01:00"}\n'
    )


@pytest.mark.parametrize(
    ("body", "shown", "encoding"),
    [
        (b"5", 5, "json"),
        (b"null", None, "json"),
        (b'"x"', "x", "json"),
        (b'{\n "a": [1]\n}', {"a": [1]}, "json"),
        (b"x", "x", "text"),
        (b"", "", "text"),
        (b"NaN", "NaN", "text"),
        ("ü\n".encode(), "ü\n", "text"),
        (b"[" * 1000 + b"]" * 1000, "[" * 1000 + "]" * 1000, "text"),
        (b"\xff\0", "/wA=", "base64"),
        (None, None, None),
    ],
)
def test_every_body_has_its_place_in_a_line(body, shown, encoding):
    line = json_line(Message("set", "/a", body), LATER)
    assert line.count(b"\n") == 1
    found = json.loads(line)
    assert (found["body"], found["encoding"]) == (shown, encoding)


def test_the_status_of_a_reply_is_told():
    assert json.loads(json_line(Message("set", "/r", b"1", status=Status.REFUSED), LATER))["status"] == "refused"
