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
from typing import Any, Final

from ess_bus import batch, control, uri
from ess_bus.broker import description
from ess_bus.broker.clients import Client, Origin
from ess_bus.broker.limits import Limits
from ess_bus.broker.lobby import Lobby
from ess_bus.broker.outbox import Delivery, Outbox, Promise
from ess_bus.broker.returning import Kept, Returning
from ess_bus.broker.routes import Recipients, Routes
from ess_bus.broker.statistics import Rates, Statistics
from ess_bus.control import Verb
from ess_bus.errors import ProtocolError, UriError
from ess_bus.message import (
    METHODS,
    REPLY_VERB,
    Message,
    Status,
    address_of,
    decode,
    encode,
    encode_body,
    error_body,
    split_header,
)

log = logging.getLogger(__name__)

ANONYMOUS: Final = "anonymous"


class Broker:
    """Routes, clients and what is promised about them.

    Args:
        send: hands a frame to a connection, never waits, and says what became of it.
        limits: what one client may cost.
        now: the time, in seconds of the clock that every call is given.
    """

    def __init__(self, send: Callable[[bytes, bytes], Delivery], limits: Limits = Limits(), now: float = 0.0) -> None:
        self._send = send
        self._id = secrets.token_hex(8)
        self._lobby = Lobby()
        self._returning = Returning()
        self._gone: list[str] = []
        # Outboxes with something due in this burst, and those that keep something back for a client that lags.
        self._due: list[Outbox] = []
        self._lagging: set[Outbox] = set()
        self.limits = limits
        self.routes = Routes()
        self.clients: dict[bytes, Client] = {}
        self.statistics = Statistics()
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
            everyone = client.routes.get(frame[: frame.find(0)])
            if everyone is None:
                self._receive_other(client, frame, now)
                continue
            client.received += 1
            if not everyone:
                self.statistics.pubs_unheard += 1
            own, all_due = client.outbox, self._due
            for outbox in everyone:
                if outbox is not own:
                    due = outbox.due
                    if not due:
                        all_due.append(outbox)
                    due.append(frame)

    def flush(self, now: float) -> None:
        """Send what this burst has made due."""
        while self._due:
            all_due, self._due = self._due, []
            for outbox in all_due:
                self._flush(outbox, now)

    def retry(self, now: float) -> None:
        """Try again to send what waits for clients that lag."""
        for outbox in list(self._lagging):
            self._flush(outbox, now)
        self.flush(now)

    @property
    def is_holding(self) -> bool:
        """Whether something waits for a client that lags, so that `retry` has something to do."""
        return bool(self._lagging)

    def pressure(self, now: float) -> float:
        """Return how near to a loss the slowest of the clients is that do read: from 0 to 1."""
        return max((outbox.pressure(now) for outbox in self._lagging), default=0.0)

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
        if self._returning.is_over(now):
            self._retry_kept(now)
        self._tell_gone()
        self.retry(now)
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
                self.receive_all(client.peer, frames, now)
            else:
                self._route(client, frame, now)
        except (ProtocolError, UriError) as error:
            self._complain(client, error)

    def _route(self, client: Client, frame: bytes, now: float) -> None:
        """Route a command or a reply, or a pub whose header is seen for the first time."""
        head, nul, _ = frame.partition(b"\0")
        if not nul:
            raise ProtocolError("a frame without a NUL")
        verb, target = split_header(head)
        if verb not in METHODS and verb != REPLY_VERB:
            raise ProtocolError(f"unknown verb {verb[:20]!r}")
        uri.check(target)
        if verb == "pub":
            self.routes.remember(client.routes, head, self.routes.match(verb, target))
            self.receive(client.peer, frame, now)
            return
        client.received += 1
        if "bus" in target and uri.is_under(target, description.ROOT):
            self._describe(frame, now)
        else:
            self._forward(Kept(client, frame, verb, target), now)

    def _forward(self, command: Kept, now: float) -> None:
        """Deliver a command or a reply, or report to its sender that it could not be."""
        recipients = self.routes.match(command.verb, command.uri)
        promise = Promise(command.frame, command.sender)
        problem: tuple[Status, str] | None = None
        for outbox in recipients.audience:
            if outbox is command.sender.outbox:
                continue
            if outbox.is_full:
                problem = (Status.BUSY, outbox.client.name)
            elif reason := outbox.client.misfit(command.frame):
                outbox.dropped += 1
                problem = (Status.DENIED, f"{outbox.client.name} cannot be given it: {reason}")
            else:
                self._mark(outbox)
                outbox.promise(promise)
        is_lost = not promise.receivers
        is_unclaimed = is_lost and problem is None
        if is_unclaimed and command.verb != REPLY_VERB and self._returning.keep(command, now):
            return  # to be tried again, and shown to listeners once its fate is known
        self._show(recipients, command.sender.outbox, command.frame)
        if is_unclaimed and command.verb == REPLY_VERB:
            self.statistics.replies_unclaimed += 1
        elif is_lost:
            self._undelivered(command.sender, command.frame, problem)

    def _show(self, recipients: Recipients, own: Outbox | None, frame: bytes) -> None:
        for outbox in recipients.listeners:
            if outbox is not own:
                self._offer(outbox, frame)

    def _offer(self, outbox: Outbox, frame: bytes) -> None:
        """Put a message that nobody was promised into this burst, unless its receiver has too many to read already."""
        if outbox.is_full:
            outbox.lose(1)
        else:
            self._mark(outbox)
            outbox.due.append(frame)

    def _undelivered(self, sender: Client, frame: bytes, problem: tuple[Status, str] | None = None) -> None:
        """Tell the sender of a command or a reply that nobody got it."""
        if self.clients.get(sender.peer) is not sender:
            return
        self.statistics.undelivered += 1
        verb, target = split_header(frame[: frame.find(0)])
        status, detail = problem or (Status.NO_ONE_LISTENING, None)
        self._tell(sender, Verb.UNDELIVERED, status.value, verb, target, *address_of(frame), detail)

    def _mark(self, outbox: Outbox) -> None:
        if not outbox.due:
            self._due.append(outbox)

    def _tell(self, client: Client, verb: Verb, *fields: object) -> None:
        self._mark(client.outbox)
        client.outbox.tell(verb, *fields)

    def _flush(self, outbox: Outbox, now: float) -> None:
        if self.clients.get(outbox.client.peer) is not outbox.client:
            return
        outcome = outbox.flush(now)
        if outcome is Delivery.FULL:
            self._lagging.add(outbox)
        elif outcome is Delivery.SENT:
            self._lagging.discard(outbox)
        else:
            log.debug("%s is gone", outbox.client.name)
            self._forget(outbox.client)

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
        subscriptions = self._checked({}, control.unpack_subscriptions(listed))
        if earlier not in ("", self._id):
            self._returning.notice(now)
        outbox = Outbox(partial(self._send, peer), self.limits, now)
        routes = self.routes.cache(origin.user or ANONYMOUS)
        user = (origin.user or claimed)[: uri.MAX_LENGTH]
        client = Client(peer, name[: uri.MAX_LENGTH], user, pid, origin, now, outbox, routes)
        self.clients[peer] = client
        log.debug("%s says hello (pid %d)", client.name, client.pid)
        self._tell(client, Verb.WELCOME, control.VERSION, self._id, self.limits.max_message)
        self._subscribe(client, subscriptions, now)
        self.receive_all(peer, self._lobby.release(peer), now)

    def _control(self, client: Client, frame: bytes, now: float) -> None:
        match control.decode(frame):
            case (Verb.PING, (int() as number,)):
                self._tell(client, Verb.PONG, number)
            case (Verb.PONG, (int() as number,)):
                client.outbox.confirm(number, now)
                if client.outbox in self._lagging:
                    self._flush(client.outbox, now)
            case (Verb.SUBSCRIBE | Verb.REPLACE as verb, (int() as sequence, tuple() as listed)):
                added = control.unpack_subscriptions(listed)
                base = client.subscriptions if verb is Verb.SUBSCRIBE else {}
                self._change(client, sequence, base, added, now)
            case (Verb.UNSUBSCRIBE, (int() as sequence, tuple() as listed)):
                taken = {uri.normal(target) for target in control.unpack_uris(listed)}
                kept = {target: mode for target, mode in client.subscriptions.items() if target not in taken}
                self._change(client, sequence, kept, {}, now)
            case (Verb.HELLO, _):
                self._forget(client)
                self._greet(client.peer, frame, now, client.origin)
            case (Verb.BYE, ()):
                log.debug("%s says goodbye", client.name)
                self._flush(client.outbox, now)
                self._forget(client)
            case (verb, _):
                raise ProtocolError(f"{verb} with wrong fields")

    def _change(
        self, client: Client, sequence: int, base: control.Subscriptions, added: control.Subscriptions, now: float
    ) -> None:
        try:
            wanted = self._checked(base, added)
        except UriError as error:
            self._tell(client, Verb.SUBSCRIBED, sequence, str(error))
            return
        # Acknowledged when in force, not before: the original did it the other way round (fims.md B3).
        self._tell(client, Verb.SUBSCRIBED, sequence, None)
        self._subscribe(client, wanted, now)

    def _checked(self, base: control.Subscriptions, added: control.Subscriptions) -> control.Subscriptions:
        for target in added:
            uri.check(target)
        wanted = base | {uri.normal(target): mode for target, mode in added.items()}
        if len(wanted) > self.limits.subscriptions:
            raise UriError(
                next(reversed(wanted)), f"{len(wanted)} subscriptions are over the limit of {self.limits.subscriptions}"
            )
        return wanted

    def _subscribe(self, client: Client, wanted: control.Subscriptions, now: float) -> None:
        for target in client.subscriptions.keys() - wanted.keys():
            self.routes.remove(client.outbox, target)
        changed = {target: mode for target, mode in wanted.items() if client.subscriptions.get(target) is not mode}
        for target, mode in changed.items():
            self.routes.set(client.outbox, target, mode)
        client.subscriptions = wanted
        if changed:
            self._retry_kept(now)

    def _retry_kept(self, now: float) -> None:
        for kept in self._returning.release():
            self._forward(kept, now)

    def _forget(self, client: Client) -> None:
        if self.clients.get(client.peer) is not client:
            return  # its goodbye came with something due, and the connection was closed already
        uri_of_process = f"{control.PROCESSES}/{client.name}"
        if uri_of_process in client.subscriptions:
            self._gone.append(uri_of_process)
        for target in client.subscriptions:
            self.routes.remove(client.outbox, target)
        client.subscriptions = {}
        self.clients.pop(client.peer, None)
        self._lagging.discard(client.outbox)
        for promise in client.outbox.abandon():
            self._undelivered(promise.sender, promise.frame)
        self.statistics.messages += client.received
        self.statistics.deliveries += client.outbox.sent
        self.statistics.dropped += client.outbox.dropped

    def _tell_gone(self) -> None:
        """Publish which announced processes have left and not come back: what they said may no longer be so."""
        gone, self._gone = dict.fromkeys(self._gone), []
        for target in gone:
            name = target.removeprefix(f"{control.PROCESSES}/")
            # Who only watches that process is not it.
            if any(client.name == name and target in client.subscriptions for client in self.clients.values()):
                continue
            body = encode_body({"name": name, "gone": True})
            self._say(Message("pub", target, body, None, control.BROKER_NAME))

    def _complain(self, client: Client, error: Exception) -> None:
        self.statistics.protocol_errors += 1
        log.debug("%s sent something wrong: %s", client.name, error)
        self._tell(client, Verb.ERROR, str(error))

    # -- what the broker says itself -------------------------------------------------------------------------------

    def _say(self, message: Message) -> None:
        frame = encode(message)
        recipients = self.routes.match(REPLY_VERB if message.is_reply else message.method, message.uri)
        for outbox in recipients.audience + recipients.listeners:
            self._offer(outbox, frame)

    def _describe(self, frame: bytes, now: float) -> None:
        request = decode(frame)
        if request.replyto is None:
            return
        # An answer is far larger than its question: what a burst of questions makes due must not take much memory.
        self.flush(now)
        answer: Any = description.describe(self, request.uri, now) if request.method == "get" else None
        if answer is None:
            status = Status.REFUSED
            body = error_body(f"{request.method} {request.uri}: not something the broker answers")
        else:
            status, body = Status.OK, encode_body(answer)
        self._say(Message("set", request.replyto, body, None, control.BROKER_NAME, None, status, request.token))
