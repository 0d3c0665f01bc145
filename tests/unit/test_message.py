import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ess_bus.errors import ProtocolError
from ess_bus.message import METHODS, Message, Status, address_of, decode, encode, encode_body, header, split_header

segment = st.text(st.characters(exclude_characters="/", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8)
uris = st.lists(segment, max_size=5).map(lambda parts: "/" + "/".join(parts))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
requests = st.builds(
    Message,
    method=st.sampled_from(sorted(METHODS)),
    uri=uris,
    body=st.none() | st.binary(max_size=200),
    replyto=st.none() | uris,
    process_name=texts,
    username=st.none() | texts,
    status=st.none(),
)
replies = st.builds(
    Message,
    method=st.just("set"),
    uri=uris,
    body=st.none() | st.binary(max_size=200),
    replyto=st.none(),
    process_name=texts,
    username=st.none() | texts,
    status=st.sampled_from(Status),
    token=st.none() | texts,
)


@given(requests | replies)
def test_a_message_survives_its_frame(message):
    assert decode(encode(message)) == message


@given(requests)
def test_the_header_is_verb_space_uri_nul(message):
    frame = encode(message)
    head = frame[: frame.index(0)]
    assert head == header(message.method, message.uri) == f"{message.method} {message.uri}".encode()
    assert split_header(head) == (message.method, message.uri)
    assert address_of(frame) == (message.replyto, message.token)


@given(replies)
def test_a_reply_travels_under_its_own_verb(message):
    assert encode(message).startswith(b"reply /")
    assert message.is_reply


@given(st.binary(max_size=200))
def test_any_bytes_decode_or_are_a_protocol_error(frame):
    failure = ""
    try:
        decode(frame)
    except ProtocolError as error:
        failure = str(error)
    assert failure.isprintable()


@given(requests, st.data())
def test_a_damaged_frame_decodes_or_is_a_protocol_error(message, data):
    frame = bytearray(encode(message))
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(frame[: data.draw(st.integers(0, len(frame)))])
    try:
        found = decode(cut)
    except ProtocolError:
        return
    assert decode(encode(found)) == found


json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_like)
def test_any_other_msgpack_as_a_tail_is_a_message_or_a_protocol_error(tail):
    try:
        packed = msgpack.packb(tail)
    except UnicodeEncodeError:
        return
    try:
        found = decode(b"set /a\0" + packed)
    except ProtocolError:
        return
    assert isinstance(tail, list)
    assert len(tail) == 6
    assert isinstance(found.process_name, str)


def tail(*fields: object) -> bytes:
    packed: bytes = msgpack.packb(fields)
    return b"set /a\0" + packed


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (b"", "without a NUL"),
        (b"set /a", "without a NUL"),
        (b"\0", "no URI"),
        (b"set\0\xc0", "no URI"),
        (b"\xff\xfe /a\0\xc0", "not UTF-8"),
        (b"shout /a\0\xc0", "unknown verb 'shout'"),
        (b"SET /a\0\xc0", "unknown verb 'SET'"),
        (b"set /a\0", "not msgpack"),
        (b"set /a\0\xc1", "not msgpack"),
        (b"set /a\0\x95\xc0", "not msgpack"),
        (tail(None, "p", None, None, None, b"") + b"more", "not msgpack"),
        (b"set /a\0" + b"\x91" * 2000 + b"\xc0", "not msgpack"),
        (b"set /a\0\x81\x90\xc0", "not msgpack"),
        (b"set /a\0\xdd\xff\xff\xff\xff", "not msgpack"),
        (b"set /a\0\x95\xc0\xa1\xff\xc0\xc0\xc0", "not msgpack"),
        (tail(None, "p", None, None), "wrong fields"),
        (tail(None, "p", None, None, None), "wrong fields"),
        (tail(None, "p", None, None, 1, b""), "wrong fields"),
        (tail(None, None, None, None, None, b""), "wrong fields"),
        (tail(1, "p", None, None, None, b""), "wrong fields"),
        (tail(None, "p", b"u", None, None, b""), "wrong fields"),
        (tail(None, "p", None, 0, None, b""), "wrong fields"),
        (tail(None, "p", None, None, None, "text"), "wrong fields"),
        (b"set /a\0\x85" + b"\xa1a\xc0" * 5, "wrong fields"),
        (tail(None, "p", None, "splendid", None, b""), "unknown status 'splendid'"),
        (tail(None, "p", None, "ok", None, b""), "contradict"),
        (b"reply /a\0" + msgpack.packb((None, "p", None, None, None, b"")), "contradict"),
        (tail("no-slash", "p", None, None, None, b""), "replyto that cannot be routed"),
        (tail("/a\0b", "p", None, None, None, b""), "replyto that cannot be routed"),
        (tail("/" + "a" * 300, "p", None, None, None, b""), "replyto that cannot be routed"),
    ],
)
def test_garbage_is_a_protocol_error_that_says_what_is_wrong(frame, text):
    with pytest.raises(ProtocolError, match=text):
        decode(frame)
    assert address_of(frame) == (None, None)


def test_a_protocol_error_stays_short_whatever_was_sent():
    for frame in (b"x" * 5000 + b" /a\0\xc0", tail(None, "p", None, "s" * 5000, None, b""), b"y" * 5000 + b"\0"):
        with pytest.raises(ProtocolError) as caught:
            decode(frame)
        assert len(str(caught.value)) < 200


def test_a_uri_may_hold_spaces():
    assert decode(encode(Message("get", "/a b/c d"))).uri == "/a b/c d"


def test_no_body_an_empty_body_and_null_are_three_things():
    bodies = [None, b"", b"null"]
    assert [decode(encode(Message("set", "/a", body))).body for body in bodies] == bodies


def test_bytes_and_none_are_bodies_as_they_are_and_the_rest_is_json():
    assert encode_body(None) is None
    assert encode_body(b"\xff\0") == b"\xff\0"
    assert encode_body({"soc": 50.5}) == b'{"soc":50.5}'
    assert encode_body("text") == b'"text"'
    assert encode_body(False) == b"false"
    with pytest.raises(TypeError):
        encode_body(object())


def test_json_decodes_the_body_or_says_why_not():
    assert Message("set", "/a", b'{"value": 5}').json() == {"value": 5}
    with pytest.raises(ValueError, match="there is no body"):
        Message("set", "/a").json()
    with pytest.raises(ValueError, match="unexpected"):
        Message("set", "/a", b"Error: URI not valid.").json()
