"""`Membership`: the subscriptions of the clients, checked and brought into the routes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ess_bus import control, uri
from ess_bus.broker.clients import Client
from ess_bus.broker.routes import Routes
from ess_bus.control import Subscriptions
from ess_bus.errors import UriError


class Membership:
    """Keeps `Client.subscriptions` and the routes the same.

    Args:
        routes: where messages go.
        most: how many subscriptions a client may have.
    """

    def __init__(self, routes: Routes, most: int) -> None:
        self._routes = routes
        self._most = most

    def checked(self, held: Subscriptions, listed: tuple[Any, ...]) -> Subscriptions:
        """Return what is listed, by its normal URIs.

        Raises:
            ProtocolError: it is not a list of subscriptions.
            UriError: one of them cannot be routed, or there is no room for all of it beside `held`.
        """
        count = len(listed)
        # A million is refused for its number alone; to read them takes seconds.
        if count <= self._most:
            added = control.unpack_subscriptions(listed)
            wanted = {uri.normal(uri.check(target)): mode for target, mode in added.items()}
            count = len(held) + sum(target not in held for target in wanted)
            if count <= self._most:
                return wanted
        last = next(iter(control.unpack_subscriptions(listed[-1:])))
        raise UriError(last, f"{count} subscriptions are over the limit of {self._most}")

    def replace(self, client: Client, wanted: Subscriptions) -> bool:
        """Let a client have exactly these; return whether there is one that it did not have."""
        self.take_back(client, client.subscriptions.keys() - wanted.keys())
        return self.add(client, wanted)

    def add(self, client: Client, added: Subscriptions) -> bool:
        """Let a client have these too; return whether there is one that it did not have."""
        held = client.subscriptions
        changed = [target for target, mode in added.items() if held.get(target) is not mode]
        for target in changed:
            held[target] = added[target]
            self._routes.set(client.outbox, target, added[target])
        return bool(changed)

    def take_back(self, client: Client, targets: Iterable[str]) -> None:
        """Let a client have these no longer."""
        for target in list(targets):
            if client.subscriptions.pop(target, None) is not None:
                self._routes.remove(client.outbox, target)
