"""`FimsSession`: one connection of the original's protocol, between its packets and the frames of the bus. No I/O.

::

    packets --feed--> FimsSession --frames--> Broker       Broker --deliver--> FimsSession --waiting--> packets

To the broker it is a client like any other: it says hello, subscribes, and is told what could not be delivered. What
the original's protocol has no words for is put into those that it has (docs/compatibility.md).
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple

from ess_bus import batch, control, fims_wire, uri
from ess_bus.broker.fims_asked import Asked
from ess_bus.control import Mode, Subscriptions, Verb
from ess_bus.errors import Busy, NoOneListening, ProtocolError, Refused, TooLarge, UriError
from ess_bus.message import METHODS, REPLY_VERB, Message, Status, decode, encode, error_body

log = logging.getLogger(__name__)

# Its subscription to `/` must not turn every "no one is listening" into a time-out.
_LISTENER_NAME: Final = "fims_listen"
_REPLY: Final = REPLY_VERB.encode() + b" "


class Stage(Enum):
    """How far a connection has come."""

    HANDSHAKE = 1
    NAME = 2
    JOINED = 3
    OVER = 4


@dataclass(slots=True)
class Counters:
    """What all connections of a listener count together.

    Attributes:
        garbage: packets that were not understood or cannot travel on the bus.
    """

    garbage: int = 0


class Outgoing(NamedTuple):
    """A packet for the client, or a mark in the queue.

    Attributes:
        packet: empty for a mark: when it comes up, all before it was handed over.
        message: the message that the packet is, if it is one.
        number: what the broker is told when a mark comes up.
    """

    packet: bytes
    message: Message | None = None
    number: int = 0


class FimsSession:
    """One connection, from the handshake on.

    Attributes:
        name: of the process, as it said.
        stage: `Stage.OVER` once the broker has nothing more to do with it; the connection should be closed.
        waiting: packets for the client, in order.
        lost: messages of the bus that the client could not be given.

    Args:
        user: who is behind the connection.
        pid: the process there.
        largest: how many bytes a packet may have on this connection.
        counters: where garbage is counted.
    """

    def __init__(self, user: str, pid: int, largest: int, counters: Counters) -> None:
        self.name = ""
        self.stage = Stage.HANDSHAKE
        self.waiting: deque[Outgoing] = deque((Outgoing(fims_wire.encode_handshake()),))
        self.lost = 0
        self._largest = min(largest, fims_wire.MAX_PACKET)
        self._user, self._pid, self._counters = user, pid, counters
        self._asked = Asked()
        self._subscriptions: Subscriptions = {}
        # Subscriptions that the broker has not acknowledged yet, and the messages that wait until it has.
        self._unanswered: deque[Subscriptions] = deque()
        self._held: deque[Outgoing] = deque()
        # Until the broker says it, no packet is too large.
        self._max_message = 2 * fims_wire.MAX_PACKET

    @property
    def is_subscribing(self) -> bool:
        """Whether the client waits for the answer to a `sub`.

        It takes the first packet that comes for it (fims.md B3), so everything else is held back until then.
        """
        return bool(self._unanswered)

    # -- what the client says ------------------------------------------------------------------------------------------

    def feed(self, packet: bytes) -> bytes | None:
        """Take one packet; return the frame for the broker that it makes.

        Raises:
            ProtocolError: the connection did not begin as it must, and should be closed.
        """
        match self.stage:
            case Stage.HANDSHAKE:
                fims_wire.check_handshake(packet)
                self.stage = Stage.NAME
                return None
            case Stage.NAME:
                self.name = fims_wire.decode_name(packet)
                self.stage = Stage.JOINED
                return control.encode(Verb.HELLO, control.VERSION, self.name, self._user, self._pid, "", ())
        try:
            message = fims_wire.decode(packet)
        except ProtocolError as error:
            self._count_garbage(error)
            return None
        # As in the original: anything that starts so is a subscription.
        return self._subscribe(message.body) if message.method.startswith("sub") else self._frame_of(message)

    def _frame_of(self, message: Message) -> bytes | None:
        try:
            _require_routable(message)
            if message.method == "set" and message.replyto is None and self._asked.is_answer(message.uri):
                message = message._replace(status=Status.OK, token=self._asked.token(message.uri))
            frame = encode(message)
            if len(frame) > self._max_message:
                raise TooLarge(message.uri, len(frame), self._max_message)
        except (ProtocolError, UriError, TooLarge) as error:
            self._count_garbage(error)
            self._tell_sender(message.replyto, str(error))
            return None
        return frame

    def _subscribe(self, body: bytes | None) -> bytes | None:
        try:
            wanted = self._modes(fims_wire.decode_subscriptions(body))
        except ProtocolError as error:
            log.debug("%s: subscription refused: %s", self.name, error)
            self._answer(str(error))
            return None
        self._unanswered.append(wanted)
        return control.encode(Verb.REPLACE, 0, control.pack_subscriptions(wanted))

    def _modes(self, wanted: fims_wire.Wanted) -> Subscriptions:
        """Return subscriptions as the broker takes them: each URI once, and whoever wants all gets all."""
        everything = Mode.PASSIVE if self.name == _LISTENER_NAME else Mode.ALL
        modes: Subscriptions = {}
        for target, pub_only in wanted:
            try:
                target = uri.normal(uri.check(target))
            except UriError:
                raise ProtocolError(f"Invalid Uri: {target}") from None
            if not pub_only or target not in modes:
                modes[target] = Mode.PUB_ONLY if pub_only else everything
        return modes

    # -- what the broker says ------------------------------------------------------------------------------------------

    def deliver(self, frame: bytes) -> None:
        """Take a frame from the broker; what the client gets of it is in `waiting`."""
        frames = batch.unpack(frame) if frame[:1] == batch.MARK else (frame,)
        for inner in frames:
            try:
                if inner[:1] == control.MARK:
                    self._control(*control.decode(inner))
                else:
                    self._put(decode(inner))
            except ProtocolError as error:  # the broker does not look into what it forwards
                self._count_garbage(error)

    def misfit(self, frame: bytes) -> str | None:
        """Return why the client cannot be given a command, ``None`` if it can; the broker asks before it hands it over.

        An answer is always taken: what does not fit is replaced by an error, so that the client need not wait for it.
        """
        if len(frame) <= fims_wire.MAX_TEXT or frame.startswith(_REPLY):
            return None
        try:
            self._packet(decode(frame))
        except (ProtocolError, TooLarge) as error:
            return str(error)
        return None

    def give_up(self, outgoing: Outgoing, reason: str) -> None:
        """The connection cannot carry a packet after all."""
        if outgoing.message is not None:
            self._replace(outgoing.message, reason)

    def _put(self, message: Message) -> None:
        try:
            outgoing = Outgoing(self._packet(message), message)
        except TooLarge as error:
            self._replace(message, error.of_answer() if message.is_reply else str(error))
            return
        except ProtocolError as error:
            self._replace(message, str(error))
            return
        if message.replyto is not None and message.method != "pub" and not message.is_reply:
            self._asked.note(message.replyto, message.token)
        self._enqueue(outgoing)

    def _packet(self, message: Message) -> bytes:
        packet = fims_wire.encode(message)
        if len(packet) > self._largest:
            raise TooLarge(message.uri, len(packet), self._largest)
        return packet

    def _replace(self, message: Message, reason: str) -> None:
        self._count_lost(reason)
        if message.is_reply:
            self._tell_sender(message.uri, reason)

    def _count_lost(self, reason: str) -> None:
        self.lost += 1
        level = logging.WARNING if self.lost == 1 else logging.DEBUG
        log.log(level, "%s cannot be given a message: %s", self.name, reason)

    def _control(self, verb: Verb, fields: tuple[Any, ...]) -> None:
        match verb, fields:
            case Verb.SUBSCRIBED, (int(), str() | None as error):
                self._subscribed(error)
            case Verb.UNDELIVERED, (
                str() as status,
                str() as method,
                str() as target,
                str() | None as replyto,
                _,
                detail,
            ):
                self._tell_sender(replyto, _reason(status, method, target, detail))
            case Verb.WELCOME, (_, _, int() as max_message):
                self._max_message = max_message
            case Verb.PING, (int() as number,):
                if self.waiting and not self.waiting[-1].packet:
                    self.waiting.pop()
                # Among what is held back it would wait for an acknowledgement that waits for it.
                self.waiting.append(Outgoing(b"", number=number))
            case Verb.WHO, ():
                # A client of this protocol cannot be asked to join again; it notices that the connection is closed.
                self.stage = Stage.OVER
            case Verb.ERROR, (str() as text,):
                log.warning("%s: the broker did not understand it: %s", self.name, text[:200])

    def _subscribed(self, error: str | None) -> None:
        wanted = self._unanswered.popleft()
        if error is None:
            self._subscriptions = wanted
        self._answer(fims_wire.SUCCESS if error is None else error)
        if not self._unanswered:
            self.waiting.extend(self._held)
            self._held.clear()

    def _answer(self, text: str) -> None:
        self.waiting.append(Outgoing(fims_wire.encode_answer(text)))

    def _enqueue(self, outgoing: Outgoing) -> None:
        (self._held if self._unanswered else self.waiting).append(outgoing)

    def _tell_sender(self, replyto: str | None, reason: str) -> None:
        """Answer a request of this client with an error, if the client itself waits for the answer."""
        if replyto is None:
            return
        heard = (target for target, mode in self._subscriptions.items() if mode is not Mode.PUB_ONLY)
        if any(uri.is_under(replyto, target) for target in heard):
            error = Message("set", replyto, error_body(reason), None, control.BROKER_NAME)
            self._enqueue(Outgoing(fims_wire.encode(error)))

    def _count_garbage(self, error: Exception) -> None:
        self._counters.garbage += 1
        log.debug("%s sent something wrong: %s", self.name, error)


def _require_routable(message: Message) -> None:
    if not message.method or not message.process_name:
        raise ProtocolError("a message without method or process name")
    if not message.uri:
        raise ProtocolError("uri missing from message")
    if message.method not in METHODS:
        raise ProtocolError(f"unknown method {message.method[:20]!r}, expected one of {', '.join(sorted(METHODS))}")
    uri.check(message.uri)
    if message.replyto is not None:
        uri.check(message.replyto)


def _reason(status: object, method: str, target: str, detail: object) -> str:
    match status:
        case Status.NO_ONE_LISTENING:
            return str(NoOneListening(method, target))
        case Status.BUSY:
            return str(Busy(target, str(detail)))
    return str(Refused(target, str(detail or status)))
