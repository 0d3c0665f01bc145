import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ess_bus import control
from ess_bus.control import Mode, Verb
from ess_bus.errors import ProtocolError
from ess_bus.message import METHODS

scalars = st.none() | st.booleans() | st.integers(0, 2**64 - 1) | st.text(st.characters(exclude_categories=["Cs"]))


@given(st.sampled_from(Verb), st.lists(scalars, max_size=5))
def test_a_control_frame_survives_the_wire(verb, fields):
    assert control.decode(control.encode(verb, *fields)) == (verb, tuple(fields))


def test_every_control_verb_starts_with_the_mark_and_no_method_does():
    assert all(verb.encode().startswith(control.MARK) for verb in Verb)
    assert not any(method.encode().startswith(control.MARK) for method in METHODS)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"!",
        b"!ping",
        b"!ping\0",
        b"!ping\0\xc1",
        b"!ping\0\x01",
        b"!ping\0\x80",
        b"!ping\0\x90\x90",
        b"!shout\0\x90",
        b"!PING\0\x90",
        b"!\xff\0\x90",
        b"ping\0\x90",
        b"!ping\0" + b"\x91" * 2000 + b"\xc0",
    ],
)
def test_garbage_is_a_protocol_error(frame):
    with pytest.raises(ProtocolError):
        control.decode(frame)


@given(st.binary(max_size=100))
def test_any_bytes_after_the_mark_decode_or_are_a_protocol_error(rest):
    try:
        verb, fields = control.decode(control.MARK + rest)
    except ProtocolError:
        return
    assert isinstance(verb, Verb)
    assert isinstance(fields, tuple)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from(Mode), max_size=5))
def test_subscriptions_survive_the_wire(subscriptions):
    frame = control.encode(Verb.SUBSCRIBE, 1, control.pack_subscriptions(subscriptions))
    assert control.unpack_subscriptions(control.decode(frame)[1][1]) == subscriptions


@pytest.mark.parametrize(
    "field",
    [None, 1, "text", [("/a", "all")], ("/a",), (("/a",),), (("/a", "ALL"),), (("/a", "all", 1),), ((b"/a", "all"),)],
)
def test_subscriptions_of_another_shape_are_a_protocol_error(field):
    with pytest.raises(ProtocolError, match="subscription"):
        control.unpack_subscriptions(field)


def test_the_fields_of_a_frame_are_an_array_of_msgpack_after_a_nul():
    assert control.encode(Verb.PING, 7) == b"!ping\0" + msgpack.packb([7])
