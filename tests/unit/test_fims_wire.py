"""The codec of the original's protocol, against captures and against an independent client (fims.md A1.4, B1, B2)."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ess_bus import fims_wire
from ess_bus.errors import ProtocolError, TooLarge
from ess_bus.message import Message, Status
from tests import fims_client

CAPTURED_SUCCESS = bytes.fromhex("0000000b00 000000 07000000") + b"fims_serverSUCCESS"
CAPTURED_SET = bytes.fromhex("0315000900 000000 04000000") + b"set/components/bms_9/cap" + b"fims_send" + b"1234"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60).filter(lambda text: len(text.encode()) <= 255)
maybe = st.none() | texts.filter(bool)
messages = st.builds(
    Message, texts, texts, st.none() | st.binary(min_size=1, max_size=500), maybe, texts, maybe, st.none(), st.none()
)


class TestMessages:
    def test_a_set_is_packed_as_in_the_capture(self):
        message = Message("set", "/components/bms_9/cap", b"1234", None, "fims_send")
        assert fims_wire.encode(message) == CAPTURED_SET
        assert fims_wire.decode(CAPTURED_SET) == message

    def test_a_reply_is_an_ordinary_set(self):
        reply = Message("set", "/me", b"1", None, "owner", None, Status.REFUSED, "token")
        assert fims_wire.decode(fims_wire.encode(reply)) == Message("set", "/me", b"1", None, "owner")

    def test_what_is_absent_has_length_0(self):
        packet = fims_wire.encode(Message("get", "/a", None, None, "p", None))
        assert packet == bytes((3, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)) + b"get/ap"
        assert fims_wire.encode(Message("get", "/a", b"", "", "p", "")) == packet

    def test_pad_bytes_do_not_matter(self):
        padded = fims_client.packet("set", "/a", "1", "/r", "p", "u", pads=b"\xff\xfe\xfd")
        assert fims_wire.decode(padded) == Message("set", "/a", b"1", "/r", "p", "u")

    @given(messages)
    def test_what_was_packed_is_unpacked(self, message):
        assert fims_wire.decode(fims_wire.encode(message)) == message

    @given(messages)
    def test_an_independent_client_reads_the_same(self, message):
        read = fims_client.parse(fims_wire.encode(message))
        sent = (message.method, message.uri, message.replyto, message.process_name, message.username)
        assert read == (*((text or "").encode() for text in sent), message.body or b"")

    @given(st.binary(max_size=80))
    @example(b"")
    @example(b"\x03\x15\x00\x09\x00\0\0\0\x04\0\0\0")
    @example(struct.pack("<BBBBB3xI", 0, 0, 0, 0, 0, 0xFFFFFFFF))
    def test_any_bytes_are_a_message_or_a_protocol_error(self, packet):
        try:
            message = fims_wire.decode(packet)
        except ProtocolError:
            return
        assert len(packet) == 12 + sum(packet[:5]) + len(message.body or b"")

    @given(messages, st.data())
    def test_a_packet_that_is_cut_or_has_more_is_refused(self, message, data):
        packet = fims_wire.encode(message)
        cut = data.draw(st.integers(0, len(packet) - 1))
        for wrong in (packet[:cut], packet + b"x"):
            with pytest.raises(ProtocolError):
                fims_wire.decode(wrong)

    @pytest.mark.parametrize("field", [0, 1, 2])
    def test_what_routes_must_be_utf_8(self, field):
        parts = [b"set", b"/a", b"/r"]
        parts[field] += b"\xff"
        with pytest.raises(ProtocolError, match="not UTF-8"):
            fims_wire.decode(fims_client.packet(parts[0], parts[1], b"1", parts[2]))

    def test_what_is_not_utf_8_in_a_name_is_replaced(self):
        message = fims_wire.decode(fims_client.packet("set", "/a", "1", "", b"p\xff", b"\xe9va"))
        assert (message.process_name, message.username) == ("p\N{REPLACEMENT CHARACTER}", "\N{REPLACEMENT CHARACTER}va")

    def test_any_bytes_are_a_body(self):
        body = bytes(range(256))
        assert fims_wire.decode(fims_wire.encode(Message("set", "/a", body, None, "p"))).body == body


class TestSizes:
    @pytest.mark.parametrize("field", ["uri", "replyto", "process_name", "username"])
    def test_a_text_has_at_most_255_bytes(self, field):
        def with_text(text: str) -> Message:
            fields: dict[str, Any] = {field: text}
            return Message("set", "/a", b"1", None, "p")._replace(**fields)

        assert fims_wire.decode(fims_wire.encode(with_text("/" + "x" * 254)))
        with pytest.raises(ProtocolError, match="of 256 bytes, but the receiver takes 255"):
            fims_wire.encode(with_text("/" + "é" * 127 + "x"))

    def test_a_packet_has_at_most_924288_bytes(self):
        room = fims_wire.MAX_PACKET - 12 - len("set/ap")
        assert len(fims_wire.encode(Message("set", "/a", b"x" * room, None, "p"))) == 924_288
        with pytest.raises(TooLarge, match=r"/a: a message of 924289 bytes is over the limit of 924288"):
            fims_wire.encode(Message("set", "/a", b"x" * (room + 1), None, "p"))


class TestOpening:
    def test_the_handshake_is_version_and_largest_packet(self):
        assert fims_wire.encode_handshake() == bytes.fromhex("0100 0000 801a0e00")
        fims_wire.check_handshake(fims_wire.encode_handshake())

    def test_pad_bytes_of_the_handshake_do_not_matter(self):
        fims_wire.check_handshake(bytes.fromhex("0100 beef 801a0e00"))

    @pytest.mark.parametrize(
        "packet",
        [
            b"",
            bytes.fromhex("0100 0000 801a0e"),
            bytes.fromhex("0100 0000 801a0e00 00"),
            bytes.fromhex("0200 0000 801a0e00"),
            bytes.fromhex("0100 0000 801a0e01"),
        ],
    )
    def test_another_handshake_is_refused(self, packet):
        with pytest.raises(ProtocolError, match="a handshake"):
            fims_wire.check_handshake(packet)

    def test_a_name_has_1_to_255_bytes(self):
        assert fims_wire.decode_name(b"modbus_client_uri@SEL-2440") == "modbus_client_uri@SEL-2440"
        assert fims_wire.decode_name(b"x" * 255) == "x" * 255
        for wrong in (b"", b"x" * 256):
            with pytest.raises(ProtocolError, match="expected 1 to 255"):
                fims_wire.decode_name(wrong)

    @given(st.binary(min_size=1, max_size=255))
    def test_a_name_is_printable_whatever_its_bytes(self, packet):
        assert fims_wire.decode_name(packet).isprintable()


allowed = st.from_regex(rb"/[-./0-9A-Z_a-z]{0,30}", fullmatch=True).map(bytes.decode)


class TestSubscriptions:
    def test_the_answer_is_that_of_the_capture(self):
        assert fims_wire.encode_answer(fims_wire.SUCCESS) == CAPTURED_SUCCESS

    @given(st.lists(st.tuples(allowed, st.booleans()), min_size=1, max_size=255))
    def test_a_list_is_read_as_it_was_written(self, wanted):
        assert fims_wire.decode_subscriptions(fims_wire.encode_subscriptions(wanted)) == wanted

    def test_the_body_is_count_flags_and_uris(self):
        body = bytes((2, 0, 2, 1, 5)) + b"/a/b/cd"
        assert fims_wire.decode_subscriptions(body) == [("/a", False), ("/b/cd", True)]
        assert fims_wire.encode_subscriptions([("/a", False), ("/b/cd", True)]) == body

    @pytest.mark.parametrize("body", [None, b""])
    def test_without_data(self, body):
        with pytest.raises(ProtocolError, match=r"^Subscribe did not have data\.$"):
            fims_wire.decode_subscriptions(body)

    def test_an_empty_list_is_refused(self):
        with pytest.raises(ProtocolError, match=r"^No uris to subscribe to\.$"):
            fims_wire.decode_subscriptions(b"\0")

    @pytest.mark.parametrize("uri", ["", "a", "a/b", "/a:b", "/a b", "/a@b", "/$", "/a[0]", "/a\0b", "/a\n"])
    def test_a_uri_that_the_original_refuses(self, uri):
        with pytest.raises(ProtocolError) as caught:
            fims_wire.decode_subscriptions(fims_wire.encode_subscriptions([("/fine", False), (uri, False)]))
        assert str(caught.value) == f"Invalid Uri: {uri}"

    def test_the_answer_names_any_bytes_as_they_came(self):
        with pytest.raises(ProtocolError) as caught:
            fims_wire.decode_subscriptions(b"\x01\x00\x03/\xff\xc3")
        assert fims_wire.encode_answer(str(caught.value)).endswith(b"Invalid Uri: /\xff\xc3")

    @given(st.binary(max_size=60))
    def test_any_bytes_are_a_list_or_a_protocol_error(self, body):
        try:
            wanted = fims_wire.decode_subscriptions(body)
        except ProtocolError:
            return
        start = 1 + 2 * body[0]
        assert [pub_only for _, pub_only in wanted] == [flag != 0 for flag in body[1:start:2]]
        assert body[start:].startswith("".join(uri for uri, _ in wanted).encode())
