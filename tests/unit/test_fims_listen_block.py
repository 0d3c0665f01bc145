from datetime import datetime

import pytest

from ess_bus.message import Message, Status
from tools.fims_listen import _mode, block

WHEN = datetime(2023, 12, 6, 14, 50, 2, 7432)


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
    assert block(Message("get", "/a", None, "/me", "", None), WHEN) == (
        b"\n"
        b"Method:       get\n"
        b"Uri:          /a\n"
        b"ReplyTo:      /me\n"
        b"Process Name:  \n"
        b"Username:     (null)\n"
        b"Body:         (null) \n"
        b"Timestamp:    2023-12-06 14:50:02.007432\n"
    )


@pytest.mark.parametrize("body", [b"", b"\xff\xfe\0", b'{\n "a": 1\n}', "ü".encode()])
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


@pytest.mark.parametrize(
    ("method", "mode"),
    [
        ("", {"passive": True}),
        ("p", {"passive": True}),  # it could also be a post
        ("po", {"passive": True}),
        ("s", {"passive": True}),
        ("pu", {"pub_only": True}),
        ("pub", {"pub_only": True}),
    ],
)
def test_a_filter_that_can_only_mean_pub_is_left_to_the_broker(method, mode):
    assert _mode(method) == mode
