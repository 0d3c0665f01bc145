"""Section 3.3: requests, answers, and who may read them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from ess_bus.client import Bus
from ess_bus.control import Mode
from ess_bus.errors import NoOneListening, Refused
from ess_bus.message import Message, Status
from tests.conformance.peer import Peer
from tests.conformance.rules import rule
from tests.conformance.worlds import World


def ask(world: World, uri: str, peers: list[Peer], answer, method: str = "get"):
    """Ask through a `Bus` in another thread, and let the peers answer here what they get."""

    def asking():
        with world.bus(name="asker") as bus:
            return bus.request(method, uri, b"body"), bus.statistics()

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(asking)
        for number, peer in enumerate(peers):
            peer.until(partial(len, peer.frames))
            (request,) = peer.take()
            answer(peer, request, number)
        return asked.result(20)


@rule("W-REPLY-1", "W-REPLY-5")
@pytest.mark.parametrize("method", ["get", "set", "post", "del"])
def test_an_answer_finds_who_asked(world, at, method):
    owner = world.peer("owner", at)
    requests: list[Message] = []

    def answer(peer: Peer, request: Message, _number: int) -> None:
        requests.append(request)
        peer.reply(request, b"the answer")

    reply, _ = ask(world, f"{at}/x", [owner], answer, method)
    assert (reply.body, reply.status, reply.process_name) == (b"the answer", Status.OK, "owner")
    (request,) = requests
    assert (request.method, request.uri, request.body) == (method, f"{at}/x", b"body")
    assert request.replyto is not None
    assert request.replyto.startswith("/_reply/")


@rule("W-REPLY-5")
def test_each_request_waits_at_a_place_of_its_own(world, at):
    owner = world.peer("owner", at)
    seen: list[str | None] = []

    def answer(peer: Peer, request: Message, _number: int) -> None:
        seen.append(request.replyto)
        peer.reply(request, b"1")

    for _ in range(2):
        ask(world, at, [owner], answer)
    assert len(set(seen)) == 2


@rule("W-REPLY-3", "W-ROUTE-1")
def test_all_subscribers_get_a_request_and_the_first_answer_wins(world, at):
    owners = [world.peer(f"owner {number}", at) for number in range(4)]

    def answer(peer: Peer, request: Message, number: int) -> None:
        peer.reply(request, b"answer %d" % number)

    reply, _ = ask(world, at, owners, answer)
    assert reply.body == b"answer 0"


@rule("W-REPLY-3", "W-REPLY-6", "W-UNDELIVERED-5")
def test_later_answers_are_discarded_quietly(world, at):
    one, two = world.peer("one", at), world.peer("two", at)
    with world.bus(name="asker") as bus:
        seen: list[Message] = []

        def answer() -> None:
            for number, peer in enumerate((one, two)):
                peer.until(partial(len, peer.frames))
                (request,) = peer.take()
                seen.append(request)
                peer.reply(request, b"answer %d" % number)
                peer.reply(request, b"once more")

        answering = threading.Thread(target=answer)
        answering.start()
        assert bus.request("get", at).body == b"answer 0"
        answering.join()
        # What came late does not show up anywhere, and the next request is not answered by it.
        bus.flush()
        statistics = bus.statistics()
        assert (statistics.waiting, statistics.undelivered, statistics.garbage) == (0, 0, 0)
        assert bus.get("/bus/version") is not None
    two.reply(seen[0], b"much later")
    assert two.undelivered() == []
    assert two.errors() == []


@rule("W-REPLY-6")
def test_a_reply_that_nobody_waits_for_is_counted(world, at):
    peer = world.peer("peer", f"{at}/me")

    def unclaimed() -> int:
        peer.message("get", "/bus/stats", None, f"{at}/me")
        return int(peer.take()[-1].json()["replies_unclaimed"])

    before = unclaimed()
    peer.message("set", f"{at}/nobody", b"1", status=Status.OK)
    assert unclaimed() == before + 1


@rule("W-REPLY-4", "W-REPLY-1")
def test_everyone_at_a_shared_replyto_gets_every_reply_with_its_token(world, at):
    owner = world.peer("owner", f"{at}/own")
    one, two = world.peer("one", f"{at}/me"), world.peer("two", f"{at}/me")
    one.message("get", f"{at}/own", None, f"{at}/me", token="one's")
    two.message("get", f"{at}/own", None, f"{at}/me", token="two's")
    two.message("get", f"{at}/own", None, f"{at}/me")
    for request in owner.take():
        owner.reply(request, b"1")
    for asker in (one, two):
        assert [message.token for message in asker.take()] == ["one's", "two's", None]


@rule("W-REPLY-2")
def test_an_error_is_told_from_a_value(world, at):
    owner = world.peer("owner", at)
    for body, reason in ((b'{"error": "too hot"}', "too hot"), (b"\xff plain", "plain"), (None, "no reason")):
        with pytest.raises(Refused, match=reason):
            ask(world, at, [owner], lambda peer, request, _, body=body: peer.reply(request, body, Status.REFUSED))


@rule("W-REPLY-1", "W-REPLY-2")
def test_a_client_answers_what_it_serves_and_neither_pubs_nor_replies_nor_who_waits_nowhere(world, at):
    peer = world.peer("peer", f"{at}/me")

    def handle(message: Message) -> object:
        if message.method == "del":
            raise Refused(message.uri, "never")
        return message.method

    with world.bus(name="owner") as bus:
        bus.serve(f"{at}/own", handle)
        for method in ("pub", "set", "del", "get"):
            peer.message(method, f"{at}/own", None, f"{at}/me", token=method)
        peer.message("set", f"{at}/own", None, f"{at}/me", status=Status.OK)
        peer.message("post", f"{at}/own")
        bus.run(0)
        bus.flush()
    replies = peer.take()
    assert [(message.token, message.status) for message in replies] == [
        ("set", Status.OK),
        ("del", Status.REFUSED),
        ("get", Status.OK),
    ]
    assert replies[1].json() == {"error": "never"}
    assert all(message.method == "set" and message.replyto is None for message in replies)


@rule("W-UNDELIVERED-6", "W-ROUTE-6", "W-ERROR-2")
def test_a_request_that_reaches_nobody_or_only_listeners_ends_at_once(world, at):
    listener = world.peer("listener", "/", mode=Mode.PASSIVE)
    with world.bus() as bus:
        for _ in range(2):
            with pytest.raises(NoOneListening) as caught:
                bus.request("set", at, 1, timeout_s=60)
            assert caught.value.outcome == "not delivered"
            assert (caught.value.method, caught.value.uri) == ("set", at)
    assert len([message for message in listener.take() if message.uri == at]) == 2


@rule("W-UNDELIVERED-6", "W-PING-2", "W-UNDELIVERED-1")
def test_flush_tells_of_a_command_without_replyto_that_reached_nobody(world, at):
    with world.bus() as bus:
        bus.send("set", at, 1)
        with pytest.raises(NoOneListening):
            bus.flush()
        bus.flush()


@rule("W-REPLY-3", "W-DELIVERY-2")
def test_many_askers_of_one_name_each_get_their_own_answers(world, at):
    ready, done = threading.Event(), threading.Event()

    def own(bus: Bus) -> None:
        with bus:
            bus.serve(at, lambda message: message.json())
            ready.set()
            while not done.is_set():
                bus.run(0.02)

    owner = threading.Thread(target=own, args=(world.bus(name="owner"),))
    owner.start()
    assert ready.wait(60)

    def asking(number: int) -> None:
        with world.bus(name="same name") as bus:
            for count in range(20):
                assert bus.set(f"{at}/x", [number, count]).json() == [number, count]

    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(asking, range(4)))
    finally:
        done.set()
        owner.join()
