"""What a master is told instead of an answer."""

from __future__ import annotations

from typing import Final

# Modbus Application Protocol 1.1b3, section 7.
ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
ILLEGAL_VALUE: Final = 3
DEVICE_FAILURE: Final = 4
DEVICE_BUSY: Final = 6
# The unit is not behind this address.
NO_SUCH_UNIT: Final = 0x0B


class Fault(Exception):
    """A request that is answered with an exception.

    Attributes:
        code: the Modbus exception code.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
