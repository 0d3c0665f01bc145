"""Sections 2 and 4: what a frame is, and what becomes of one that is none."""

from __future__ import annotations

import pytest
import zmq

from ess_bus import batch, control
from ess_bus.control import Verb
from ess_bus.message import Message, encode
from tests.conformance.peer import Peer
from tests.conformance.rules import rule
from tests.conformance.worlds import ProcessWorld, World, make_world

NOT_UNDERSTOOD = [
    b"",
    b"no nul",
    b"shout /a\0\x96",
    b"get\0\x96",
    b"GET /a\0\x96",
    b"\xff\xfe /a\0\x96",
    b"!shout\0\x90",
    b"!ping",
    b"!ping\0",
    b"!ping\0\xc1",
    b"!ping\0\x90",
    b"!ping\0\xa1x",
    b"!ping\0\x92\x01\x02",
    b"!ping\0\x91\xa1x",
    b"!welcome\0\x93\x02\xa1x\x01",
    b"!subscribe\0\x91\x01",
    b"!subscribe\0\x92\x01\x91\xa2/a",
    b"!subscribe\0\x92\x01\x91\x92\xa2/a\xa4some",
    b"!unsubscribe\0\x92\x01\x91\x07",
    b"*",
    b"*\xc1",
    b"*\x01",
    b"*\x91\xa1x",
    batch.MARK + b"\x91\xc4\x02*\x90",
]


@rule("W-FRAME-1", "W-FRAME-2", "W-CTRL-3", "W-MSG-2", "W-ERROR-1")
@pytest.mark.parametrize("frame", NOT_UNDERSTOOD, ids=repr)
def test_what_is_not_understood_is_answered_with_an_error_and_the_connection_stays(world, at, frame):
    other, peer = world.peer("other", at), world.peer("peer")
    peer.send(frame)
    peer.message("pub", at, b"after all")
    (text,) = peer.errors()
    assert text
    assert text.isprintable()
    assert other.bodies() == [b"after all"]


@rule("W-BATCH-1", "W-BATCH-2")
def test_a_batch_is_its_frames_one_after_another(world, at):
    peer = world.peer("peer")
    other = world.peer("other")
    first, second = (encode(Message("pub", at, body, None, "p")) for body in (b"1", b"2"))
    subscribe = control.encode(Verb.SUBSCRIBE, 1, ((at, "all"),))
    other.send(batch.MARK + b"\x90", batch.pack([subscribe, control.encode(Verb.PING, 7)]))
    assert other.control(Verb.SUBSCRIBED) == (1, None)
    assert other.control(Verb.PONG) == (7,)
    peer.send(
        batch.pack([first, control.encode(Verb.PING, 8), second]),
        batch.MARK + b"\x91\xc4" + bytes([len(first)]) + first,
    )
    assert peer.control(Verb.PONG) == (8,)
    peer.sync()
    assert other.bodies() == [b"1", b"2", b"1"]


@rule("W-BATCH-2", "W-BATCH-4")
def test_a_long_batch_is_taken_and_what_is_sent_as_batches_is_no_larger_than_it_should_be(world, at):
    peer, other = world.peer("peer"), world.peer("other", at)
    frames = [encode(Message("pub", at, b"%06d" % number, None, "p")) for number in range(batch.MOST)]
    sizes = []
    receive = other.transport.receive

    def measured() -> bytes | None:
        frame: bytes | None = receive()
        sizes.append(len(frame or b""))
        return frame

    other.transport.receive = measured
    peer.send(batch.pack(frames))
    other.until(lambda: len(other.frames) == len(frames))
    assert other.frames == frames
    assert max(sizes) < batch.FULL_BYTES * 1.3  # the frames in it, and what msgpack puts between them


@rule("W-BATCH-3")
def test_a_batch_of_too_many_frames_is_refused(world, at):
    peer, other = world.peer("peer"), world.peer("other", at)
    frame = encode(Message("pub", at, b"1", None, "p"))
    peer.send(batch.pack([frame] * (batch.MOST + 1)))
    assert len(peer.errors()) == 1
    assert other.take() == []


