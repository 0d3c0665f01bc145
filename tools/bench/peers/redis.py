"""redis-server with redis-py: publishing in pipelines, as its documentation advises, and one command a call."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from tools.bench.peers.base import Client, Launch, Sink, System, host_and_port, over_tcp, program
from tools.ports import LOOPBACK, free_port

NAME: Final = "redis"
PLAIN_NAME: Final = "redis, a command a call"
# How many commands a pipeline takes.
_PIPELINE: Final = 100


class RedisClient(Client):
    """`pipeline().publish`, `pubsub().listen`."""

    async def open(self) -> None:
        """See `Client.open`."""
        import redis

        host, port = host_and_port(self.address)
        self.redis: Any = redis.Redis(host=host, port=port)
        self.redis.ping()

    async def close(self) -> None:
        """See `Client.close`."""
        self.redis.close()

    async def subscribe(self, uri: str) -> None:
        """See `Client.subscribe`."""
        self.pubsub: Any = self.redis.pubsub(ignore_subscribe_messages=False)
        self.pubsub.subscribe(uri)
        # The first message is the acknowledgement.
        next(self.pubsub.listen())

    async def receive(self, sink: Sink) -> None:
        """See `Client.receive`."""
        for message in self.pubsub.listen():
            sink(message["channel"], message["data"])

    async def publish(self, uri: str, body: bytes) -> None:
        """See `Client.publish`."""
        self.redis.publish(uri, body)

    async def flood(self, uri: str, body: bytes, count: int) -> None:
        """See `Client.flood`."""
        pipeline = self.redis.pipeline(transaction=False)
        publish = pipeline.publish
        for number in range(count):
            publish(uri, body)
            if number % _PIPELINE == _PIPELINE - 1:
                pipeline.execute()
        pipeline.execute()


class PlainRedisClient(RedisClient):
    """`publish`: each call waits for its answer."""

    async def flood(self, uri: str, body: bytes, count: int) -> None:
        """See `Client.flood`."""
        publish = self.redis.publish
        for _ in range(count):
            publish(uri, body)


def _launch(folder: Path) -> Launch:
    port = free_port()
    # Nothing on disk, and no subscriber is cut off for being slow.
    options = {"bind": LOOPBACK, "port": port, "dir": folder, "save": "", "client-output-buffer-limit": "pubsub 0 0 0"}
    flags = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    return over_tcp([program("redis-server") or "redis-server", *flags], port)


SYSTEMS: Final = (
    System(NAME, _launch, RedisClient, program="redis-server", packages=("redis",), share=0.2),
    System(
        PLAIN_NAME, _launch, PlainRedisClient, program="redis-server", packages=("redis",), share=0.05, variant=True
    ),
)
