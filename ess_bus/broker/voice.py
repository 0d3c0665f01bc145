"""What the broker says itself: answers about the bus, and which processes are gone."""

from __future__ import annotations

from collections.abc import Iterable

from ess_bus import control
from ess_bus.broker.clients import Client
from ess_bus.broker.dispatch import Dispatch
from ess_bus.broker.routes import Routes
from ess_bus.message import REPLY_VERB, Message, Status, encode, encode_body


class Voice:
    """Sends messages of the broker's own; nobody is told if they reach nobody."""

    def __init__(self, routes: Routes, dispatch: Dispatch) -> None:
        self._routes = routes
        self._dispatch = dispatch
        self._gone: list[str] = []

    def answer(self, request: Message, status: Status, body: bytes | None) -> None:
        """Reply to a request, if somebody waits for that."""
        if request.replyto is not None:
            self._say(Message("set", request.replyto, body, None, control.BROKER_NAME, None, status, request.token))

    def note_gone(self, client: Client) -> None:
        """Remember that a client left, if it had announced itself."""
        target = f"{control.PROCESSES}/{client.name}"
        if target in client.subscriptions:
            self._gone.append(target)

    def tell_gone(self, present: Iterable[Client]) -> None:
        """Publish which announced processes have left and not come back: what they said may no longer be so."""
        gone, self._gone = dict.fromkeys(self._gone), []
        if not gone:
            return
        # Who only watches a process is not it.
        there = {(client.name, target) for client in present for target in client.subscriptions}
        for target in gone:
            name = target.removeprefix(f"{control.PROCESSES}/")
            if (name, target) not in there:
                self._say(Message("pub", target, encode_body({"name": name, "gone": True}), None, control.BROKER_NAME))

    def _say(self, message: Message) -> None:
        frame = encode(message)
        recipients = self._routes.match(REPLY_VERB if message.is_reply else message.method, message.uri)
        for outbox in recipients.audience + recipients.listeners:
            self._dispatch.offer(outbox, frame)
