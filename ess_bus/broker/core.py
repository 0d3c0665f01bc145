"""`Broker`: the routing core. It knows no socket and no clock: a listener feeds it frames and the time.

::

    listener --receive(peer, frame, now)--> Broker --send(peer, frame)--> listener

Decisions that shape it: fims.md B2 (semantics), docs/architecture.md (no silent loss, one owner of a failure's report).
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from enum import Enum
from typing import Any, Final

from ess_bus import control, uri
from ess_bus.broker import description
from ess_bus.broker.clients import Client
from ess_bus.broker.lobby import Lobby
from ess_bus.broker.routes import Recipients, Routes
from ess_bus.broker.statistics import Statistics
from ess_bus.control import Verb
from ess_bus.errors import ProtocolError, UriError
from ess_bus.message import (
    METHODS,
    REPLY_VERB,
    Message,
    Status,
    decode,
    encode,
    encode_body,
    error_body,
    replyto_of,
    split_header,
)

log = logging.getLogger(__name__)

DEFAULT_MAX_MESSAGE: Final = 16 << 20
STALLED_AFTER_S: Final = 60.0


class Delivery(Enum):
    """What became of a frame that was handed to the listener."""

    SENT = 1
    FULL = 2
    GONE = 3


class Broker:
    """Routes, clients and what is promised about them.

    Args:
        send: hands a frame to a connection, never waits, and says what became of it.
        max_message: the largest message in bytes; clients are told and refuse larger ones themselves.
    """

    def __init__(self, send: Callable[[bytes, bytes], Delivery], max_message: int = DEFAULT_MAX_MESSAGE) -> None:
        self._send = send
        self._max_message = max_message
        self._id = secrets.token_hex(8)
        self._lobby = Lobby()
        self._gone: list[str] = []
        self.routes = Routes()
        self.clients: dict[bytes, Client] = {}
        self.statistics = Statistics()

    def receive(self, peer: bytes, frame: bytes, now: float) -> None:
        """Handle one frame of one connection."""
        client = self.clients.get(peer)
        if client is None:
            self._greet(peer, frame, now)
            return
        client.received += 1
        if frame[:1] == control.MARK:
            self._control(client, frame, now)
            return
        end = frame.find(0)
        recipients = self.routes.cache.get(frame[:end]) if end >= 0 else None
        if recipients is None:
            recipients = self._route(client, frame, now)
        if recipients is not None:
            self.statistics.messages += 1
            self._forward(client, frame, recipients, now)

    def tick(self, now: float) -> None:
        """Once a second: notice connections that are gone or stalled, and show the others that the broker lives."""
        for peer in self._lobby.expire(now):
            self._send(peer, control.encode(Verb.WHO))
        ping = control.encode(Verb.PING, 0)
        for client in list(self.clients.values()):
            if client.lagging_since is not None and now - client.lagging_since > STALLED_AFTER_S:
                log.warning("%s does not read its messages; disconnected", client.name)
                self._forget(client)
            else:
                self._deliver(client, ping, now)
        self._tell_gone(now)

    @property
    def dropped_unknown(self) -> int:
        """Frames of connections that never said hello."""
        return self._lobby.dropped

    # -- messages ------------------------------------------------------------------------------------------------

    def _route(self, client: Client, frame: bytes, now: float) -> Recipients | None:
        """Check a header that is seen for the first time and find its recipients; ``None`` if it needs none."""
        head, nul, _ = frame.partition(b"\0")
        try:
            if not nul:
                raise ProtocolError("a frame without a NUL")
            verb, target = split_header(head)
            if verb not in METHODS and verb != REPLY_VERB:
                raise ProtocolError(f"unknown verb {verb[:20]!r}")
            uri.check(target)
        except (ProtocolError, UriError) as error:
            self._complain(client, error)
            return None
        if uri.is_under(target, description.ROOT) and verb != "pub":
            self._describe(client, frame, now)
            return None
        recipients = self.routes.match(verb, target)
        if verb != REPLY_VERB:
            self.routes.remember(head, recipients)
        return recipients

    def _forward(self, sender: Client | None, frame: bytes, recipients: Recipients, now: float) -> None:
        delivered = 0
        busy: Client | None = None
        for client in recipients.audience:
            if client is sender:
                continue
            outcome = self._deliver(client, frame, now)
            if outcome is Delivery.SENT:
                delivered += 1
            elif outcome is Delivery.FULL:
                busy = client
        for client in recipients.listeners:
            if client is not sender:
                self._deliver(client, frame, now)
        if delivered:
            self.statistics.deliveries += delivered
        elif sender is not None:
            self._undelivered(sender, frame, busy)

    def _undelivered(self, sender: Client, frame: bytes, busy: Client | None) -> None:
        """Tell the sender of a command that nobody got it; a pub needs no audience and a reply no witness."""
        if frame.startswith(b"pub "):
            self.statistics.pubs_unheard += busy is None
            return
        verb, target = split_header(frame[: frame.find(0)])
        if verb == REPLY_VERB:
            self.statistics.replies_unclaimed += busy is None
            return
        self.statistics.undelivered += 1
        status = Status.BUSY if busy else Status.NO_ONE_LISTENING
        fields = (status.value, verb, target, replyto_of(frame), busy.name if busy else None)
        self._send(sender.peer, control.encode(Verb.UNDELIVERED, *fields))

    def _deliver(self, client: Client, frame: bytes, now: float) -> Delivery:
        outcome = self._send(client.peer, frame)
        if outcome is Delivery.SENT:
            client.sent += 1
            if client.lagging_since is not None:
                self._caught_up(client, now)
        elif outcome is Delivery.GONE:
            log.debug("%s is gone", client.name)
            self._forget(client)
        else:
            self._drop(client, frame, now)
        return outcome

    def _drop(self, client: Client, frame: bytes, now: float) -> None:
        if client.lagging_since is None:
            client.lagging_since = now
            log.warning("%s does not keep up; messages for it are being dropped", client.name)
        if frame[:1] != control.MARK:
            client.dropped += 1
            client.dropped_now += 1
            self.statistics.dropped += 1

    def _caught_up(self, client: Client, now: float) -> None:
        if client.dropped_now:
            told = self._send(client.peer, control.encode(Verb.DROPPED, client.dropped_now))
            if told is not Delivery.SENT:
                # It reads, but there was room for one frame only: the number is kept until it can be told.
                client.lagging_since = now
                return
        log.warning("%s reads again; it lost %d messages", client.name, client.dropped_now)
        client.lagging_since, client.dropped_now = None, 0

    # -- clients -------------------------------------------------------------------------------------------------

    def _greet(self, peer: bytes, frame: bytes, now: float) -> None:
        if frame.startswith(Verb.HELLO.encode() + b"\0"):
            try:
                self._hello(peer, frame, now)
            except (ProtocolError, UriError) as error:
                self.statistics.protocol_errors += 1
                self._send(peer, control.encode(Verb.ERROR, str(error)))
        elif frame.startswith(Verb.BYE.encode() + b"\0"):
            # Held, it would be carried out right after the hello of a client that has just come back.
            pass
        elif self._lobby.admit(peer, frame, now):
            self._send(peer, control.encode(Verb.WHO))

    def _hello(self, peer: bytes, frame: bytes, now: float) -> None:
        match control.decode(frame)[1]:
            case (control.VERSION, str() as name, str() as user, int() as pid, tuple() as listed):
                client = Client(peer, name[: uri.MAX_LENGTH], user[: uri.MAX_LENGTH], pid, now)
            case (version, *_) if version != control.VERSION:
                raise ProtocolError(f"this broker speaks version {control.VERSION}, not {str(version)[:20]}")
            case _:
                raise ProtocolError("a hello with wrong fields")
        subscriptions = _checked(listed)
        self.clients[peer] = client
        self._subscribe(client, subscriptions)
        log.debug("%s says hello (pid %d)", client.name, client.pid)
        self._send(peer, control.encode(Verb.WELCOME, control.VERSION, self._id, self._max_message))
        for held in self._lobby.release(peer):
            self.receive(peer, held, now)

    def _control(self, client: Client, frame: bytes, now: float) -> None:
        try:
            match control.decode(frame):
                case (Verb.PING, (int() as sequence,)):
                    self._deliver(client, control.encode(Verb.PONG, sequence), now)
                case (Verb.PONG, _):
                    pass
                case (Verb.SUBSCRIBE, (int() as sequence, tuple() as listed)):
                    self._resubscribe(client, sequence, listed, now)
                case (Verb.HELLO, _):
                    self._forget(client)
                    self._hello(client.peer, frame, now)
                case (Verb.BYE, ()):
                    log.debug("%s says goodbye", client.name)
                    self._forget(client)
                case (verb, _):
                    raise ProtocolError(f"{verb} with wrong fields")
        except (ProtocolError, UriError) as error:
            self._complain(client, error)

    def _resubscribe(self, client: Client, sequence: int, listed: tuple[Any, ...], now: float) -> None:
        try:
            subscriptions = _checked(listed)
        except UriError as error:
            self._deliver(client, control.encode(Verb.SUBSCRIBED, sequence, str(error)), now)
            return
        self._subscribe(client, subscriptions)
        # Acknowledged when in force, not before: the original did it the other way round (fims.md B3).
        self._deliver(client, control.encode(Verb.SUBSCRIBED, sequence, None), now)

    def _subscribe(self, client: Client, wanted: control.Subscriptions) -> None:
        for target in client.subscriptions.keys() - wanted.keys():
            self.routes.remove(client, target)
        for target, mode in wanted.items():
            if client.subscriptions.get(target) is not mode:
                self.routes.set(client, target, mode)
        client.subscriptions = wanted

    def _forget(self, client: Client) -> None:
        uri_of_process = f"{control.PROCESSES}/{client.name}"
        if uri_of_process in client.subscriptions:
            self._gone.append(uri_of_process)
        self._subscribe(client, {})
        self.clients.pop(client.peer, None)

    def _tell_gone(self, now: float) -> None:
        """Publish which announced processes have left and not come back: what they said may no longer be so."""
        gone, self._gone = dict.fromkeys(self._gone), []
        for target in gone:
            if any(target in client.subscriptions for client in self.clients.values()):
                continue
            body = encode_body({"name": target.rpartition("/")[2], "gone": True})
            frame = encode(Message("pub", target, body, None, control.BROKER_NAME))
            self._forward(None, frame, self.routes.match("pub", target), now)

    def _complain(self, client: Client, error: Exception) -> None:
        self.statistics.protocol_errors += 1
        log.debug("%s sent something wrong: %s", client.name, error)
        self._send(client.peer, control.encode(Verb.ERROR, str(error)))

    # -- the broker's own URIs -----------------------------------------------------------------------------------

    def _describe(self, client: Client, frame: bytes, now: float) -> None:
        try:
            request = decode(frame)
        except ProtocolError as error:
            self._complain(client, error)
            return
        self.statistics.messages += 1
        if request.replyto is None:
            return
        answer = description.describe(self, request.uri, now) if request.method == "get" else None
        if answer is None:
            status = Status.REFUSED
            body = error_body(f"{request.method} {request.uri}: not something the broker answers")
        else:
            status, body = Status.OK, encode_body(answer)
        reply = Message("set", request.replyto, body, None, control.BROKER_NAME, None, status, request.token)
        self._forward(None, encode(reply), self.routes.match(REPLY_VERB, request.replyto), now)


def _checked(listed: tuple[Any, ...]) -> control.Subscriptions:
    subscriptions = control.unpack_subscriptions(listed)
    for target in subscriptions:
        uri.check(target)
    return {uri.normal(target): mode for target, mode in subscriptions.items()}
