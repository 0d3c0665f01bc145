"""Clients of the original's protocol and our own on one bus (fims.md A3.1, B1, B3)."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest
import zmq

from ess_bus.client import Bus
from ess_bus.errors import NoOneListening, Refused
from ess_bus.message import Message
from tests.fims_client import LARGEST
from tests.integration.conftest import eventually
from tests.integration.fims_server import Server, about, one_server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with one_server() as found:
        yield found


class TestWithOurOwnClients:
    def test_a_get_of_theirs_is_answered_by_ours(self, server):
        with Bus(server.bus, name="ours", username="bob") as bus, server.join("theirs", "/me") as theirs:
            requests = bus.subscribe("/ours")
            theirs.send("get", "/ours/x", replyto="/me/1", username="alice")
            request = requests.receive(60)
            assert request == Message("get", "/ours/x", None, "/me/1", "theirs", "alice")
            bus.reply(request, {"value": 5})
            bus.flush()
            assert theirs.receive() == (b"set", b"/me/1", b"", b"ours", b"alice", b'{"value":5}')

    def test_a_refusal_of_ours_is_a_body(self, server):
        with Bus(server.bus, name="ours") as bus, server.join("theirs", "/me") as theirs:
            requests = bus.subscribe("/ours")
            theirs.send("set", "/ours", "-1", "/me")
            request = requests.receive(60)
            assert request is not None
            bus.refuse(request, "too low")
            bus.flush()
            assert theirs.receive().body == b'{"error":"too low"}'

    def test_requests_of_ours_are_answered_by_theirs(self, server):
        def answer() -> None:
            for _ in range(50):
                request = owner.receive()
                owner.send("set", request.replyto.decode(), request.body or b"7")

        with server.join("owner", "/theirs") as owner, Bus(server.bus, name="ours") as bus:
            answering = threading.Thread(target=answer)
            answering.start()
            assert bus.get("/theirs") == 7
            assert [bus.set("/theirs/x", number).json() for number in range(49)] == list(range(49))
            answering.join(10)

    def test_each_of_two_who_share_a_replyto_knows_its_own_answer(self, server):
        with (
            server.join("owner", "/theirs") as owner,
            Bus(server.bus, name="a") as one,
            Bus(server.bus, name="b") as two,
        ):
            answers = [one.subscribe("/me"), two.subscribe("/me")]
            for bus, token in ((one, "t1"), (two, "t2")):
                bus.send("get", "/theirs", replyto="/me", token=token)
                bus.flush()
                owner.receive()
                owner.send("set", "/me", f'"{token}"')
                for subscription in answers:
                    message = subscription.receive(60)
                    assert message is not None
                    assert (message.token, message.json(), message.is_reply) == (token, token, True)

    def test_pubs_travel_both_ways_byte_for_byte(self, server):
        body = bytes(range(256))
        with Bus(server.bus, name="ours", username="bob") as bus, server.join("theirs", "/x") as theirs:
            messages = bus.subscribe("/y")
            bus.publish("/x", body)
            bus.flush()
            assert theirs.receive()[1:] == (b"/x", b"", b"ours", b"bob", body)
            theirs.send("pub", "/y", body)
            assert messages.receive(60) == Message("pub", "/y", body, None, "theirs", None)

    def test_a_fims_listen_of_theirs_only_looks_on(self, server):
        with Bus(server.bus) as bus, server.join("fims_listen", "/") as listener:
            with pytest.raises(NoOneListening):
                bus.set("/nobody", 1)
            assert listener.receive().uri == b"/nobody"

    def test_what_does_not_fit_comes_back_with_the_reason(self, server):
        said = "a process name of 300 bytes, but the receiver takes 255"
        with (
            server.join("theirs", "/a"),
            Bus(server.bus, name="p" * 300) as bus,
            pytest.raises(Refused, match=said),
        ):
            bus.set("/a", 1)
        with Bus(server.bus, name="ours") as bus, server.join("theirs", "/a") as theirs:
            with pytest.raises(Refused, match="over the limit of 924288"):
                bus.set("/a", b"x" * LARGEST)
            bus.publish("/a", b"x" * LARGEST)
            bus.publish("/a", b"small")
            bus.flush()
            assert theirs.receive().body == b"small"
            assert eventually(lambda: about(bus, "theirs")["dropped"] == 2)

    def test_the_broker_says_who_is_there(self, server):
        with Bus(server.bus) as bus, server.join("theirs", "/x", "/a//b/"):
            found = about(bus, "theirs")
            assert found["subscriptions"] == {"/x": "all", "/a/b": "all"}
            assert (found["pid"], found["address"]) == (os.getpid(), f"fims socket, pid {os.getpid()}")
            assert found["user_is_proven"]

    def test_they_can_ask_the_broker_too(self, server):
        with server.join("theirs") as theirs:
            assert b'"uptime_s"' in theirs.request("get", "/bus/stats")

    def test_an_id_chosen_on_zeromq_takes_nobodys_place(self, server):
        context = zmq.Context()
        with server.join("theirs", "/a") as theirs, Bus(server.bus) as bus:
            for number in range(1, 200):
                with context.socket(zmq.DEALER) as dealer:
                    dealer.linger = 0
                    dealer.routing_id = b"fims:%d" % number
                    dealer.connect(server.bus)
                    dealer.send(b"!bye\0\x90")
                    dealer.send(b"pub /z\0\x96\xc0\xa0\xc0\xc0\xc0\xc0")
                    assert dealer.poll(10_000)
            bus.send("set", "/a", 1)
            assert theirs.receive().body == b"1"
        context.term()


class TestSubscribingWhileTrafficFlows:
    def test_the_answer_is_the_first_packet_and_nothing_after_it_is_lost(self, server):
        """The original answered first and changed its tables after that (fims.md B3)."""
        stopping = threading.Event()

        def publish() -> None:
            with Bus(server.bus, name="fast") as bus:
                number = 0
                while not stopping.is_set():
                    bus.publish("/fast", number)
                    number += 1

        publishing = threading.Thread(target=publish)
        publishing.start()
        try:
            for _ in range(50):
                with server.join("theirs", "/fast") as client:
                    numbers = [int(client.receive().body) for _ in range(20)]
                    assert numbers == list(range(numbers[0], numbers[0] + 20))
                    client.ask_to_subscribe("/fast", "/other")
                    bodies = [client.receive().body]
                    while bodies[-1] != b"SUCCESS":
                        bodies.append(client.receive().body)
                    bodies += [client.receive().body for _ in range(20)]
                    after = [int(body) for body in bodies if body != b"SUCCESS"]
                    assert after == list(range(numbers[-1] + 1, numbers[-1] + 1 + len(after)))
        finally:
            stopping.set()
            publishing.join()
