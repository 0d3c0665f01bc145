"""What the Modbus Application Protocol 1.1b3 fixes for both ends of a line: functions, longest requests, exceptions."""

from __future__ import annotations

from typing import Final

from modbus_bridge.config.model import RegisterType

# Function codes (section 6).
READS: Final = {1: RegisterType.COIL, 2: RegisterType.DISCRETE, 3: RegisterType.HOLDING, 4: RegisterType.INPUT}
WRITE_COIL: Final = 5
WRITE_REGISTER: Final = 6
DIAGNOSTICS: Final = 8
WRITE_COILS: Final = 15
WRITE_REGISTERS: Final = 16
MASK_WRITE: Final = 22
READ_WRITE: Final = 23
IDENTIFY: Final = 43
WRITES: Final = (WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS)
# Added to the function code, it makes the answer an exception.
EXCEPTION: Final = 0x80

# What one request can read or write (6.1 to 6.4, 6.11, 6.12 and 6.17).
MAX_READ_REGISTERS: Final = 125
MAX_READ_BITS: Final = 2000
MAX_WRITE_REGISTERS: Final = 123
MAX_WRITE_BITS: Final = 1968
MAX_READ_WRITE_REGISTERS: Final = 121

# The values of a coil in a write of one.
ON: Final = 0xFF00
OFF: Final = 0

# Exception codes (section 7).
ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
ILLEGAL_VALUE: Final = 3
DEVICE_FAILURE: Final = 4
ACKNOWLEDGE: Final = 5
DEVICE_BUSY: Final = 6
GATEWAY_PATH: Final = 10
GATEWAY_TARGET: Final = 11
