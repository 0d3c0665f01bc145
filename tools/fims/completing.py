"""What can stand behind ``-u``, for a shell that completes it."""

from __future__ import annotations

import click

from ess_bus.client import Bus, Timeouts
from ess_bus.errors import EssError

# Who presses the tab key waits for it.
_PATIENCE = Timeouts(connect=0.5, request=0.5, send=0.5)
_ABOUT_THE_BROKER = ("/bus/clients", "/bus/stats", "/bus/subscriptions", "/bus/version")


def uris(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the URIs that somebody on the running bus has subscribed to, of those that start with what was typed."""
    try:
        with Bus(context.params.get("bus"), name="completion", timeouts=_PATIENCE) as bus:
            subscribed = bus.get("/bus/subscriptions")
    except EssError:
        return []
    known = {*subscribed, *_ABOUT_THE_BROKER}
    # What starts with an underscore is where clients wait for answers.
    return [uri for uri in sorted(known) if uri.startswith(begun) and not uri.startswith("/_")]
