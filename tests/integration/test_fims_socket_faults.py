"""The original's socket under bad input, bad luck and slow readers, and its place (fims.md A8, B2)."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ess_bus.client import Bus
from ess_bus.errors import NoOneListening
from tests.fims_client import FimsClient, packet
from tests.integration.conftest import ROOT, eventually
from tests.integration.fims_server import Server, about, one_server, start_server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with one_server() as found:
        yield found


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
                fast_got.append(int(client.receive(60).body))

        with server.join("slow", "/p") as slow, server.join("fast", "/p") as fast, Bus(server.bus) as bus:
            reading = threading.Thread(target=read, args=(fast,))
            reading.start()
            for number in range(sent):
                bus.publish(f"/p/{number % 20}", b"%d" % number + b" " * 100)
                if number % 500 == 499:
                    bus.flush()
                    # It is a thread beside the publisher's: how much of the processor it gets is not what is tested.
                    eventually(lambda: len(fast_got) > number - 250)  # noqa: B023 - called here and now
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
        assert other.popen.wait(60) == 1
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
