"""The way to a Modbus device: TCP or a serial line, four calls, and what can go wrong.

Requests and answers are made and checked here, without a Modbus library: every field of an answer is verified against
the request (transaction id, unit id, function code, byte count, echo), which no library at hand does in full, and a
read costs a third of what it costs there.
"""

from modbus_bridge.device.device import Device
from modbus_bridge.device.errors import (
    DeviceDiffers,
    DeviceError,
    DeviceLost,
    DeviceRefused,
    DeviceSilent,
    DeviceUnreachable,
)

__all__ = [
    "Device",
    "DeviceDiffers",
    "DeviceError",
    "DeviceLost",
    "DeviceRefused",
    "DeviceSilent",
    "DeviceUnreachable",
]
