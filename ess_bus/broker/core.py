"""`Broker`: the routing core. It knows no socket and no clock: a listener feeds it frames and the time.

::

    listener --receive(peer, frame, now)--> Broker --send(peer, frame)--> listener
                                   flush(now) after each burst

Decisions that shape it: docs/wire.md (the rules), docs/architecture.md (the reasons), fims.md B2 (the semantics).
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ess_bus import batch, control, uri
from ess_bus.broker import description
from ess_bus.broker.clients import ANONYMOUS, Client, Origin
from ess_bus.broker.courier import Courier
from ess_bus.broker.dispatch import Dispatch
from ess_bus.broker.limits import Limits
from ess_bus.broker.lobby import Lobby
from ess_bus.broker.membership import Membership
from ess_bus.broker.outbox import Delivery, Outbox
from ess_bus.broker.returning import Command
from ess_bus.broker.routes import Routes
from ess_bus.broker.statistics import Rates, Statistics
from ess_bus.broker.voice import Voice
from ess_bus.control import Verb
from ess_bus.desk import Desk
from ess_bus.errors import ProtocolError, Refused, UriError
from ess_bus.message import METHODS, REPLY_VERB, split_header

if TYPE_CHECKING:
    from ess_bus.broker.gate import Gate

log = logging.getLogger(__name__)


class Broker:
    """Routes, clients and what is promised about them.

    Args:
        send: hands a frame to a connection, never waits, and says what became of it.
        limits: what one client may cost.
        now: the time, in seconds of the clock that every call is given.
        gate: rules and audit trail, where a site has them.
    """

    def __init__(
        self,
        send: Callable[[bytes, bytes], Delivery],
        limits: Limits = Limits(),
        now: float = 0.0,
        gate: Gate | None = None,
    ) -> None:
        self._send = send
        self._id = secrets.token_hex(8)
        self._lobby = Lobby()
        self.limits = limits
        self.gate = gate
        self.routes = Routes(None if gate is None else gate.may_receive)
        self.clients: dict[bytes, Client] = {}
        self.dispatch = Dispatch(self._is_here, self._forget)
        self.statistics = Statistics()
        self._courier = Courier(self.routes, self.dispatch, self.statistics, self._is_here, gate)
        # By URI, beside the description.
        self.desk = Desk()
        self._voice = Voice(self.routes, self.dispatch, self._courier, self.desk, gate)
        self._membership = Membership(self.routes, limits.subscriptions)
        self.rates = Rates(now)
        self.started = now

    def receive(self, peer: bytes, frame: bytes, now: float, origin: Origin | None = None) -> None:
        """Handle one frame of one connection; `origin` says where an unknown one comes from."""
        self.receive_all(peer, (frame,), now, origin)

    def receive_all(self, peer: bytes, frames: Iterable[bytes], now: float, origin: Origin | None = None) -> None:
        """Handle some frames of one connection, in order."""
        clients = self.clients
        for frame in frames:
            client = clients.get(peer)
            if client is None:
                self._greet(peer, frame, now, origin or Origin())
                continue
            # The hottest lines of the project: a pub whose header was seen before.
            everyone = client.routes.get(frame[: frame.find(0) + 1])
            if everyone is None:
                self._receive_other(client, frame, now)
                continue
            client.received += 1
            if not everyone:
                self.statistics.pubs_unheard += 1
            own, all_due = client.outbox, self.dispatch.due
            for outbox in everyone:
                if outbox is not own:
                    due = outbox.due
                    if not due:
                        all_due.append(outbox)
                    due.append(frame)

    def flush(self, now: float) -> None:
        """Send what this burst has made due."""
        self.dispatch.flush(now)

    def retry(self, now: float) -> None:
        """Try again to send what waits for clients that lag."""
        self.dispatch.retry(now)

    @property
    def is_holding(self) -> bool:
        """Whether something waits for a client that lags, so that `retry` has something to do."""
        return self.dispatch.is_holding

    def pressure(self, now: float) -> float:
        """Return how near to a loss the slowest of the clients is that do read: from 0 to 1."""
        return self.dispatch.pressure(now)

    def tick(self, now: float) -> None:
        """Once a second: notice connections that are gone or stalled, and show the others that the broker lives."""
        for peer in self._lobby.expire(now):
            self._send(peer, control.encode(Verb.WHO))
        for client in list(self.clients.values()):
            if client.outbox.is_stalled(now):
                log.warning("%s does not read its messages; disconnected", client.name)
                self._forget(client)
            elif client.outbox.ping() is Delivery.GONE:
                log.debug("%s is gone", client.name)
                self._forget(client)
        self._courier.tick(now)
        self._voice.tell_gone(self.clients.values())
        if self.gate is not None:
            self.gate.tick(now)
        self.dispatch.retry(now)
        self.rates.tick(self.totals(), now)

    def totals(self) -> Statistics:
        """Return the counters of the broker, those of the present clients included."""
        outboxes = [client.outbox for client in self.clients.values()]
        return replace(
            self.statistics,
            messages=self.statistics.messages + sum(client.received for client in self.clients.values()),
            deliveries=self.statistics.deliveries + sum(outbox.sent for outbox in outboxes),
            dropped=self.statistics.dropped + sum(outbox.dropped for outbox in outboxes),
        )

    def note_lost(self, peer: bytes, count: int) -> None:
        """Count messages that a listener took for a client and could not give it after all."""
        client = self.clients.get(peer)
        if client is not None:
            client.outbox.sent -= count
            client.outbox.dropped += count

    def dismiss(self, client: Client, reason: str) -> None:
        """Disconnect a client; what was on its way to it is reported to the senders."""
        log.warning("%s is disconnected: %s", client.name, reason)
        self._forget(client)

    @property
    def dropped_unknown(self) -> int:
        """Frames of connections that never said hello."""
        return self._lobby.dropped

    # -- messages ------------------------------------------------------------------------------------------------

    def _receive_other(self, client: Client, frame: bytes, now: float) -> None:
        try:
            if frame[:1] == control.MARK:
                self._control(client, frame, now)
            elif frame[:1] == batch.MARK:
                frames = batch.unpack(frame)
                if any(inner[:1] == batch.MARK for inner in frames):
                    raise ProtocolError("a batch inside a batch")
                # With its origin: after a goodbye in the batch, a hello in it is no stranger's.
                self.receive_all(client.peer, frames, now, client.origin)
            else:
                self._route(client, frame, now)
        except (ProtocolError, UriError) as error:
            self._complain(client, error)
        except Refused as error:
            self._courier.deny(client, frame, error.reason)

    def _route(self, client: Client, frame: bytes, now: float) -> None:
        """Route a command or a reply, or a pub whose header is seen for the first time."""
        head, nul, _ = frame.partition(b"\0")
        if not nul:
            raise ProtocolError("a frame without a NUL")
        verb, target = split_header(head)
        if verb not in METHODS and verb != REPLY_VERB:
            raise ProtocolError(f"unknown verb {verb[:20]!r}")
        uri.check(target)
        gate = self.gate
        if verb == "pub":
            if gate is not None:
                gate.require_pub(client, target)
            self.routes.remember(client.routes, head + nul, self.routes.match(verb, target))
            self.receive(client.peer, frame, now)
            return
        client.received += 1
        ticket = None if gate is None else gate.admit(client, frame, self.routes.match, now)
        command = Command(client, frame, verb, target, ticket)
        if "bus" in target and uri.is_under(target, description.ROOT):
            self._voice.answer(command, partial(description.describe, self, now=now), now)
        else:
            self._courier.deliver(command, now)

    def _is_here(self, client: Client) -> bool:
        return self.clients.get(client.peer) is client

    # -- clients -------------------------------------------------------------------------------------------------

    def _greet(self, peer: bytes, frame: bytes, now: float, origin: Origin) -> None:
        if frame.startswith(Verb.HELLO.encode() + b"\0"):
            try:
                self._hello(peer, frame, now, origin)
            except (ProtocolError, UriError) as error:
                self.statistics.protocol_errors += 1
                self._send(peer, control.encode(Verb.ERROR, str(error)))
        elif frame.startswith(Verb.BYE.encode() + b"\0"):
            # Held, it would be carried out right after the hello of a client that has just come back.
            pass
        elif self._lobby.admit(peer, frame, now):
            self._send(peer, control.encode(Verb.WHO))

    def _hello(self, peer: bytes, frame: bytes, now: float, origin: Origin) -> None:
        match control.decode(frame)[1]:
            case (control.VERSION, str() as name, str() as claimed, int() as pid, str() as earlier, tuple() as listed):
                pass
            case (version, *_) if version != control.VERSION:
                raise ProtocolError(f"this broker speaks version {control.VERSION}, not {str(version)[:20]}")
            case _:
                raise ProtocolError("a hello with wrong fields")
        subscriptions = self._membership.checked({}, listed)
        if earlier not in ("", self._id):
            self._courier.expect_owners(now)
        user = (origin.user or claimed)[: uri.MAX_LENGTH]
        client = self.clients.get(peer)
        if client is None:
            outbox = Outbox(partial(self._send, peer), self.limits, now)
            routes = self.routes.cache(origin.user or ANONYMOUS)
            client = self.clients[peer] = Client(peer, name[: uri.MAX_LENGTH], user, pid, origin, now, outbox, routes)
        else:
            # Asked again, while its first hello was on its way. What is due on this connection stays due.
            client.name, client.user, client.pid = name[: uri.MAX_LENGTH], user, pid
        log.debug("%s says hello (pid %d)", client.name, client.pid)
        self.dispatch.tell(client, Verb.WELCOME, control.VERSION, self._id, self.limits.max_message)
        if self._membership.replace(client, subscriptions):
            self._courier.retry_kept(now)
        self.receive_all(peer, self._lobby.release(peer), now, origin)

    def _control(self, client: Client, frame: bytes, now: float) -> None:
        match control.decode(frame):
            case (Verb.PING, (int() as number,)):
                self.dispatch.tell(client, Verb.PONG, number)
            case (Verb.PONG, (int() as number,)):
                self.dispatch.confirm(client.outbox, number, now)
            case (Verb.SUBSCRIBE | Verb.REPLACE as verb, (int() as sequence, tuple() as listed)):
                self._change(client, verb, sequence, listed, now)
            case (Verb.UNSUBSCRIBE, (int() as sequence, tuple() as listed)):
                taken = [uri.normal(target) for target in control.unpack_uris(listed) if len(target) <= uri.MAX_LENGTH]
                self.dispatch.tell(client, Verb.SUBSCRIBED, sequence, None)
                self._membership.take_back(client, taken)
            case (Verb.HELLO, _):
                try:
                    self._hello(client.peer, frame, now, client.origin)
                except (ProtocolError, UriError):
                    self._forget(client)
                    self._greet(client.peer, frame, now, client.origin)
            case (Verb.BYE, ()):
                log.debug("%s says goodbye", client.name)
                self.dispatch.flush_one(client.outbox, now)
                self._forget(client)
            case (verb, _):
                raise ProtocolError(f"{verb} with wrong fields")

    def _change(self, client: Client, verb: Verb, sequence: int, listed: tuple[Any, ...], now: float) -> None:
        """Add to a client's subscriptions, or replace them all; what is there already is not looked at one by one."""
        is_more = verb is Verb.SUBSCRIBE
        try:
            wanted = self._membership.checked(client.subscriptions if is_more else {}, listed)
            if self.gate is not None:
                for target in wanted:
                    self.gate.require_subscription(client, target)
        except (UriError, Refused) as error:
            self.statistics.denied += isinstance(error, Refused)
            self.dispatch.tell(client, Verb.SUBSCRIBED, sequence, str(error))
            return
        # Acknowledged when in force, not before: the original did it the other way round (fims.md B3).
        self.dispatch.tell(client, Verb.SUBSCRIBED, sequence, None)
        put = self._membership.add if is_more else self._membership.replace
        if put(client, wanted):
            self._courier.retry_kept(now)

    def _forget(self, client: Client) -> None:
        if not self._is_here(client):
            return  # its goodbye came with something due, and the connection was closed already
        self._voice.note_gone(client)
        self._membership.replace(client, {})
        del self.clients[client.peer]
        self.dispatch.drop(client.outbox)
        self._courier.abandon(client.outbox)
        self.statistics.messages += client.received
        self.statistics.deliveries += client.outbox.sent
        self.statistics.dropped += client.outbox.dropped

    def _complain(self, client: Client, error: Exception) -> None:
        self.statistics.protocol_errors += 1
        log.debug("%s sent something wrong: %s", client.name, error)
        self.dispatch.tell(client, Verb.ERROR, str(error))
