"""How frames reach the broker: one small seam; a Unix socket or ZeroMQ behind it."""

from __future__ import annotations

from ess_bus.transport.base import Transport


def connect(endpoint: str) -> Transport:
    """Return a transport for an endpoint; it connects by itself.

    Raises:
        Disconnected: nothing can ever be reached at this endpoint.
        ConfigurationError: the keys that the environment names cannot be used (`ess_bus.keys`).
    """
    # Imported when needed: to import ZeroMQ takes as long as everything else that fims_send does.
    if endpoint.startswith("ipc://"):
        from ess_bus.transport.local import LocalTransport

        return LocalTransport(endpoint)
    from ess_bus import keys
    from ess_bus.transport.zeromq import ZmqTransport

    return ZmqTransport(endpoint, keys.of_environment())
