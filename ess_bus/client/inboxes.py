"""`Inboxes`: all subscriptions of one client, and what the broker was told of them."""

from __future__ import annotations

from ess_bus import control, uri
from ess_bus.client.inbox import Inbox, merged
from ess_bus.control import Subscriptions, Verb


class Inboxes:
    """Who of this client wants what.

    Args:
        own: the inbox of the client itself, which takes the replies to its requests.

    Attributes:
        told: what the broker was told, or will be with the next hello.
    """

    def __init__(self, own: Inbox) -> None:
        self._all = [own]
        self.told = merged(self._all)

    @property
    def waiting(self) -> int:
        """Messages that wait for the program."""
        return sum(len(inbox.messages) for inbox in self._all)

    def want(self, inbox: Inbox, wanted: Subscriptions) -> Subscriptions:
        """Let an inbox have exactly these; return what it had before.

        Raises:
            UriError: one of them cannot be routed; nothing was changed.
        """
        for target in wanted:
            uri.check(target)
        before, inbox.modes = inbox.modes, {uri.normal(target): mode for target, mode in wanted.items()}
        if inbox not in self._all:
            self._all.append(inbox)
        return before

    def remove(self, inbox: Inbox) -> None:
        """Let an inbox go."""
        inbox.modes = {}
        if inbox in self._all:
            self._all.remove(inbox)

    def restore(self, inbox: Inbox, before: Subscriptions) -> None:
        """The broker has refused a change: go back to what was before."""
        inbox.modes = before
        self.told = merged(self._all)

    def wanting(self, verb: str, target: str) -> tuple[Inbox, ...]:
        """Return where a message belongs."""
        return tuple(inbox for inbox in self._all if inbox.wants(verb, target))

    def is_handled(self, target: str, but: Inbox) -> bool:
        """Tell whether another inbox than `but` handles requests to a URI."""
        return any(inbox is not but and inbox.handles(target) for inbox in self._all)

    def hello(self) -> tuple[object, ...]:
        """Return what a hello says of them."""
        return control.pack_subscriptions(self.told)

    def replacement(self, sequence: int) -> bytes:
        """Return the frame that tells the broker all of it, whatever it knows."""
        return control.encode(Verb.REPLACE, sequence, control.pack_subscriptions(self.told))

    def change(self, sequence: int) -> bytes:
        """Return the frame that tells the broker the difference between what it knows and what is wanted now."""
        known, wanted = self.told, merged(self._all)
        self.told = wanted
        added = {target: mode for target, mode in wanted.items() if known.get(target) is not mode}
        taken = tuple(known.keys() - wanted.keys())
        if added and taken:
            return self.replacement(sequence)
        if taken:
            return control.encode(Verb.UNSUBSCRIBE, sequence, taken)
        return control.encode(Verb.SUBSCRIBE, sequence, control.pack_subscriptions(added))
