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

from ess_bus import batch, control
from ess_bus.client.about import About
from ess_bus.client.composer import Composer
from ess_bus.client.headers import Header, Headers
from ess_bus.client.inbox import Inbox
from ess_bus.client.inboxes import Inboxes
from ess_bus.client.late import LateAnswers
from ess_bus.client.pending import Pending
from ess_bus.client.replies import error_reply, outcome_of, undelivered
from ess_bus.control import Mode, Verb
from ess_bus.errors import BusError, Disconnected, Outcome, ProtocolError, Refused, TooLarge
from ess_bus.message import REPLY_VERB, Message, Status, encode_body, error_body

log = logging.getLogger(__name__)

PING_AFTER_S: Final = 1.0
LOST_AFTER_S: Final = 3.0
HELLO_EVERY_S: Final = 0.5


class ClientCore(Composer):
    """The state of one client.

    Attributes:
        outgoing: frames that the shell must send, in order.
        failures: what the broker could not deliver of messages that were sent without a replyto of this client.
        joined: whether the broker has said welcome.
        joins: how often it has.
        gaps: how often messages may have been missed: with each welcome, and when this client did not keep up.
        received: messages that arrived.
        dropped: messages for this client that were lost because it did not read, in the broker or here.
        undelivered: messages of this client that the broker reported as not delivered.
        garbage: frames that could not be understood.
        late: answers that wait for the welcome.
        desk: name -> what answers below ``/processes/NAME``, once this process was announced.
    """

    def __init__(self, name: str, username: str | None, now: float) -> None:
        super().__init__(name, username)
        self.joined = False
        self.joins = self.gaps = 0
        self.outgoing: deque[bytes] = deque()
        self.failures: deque[BusError] = deque(maxlen=1000)
        self.received = self.dropped = self.undelivered = self.garbage = 0
        self._reply_prefix = f"{control.REPLIES}/{os.urandom(6).hex()}"
        self._own = Inbox()
        self._own.modes[self._reply_prefix] = Mode.ALL
        self._inboxes = Inboxes(self._own)
        self._headers = Headers(self._inboxes)
        # What to go back to if the broker refuses a change.
        self._before: dict[str, tuple[Inbox, control.Subscriptions]] = {}
        # False while the program changes subscriptions before the broker has said welcome.
        self._hello_covers_all = True
        self._about = About(self.name)
        self.desk = self._about.desk
        self.late = LateAnswers()
        self._pending: dict[str, Pending] = {}
        self._sequence = 0
        self._broker = ""
        self._heard = now
        self._asked = float("-inf")

    @property
    def waiting(self) -> int:
        """Messages that wait for the program."""
        return self._inboxes.waiting

    # -- liveness --------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> float:
        """Do what is due (hello, ping, noticing that the broker is gone); return when to call again at the latest."""
        # Who has stood still has not listened: only a word that was asked for, and did not come, is silence.
        has_asked = self._heard < self._asked <= now - PING_AFTER_S
        if self.joined and has_asked and now - self._heard > LOST_AFTER_S:
            self.lose("the broker stopped answering")
        if not self.joined:
            if now - self._asked >= HELLO_EVERY_S:
                self._asked = now
                self.late.keep_those_of(self.outgoing, now)
                self.outgoing.clear()
                self._hello()
            return self._asked + HELLO_EVERY_S
        if now - self._heard >= PING_AFTER_S and now - self._asked >= PING_AFTER_S:
            self._asked = now
            self.outgoing.append(control.encode(Verb.PING, 0))
        return max(self._heard, self._asked) + PING_AFTER_S

    def _hello(self) -> None:
        fields = (control.VERSION, self.name, self.username or "", os.getpid(), self._broker, self._inboxes.hello())
        self.outgoing.append(control.encode(Verb.HELLO, *fields))
        self._hello_covers_all = True

    def lose(self, reason: str) -> None:
        """The broker is gone, or does not know this client any more: nobody knows what became of what is under way."""
        log.debug("%s: %s", self.name, reason)
        self.joined = False
        self._before.clear()
        pending, self._pending = self._pending, {}
        for waiting in pending.values():
            text = f"{reason}; the outcome of {waiting.what} is unknown"
            waiting.resolve(Disconnected(text, Outcome.UNKNOWN))

    # -- what the program sends ------------------------------------------------------------------------------------

    def request(self, method: str, target: str, body: bytes | None) -> tuple[Pending, bytes]:
        """Return a request's frame, and where its outcome will be: the reply, or a `BusError`."""
        replyto = f"{self._reply_prefix}/{self._next()}"
        frame = self.compose(self.message(method, target, body, replyto))
        return self._expect(replyto, f"{method} {target}", target), frame

    def flush(self) -> Pending:
        """Return where it will be known that the broker has handled everything sent before."""
        sequence = self._next()
        waiting = self._expect(f"ping {sequence}", "a ping")
        if self.joined:
            self.outgoing.append(control.encode(Verb.PING, sequence))
        else:
            text = "no broker; whether earlier messages were handled is unknown"
            self._settle(f"ping {sequence}", Disconnected(text, Outcome.UNKNOWN))
        return waiting

    def farewell(self) -> bytes | None:
        """Leave: return the frame that makes the broker forget this client at once, ``None`` if it does not know it."""
        was_joined = self.joined
        self.lose("this bus was closed")
        return control.encode(Verb.BYE) if was_joined else None

    def give_up(self, waiting: Pending) -> None:
        """Forget a request whose time is over; a late answer to it is discarded."""
        self._pending.pop(waiting.key, None)

    # -- subscriptions ---------------------------------------------------------------------------------------------

    def subscribe(self, inbox: Inbox, wanted: control.Subscriptions) -> Pending:
        """Let an inbox have exactly these subscriptions; the outcome comes when they are in force.

        Raises:
            UriError: one of them cannot be routed; nothing was changed.
        """
        before = self._inboxes.want(inbox, wanted)
        waiting = self._renew()
        if not waiting.done:
            self._before[waiting.key] = inbox, before
        return waiting

    def unsubscribe(self, inbox: Inbox) -> Pending:
        """Let an inbox go; the outcome comes when nothing more is routed here because of it."""
        self._inboxes.remove(inbox)
        return self._renew()

    def announce(self, about: dict[str, Any]) -> Pending:
        """From now on, answer gets of ``/processes/NAME`` with `about`; publish it now and after every reconnection."""
        self._about.said = about
        subscribed = self.subscribe(self._own, {**self._own.modes, self.process_uri: Mode.ALL})
        if self.joined:
            self._tell_about()
        return subscribed

    @property
    def process_uri(self) -> str:
        """Where this process answers once it was announced."""
        return self._about.uri

    def _renew(self) -> Pending:
        """Tell the broker what the inboxes want now."""
        self._headers.forget()
        sequence = self._next()
        waiting = self._expect(f"subscribe {sequence}", "a subscription")
        change = self._inboxes.change(sequence)
        if self.joined:
            self.outgoing.append(change)
        else:  # the next hello carries it, or what follows the welcome to one that is already under way
            self._hello_covers_all = False
            self._settle(waiting.key, None)
        return waiting

    def _expect(self, key: str, what: str, target: str = "") -> Pending:
        waiting = self._pending[key] = Pending(key, what, target)
        return waiting

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence

    # -- what arrives ----------------------------------------------------------------------------------------------

    def feed(self, frame: bytes, now: float) -> None:
        """Take one frame from the broker. Garbage is counted, never raised."""
        self._heard = now
        try:
            frames = batch.unpack(frame) if frame[:1] == batch.MARK else (frame,)
        except ProtocolError as error:
            self._ignore(error)
            return
        known = self._headers.known
        for inner in frames:
            end = inner.find(0)
            header = known.get(inner[:end])
            try:
                if header is None:
                    self._take_other(inner, end)
                else:
                    self._take(header, inner, end)
            except ProtocolError as error:
                self._ignore(error)

    def _ignore(self, error: ProtocolError) -> None:
        self.garbage += 1
        log.debug("%s: ignored a frame: %s", self.name, error)

    def _take_other(self, frame: bytes, end: int) -> None:
        if frame[:1] == control.MARK:
            self._control(*control.decode(frame))
        else:
            self._take(self._headers.read(frame, end), frame, end)

    def _take(self, header: Header, frame: bytes, end: int) -> None:
        verb, where, repetition, inboxes = header
        message = repetition.decode(verb, where, frame, end)
        self.received += 1
        for inbox in inboxes:
            if inbox is self._own:
                self._take_own(message)
            elif len(inbox.messages) < inbox.size:
                inbox.messages.append(message)
            else:
                self._push(inbox, message)
        if not inboxes and verb != "pub":
            self._turn_away(message)

    def _turn_away(self, message: Message) -> None:
        """Answer a command that was on its way here when the last subscription to its URI ended."""
        if not message.is_reply:
            text = f"{message.uri}: {self.name} has just ceased to answer here"
            self._answer(message, Status.REFUSED, error_body(text))

    def _take_own(self, message: Message) -> None:
        waiting = self._pending.pop(message.uri, None)
        if waiting is not None:  # else: a late answer, a second one, or a question about this process
            waiting.resolve(outcome_of(message, waiting))
        elif self._about.is_asked(message) and not self._inboxes.is_handled(message.uri, but=self._own):
            answer = self._about.answer(message)
            self._answer(message, answer.status, answer.body)

    def _answer(self, request: Message, status: Status, body: bytes | None) -> None:
        frame = self.answer(request, status, body)
        if frame is not None:
            self.outgoing.append(frame)

    def _push(self, inbox: Inbox, message: Message) -> None:
        """Add a message to an inbox; tell of the one that had to go for it, if there was no room."""
        lost = inbox.push(message)
        if lost is None:
            return
        if not inbox.dropped - 1:
            log.warning("%s does not keep up: %d messages wait; the oldest are dropped", self.name, inbox.size)
        self.dropped += 1
        self.gaps += 1
        if lost.method == "pub" or lost.is_reply or not inbox.handles(lost.uri):
            return
        if not self._inboxes.is_handled(lost.uri, but=inbox):
            # Whoever waits for the answer shall not have to wait in vain.
            self._answer(lost, Status.BUSY, error_body(f"{lost.uri}: {self.name} is not reading its messages; dropped"))

    def _tell_about(self) -> None:
        self.outgoing.append(self.compose(self.message("pub", self.process_uri, encode_body(self._about.said))))

    def _control(self, verb: Verb, fields: tuple[Any, ...]) -> None:
        match verb, fields:
            case Verb.PING, (int() as number,):
                self.outgoing.append(control.encode(Verb.PONG, number))
            case Verb.PONG, (int() as number,):
                self._settle(f"ping {number}", None)
            case Verb.WELCOME, (control.VERSION, str() as broker, int() as max_message):
                self._welcome(broker, max_message)
            case Verb.WHO, ():
                self.lose("the broker was restarted")
                self._hello()
            case Verb.SUBSCRIBED, (int() as sequence, str() | None as error):
                self._acknowledge(f"subscribe {sequence}", error)
            case Verb.UNDELIVERED, (
                str() as status, str() as method, str() as target,
                str() | None as replyto, str() | None as token, str() | None as detail,
            ):  # fmt: skip
                self._undelivered(undelivered(status, method, target, detail), status, replyto, token)
            case Verb.DROPPED, (int() as count,):
                self.dropped += count
                self.gaps += 1
                log.warning("%s did not keep up: the broker dropped %d messages for it", self.name, count)
            case Verb.ERROR, (str() as text,):
                log.error("%s: the broker did not understand a frame: %s", self.name, text[:200])
            case _:
                raise ProtocolError(f"{verb} with wrong fields")

    def _welcome(self, broker: str, max_message: int) -> None:
        self.joins += not self.joined
        self.gaps += not self.joined
        late = self.late.take(self._heard)
        if broker == self._broker:  # with another one, whoever has asked was told that it will get no answer
            self.outgoing.extend(late)
        self.joined, self._broker, self.max_message = True, broker, max_message
        if not self._hello_covers_all:
            self._hello_covers_all = True
            self.outgoing.append(self._inboxes.replacement(self._next()))
        if self._about.said is not None:
            try:
                self._tell_about()
            except TooLarge as error:  # this broker takes less than the one before; whoever asks is told so too
                log.warning("%s: %s", self.name, error)

    def _acknowledge(self, key: str, error: str | None) -> None:
        changed = self._before.pop(key, None)
        if error is not None and changed is not None:
            self._inboxes.restore(*changed)
            self._headers.forget()
        self._settle(key, Refused("subscription", error) if error else None)

    def _undelivered(self, error: BusError, status: str, replyto: str | None, token: str | None) -> None:
        self.undelivered += 1
        if replyto is None:
            self.failures.append(error)
        elif replyto in self._pending:
            self._settle(replyto, error)
        else:  # a replyto that the program chose: it waits for a message there
            reply = Message("set", replyto, None, None, control.BROKER_NAME, None, None, token)
            message = error_reply(reply, Status(status), str(error))
            for inbox in self._inboxes.wanting(REPLY_VERB, replyto):
                if inbox is not self._own:
                    self._push(inbox, message)

    def _settle(self, key: str, outcome: BusError | None) -> None:
        waiting = self._pending.pop(key, None)
        if waiting is not None:
            waiting.resolve(outcome)
