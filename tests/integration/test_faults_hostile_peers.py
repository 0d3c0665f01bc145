"""Peers that mean harm, at a real broker: what they cost it is bounded, and the others hardly notice."""

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ess_bus import batch, control
from ess_bus.client import Bus
from ess_bus.control import Verb
from ess_bus.message import Message, encode
from ess_bus.transport import zmtp
from tests.integration.conftest import Process, eventually
from tests.integration.load import RememberingOwner
from tests.integration.peers import Rude

MIB = 1 << 20
HELLO = control.encode(Verb.HELLO, control.VERSION, "raw", "", 1, "", (("/r", "all"),))


@pytest.fixture
def process(start, folder) -> Process:
    """A broker with small limits; its endpoint is `endpoint`."""
    limits = ("--queue-messages", 5000, "--max-message", 2 * MIB, "--queue-bytes", 4 * MIB, "--window-bytes", 256 << 10)
    process: Process = start("ess_bus.broker.command", "--bus", f"ipc://{folder}/b", *limits)
    eventually(lambda: "listening" in process.output)
    return process


@pytest.fixture
def endpoint(process, folder) -> str:
    return f"ipc://{folder}/b"


class Raw:
    """A socket that has said what ZMTP asks for, and then whatever it is given."""

    def __init__(self, endpoint: str, *frames: bytes) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(endpoint.removeprefix("ipc://"))
        self.socket.sendall(zmtp.opening("DEALER") + b"".join(map(zmtp.encode, frames)))

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def memory(process: Process) -> int:
    """Return what the broker has in memory (VmRSS), in bytes."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) << 10


@contextlib.contextmanager
def others_are_served(endpoint: str) -> Iterator[None]:
    """Meanwhile a normal client asks and another answers, again and again; at the end both must have gone on."""
    ended = threading.Event()
    served: list[int] = []
    problems: list[Exception] = []

    def own() -> None:
        with Bus(endpoint, name="owner") as bus:
            bus.serve("/normal", lambda message: message.json())
            ready.set()
            while threads[1].is_alive() or not ended.is_set():
                bus.run(0.05)

    def ask() -> None:
        try:
            with Bus(endpoint, name="asker") as bus:
                while not ended.is_set():
                    assert bus.set("/normal", len(served), timeout_s=30).json() == len(served)
                    served.append(1)
        except Exception as error:  # noqa: BLE001 - it is raised where the test can see it
            problems.append(error)

    ready = threading.Event()
    threads = [threading.Thread(target=own), threading.Thread(target=ask)]
    threads[0].start()
    assert ready.wait(60)
    threads[1].start()
    try:
        eventually(lambda: served or problems)
        yield
        count = len(served)
        eventually(lambda: len(served) > count or problems)
    finally:
        ended.set()
        for thread in reversed(threads):
            thread.join(40)
    assert not problems


@pytest.mark.parametrize("portion", [100_000, 500, 1])
def test_a_hundred_thousand_subscriptions_are_refused(endpoint, portion):
    with Rude(endpoint) as rude, others_are_served(endpoint):
        rude.join("greedy")
        rude.give_up_after(0.5)
        frames = [
            control.encode(Verb.SUBSCRIBE, at, tuple((f"/{n}", "all") for n in range(at, at + portion)))
            for at in range(0, 100_000, portion)
        ]
        together = max(1, 2000 // portion)
        for at in range(0, len(frames), together):
            rude.send(batch.pack(frames[at : at + together]))
        # What is there already can still be changed, and this comes last.
        rude.send(control.encode(Verb.SUBSCRIBE, 0, (("/0", "pub"),)))

        def held() -> dict[str, str]:
            (client,) = [client for client in bus.get("/bus/clients", timeout_s=30) if client["name"] == "greedy"]
            subscriptions: dict[str, str] = client["subscriptions"]
            return subscriptions if subscriptions.get("/0") == "pub" else {}

        with Bus(endpoint) as bus:
            assert len(eventually(held)) == (1 if portion > 10_000 else 10_000)

        def refusal() -> str:
            # Who asks for so much without reading the answers does not get all of them.
            rude.send(frames[-1])
            text = None
            while text is None:
                _, text = rude.until(Verb.SUBSCRIBED)
            return str(text)

        assert "are over the limit of 10000" in eventually(refusal)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"garbage",
        control.encode(Verb.PING, 1),
        encode(Message("get", "/bus/clients", None, "/r", "raw")),
        encode(Message("set", "/nobody", b"1", "/r", "raw")),
        encode(Message("set", "/flooded", b"1", "/r", "raw")),
        control.encode(Verb.SUBSCRIBE, 1, (("/x", "all"),)),
        HELLO,
    ],
    ids=["empty", "garbage", "ping", "get-bus", "to-nobody", "to-owner", "subscribe", "hello"],
)
def test_a_flood_of_tiny_frames_from_who_never_reads_costs_bounded_memory(process, endpoint, frame):
    owner = RememberingOwner(endpoint, "/flooded")
    with others_are_served(endpoint), owner, Raw(endpoint, HELLO) as raw, Bus(endpoint) as bus:
        flood = zmtp.encode(frame) * 2000
        raw.socket.sendall(flood)
        bus.get("/bus/version", timeout_s=30)
        before = memory(process)
        for _ in range(10 if len(frame) > 20 else 40):
            raw.socket.sendall(flood)
        bus.get("/bus/version", timeout_s=30)
        assert memory(process) - before < 40 * MIB
    assert process.popen.poll() is None


def test_a_million_empty_frames_and_pings_of_zmtp_cost_nothing(process, endpoint):
    with others_are_served(endpoint), Bus(endpoint) as bus:
        before = memory(process)
        with Raw(endpoint) as stranger, Raw(endpoint, HELLO) as raw:
            for one, frames in ((stranger, b"\0\0" * 100_000), (raw, b"\x04\x07\x04PING\0\x01" * 50_000)):
                for _ in range(5):
                    one.socket.sendall(frames)
            bus.get("/bus/version", timeout_s=30)
            assert memory(process) - before < 40 * MIB


@pytest.mark.parametrize(
    "data",
    [
        b"\x02" + (1 << 62).to_bytes(8),
        b"\x02" + (3 * MIB).to_bytes(8) + bytes(1000),
        b"\x04\xff" + b"\xff" * 255,
        b"\x06" + (1 << 62).to_bytes(8),
        b"\x80\x05hello",
        bytes(range(256)) * 50,
    ],
)
def test_who_breaks_the_framing_is_disconnected(endpoint, data):
    with Raw(endpoint, HELLO) as raw, Bus(endpoint) as bus:
        raw.socket.sendall(data)
        with contextlib.suppress(ConnectionResetError):
            while raw.socket.recv(1 << 16):
                pass
        eventually(lambda: [client["name"] for client in bus.get("/bus/clients")] == [bus.name])


def test_frames_that_are_begun_and_never_finished_are_kept_up_to_the_limit(process, endpoint):
    with contextlib.ExitStack() as opened, Bus(endpoint) as bus:
        before = memory(process)
        half = b"\x02" + MIB.to_bytes(8) + bytes(MIB // 2)
        for _ in range(20):
            opened.enter_context(Raw(endpoint)).socket.sendall(half)
        assert bus.get("/bus/version", timeout_s=30)
        assert memory(process) - before < 30 * MIB


def test_batches_of_batches_are_refused_and_the_rest_goes_on(endpoint):
    inner = batch.pack([encode(Message("set", "/a", b"1"))] * 2)
    with Bus(endpoint) as bus, Rude(endpoint) as rude:
        inbox = bus.subscribe("/a")
        rude.join()
        for frame in (
            batch.pack([inner, inner]),
            batch.MARK + b"\x91" * 1000,
            batch.MARK + b"\xdd\xff\xff\xff\xff",
            batch.pack([b"x"] * (batch.MOST + 1)),
        ):
            rude.send(frame)
            rude.until(Verb.ERROR)
        rude.send(encode(Message("set", "/a", b"after")))
        message = inbox.receive(60)
        assert message is not None
        assert message.body == b"after"
        assert bus.get("/bus/stats")["protocol_errors"] == 4


@pytest.mark.parametrize(
    "hello",
    [
        control.encode(Verb.HELLO, 1, "old", "", 1, ()),
        control.encode(Verb.HELLO, 3, "new", "", 1, "", (), {"more": 1}),
        control.encode(Verb.HELLO, "2", "text", "", 1, "", ()),
        control.encode(Verb.HELLO),
    ],
)
def test_a_hello_that_is_not_of_this_version_is_answered_and_gets_nothing(endpoint, hello):
    with Rude(endpoint) as rude, Bus(endpoint) as bus:
        rude.send(hello)
        (text,) = rude.until(Verb.ERROR)
        assert "version 2" in text or "wrong fields" in text
        assert len(bus.get("/bus/clients")) == 1


def test_storms_of_clients_that_come_and_go_leave_nothing_behind(process, endpoint):
    def descriptors() -> int:
        return int(psutil.Process(process.pid).num_fds())

    with others_are_served(endpoint), Bus(endpoint) as bus:
        before = len(bus.get("/bus/clients")), descriptors()
        for storm in range(3):
            # Some say nothing, some half a greeting, some hello; then all are gone at once.
            peers = [Raw(endpoint, *([HELLO] if number % 2 else [])) for number in range(200)]
            for number, peer in enumerate(peers):
                if number % 7 == storm:
                    peer.socket.send(b"\x02\0")
            eventually(lambda: len(bus.get("/bus/clients", timeout_s=30)) >= before[0] + 90)
            for peer in peers:
                peer.socket.close()
        for _ in range(100):
            with contextlib.closing(socket.socket(socket.AF_UNIX)) as hasty:
                hasty.connect(endpoint.removeprefix("ipc://"))
        eventually(lambda: len(bus.get("/bus/clients", timeout_s=30)) == before[0])
        eventually(lambda: descriptors() <= before[1])
        assert list(bus.get("/bus/subscriptions")) == [uri for uri in bus.get("/bus/subscriptions") if uri != "/r"]


def test_without_descriptors_nobody_new_is_taken_and_those_who_are_there_go_on(process, endpoint):
    with others_are_served(endpoint), Bus(endpoint) as bus, contextlib.ExitStack() as opened:
        used = psutil.Process(process.pid).num_fds()
        psutil.Process(process.pid).rlimit(psutil.RLIMIT_NOFILE, (used + 10, used + 10))
        for _ in range(30):
            opened.enter_context(Raw(endpoint, HELLO))
        eventually(lambda: "cannot accept a client" in process.output)
        assert bus.get("/bus/version")
        opened.close()
        with Bus(endpoint, name="late") as late:
            assert late.get("/bus/version")
    assert os.path.exists(endpoint.removeprefix("ipc://"))  # noqa: PTH110
