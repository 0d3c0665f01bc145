"""libzmq alone: its C proxy between XSUB and XPUB, with pyzmq's PUB and SUB. No protocol, no promises: the limit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import zmq

from tools.bench.peers.base import Client, Launch, Sink, System

NAME: Final = "zmq proxy"
_BETWEEN: Final = b" "


class ProxyClient(Client):
    """One frame a message: topic, a space, body."""

    async def open(self) -> None:
        """See `Client.open`: a publisher connects when it first publishes, a subscriber when it subscribes."""
        self.context = zmq.Context()
        self.publisher = self.context.socket(zmq.PUB)
        self.publisher.linger = 2000
        _set_queues(self.publisher)
        self.publisher.connect(self.address + ".in")

    async def close(self) -> None:
        """See `Client.close`."""
        self.context.destroy(linger=2000)

    async def subscribe(self, uri: str) -> None:
        """See `Client.subscribe`. Nobody acknowledges; probes show when it is in force."""
        self.subscriber = self.context.socket(zmq.SUB)
        _set_queues(self.subscriber)
        self.subscriber.connect(self.address + ".out")
        self.subscriber.subscribe(uri.encode())

    async def receive(self, sink: Sink) -> None:
        """See `Client.receive`."""
        receive = self.subscriber.recv
        while True:
            uri, _, body = receive().partition(_BETWEEN)
            sink(uri, body)

    async def publish(self, uri: str, body: bytes) -> None:
        """See `Client.publish`."""
        self.publisher.send(uri.encode() + _BETWEEN + body)

    async def flood(self, uri: str, body: bytes, count: int) -> None:
        """See `Client.flood`."""
        send = self.publisher.send
        for _ in range(count):
            send(uri.encode() + _BETWEEN + body)


def _set_queues(socket: zmq.Socket[bytes]) -> None:
    """Let nothing be dropped: a PUB socket whose queue is full throws away without a word."""
    socket.sndhwm = socket.rcvhwm = 0


def _launch(folder: Path) -> Launch:
    address = f"ipc://{folder}/proxy"
    paths = [folder / "proxy.in", folder / "proxy.out"]
    command = [sys.executable, "-m", __name__, address]
    return Launch(command, address, lambda: all(path.is_socket() for path in paths))


def main() -> None:
    """Run the proxy."""
    context = zmq.Context()
    incoming, outgoing = context.socket(zmq.XSUB), context.socket(zmq.XPUB)
    for socket, end in ((incoming, ".in"), (outgoing, ".out")):
        _set_queues(socket)
        socket.bind(sys.argv[1] + end)
    zmq.proxy(incoming, outgoing)


SYSTEMS: Final = (System(NAME, _launch, ProxyClient, packages=("pyzmq",)),)

if __name__ == "__main__":
    main()
