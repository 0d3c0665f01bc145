"""`Gate`: what the broker asks before it routes, where a site has rules or an audit trail.

Pubs pass it once for each user and header and are cached after that; commands and replies pass it each time.

A reply is a `set` to the replyto (fims.md A3.1), so without more every answer would need a rule, and whoever may ask
anything could name somebody else's URI as the replyto and so have it set. Therefore:

- a reply needs no rule while the request that named the replyto is younger than a minute, if it comes from a user
  who received the request, and if nobody but the asker listens there; below a client's own reply prefix none ever does;
- any other reply counts as a `set`;
- a request whose replyto others listen on as well needs the right to `set` that.

Who listens to everything (``/``) does not count in this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ess_bus.broker.audit import COMMANDS, NOT_RECORDED, Author, Outcome, Trail
from ess_bus.broker.clients import Client
from ess_bus.broker.outbox import Outbox
from ess_bus.broker.refusals import Refusals
from ess_bus.broker.rights import Answers
from ess_bus.broker.routes import Recipients
from ess_bus.client.replies import error_text
from ess_bus.control import REPLIES, Mode
from ess_bus.errors import Refused
from ess_bus.message import REPLY_VERB, Message, Status, decode
from ess_bus.uri import join, segments

if TYPE_CHECKING:  # with it comes pydantic, which a broker without rules does not need
    from ess_bus.broker.rules import Rules

_REPLIES: Final = segments(REPLIES)
Match = Callable[[str, str], Recipients]


class Ticket(NamedTuple):
    """A message that was let through.

    Attributes:
        message: the message, decoded.
        id: its name in the trail, ``None`` if it is not recorded.
    """

    message: Message
    id: str | None


class Gate:
    """Rules and trail, either of which may be missing. It has no clock and does no I/O; the trail's sink does.

    Args:
        rules: what users may do; replaced as a whole when the file is read again.
        trail: where commands are recorded.
        refusals: where those are logged who are refused.
    """

    def __init__(self, rules: Rules | None, trail: Trail | None, refusals: Refusals | None = None) -> None:
        self.rules = rules
        self._trail = trail
        self._refusals = refusals or Refusals()
        self._answers = Answers()

    def admit(self, sender: Client, frame: bytes, match: Match, now: float) -> Ticket:
        """Let a command or a reply through.

        Raises:
            Refused: a rule forbids it, or it cannot be recorded and must be.
            ProtocolError: the frame is malformed.
        """
        message = decode(frame)
        is_answer = message.method == "set" and self._is_answer(sender, message, match, now)
        if not is_answer:
            self._require(sender, message, match)
        if message.method == "set":
            self._record_answer(sender, message)
        is_command = message.method in COMMANDS and not is_answer
        return Ticket(message, self._record(sender, message) if is_command else None)

    def require_pub(self, sender: Client, uri: str) -> None:
        """Let the pubs of a user to this URI through.

        Raises:
            Refused: a rule forbids it.
        """
        reason = None if self.rules is None else self.rules.refusal(sender.authority, "pub", uri)
        if reason is not None:
            self._note(sender, "pub", uri, reason)
            raise Refused(uri, reason)

    def require_subscription(self, client: Client, uri: str) -> None:
        """Let a client subscribe.

        Raises:
            Refused: there is nothing at this URI or below that its user may receive.
        """
        if self.rules is None or _is_below_replies(uri):
            return
        reason = self.rules.refusal_below(client.authority, "sub", uri)
        if reason is not None:
            self._note(client, "sub", uri, reason)
            raise Refused(uri, reason)

    def may_receive(self, uri: str) -> Callable[[Outbox], bool] | None:
        """Return who may receive what is sent to a URI; ``None`` is everyone."""
        rules = self.rules
        if rules is None or rules.is_open("sub", uri):
            return None
        # The answers to its own requests are a client's own, whatever the rules say.
        place = join(segments(uri)[: len(_REPLIES) + 1]) if _is_below_replies(uri) else None

        def may(outbox: Outbox) -> bool:
            client = outbox.client
            return place in client.subscriptions or rules.refusal(client.authority, "sub", uri) is None

        return may

    def routed(self, sender: Client, ticket: Ticket, receivers: Iterable[Outbox], now: float) -> None:
        """Note that a command was delivered: it is recorded, and who received it may answer."""
        message = ticket.message
        if message.replyto is not None and not message.is_reply and not _is_below_replies(message.replyto):
            users = {outbox.client.authority for outbox in receivers if outbox is not sender.outbox}
            self._answers.grant(message.replyto, sender.peer, users, now)
        if ticket.id is not None and self._trail is not None:
            self._trail.settle(ticket.id, message, _author(sender), Outcome.DELIVERED)
            self._trail.expect(ticket.id, message, now)

    def failed(self, sender: Client, ticket: Ticket, status: Status, detail: str | None) -> None:
        """Note that a command reached nobody."""
        if ticket.id is not None and self._trail is not None:
            outcome = Outcome.BUSY if status is Status.BUSY else Outcome.UNDELIVERED
            self._trail.settle(ticket.id, ticket.message, _author(sender), outcome, detail)
            self._trail.forget(ticket.id, ticket.message)

    def refused(self, sender: Client, ticket: Ticket, reason: str) -> None:
        """Note that the broker itself answered a command with an error."""
        if ticket.id is not None and self._trail is not None:
            self._trail.settle(ticket.id, ticket.message, _author(sender), Outcome.REFUSED, reason)

    def answered(self, sender: Client, ticket: Ticket) -> None:
        """Note that the broker itself carried out a command."""
        if ticket.id is not None and self._trail is not None:
            self._trail.settle(ticket.id, ticket.message, _author(sender), Outcome.OK, None)

    def tick(self, now: float) -> None:
        """Once a second: note which commands have not been answered in time."""
        self._answers.expire(now)
        if self._trail is not None:
            self._trail.tick(now)

    def statistics(self) -> dict[str, Any]:
        """Return how the trail is doing, and which rules are in force."""
        about: dict[str, Any] = {} if self.rules is None else {"rules": self.rules.source}
        return about if self._trail is None else {**about, "audit": self._trail.statistics()}

    def _is_answer(self, sender: Client, message: Message, match: Match, now: float) -> bool:
        if _is_below_replies(message.uri):
            return True
        if not message.is_reply:
            return False
        asker = self._answers.asker(message.uri, sender.authority, now)
        return asker is not None and not _owners(match, message.uri, sender.peer, asker)

    def _require(self, sender: Client, message: Message, match: Match) -> None:
        if self.rules is None:
            return
        user, verb = sender.authority, message.method
        reason = self.rules.refusal(user, verb, message.uri)
        if reason is None and message.replyto is not None:
            for owner in _owners(match, message.replyto, sender.peer)[:1]:
                reason = self.rules.refusal(user, "set", message.replyto)
                reason = reason and f"{owner.name} listens on the replyto too, which makes the answer a set: {reason}"
        if reason is not None:
            self._refuse(sender, message, reason)

    def _refuse(self, sender: Client, message: Message, reason: str) -> None:
        self._note(sender, message.method, message.uri, reason)
        if self._trail is not None and message.method in COMMANDS:
            self._trail.deny(message, _author(sender), reason)
        raise Refused(message.uri, reason)

    def _record(self, sender: Client, message: Message) -> str | None:
        if self._trail is None:
            return None
        name = self._trail.receive(message, _author(sender))
        if name is None:
            self._note(sender, message.method, message.uri, NOT_RECORDED)
            raise Refused(message.uri, NOT_RECORDED)
        return name

    def _record_answer(self, sender: Client, message: Message) -> None:
        if self._trail is None:
            return
        is_refusal = message.status not in (None, Status.OK)
        outcome, reason = (Outcome.REFUSED, error_text(message)) if is_refusal else (Outcome.OK, None)
        self._trail.answer(message, _author(sender), outcome, reason)

    def _note(self, client: Client, verb: str, uri: str, reason: str) -> None:
        kind = f"{client.authority} {client.name} {verb} {reason}"
        where = client.origin.address or "an unknown address"
        self._refusals.note(kind, f"denied {verb} {uri} to {client.name} from {where}: {reason}")


def _author(client: Client) -> Author:
    return Author(client.authority, client.origin.address, client.name)


def _owners(match: Match, uri: str, *but: bytes) -> list[Client]:
    """Return who would take a `set` of this URI for a command; who listens to everything does so out of interest."""
    receivers = (outbox.client for outbox in match(REPLY_VERB, uri).audience)
    return [client for client in receivers if client.peer not in but and _is_addressed(client, uri)]


def _is_addressed(client: Client, uri: str) -> bool:
    parts = segments(uri)
    prefixes = (join(parts[:length]) for length in range(1, len(parts) + 1))
    return not parts or any(client.subscriptions.get(prefix) is Mode.ALL for prefix in prefixes)


def _is_below_replies(uri: str) -> bool:
    """Tell whether a URI is one of a client's own for answers; the prefix itself is nobody's."""
    parts = segments(uri)
    return parts[: len(_REPLIES)] == _REPLIES and len(parts) > len(_REPLIES)
