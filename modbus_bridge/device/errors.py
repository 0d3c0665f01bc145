"""How a request to a device can fail; the text of each is one line."""

from __future__ import annotations

from typing import Final

from modbus_bridge import protocol

_EXCEPTION_NAMES: Final = {
    protocol.ILLEGAL_FUNCTION: "illegal function",
    protocol.ILLEGAL_ADDRESS: "illegal data address",
    protocol.ILLEGAL_VALUE: "illegal data value",
    protocol.DEVICE_FAILURE: "device failure",
    protocol.DEVICE_BUSY: "device busy",
    8: "memory parity error",
    protocol.GATEWAY_PATH: "gateway path unavailable",
    protocol.GATEWAY_TARGET: "gateway target does not respond",
}


class DeviceError(Exception):
    """A request to a device failed; the text is one line."""


class DeviceUnreachable(DeviceError):
    """There is no connection: refused, reset, no route, or no such host. Concerns every unit behind the connection."""


class DeviceLost(DeviceUnreachable):
    """The connection broke while a request was under way; whether the request had its effect is unknown."""


class DeviceSilent(DeviceError):
    """One unit did not answer in time, or answered something else than what was asked."""


class DeviceDiffers(DeviceError):
    """A write was answered, but with the echo of something else than what was written; the connection is fine."""


class DeviceRefused(DeviceError):
    """The device answered with a Modbus exception; the connection is fine.

    Attributes:
        code: the exception code (Modbus Application Protocol 1.1b3, section 7).
    """

    def __init__(self, code: int) -> None:
        if code == protocol.ACKNOWLEDGE:
            # Neither done nor refused: the device will go on with it for a while.
            text = "the device has accepted it, but is not done; whether it will be is unknown (exception 5)"
        else:
            name = _EXCEPTION_NAMES.get(code)
            text = f"the device refuses: {name} (exception {code})" if name else f"the device refuses: exception {code}"
        super().__init__(text)
        self.code = code
