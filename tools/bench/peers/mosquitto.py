"""mosquitto with paho-mqtt, QoS 0."""

from __future__ import annotations

import queue
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tools.bench.peers.base import Client, Launch, Sink, System, host_and_port, over_tcp, program
from tools.ports import LOOPBACK, free_port

NAME: Final = "mosquitto"
_V3, _V5 = 4, 5
_TIMEOUT_S: Final = 10.0
# `user root` keeps a server that root starts from changing its user; others ignore it. No queue is limited, so that
# nothing is lost in secret.
_CONFIGURATION: Final = """\
listener {port} {host}
allow_anonymous true
user root
persistence false
set_tcp_nodelay true
max_queued_messages 0
log_dest none
"""


class MqttClient(Client):
    """`publish` beside `loop_start`, `on_message`; requests as MQTT 5 has them: with a response topic."""

    _requester: Any = None

    async def open(self) -> None:
        """See `Client.open`."""
        self.paho = _connected(self.address, _V3)

    async def close(self) -> None:
        """See `Client.close`."""
        for paho in (self.paho, self._requester):
            if paho is not None:
                paho.disconnect()
                paho.loop_stop()

    async def subscribe(self, uri: str) -> None:
        """See `Client.subscribe`."""
        _subscribe(self.paho, uri)

    async def receive(self, sink: Sink) -> None:
        """See `Client.receive`."""
        ended: queue.SimpleQueue[BaseException] = queue.SimpleQueue()

        def on_message(_client: Any, _data: Any, message: Any) -> None:
            try:
                sink(message.topic, message.payload)
            except Exception as error:  # noqa: BLE001 - whatever ends the sink ends `receive`
                ended.put(error)

        self.paho.on_message = on_message
        raise ended.get()

    async def publish(self, uri: str, body: bytes) -> None:
        """See `Client.publish`."""
        self.paho.publish(uri, body)

    async def flood(self, uri: str, body: bytes, count: int) -> None:
        """See `Client.flood`."""
        publish = self.paho.publish
        for _ in range(count):
            sent = publish(uri, body)
        sent.wait_for_publish(_TIMEOUT_S)

    async def ask(self, uri: str) -> Any:
        """See `Client.ask`."""
        if self._requester is None:
            self._prepare_requests()
        self._requester.publish(uri, b"", properties=self._response_topic)
        return self._answers.get(timeout=_TIMEOUT_S)

    async def answer(self, uri: str, body: bytes, ready: Callable[[], None]) -> None:
        """See `Client.answer`."""
        owner = self._requester = _connected(self.address, _V5)

        def on_message(_client: Any, _data: Any, request: Any) -> None:
            owner.publish(request.properties.ResponseTopic, body)

        owner.on_message = on_message
        _subscribe(owner, uri)
        ready()
        threading.Event().wait()

    def _prepare_requests(self) -> None:
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        self._answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._response_topic: Any = Properties(PacketTypes.PUBLISH)
        self._response_topic.ResponseTopic = f"answers/{secrets.token_hex(8)}"
        self._requester = _connected(self.address, _V5)
        self._requester.on_message = lambda _client, _data, message: self._answers.put(message.payload)
        _subscribe(self._requester, self._response_topic.ResponseTopic)


def _connected(address: str, version: int) -> Any:
    from paho.mqtt.client import Client as Paho
    from paho.mqtt.enums import CallbackAPIVersion

    paho: Any = Paho(CallbackAPIVersion.VERSION2, protocol=version)
    connected = threading.Event()
    paho.on_connect = lambda *_: connected.set()
    paho.connect(*host_and_port(address))
    paho.loop_start()
    _wait(connected, "connected")
    return paho


def _subscribe(paho: Any, topic: str) -> None:
    subscribed = threading.Event()
    paho.on_subscribe = lambda *_: subscribed.set()
    paho.subscribe(topic)
    _wait(subscribed, "subscribed")


def _wait(event: threading.Event, what: str) -> None:
    if not event.wait(_TIMEOUT_S):
        raise TimeoutError(f"not {what} within {_TIMEOUT_S:g} s")


def _launch(folder: Path) -> Launch:
    port, path = free_port(), folder / "mosquitto.conf"
    path.write_text(_CONFIGURATION.format(host=LOOPBACK, port=port))
    return over_tcp([program(NAME) or NAME, "-c", str(path)], port)


SYSTEMS: Final = (
    System(NAME, _launch, MqttClient, program="mosquitto", packages=("paho-mqtt",), share=0.1, answers=True),
)
