"""`Bus` and `AsyncBus`: two thin shells around one core without I/O."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ess_bus.client.link import Timeouts
from ess_bus.client.shell import BusStatistics

if TYPE_CHECKING:
    from ess_bus.client.asynchronous import AsyncBus
    from ess_bus.client.blocking import Bus
    from ess_bus.client.subscription import AsyncSubscription, Subscription

__all__ = ["AsyncBus", "AsyncSubscription", "Bus", "BusStatistics", "Subscription", "Timeouts"]

_HOMES = {
    "AsyncBus": "ess_bus.client.asynchronous",
    "AsyncSubscription": "ess_bus.client.subscription",
    "Bus": "ess_bus.client.blocking",
    "Subscription": "ess_bus.client.subscription",
}


def __getattr__(name: str) -> Any:
    # Imported when asked for: asyncio alone would double the start-up time of fims_send.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