@rule("W-BATCH-3")
def test_a_batch_in_a_batch_is_refused_with_all_that_is_in_it(world, at):
    peer, other = world.peer("peer"), world.peer("other", at)
    frame = encode(Message("pub", at, b"1", None, "p"))
    peer.send(batch.pack([frame, batch.pack([frame, frame])]))
    peer.send(batch.pack([frame] * (batch.MOST + 1)))
    assert len(peer.errors()) == 2
    assert other.take() == []


@rule("W-BATCH-3", "W-FRAME-2")
def test_a_malformed_frame_in_a_batch_is_left_out_alone(world, at):
    peer, other = world.peer("peer"), world.peer("other", at)
    first, second = (encode(Message("pub", at, body, None, "p")) for body in (b"1", b"2"))
    peer.send(batch.pack([first, b"nonsense", second]))
    assert len(peer.errors()) == 1
    assert other.bodies() == [b"1", b"2"]


@rule("W-FRAME-2")
def test_frames_that_are_not_understood_are_counted(world, at):
    peer = world.peer("peer", at)
    before = world_statistics(peer, at)["protocol_errors"]
    peer.send(b"nonsense", batch.pack([b"more", b"nonsense"]))
    assert world_statistics(peer, at)["protocol_errors"] == before + 3


def world_statistics(peer: Peer, at: str) -> dict[str, int]:
    peer.message("get", "/bus/stats", None, at)
    found: dict[str, int] = peer.take()[-1].json()
    return found


@pytest.fixture(scope="module", params=["ipc", "tcp"])
def sockets(request):
    world = make_world(request.param)
    yield world
    world.close()


@rule("W-TRANSPORT-1")
def test_a_plain_dealer_of_libzmq_is_a_client(sockets: World, at):
    assert isinstance(sockets, ProcessWorld)
    other = sockets.peer("other", at)
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.linger, dealer.rcvtimeo = 0, 10_000
        dealer.connect(sockets.endpoint)
        dealer.send(control.encode(Verb.HELLO, 2, "dealer", "", 1, "", ()))
        assert control.decode(dealer.recv())[0] is Verb.WELCOME
        dealer.send(encode(Message("pub", at, b"1", None, "dealer")))
        other.until(lambda: other.frames)


@rule("W-TRANSPORT-2")
def test_a_message_of_several_parts_is_left_out_and_the_next_one_is_not(sockets: World, at):
    assert isinstance(sockets, ProcessWorld)
    other = sockets.peer("other", at)
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.linger = 0
        dealer.connect(sockets.endpoint)
        dealer.send(control.encode(Verb.HELLO, 2, "dealer", "", 1, "", ()))
        frame = encode(Message("pub", at, b"in parts", None, "dealer"))
        dealer.send_multipart([b"", frame])
        dealer.send_multipart([frame, b"more"])
        dealer.send(encode(Message("pub", at, b"in one", None, "dealer")))
        other.until(lambda: other.frames)
    assert other.bodies() == [b"in one"]


@rule("W-TRANSPORT-4")
@pytest.mark.parametrize("sockets", ["ipc"], indirect=True)  # on TCP libzmq itself refuses the second of them
def test_connections_with_the_same_routing_id_are_two_clients(sockets: World, at):
    assert isinstance(sockets, ProcessWorld)
    with zmq.Context() as context, context.socket(zmq.DEALER) as one, context.socket(zmq.DEALER) as two:
        for dealer in (one, two):
            dealer.linger, dealer.rcvtimeo = 0, 10_000
            dealer.routing_id = b"same"
            dealer.connect(sockets.endpoint)
            dealer.send(control.encode(Verb.HELLO, 2, "dealer", "", 1, "", ((at, "all"),)))
            assert control.decode(dealer.recv())[0] is Verb.WELCOME
        one.send(encode(Message("pub", at, b"1", None, "one")))
        frame = two.recv()
        while frame[:1] == control.MARK:
            frame = two.recv()
        assert frame.endswith(b"1")


@rule("W-TRANSPORT-3", "W-HELLO-6")
def test_the_kernel_says_which_user_it_is_on_a_local_socket_and_nobody_does_otherwise(world, at):
    peer = world.peer("user test", at)
    peer.message("get", "/bus/clients", None, at)
    (reply,) = peer.take()
    (client,) = (client for client in reply.json() if client["name"] == "user test")
    is_local = getattr(world, "endpoint", "").startswith("ipc")
    assert client["user_is_proven"] is is_local
    assert (client["user"] == "somebody") is not is_local
    assert client["pid"] == 4711
