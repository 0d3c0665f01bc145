"""`Bus` and `AsyncBus`: two thin shells around one core without I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ess_bus.client.shell import BusStatistics, Timeouts

if TYPE_CHECKING:
    from ess_bus.client.asynchronous import AsyncBus
    from ess_bus.client.blocking import Bus

__all__ = ["AsyncBus", "Bus", "BusStatistics", "Timeouts"]


def __getattr__(name: str) -> Any:
    # Imported when asked for: asyncio alone would double the start-up time of fims_send.
    if name == "Bus":
        from ess_bus.client.blocking import Bus

        return Bus
    if name == "AsyncBus":
        from ess_bus.client.asynchronous import AsyncBus

        return AsyncBus
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
