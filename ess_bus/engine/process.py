"""The engine on the bus: answers gets, takes sets and pubs, publishes what has changed."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any, Final

from ess_bus.client import Bus
from ess_bus.client.ownership import Rivals
from ess_bus.client.replies import error_text
from ess_bus.client.subscription import Subscription
from ess_bus.control import PROCESSES, Mode, Subscriptions
from ess_bus.engine import directory, metrics, views
from ess_bus.engine.authors import Authors, devices_of
from ess_bus.engine.blocking import Refusing, blocked, refusing
from ess_bus.engine.bodies import body_of, without_collections
from ess_bus.engine.complaints import Complaints
from ess_bus.engine.engine import Engine
from ess_bus.engine.mistakes import few
from ess_bus.engine.views import View
from ess_bus.errors import Disconnected, TooLarge, UriError
from ess_bus.message import Message, Status
from ess_bus.outcomes import Outcomes
from ess_bus.service.measures import Measure
from ess_bus.service.running import Pulse
from ess_bus.uri import check as check_uri
from ess_bus.uri import is_under, join, relative, segments

log = logging.getLogger(__name__)

# How long changes are gathered at most before they are published, in messages and in seconds.
BURST: Final = 200
TICK_S: Final = 0.1
# When something is late already, so many messages are handled before the next look: they must not starve.
LATE_BURST: Final = 10
RESET_TIMINGS: Final = "/_reset_timings"


class EngineProcess:
    """Serves one engine.

    Args:
        engine: the loaded engine.
        bus: an open connection.
        roots: what it listens to beside its own name: ``/ess/...`` reaches every table of it.
        owned: which of these it owns, whatever the engine's own rules say.
    """

    def __init__(self, engine: Engine, bus: Bus, roots: Subscriptions, owned: Collection[str] = ()) -> None:
        self._engine = engine
        self._bus = bus
        self._prefix = f"/{engine.name}"
        self._roots = roots
        self._owned = owned
        self._sent_uri = f"{self._prefix}/_sent"
        engine.stopwatch, engine.pause = time.perf_counter, self._pause
        engine.served = tuple(root for root, mode in roots.items() if mode is Mode.ALL)
        # What others own: their pubs say how things are, they do not ask for anything.
        self._foreign = [root for root, mode in roots.items() if mode is Mode.PUB_ONLY]
        self._messages: Subscription
        self._joins = 0
        self._authors = Authors(engine, bus)
        self._complaints = Complaints()
        self._handled: Counter[str] = Counter()
        self._outcomes = Outcomes()
        self._rivals = Rivals(bus)

    def run(self, pulse: Pulse) -> None:
        """Serve until interrupted; `pulse` is told of each turn."""
        self.start()
        pulse.ready()
        while True:
            self.turn(TICK_S)
            pulse.beat()

    def measures(self) -> Iterator[Measure]:
        """Yield what can be counted of this engine."""
        yield from metrics.measures(self._engine, self._handled)
        devices = devices_of(filter(self._is_foreign, self._engine.datamap.tables))
        yield from metrics.of_ages(self._authors.ages, devices, time.monotonic())

    def _is_foreign(self, table: str) -> bool:
        """Tell whether others publish a table."""
        is_own = any(is_under(table, root) for root in self._owned)
        return not is_own and any(is_under(table, root) for root in self._foreign)

    def start(self) -> None:
        """Listen, and tell that this engine is there.

        Raises:
            EssError: another process answers for its name, or for a root of it.
        """
        self._rivals.require_unowned(f"{self._prefix}/_owner", "-n gives this engine another name")
        for root in self._engine.served:
            self._rivals.require_unowned(f"{root}/_owner", "-s, or Subs of /config/ess, says what this engine answers")
        self._messages = self._bus.subscribe(PROCESSES, *self._foreign, pub_only=True)
        self._messages.add(self._prefix, *(root for root in self._roots if root not in self._foreign))
        self._engine.advance(time.time(), time.monotonic())
        self._bus.announce(kind="ess_controller", prefix=self._prefix)
        log.info(
            "%d tables, answering %s",
            len(self._engine.datamap.tables),
            ", ".join(dict.fromkeys([self._prefix, *self._roots])),
        )

    def turn(self, timeout_s: float) -> None:
        """Handle what has arrived, or arrives within `timeout_s`, and publish what has changed."""
        engine, handled = self._engine, 0
        least = LATE_BURST if engine.due_s() <= time.monotonic() else 1
        patience_s = max(0.0, min(timeout_s, engine.due_s() - time.monotonic()))
        begun_s, is_behind = 0.0, False
        for message in self._messages.burst(patience_s, BURST):
            now_s = time.monotonic()
            begun_s = begun_s or now_s
            engine.advance(time.time(), now_s)
            self.handle(message)
            self.send()
            handled += 1
            # A flood must not hold up what is due.
            if handled >= least and engine.due_s() <= time.monotonic():
                is_behind = True
                break
        if handled and engine.due_s() <= time.monotonic():
            # What has arrived need not wait for what is due.
            self.publish()
        now_s = time.monotonic()
        self._rivals.check(now_s)
        engine.advance(time.time(), now_s)
        was_due = engine.tick()
        # Who has answered is known only once everything that has arrived was read.
        if not is_behind and handled < BURST:
            self._authors.follow(now_s)
        self.send()
        self.publish()
        if handled or was_due:
            engine.timings.turned(time.monotonic() - (begun_s or now_s))

    def _pause(self) -> bool:
        """Let happen what is due while a large set is read, of which nothing is in the map yet; tell if it was."""
        if not self._tick():
            return False
        self.publish()
        return True

    def _tick(self) -> bool:
        """Let happen what is due while much is to be done; tell if it was."""
        engine, now_s = self._engine, time.monotonic()
        if engine.due_s() > now_s:
            return False
        engine.advance(time.time(), now_s)
        engine.tick()
        self.send()
        return True

    def handle(self, message: Message) -> None:
        """Answer one message. What is set is published below the engine's own name, which must be routable too."""
        self._handled["reply" if message.is_reply else message.method] += 1
        below = relative(message.uri, self._prefix)
        view, path = (View.PLAIN, segments(message.uri)) if below is None else views.split(below)
        try:
            if message.is_reply and message.uri == self._authors.alive_uri:
                self._authors.hear(message)
            elif message.is_reply and (message.uri == self._sent_uri or message.status is not Status.OK):
                self._take_outcome(message, join(path))
            else:
                self._take(message, join(path), view)
        except (ValueError, LookupError) as error:
            self._complain(message, str(error))
        except Disconnected as error:
            log.debug("an answer was lost: %s", error)

    def _take(self, message: Message, target: str, view: View) -> None:
        engine, method = self._engine, message.method
        if method == "pub" and is_under(target, PROCESSES):
            self._authors.take_news(message)
            return
        name = self._prefix if is_under(message.uri, self._prefix) else ""
        reason = blocked(engine.datamap, method, message.uri, target, self._owned, name)
        if reason is not None:
            raise ValueError(reason)
        refuse = refusing(engine.datamap, method, message.uri, target, name) if method in ("set", "pub") else None
        match method:
            case "get":
                answer = directory.answer(engine.datamap, engine.name, segments(target), view, engine.reports)
                self._bus.reply(message, views.get(engine.datamap, target, view) if answer is None else answer)
            case "pub" if any(is_under(target, root) for root in self._foreign):
                check_uri(self._prefix + target)
                self._take_report(message, target, refuse)
            case "set" if target == RESET_TIMINGS:
                engine.timings.reset()
                self._bus.reply(message, message.body)
            case "set" | "pub":
                check_uri(self._prefix + target)
                self._take_set(message, target, refuse)
            case _:
                raise ValueError(f"{method} is not something the engine does")

    def _take_set(self, message: Message, target: str, refuse: Refusing | None) -> None:
        """Take a set, or a pub that asks for something; its answer says what of it failed though the values are set."""
        with without_collections(self._engine.datamap):
            body = body_of(message)
            failures = self._engine.set(target, body, refuse)
        # Results are taken, whatever comes of them in the engine: a calculator could not do anything about it.
        if not self._authors.calculated(message.process_name, target, body) and failures:
            raise ValueError(f"set, but: {few(failures)}")
        if message.method == "set":
            self._bus.reply(message, message.body)

    def _take_outcome(self, message: Message, target: str) -> None:
        """Name what an action has sent and what failed; what the answer was to tell is not known then."""
        command = str(message.token or message.uri)
        if message.status is Status.OK:
            if (text := self._outcomes.succeeded(command)) is not None:
                log.info("an action sent %s", text)
            return
        if (text := self._outcomes.failed(command, error_text(message))) is not None:
            log.warning("an action sent %s", text)
        if self._engine.datamap.is_variable(target):
            self._engine.report(target, None)

    def _take_report(self, message: Message, target: str, refuse: Refusing | None) -> None:
        body = message.json()
        problems = self._engine.report(target, body, refuse)
        self._authors.published(message.process_name, target, body)
        if problems:
            self._note(message, f"{'; '.join(problems)}; not valid now")

    def send(self) -> None:
        """Send what actions ask for. It is not kept for later: a command must not reach a device late."""
        for outgoing in self._engine.take_messages():
            # Nobody may have asked for the answer to a command, but that it failed must be known.
            replyto = self._sent_uri if outgoing.replyto is None and outgoing.method == "set" else outgoing.replyto
            token = f"{outgoing.method} {outgoing.uri}" if replyto is not None else None
            try:
                self._bus.send(outgoing.method, outgoing.uri, outgoing.body, replyto, token)
            except (Disconnected, TooLarge, UriError) as error:
                self._engine.warn(f"{outgoing.method} {outgoing.uri}", f"{outgoing.method} {outgoing.uri}: {error}")

    def publish(self) -> None:
        """Publish what has changed; everything after the broker was lost, for nobody knows what was missed.

        What the engine owns is published under its own URIs too, where others look for it; what user interfaces see,
        where they would get it.
        """
        if not self._bus.connected:
            return
        is_new, self._joins = self._joins != self._bus.joins, self._bus.joins
        values, seen, changed = self._engine.take_publications(everything=is_new, pause=self._tick)
        # Whoever uses parameters hears of each that has another value: first, for they may say what a value means.
        for table, parameters in changed.items():
            self._publish(f"{self._prefix}/{View.FULL}{table}", parameters)
        for table, members in values.items():
            self._publish(self._prefix + table, members)
            if any(is_under(table, root) for root in self._owned):
                self._publish(table, members)
        for table, members in seen.items():
            self._publish(f"{self._prefix}/{View.UI}{table}", members)

    def _publish(self, uri: str, members: dict[str, Any]) -> None:
        try:
            self._bus.publish(uri, members)
        except Disconnected:
            self._joins = 0  # publish everything again once the broker is back
        except (TooLarge, UriError) as error:
            log.error("%s: not published: %s", uri, error)

    def _complain(self, message: Message, reason: str) -> None:
        """Refuse; what is wrong with a message that expects no answer goes to the log."""
        self._handled["refused"] += 1
        try:
            self._bus.refuse(message, reason)
        except Disconnected as error:
            log.debug("an answer was lost: %s", error)
        self._note(message, reason)

    def _note(self, message: Message, reason: str) -> None:
        """Log what is wrong with a message, unless whoever sent it was told."""
        if message.replyto is None and self._complaints.is_due(message.uri, time.monotonic()):
            log.warning("%s %s from %s: %s", message.method, message.uri, message.process_name, reason)
