"""What a master is told instead of an answer."""

from __future__ import annotations

from modbus_bridge.protocol import (
    DEVICE_BUSY,
    DEVICE_FAILURE,
    GATEWAY_TARGET,
    ILLEGAL_ADDRESS,
    ILLEGAL_FUNCTION,
    ILLEGAL_VALUE,
)

__all__ = [
    "DEVICE_BUSY",
    "DEVICE_FAILURE",
    "ILLEGAL_ADDRESS",
    "ILLEGAL_FUNCTION",
    "ILLEGAL_VALUE",
    "NO_SUCH_UNIT",
    "Fault",
]

# What a gateway says of a unit that is not behind it.
NO_SUCH_UNIT = GATEWAY_TARGET


class Fault(Exception):
    """A request that is answered with an exception.

    Attributes:
        code: the Modbus exception code.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
