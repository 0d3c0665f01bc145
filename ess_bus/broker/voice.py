"""What the broker says itself: answers about the bus, and which processes are gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ess_bus import control
from ess_bus.broker.clients import Client
from ess_bus.broker.courier import Courier
from ess_bus.broker.dispatch import Dispatch
from ess_bus.broker.returning import Command
from ess_bus.broker.routes import Routes
from ess_bus.desk import Desk
from ess_bus.message import REPLY_VERB, Message, Status, decode, encode, encode_body

if TYPE_CHECKING:
    from ess_bus.broker.gate import Gate


class Voice:
    """Sends messages of the broker's own; nobody is told if they reach nobody.

    Args:
        routes: where messages go.
        dispatch: what this burst makes due.
        courier: reports a question whose answer nobody has room for.
        desk: URI -> what answers there, beside the description.
        gate: is told how commands were answered that it let through, where a site has one.
    """

    def __init__(
        self, routes: Routes, dispatch: Dispatch, courier: Courier, desk: Desk, gate: Gate | None = None
    ) -> None:
        self._routes = routes
        self._dispatch = dispatch
        self._courier = courier
        self._desk = desk
        self._gate = gate
        self._gone: list[str] = []

    def answer(self, command: Command, describe: Callable[[str], Any], now: float) -> None:
        """Answer what was asked of the broker itself; `describe` returns the answer to a get, ``None`` if it has none.

        Raises:
            ProtocolError: the frame is malformed.
        """
        request = decode(command.frame)
        is_get = request.method == "get"
        if is_get and request.replyto is None:
            return
        # An answer is far larger than its question: what a burst of questions makes due must not take much memory.
        self._dispatch.flush(now)
        audience = () if request.replyto is None else self._routes.match(REPLY_VERB, request.replyto).audience
        full = next((outbox.client.name for outbox in audience if outbox.is_full), None)
        if full is not None:
            self._courier.report(command, (Status.BUSY, full))
            return
        answer = self._desk.answer(
            request, request.uri, "the broker", lambda: describe(request.uri) if is_get else None
        )
        if self._gate is not None and command.ticket is not None:
            if answer.status is Status.OK:
                self._gate.answered(command.sender, command.ticket)
            else:
                self._gate.refused(command.sender, command.ticket, answer.reason)
        if request.replyto is not None:
            token, status = request.token, answer.status
            self._say(Message("set", request.replyto, answer.body, None, control.BROKER_NAME, None, status, token))

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
