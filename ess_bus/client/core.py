"""`ClientCore`: everything a client does except I/O. Frames and the time go in; frames, messages and outcomes come out.

`Bus` and `AsyncBus` are shells around it that move frames and wait. It keeps the connection's state:

::

    unjoined --hello--> (broker) --welcome--> joined --silence of 3 s, or who--> unjoined
"""

from __future__ import annotations

import logging
import os
from collections import deque
from typing import Any, Final

from ess_bus import control, uri
from ess_bus.client.pending import Pending
from ess_bus.client.replies import error_reply, outcome_of
from ess_bus.control import Mode, Verb
from ess_bus.errors import BusError, Busy, Disconnected, NoOneListening, ProtocolError, TooLarge
from ess_bus.message import METHODS, Message, Status, decode, encode, encode_body

log = logging.getLogger(__name__)

PING_AFTER_S: Final = 1.0
LOST_AFTER_S: Final = 3.0
HELLO_EVERY_S: Final = 0.5
# Messages that wait for the program; beyond it the oldest is dropped and counted.
INBOX_SIZE: Final = 100_000


class ClientCore:
    """The state of one client.

    Attributes:
        outgoing: control frames and automatic answers that the shell must send, in order.
        inbox: messages for the program.
        failures: what the broker could not deliver of messages that were sent without a replyto of this client.
        joined: whether the broker has said welcome.
        joins: how often it has.
        gaps: how often messages may have been missed: with each welcome, and when this client did not keep up.
    """

    def __init__(self, name: str, username: str | None, now: float) -> None:
        self.name = _printable(name)
        self.username = None if username is None else _printable(username)
        self.joined = False
        self.joins = 0
        self.gaps = 0
        self.outgoing: deque[bytes] = deque()
        self.inbox: deque[Message] = deque()
        self.failures: deque[BusError] = deque(maxlen=1000)
        self.dropped = 0
        self.garbage = 0
        self._overflowing = False
        self._reply_prefix = f"/_reply/{os.urandom(6).hex()}"
        self._subscriptions: control.Subscriptions = {self._reply_prefix: Mode.ALL}
        # False while the program changes subscriptions before the broker has said welcome.
        self._hello_covers_all = True
        self._about: dict[str, Any] | None = None
        self._pending: dict[str, Pending] = {}
        self._sequence = 0
        self._max_message = 0
        self._heard = now
        self._asked = float("-inf")

    # -- liveness --------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> float:
        """Do what is due (hello, ping, noticing that the broker is gone); return when to call again at the latest."""
        if self.joined and now - self._heard > LOST_AFTER_S:
            self._lose("the broker stopped answering")
        if not self.joined:
            if now - self._asked >= HELLO_EVERY_S:
                self._asked = now
                self.outgoing.clear()
                self._hello()
            return self._asked + HELLO_EVERY_S
        if now - self._heard >= PING_AFTER_S and now - self._asked >= PING_AFTER_S:
            self._asked = now
            self.outgoing.append(control.encode(Verb.PING, 0))
        return max(self._heard, self._asked) + PING_AFTER_S

    def _hello(self) -> None:
        listed = control.pack_subscriptions(self._subscriptions)
        fields = (control.VERSION, self.name, self.username or "", os.getpid(), listed)
        self.outgoing.append(control.encode(Verb.HELLO, *fields))
        self._hello_covers_all = True

    def _lose(self, reason: str) -> None:
        log.debug("%s: %s", self.name, reason)
        self.joined = False
        pending, self._pending = self._pending, {}
        for waiting in pending.values():
            waiting.resolve(Disconnected(f"{reason}; the outcome of {waiting.what} is unknown"))

    # -- what the program sends ------------------------------------------------------------------------------------

    def compose(self, message: Message) -> bytes:
        """Return the frame of a message of this client.

        Raises:
            ValueError: the method is unknown.
            UriError: the URI or the replyto cannot be routed.
            TooLarge: the broker would not take it.
        """
        if message.method not in METHODS:
            raise ValueError(f"unknown method {message.method!r}, expected one of {', '.join(sorted(METHODS))}")
        uri.check(message.uri)
        if message.replyto is not None:
            uri.check(message.replyto)
        frame = encode(message)
        if self._max_message and len(frame) > self._max_message:
            raise TooLarge(message.uri, len(frame), self._max_message)
        return frame

    def message(
        self, method: str, target: str, body: bytes | None, replyto: str | None = None, token: str | None = None
    ) -> Message:
        """Return a message in this client's name."""
        return Message(method, target, body, replyto, self.name, self.username, None, token)

    def request(self, method: str, target: str, body: bytes | None) -> tuple[Pending, bytes]:
        """Return a request's frame, and where its outcome will be: the reply, or a `BusError`."""
        replyto = f"{self._reply_prefix}/{self._next()}"
        frame = self.compose(self.message(method, target, body, replyto))
        return self._expect(replyto, f"{method} {target}", target), frame

    def answer(self, request: Message, status: Status, body: bytes | None) -> bytes | None:
        """Return the frame of a reply, or ``None`` if nobody waits for one."""
        if request.replyto is None:
            return None
        reply = Message("set", request.replyto, body, None, self.name, request.username, status, request.token)
        try:
            return self.compose(reply)
        except TooLarge as error:
            return self.compose(error_reply(reply, Status.REFUSED, str(error)))

    def subscribe(self, targets: tuple[str, ...], mode: Mode) -> Pending:
        """Add subscriptions; the outcome comes when they are in force."""
        for target in targets:
            uri.check(target)
        self._subscriptions.update(dict.fromkeys(map(uri.normal, targets), mode))
        return self._renew()

    def unsubscribe(self, targets: tuple[str, ...]) -> Pending:
        """Take subscriptions back; the outcome comes when nothing more is routed here because of them."""
        for target in targets:
            self._subscriptions.pop(uri.normal(target), None)
        return self._renew()

    def announce(self, about: dict[str, Any]) -> Pending:
        """From now on, answer gets of ``/processes/NAME`` with `about`; publish it now and after every reconnection."""
        self._about = about
        subscribed = self.subscribe((self.process_uri,), Mode.ALL)
        if self.joined:
            self._tell_about()
        return subscribed

    def flush(self) -> Pending:
        """Ask the broker for a sign that it has handled everything sent so far."""
        sequence = self._next()
        waiting = self._expect(f"ping {sequence}", "a flush")
        if self.joined:
            self.outgoing.append(control.encode(Verb.PING, sequence))
        else:
            self._settle(
                f"ping {sequence}", Disconnected("no broker; whether earlier messages were handled is unknown")
            )
        return waiting

    def farewell(self) -> bytes | None:
        """Leave: return the frame that makes the broker forget this client at once, ``None`` if it does not know it."""
        was_joined = self.joined
        self._lose("this bus was closed")
        return control.encode(Verb.BYE) if was_joined else None

    @property
    def process_uri(self) -> str:
        """Where this process answers once it was announced."""
        return f"{control.PROCESSES}/{self.name}"

    def give_up(self, waiting: Pending) -> None:
        """Forget a request whose time is over; a late answer to it is discarded."""
        for key, found in list(self._pending.items()):
            if found is waiting:
                del self._pending[key]

    def _renew(self) -> Pending:
        sequence = self._next()
        waiting = self._expect(f"subscribe {sequence}", "a subscription")
        if self.joined:
            listed = control.pack_subscriptions(self._subscriptions)
            self.outgoing.append(control.encode(Verb.SUBSCRIBE, sequence, listed))
        else:  # the next hello carries it, or what follows the welcome to one that is already under way
            self._hello_covers_all = False
            self._settle(f"subscribe {sequence}", None)
        return waiting

    def _expect(self, key: str, what: str, target: str = "") -> Pending:
        waiting = self._pending[key] = Pending(what, target)
        return waiting

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence

    # -- what arrives ----------------------------------------------------------------------------------------------

    def feed(self, frame: bytes, now: float) -> None:
        """Take one frame from the broker. Garbage is counted, never raised."""
        self._heard = now
        try:
            if frame[:1] == control.MARK:
                self._control(*control.decode(frame))
            else:
                self._deliver(decode(frame))
        except ProtocolError as error:
            self.garbage += 1
            log.debug("%s: ignored a frame: %s", self.name, error)

    def _deliver(self, message: Message) -> None:
        if message.uri.startswith(self._reply_prefix):
            waiting = self._pending.pop(message.uri, None)
            if waiting is not None:  # else: a late answer, or a second one
                waiting.resolve(outcome_of(message, waiting))
        elif self._about is not None and message.uri == self.process_uri:
            self._describe(message)
        else:
            self._keep(message)

    def _keep(self, message: Message) -> None:
        if len(self.inbox) >= INBOX_SIZE:
            self.inbox.popleft()
            self.dropped += 1
            self.gaps += 1
            if not self._overflowing:
                log.warning("%s does not keep up: %d messages wait; the oldest are dropped", self.name, INBOX_SIZE)
            self._overflowing = True
        elif not self.inbox:
            self._overflowing = False
        self.inbox.append(message)

    def _describe(self, message: Message) -> None:
        if message.method == "get":
            frame = self.answer(message, Status.OK, encode_body(self._about))
            if frame is not None:
                self.outgoing.append(frame)

    def _tell_about(self) -> None:
        self.outgoing.append(self.compose(self.message("pub", self.process_uri, encode_body(self._about))))

    def _control(self, verb: Verb, fields: tuple[Any, ...]) -> None:
        match verb, fields:
            case Verb.PING, (int() as sequence,):
                self.outgoing.append(control.encode(Verb.PONG, sequence))
            case Verb.PONG, (int() as sequence,):
                self._settle(f"ping {sequence}", None)
            case Verb.WELCOME, (control.VERSION, str(), int() as max_message):
                self._welcome(max_message)
            case Verb.WHO, ():
                self._lose("the broker was restarted")
                self._hello()
            case Verb.SUBSCRIBED, (int() as sequence, str() | None as error):
                self._settle(f"subscribe {sequence}", ProtocolError(error) if error else None)
            case Verb.UNDELIVERED, (str() as status, str() as method, str() as target, str() | None as replyto, name):
                self._undelivered(status, method, target, replyto, str(name))
            case Verb.DROPPED, (int() as count,):
                self.dropped += count
                self.gaps += 1
                log.warning("%s did not keep up: the broker dropped %d messages for it", self.name, count)
            case Verb.ERROR, (str() as text,):
                log.error("%s: the broker did not understand a frame: %s", self.name, text[:200])
            case _:
                raise ProtocolError(f"{verb} with wrong fields")

    def _welcome(self, max_message: int) -> None:
        self.joins += not self.joined
        self.gaps += not self.joined
        self.joined, self._max_message = True, max_message
        if not self._hello_covers_all:
            self._hello_covers_all = True
            self._renew()
        if self._about is not None:
            self._tell_about()

    def _undelivered(self, status: str, method: str, target: str, replyto: str | None, receiver: str) -> None:
        error: BusError = Busy(target, receiver) if status == Status.BUSY else NoOneListening(method, target)
        if replyto is None:
            self.failures.append(error)
        elif replyto.startswith(self._reply_prefix):
            self._settle(replyto, error)
        else:  # a replyto that the program chose: it waits for a message there
            reply = Message("set", replyto, None, None, control.BROKER_NAME, None)
            code = Status.BUSY if status == Status.BUSY else Status.NO_ONE_LISTENING
            self._keep(error_reply(reply, code, str(error)))

    def _settle(self, key: str, outcome: BusError | None) -> None:
        waiting = self._pending.pop(key, None)
        if waiting is not None:
            waiting.resolve(outcome)


def _printable(name: str) -> str:
    """Return a name that survives the wire and a line of a log, whatever the command line or the system called it."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name)
