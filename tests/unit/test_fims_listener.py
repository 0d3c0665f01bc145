"""The original's socket before a real broker core: who comes, who does not read, who goes, and what does not fit."""

from __future__ import annotations

import os
import resource
import select
import shutil
import socket
import tempfile
from pathlib import Path

import pytest

from ess_bus import control
from ess_bus.broker import fims_connection, fims_listener
from ess_bus.broker.fims_connection import FimsPeer
from ess_bus.broker.limits import Limits
from ess_bus.control import Verb
from tests import fims_client
from tests.fims_hub import Hub, Native


@pytest.fixture
def folder():
    """A folder whose path is short enough for a socket."""
    path = Path(tempfile.mkdtemp(prefix="fl-", dir="/tmp"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def make_hub(folder):
    made = []

    def make(limits: Limits = Limits(), **options: int) -> Hub:
        made.append(Hub(folder / "s", limits, **options))
        return made[-1]

    yield make
    for hub in made:
        hub.close()


@pytest.fixture
def hub(make_hub):
    return make_hub()


class TestComing:
    def test_the_broker_knows_name_and_true_user_of_who_joins(self, hub):
        hub.client("a name")
        known = hub.known("a name")
        assert (known.pid, known.origin.user) == (os.getpid(), known.user)
        assert known.origin.address == f"fims socket, pid {os.getpid()}"

    def test_who_says_nothing_keeps_nobody_out(self, hub):
        silent, half = hub.connect(), hub.connect()
        half.socket.send(fims_client.HANDSHAKE)
        hub.client("other")
        assert hub.known("other")
        hub.advance(1)
        for client in (silent, half):
            assert len(client.receive_packet()) == 8
            with pytest.raises(TimeoutError):
                client.receive_packet(0.01)

    def test_who_says_nothing_is_dropped_at_last(self, hub, monkeypatch):
        monkeypatch.setattr(fims_listener, "HANDSHAKE_S", -1)
        silent, half = hub.connect(), hub.connect()
        half.socket.send(fims_client.HANDSHAKE)
        joined = hub.client("joined", "/a")
        hub.advance(1)
        for client in (silent, half):
            assert [len(client.receive_packet()) for _ in range(2)] == [8, 0]
        joined.send("get", "/bus/subscriptions", replyto="/a")
        assert hub.waiting(joined)

    @pytest.mark.parametrize(
        "packets",
        [
            [b"x"],
            [b"GET / HTTP/1.1\r\n\r\n"],
            [b"\x02\0\0\0\x80\x1a\x0e\0"],
            [b"\x01\0\0\0\x80\x1a\x0e\x01"],
            [fims_client.HANDSHAKE, b"x" * 256],
            [fims_client.HANDSHAKE, b"x" * 1000],
        ],
    )
    def test_who_opens_wrongly_is_dropped(self, hub, packets):
        client = hub.connect()
        for packet in packets:
            client.socket.send(packet)
        hub.settle()
        assert [len(client.receive_packet()) for _ in range(2)] == [8, 0]
        assert hub.listener.take_garbage() == 1
        assert not hub.broker.clients

    def test_there_is_room_for_so_many(self, make_hub):
        hub = make_hub(max_connections=2)
        first, _ = hub.client("first"), hub.client("second")
        assert hub.connect().receive_packet() == b""
        first.close()
        hub.settle()
        assert hub.client("third")
        assert [client.name for client in hub.broker.clients.values()] == ["second", "third"]

    def test_without_descriptors_nobody_is_taken_until_there_are_some(self, hub):
        other = hub.client("other", "/a")
        late = fims_client.FimsClient(hub.path, joins=False)
        hub._clients.append(late)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        free = os.open("/dev/null", os.O_RDONLY)
        os.close(free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
        try:
            hub.settle()
            # Who waits outside does not wake the broker over and over.
            assert not select.select([hub.listener.fileno()], [], [], 0)[0]
            other.send("get", "/bus/subscriptions", replyto="/a")
            assert hub.waiting(other)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        hub.advance(1)
        late.join()
        hub.settle()
        assert len(hub.broker.clients) == 2


class TestGoing:
    @pytest.mark.parametrize("finds_out_by", ["sending", "reading"])
    def test_what_a_client_said_before_it_left_is_heard(self, hub, finds_out_by):
        owner = Native(hub, "owner", ("/a",))
        client = hub.client("fims_send", "/b")
        owner.send("set", "/b", b"unread")
        for body in "123":
            client.send("set", "/a", body)
        client.close()
        if finds_out_by == "sending":
            hub.broker.receive(b"owner", b"pub /b\0\x96\xc0\xa0\xc0\xc0\xc0\xc0", hub.now)
            hub.broker.flush(hub.now)
        hub.settle()
        assert [message.body for message in owner.got()] == [b"1", b"2", b"3"]
        assert not hub.known("fims_send")

    def test_a_command_that_waited_for_who_left_comes_back(self, make_hub, monkeypatch):
        monkeypatch.setattr(fims_connection, "SEND_BUFFER", 4096)
        hub = make_hub()
        sender, client = Native(hub, "sender", ()), hub.client("v1", "/a")
        for _ in range(100):
            sender.send("set", "/a", b"x" * 1000)
        client.close()
        hub.settle()
        told = sender.told(Verb.UNDELIVERED)
        assert told
        assert set(told) == {("no_one_listening", "set", "/a", None, None, None)}
        assert len(told) == hub.broker.statistics.dropped < 100

    def test_a_goodbye_on_a_connection_that_is_closed_already_is_one_goodbye(self, hub):
        """What is due to who leaves finds its connection closed, and then the goodbye itself is handled."""
        sender, slow = Native(hub, "sender", ()), Native(hub, "slow", ("/a",))
        leaving = Native(hub, "leaving", ("/a",))
        hub.refusing |= {slow.peer, leaving.peer}
        sender.send("set", "/a", b"1")
        hub.gone.add(leaving.peer)
        leaving.say(control.encode(Verb.BYE))
        hub.refusing.clear()
        hub.settle()
        assert [message.body for message in slow.got()] == [b"1"]
        assert sender.told(Verb.UNDELIVERED) == []
        assert hub.broker.totals().dropped == 1

    def test_what_is_read_already_is_known_to_be_there(self, hub):
        client = hub.client("v1")
        for _ in range(3):
            client.send("set", "/a")
        assert select.select([hub.listener.fileno()], [], [], 0)[0]
        for is_left in (True, True, False):
            assert hub.listener.receive() is not None
            assert hub.listener.is_pending == is_left

    def test_an_empty_packet_is_a_goodbye(self, hub):
        client = hub.client("v1", "/a")
        client.socket.send(b"")
        hub.settle()
        assert client.receive_packet() == b""
        assert not hub.broker.clients

    def test_who_takes_nothing_for_a_minute_is_disconnected(self, make_hub):
        hub = make_hub(Limits(window_bytes=1 << 30))
        sender, client = Native(hub, "sender", ()), hub.client("v1", "/a")
        while not hub.known("v1").outbox.depth[0]:
            sender.send("pub", "/a", b"x" * 100_000)
        hub.advance(60)
        assert hub.known("v1")
        hub.advance(2)
        assert not hub.known("v1")
        while client.receive_packet():
            pass

    def test_everybody_sees_that_it_closes(self, hub):
        clients = [hub.connect(), hub.client("v1")]
        hub.listener.close()
        assert [len(client.receive_packet()) for client in clients] == [8, 0]
        assert not hub.path.exists()
        hub.listener = fims_listener.FimsListener(hub.path)


class TestSlowReaders:
    def test_a_slow_one_loses_only_its_own_and_all_is_counted(self, make_hub):
        hub = make_hub(Limits(queue_messages=200))
        sender = Native(hub, "sender", ())
        slow, fast = hub.client("slow", "/"), hub.client("fast", "/")
        got, sent = 0, 20_000
        for number in range(sent):
            sender.send("pub", f"/{number % 10}", b"%d" % number + b" " * 200)
            if number % 100 == 99:
                got += len(hub.waiting(fast))
        assert got == sent
        assert hub.known("fast").outbox.dropped == 0
        bodies = [int(received.body) for received in hub.waiting(slow)]
        assert bodies == sorted(bodies)
        assert bodies[-10:] == list(range(sent - 10, sent))
        dropped = hub.known("slow").outbox.dropped
        assert len(bodies) + dropped == sent
        assert dropped > 1000

    def test_it_gets_everything_if_the_queue_has_room(self, make_hub, monkeypatch):
        monkeypatch.setattr(fims_connection, "SEND_BUFFER", 4096)
        hub = make_hub(Limits(window_bytes=100_000))
        sender, slow = Native(hub, "sender", ()), hub.client("slow", "/a")
        for number in range(2000):
            sender.send("set", "/a", b"%d" % number + b" " * 300)
        assert [int(received.body) for received in hub.waiting(slow)] == list(range(2000))
        assert hub.known("slow").outbox.dropped == 0
        assert hub.known("slow").outbox.depth == (0, 0)

    def test_a_full_one_answers_a_command_with_busy(self, make_hub):
        hub = make_hub(Limits(queue_messages=16))
        asker = hub.client("asker", "/me")
        hub.client("slow", "/a")
        sender = Native(hub, "sender", ())
        while not hub.known("slow").outbox.is_full:
            sender.send("set", "/a", b"x" * 50_000)
        asker.send("set", "/a", "1", "/me")
        (told,) = hub.waiting(asker)
        assert told.body == b'{"error":"/a: slow is not reading its messages; not delivered"}'

    def test_the_answer_to_a_subscription_does_not_wait_behind_what_a_slow_one_has_not_read(self, make_hub):
        hub = make_hub(Limits(window_bytes=2000))
        sender, client = Native(hub, "sender", ()), hub.client("v1", "/a")
        # Nothing is read, nothing is confirmed, more is due: the window is shut when the subscription comes.
        for _ in range(10):
            hub.broker.receive(sender.peer, b"pub /a\0\x96\xc0\xa1s\xc0\xc0\xc0\xc5\x03\xe8" + b"x" * 1000, hub.now)
            hub.broker.flush(hub.now)
        client.ask_to_subscribe("/b")
        bodies = [received.body for received in hub.waiting(client)]
        assert bodies.count(b"SUCCESS") == 1
        assert bodies.count(b"x" * 1000) == 10


class TestWhatDoesNotFit:
    def large(self) -> bytes:
        return b"x" * fims_client.LARGEST

    def test_a_command_comes_back_with_the_reason(self, hub):
        hub.client("v1", "/a")
        sender = Native(hub, "sender", ())
        sender.send("set", "/a", self.large(), "/me", token="t")
        (told,) = sender.told(Verb.UNDELIVERED)
        assert told[:5] == ("denied", "set", "/a", "/me", "t")
        assert told[5] == "v1 cannot be given it: /a: a message of 924314 bytes is over the limit of 924288"
        assert hub.known("v1").outbox.dropped == 1

    def test_it_is_not_reported_if_somebody_else_has_it(self, hub):
        hub.client("v1", "/a")
        sender, owner = Native(hub, "sender", ()), Native(hub, "owner", ("/a",))
        sender.send("set", "/a", self.large())
        assert [message.body for message in owner.got()] == [self.large()]
        assert sender.told(Verb.UNDELIVERED) == []

    def test_a_pub_is_counted_where_it_is_lost(self, hub):
        client, sender = hub.client("v1", "/a"), Native(hub, "sender", ())
        sender.send("pub", "/a", self.large())
        sender.send("pub", "/a", b"1")
        assert [received.body for received in hub.waiting(client)] == [b"1"]
        hub.advance(1)
        assert (hub.known("v1").outbox.dropped, hub.known("v1").outbox.sent) == (1, 1)

    def test_a_fims_listen_that_cannot_be_shown_a_command_harms_nobody(self, hub):
        watcher = hub.client("fims_listen", "/")
        sender, owner = Native(hub, "sender", ()), Native(hub, "owner", ("/a",))
        sender.send("set", "/a", self.large())
        assert [message.body for message in owner.got()] == [self.large()]
        assert sender.told(Verb.UNDELIVERED) == []
        assert hub.waiting(watcher) == []

    def test_with_a_small_buffer_the_kernel_sets_the_limit(self, make_hub, monkeypatch):
        monkeypatch.setattr(fims_connection, "SEND_BUFFER", 4096)
        hub = make_hub()
        asker, owner = hub.client("asker", "/me"), hub.client("owner", "/a")
        limit = 2 * 4096 - 32
        room = limit - 12 - len("set/a/measker")
        asker.send("set", "/a", "x" * room, "/me")
        assert [len(received.body) for received in hub.waiting(owner)] == [room]
        asker.send("set", "/a", "x" * (room + 1), "/me")
        assert hub.waiting(owner) == []
        assert f"over the limit of {limit}" in hub.waiting(asker)[0].body.decode()

    def test_what_the_kernel_refuses_after_all_does_not_end_the_connection(self, hub):
        client, sender = hub.client("v1", "/a"), Native(hub, "sender", ())
        for connection in hub.listener._connections.values():
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        for body in (b"1", b"x" * 10_000, b"2"):
            sender.send("set", "/a", body)
        assert [received.body for received in hub.waiting(client)] == [b"1", b"2"]
        hub.advance(1)
        assert hub.known("v1").outbox.dropped == 1

    def test_a_packet_over_the_limit_is_garbage(self, hub):
        client = hub.client("v1")
        client.socket.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_SNDBUFFORCE", 32), 4 << 20)
        room = client.socket.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        if room < 1_100_000:
            pytest.skip(f"this kernel sends no more than {room} bytes at once")
        client.socket.send(fims_client.packet("set", "/a", b"x" * 1_000_000))
        hub.settle()
        assert hub.listener.take_garbage() == 1
        assert hub.known("v1")


def test_nobody_on_another_listener_can_take_a_connections_place():
    peer = FimsPeer(b"fims:1")
    clients: dict[bytes, int] = {peer: 1}
    assert clients.get(b"fims:1") is None
    clients = {b"fims:1": 1}
    assert clients.get(peer) is None
    clients[peer] = 2
    assert (clients[peer], len(clients)) == (2, 2)
