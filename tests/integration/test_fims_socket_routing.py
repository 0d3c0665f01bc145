"""Clients of the original's protocol among each other on a real fims_server (fims.md A1.4, A2, B1, B2)."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from tests.fims_client import LARGEST, FimsClient, packet
from tests.integration.fims_server import Server, one_server

CAPTURED_SUCCESS = bytes.fromhex("0000000b00 000000 07000000") + b"fims_serverSUCCESS"
CAPTURED_SET = bytes.fromhex("0315000900 000000 04000000") + b"set/components/bms_9/cap" + b"fims_send" + b"1234"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with one_server() as found:
        yield found


class TestAmongThemselves:
    def test_a_get_is_answered_where_the_asker_waits(self, server):
        with server.join("owner", "/a") as owner, server.join("fims_send", "/28800") as asker:
            asker.send("get", "/a/b", replyto="/28800")
            assert owner.receive() == (b"get", b"/a/b", b"/28800", b"fims_send", b"", b"")
            owner.send("set", "/28800", '{"value":39}')
            assert asker.receive() == (b"set", b"/28800", b"", b"owner", b"", b'{"value":39}')

    def test_a_listener_gets_the_bytes_of_the_capture(self, server):
        with FimsClient(server.path, "fims_listen") as listener, server.join("fims_send") as sender:
            listener.ask_to_subscribe("/components")
            assert listener.receive_packet() == CAPTURED_SUCCESS
            sender.send("set", "/components/bms_9/cap", "1234")
            assert listener.receive_packet() == CAPTURED_SET

    def test_a_listener_on_everything_sees_gets_sets_pubs_and_replies(self, server):
        with (
            server.join("fims_listen", "/") as listener,
            server.join("owner", "/seen") as owner,
            server.join("asker", "/me") as asker,
        ):
            asker.send("get", "/seen", replyto="/me", username="alice")
            owner.receive()
            owner.send("set", "/me", "5")
            asker.receive()
            asker.send("pub", "/seen//x/", b"\x00\xff")
            assert [listener.receive() for _ in range(3)] == [
                (b"get", b"/seen", b"/me", b"asker", b"alice", b""),
                (b"set", b"/me", b"", b"owner", b"", b"5"),
                (b"pub", b"/seen//x/", b"", b"asker", b"", b"\x00\xff"),
            ]

    def test_the_sender_is_left_out_and_each_other_connection_gets_one_copy(self, server):
        with server.join("same", "/a") as one, server.join("same", "/", "/a", "/a/b") as two:
            one.send("set", "/a/b", "1")
            one.send("set", "/a/b", "2")
            two.send("set", "/a/b", "3")
            assert [two.receive().body for _ in range(2)] == [b"1", b"2"]
            assert one.receive().body == b"3"

    def test_prefixes_are_whole_fragments(self, server):
        with server.join("one", "/a/b") as one, server.join("two") as two:
            for uri in ("/a/bc", "/a", "/ab", "/a/b/c", "//a/b/", "/a/B"):
                two.send("pub", uri)
            two.send("pub", "/a/b", "last")
            assert [one.receive().uri for _ in range(3)] == [b"/a/b/c", b"//a/b/", b"/a/b"]

    def test_pub_only_is_for_pubs(self, server):
        with server.join("one", "/a", pub_only=True) as one, server.join("two") as two:
            for method in ("get", "set", "post", "del", "pub"):
                two.send(method, "/a")
            assert one.receive().method == b"pub"

    def test_a_subscription_replaces_all_before(self, server):
        with server.join("one", "/a", "/b") as one, server.join("two") as two:
            assert one.subscribe("/c") == b"SUCCESS"
            for uri in ("/a", "/b", "/c"):
                two.send("set", uri)
            assert one.receive().uri == b"/c"
            assert one.subscribe("/c", pub_only=True) == b"SUCCESS"
            two.send("set", "/c")
            two.send("pub", "/c", "2")
            assert one.receive().body == b"2"

    def test_a_refused_subscription_is_told_as_the_original_tells_it_and_changes_nothing(self, server):
        with server.join("one", "/a") as one, server.join("two") as two:
            for body, answer in (
                (b"", b"Subscribe did not have data."),
                (b"\0", b"No uris to subscribe to."),
                (b"\x01\0\x01a", b"Invalid Uri: a"),
                (b"\x02\0\x02\0\x04/a/b:c", b"Invalid Uri: /b:c"),
            ):
                one.socket.send(packet("sub", "", body))
                assert one.receive() == (b"", b"", b"", b"fims_server", b"", answer)
            two.send("set", "/a", "1")
            assert one.receive().body == b"1"

    @pytest.mark.parametrize("uri", ["/", "//", "///"])
    def test_slashes_alone_are_everything(self, server, uri):
        with server.join("one", uri) as one, server.join("two") as two:
            two.send("set", uri, "1")
            two.send("set", "/any", "2")
            assert [one.receive()[1::4] for _ in range(2)] == [(uri.encode(), b"1"), (b"/any", b"2")]

    def test_texts_may_have_255_bytes(self, server):
        longest = "/" + "x" * 254
        with server.join("n" * 255, longest) as one, server.join("two") as two:
            two.socket.send(packet("get", longest, "b", longest, "p" * 255, "u" * 255))
            texts = (b"get", longest.encode(), longest.encode(), b"p" * 255, b"u" * 255, b"b")
            assert one.receive() == texts

    def test_a_message_may_have_924288_bytes(self, server):
        body = os.urandom(LARGEST - 12 - len("set/atwo"))
        with server.join("one", "/a") as one, FimsClient(server.path, "two", send_buffer=2 * LARGEST) as two:
            room = two.socket.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
            if room < LARGEST + 32:
                pytest.skip(f"net.core.wmem_max lets {room} bytes through at once")
            two.send("set", "/a", body)
            assert one.receive().body == body

    def test_what_nobody_receives_is_answered_with_an_error(self, server):
        with server.join("fims_send") as asker:
            assert asker.request("get", "/nobody") == b'{"error":"no one is listening on /nobody (get not delivered)"}'

    def test_several_may_answer_and_order_holds(self, server):
        with (
            server.join("one", "/a") as one,
            server.join("two", "/a") as two,
            server.join("asker", "/me") as asker,
        ):
            asker.send("get", "/a", replyto="/me")
            for owner in (one, two):
                assert owner.receive().method == b"get"
                for number in range(100):
                    owner.send("pub" if number % 2 else "set", "/me", f"{owner.name.decode()} {number}")
            got = [asker.receive().body.decode().split() for _ in range(200)]
            for name in ("one", "two"):
                assert [int(number) for who, number in got if who == name] == list(range(100))
