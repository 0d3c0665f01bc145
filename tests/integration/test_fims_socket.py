"""Clients of the original's protocol on a real fims_server, among each other and with our own (fims.md A1.4, B1-B3)."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import zmq
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ess_bus.client import Bus
from ess_bus.errors import NoOneListening, Refused
from ess_bus.message import Message
from tests.fims_client import LARGEST, FimsClient, packet
from tests.integration.conftest import ROOT, Process, Start, eventually

CAPTURED_SUCCESS = bytes.fromhex("0000000b00 000000 07000000") + b"fims_serverSUCCESS"
CAPTURED_SET = bytes.fromhex("0315000900 000000 04000000") + b"set/components/bms_9/cap" + b"fims_send" + b"1234"


class Server(NamedTuple):
    """A broker on both sockets."""

    bus: str
    path: Path

    def join(self, name: str, *uris: str, pub_only: bool = False) -> FimsClient:
        client = FimsClient(self.path, name)
        if uris:
            assert client.subscribe(*uris, pub_only=pub_only) == b"SUCCESS"
        return client


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One broker for all tests that leave nothing behind in it."""
    folder = Path(tempfile.mkdtemp(prefix="eb-", dir="/tmp"))
    found = Server(f"ipc://{folder}/broker.sock", folder / "fims")
    command = [sys.executable, "-m", "ess_bus.broker.command", "--bus", found.bus, "--fims-socket", str(found.path)]
    process = Process(command, folder, {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"})
    eventually(lambda: "listening" in process.output)
    yield found
    process.end()
    assert "Traceback" not in process.output
    shutil.rmtree(folder, ignore_errors=True)


def start_server(start: Start, folder: Path, *options: object) -> tuple[Process, Server]:
    found = Server(f"ipc://{folder}/broker.sock", folder / "fims")
    process = start("ess_bus.broker.command", "--bus", found.bus, "--fims-socket", found.path, *options)
    eventually(lambda: "listening" in process.output or process.popen.poll() is not None)
    return process, found


def about(bus: Bus, name: str) -> dict[str, Any]:
    """Return what the broker says of the client of that name."""
    (found,) = [client for client in bus.get("/bus/clients") if client["name"] == name]
    return dict(found)


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


class TestWithOurOwnClients:
    def test_a_get_of_theirs_is_answered_by_ours(self, server):
        with Bus(server.bus, name="ours", username="bob") as bus, server.join("theirs", "/me") as theirs:
            requests = bus.subscribe("/ours")
            theirs.send("get", "/ours/x", replyto="/me/1", username="alice")
            request = requests.receive(10)
            assert request == Message("get", "/ours/x", None, "/me/1", "theirs", "alice")
            bus.reply(request, {"value": 5})
            bus.flush()
            assert theirs.receive() == (b"set", b"/me/1", b"", b"ours", b"alice", b'{"value":5}')

    def test_a_refusal_of_ours_is_a_body(self, server):
        with Bus(server.bus, name="ours") as bus, server.join("theirs", "/me") as theirs:
            requests = bus.subscribe("/ours")
            theirs.send("set", "/ours", "-1", "/me")
            request = requests.receive(10)
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
                    message = subscription.receive(10)
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
            assert messages.receive(10) == Message("pub", "/y", body, None, "theirs", None)

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


fuzz = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
headers = st.lists(st.integers(0, 12), min_size=5, max_size=5).map(bytes)
near_misses = st.builds(
    lambda lengths, size, rest: lengths + b"\0\0\0" + size.to_bytes(4, "little") + rest,
    headers,
    st.integers(0, 20),
    st.binary(max_size=60),
)
lists = st.binary(max_size=30).map(lambda body: packet("sub", "", body))
odd = st.builds(
    packet, st.sampled_from(["get", "set", "pub", "sub", "put", ""]), st.text(max_size=5), st.binary(max_size=5)
)


class TestFaults:
    @fuzz
    @given(st.lists(st.binary(min_size=1, max_size=60) | near_misses | lists | odd, max_size=8))
    def test_any_packets_of_a_client_hurt_nobody(self, server, packets):
        with server.join("receiver", "/watched") as receiver, FimsClient(server.path, "rude") as rude:
            for data in packets:
                rude.socket.send(data)
            rude.send("pub", "/watched", "after all")
            while receiver.receive().body != b"after all":
                pass

    @fuzz
    @given(st.lists(st.binary(min_size=1, max_size=300), max_size=3))
    def test_any_opening_hurts_nobody(self, server, packets):
        with FimsClient(server.path, joins=False) as rude:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for data in packets:
                    rude.socket.send(data)
            with server.join("fims_send") as asker:
                assert asker.request("get", "/bus/version")

    def test_packets_that_are_not_understood_are_counted(self, start, folder):
        _, server = start_server(start, folder)
        with server.join("rude") as rude, Bus(server.bus) as bus:
            for data in (b"x", packet("put", "/a"), packet("set", "no-slash"), packet("set", "/a", process_name="")):
                rude.socket.send(data)
            assert eventually(lambda: bus.get("/bus/stats")["protocol_errors"] == 4)

    def test_silent_clients_keep_nobody_out(self, server):
        with contextlib.ExitStack() as silent:
            for _ in range(100):
                silent.enter_context(FimsClient(server.path, joins=False))
            with server.join("fims_send") as asker:
                assert asker.request("get", "/bus/version")

    def test_who_is_killed_is_gone_at_once(self, server):
        program = f"""
from tests.fims_client import FimsClient
client = FimsClient({str(server.path)!r}, "victim")
assert client.subscribe("/victim") == b"SUCCESS"
print("ready", flush=True)
client.receive_packet(60)
"""
        victim = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=ROOT)
        assert victim.stdout is not None
        assert victim.stdout.readline() == b"ready\n"
        with Bus(server.bus) as bus:
            assert about(bus, "victim")["pid"] == victim.pid
            victim.kill()
            victim.communicate()
            eventually(lambda: not [client for client in bus.get("/bus/clients") if client["name"] == "victim"])
            with pytest.raises(NoOneListening):
                bus.get("/victim")

    def test_a_slow_reader_loses_only_its_own_and_is_told_about(self, start, folder):
        _, server = start_server(start, folder, "--queue-messages", 1000)
        sent = 30_000
        fast_got: list[int] = []

        def read(client: FimsClient) -> None:
            while len(fast_got) < sent:
                fast_got.append(int(client.receive(30).body))

        with server.join("slow", "/p") as slow, server.join("fast", "/p") as fast, Bus(server.bus) as bus:
            reading = threading.Thread(target=read, args=(fast,))
            reading.start()
            for number in range(sent):
                bus.publish(f"/p/{number % 20}", b"%d" % number + b" " * 100)
                if number % 500 == 499:
                    bus.flush()
            reading.join()
            assert fast_got == list(range(sent))
            assert about(bus, "fast")["dropped"] == 0
            assert about(bus, "slow")["lagging"]
            bodies: list[int] = []
            while not bodies or bodies[-1] != sent - 1:
                bodies.append(int(slow.receive().body))
            assert bodies == sorted(bodies)
            assert bodies[-20:] == list(range(sent - 20, sent))
            found = about(bus, "slow")
            assert found["dropped"] == sent - len(bodies) > 0
            assert not found["lagging"]


class TestItsPlace:
    def test_it_is_for_this_user_alone_and_goes_with_the_server(self, start, folder):
        process, server = start_server(start, folder)
        assert server.path.stat().st_mode & 0o777 == 0o600
        assert process.stop() == 0
        assert not server.path.exists()

    def test_it_may_be_for_a_group(self, start, folder):
        _, server = start_server(start, folder, "--fims-group", os.getgid())
        assert server.path.stat().st_mode & 0o777 == 0o660

    def test_a_running_server_keeps_it_and_a_killed_one_does_not(self, start, folder):
        process, server = start_server(start, folder)
        other = start("ess_bus.broker.command", "--bus", "other", "--fims-socket", server.path)
        assert other.popen.wait(20) == 1
        assert other.output.endswith(f"cannot listen on {server.path}: a server is already there\n")
        with server.join("theirs") as theirs:
            assert theirs.request("get", "/bus/version")
            process.stop(signal.SIGKILL)
            assert theirs.receive_packet() == b""
        assert server.path.is_socket()
        start_server(start, folder)
        with server.join("theirs") as theirs:
            assert theirs.request("get", "/bus/version")

    def test_without_a_path_it_is_in_the_temporary_folder(self, start, folder, environment):
        environment["TMPDIR"] = str(folder)
        process = start("ess_bus.broker.command", "--bus", f"ipc://{folder}/b", "--fims-socket")
        eventually(lambda: "listening" in process.output)
        with FimsClient(folder / "FlexGen_FIMS_Server.socket") as theirs:
            assert theirs.request("get", "/bus/version")

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (["--fims-group", "0"], "--fims-group is of no use without --fims-socket"),
            (["--fims-socket", "/tmp/x", "--fims-group", "no such group"], "there is no group 'no such group'"),
        ],
    )
    def test_wrong_options_are_named(self, run, options, said):
        result = run("ess_bus.broker.command", *options)
        assert result.returncode == 2
        assert said in result.stderr
