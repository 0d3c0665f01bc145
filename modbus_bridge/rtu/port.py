"""A serial line in asyncio: bytes in, bytes out; the only file that knows pyserial."""

from __future__ import annotations

import asyncio
import errno
import os
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import serial

from modbus_bridge.config.model import Serial
from modbus_bridge.rtu.frame import silence_s

_PARITIES: Final = {"none": serial.PARITY_NONE, "even": serial.PARITY_EVEN, "odd": serial.PARITY_ODD}
_READ_BYTES: Final = 4096
# The lock is held, or the driver lets only one in.
_IN_USE: Final = (errno.EAGAIN, errno.EBUSY)


class PortError(Exception):
    """The line cannot be opened; the text is one line."""


class SerialPort:
    """A line that can be opened and closed again and again, by one process at a time.

    Attributes:
        silence_s: the least time between two frames.
    """

    def __init__(self, address: Serial, received: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        """`lost` is called when the device node vanishes or fails, not after `close`."""
        self._address = address
        self._received = received
        self._lost = lost
        self._port: serial.Serial | None = None
        self._unsent = b""
        # Start and stop bits, and the parity if there is one.
        self._bits = 1 + address.data_bits + address.stop_bits + (address.parity != "none")
        self.silence_s = silence_s(address.baud_rate, self._bits)

    @property
    def is_open(self) -> bool:
        """Whether bytes can be sent."""
        return self._port is not None

    def duration_s(self, count: int) -> float:
        """Return how long `count` bytes travel."""
        return count * self._bits / self._address.baud_rate

    def open(self) -> None:
        """Open it, or open it anew; what has arrived before is not told.

        Raises:
            PortError: there is no such line, it is in use, or it cannot be set so.
        """
        self.close()
        address = self._address
        try:
            port = serial.Serial(
                address.device,
                address.baud_rate,
                bytesize=address.data_bits,
                parity=_PARITIES[address.parity],
                stopbits=address.stop_bits,
                timeout=0,
                exclusive=True,
            )
        except (OSError, ValueError, termios.error) as error:
            raise PortError(f"cannot open {address.device} ({_reason(error)})") from None
        self._port = port
        os.set_blocking(port.fileno(), False)
        asyncio.get_running_loop().add_reader(port.fileno(), self._readable)

    def close(self) -> None:
        """Close it; what is not sent yet is not sent any more."""
        port, self._port = self._port, None
        self._unsent = b""
        if port is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_reader(port.fileno())
        loop.remove_writer(port.fileno())
        # The device may be gone already.
        with suppress(OSError, termios.error):
            port.close()

    def write(self, data: bytes) -> None:
        """Send bytes as soon as the line takes them."""
        if self._port is None:
            return
        self._unsent += data
        self._writable()

    def _writable(self) -> None:
        if self._port is None:
            return
        number = self._port.fileno()
        try:
            self._unsent = self._unsent[os.write(number, self._unsent) :]
        except BlockingIOError:
            pass
        except OSError:
            self._fail()
            return
        loop = asyncio.get_running_loop()
        if self._unsent:
            loop.add_writer(number, self._writable)
        else:
            loop.remove_writer(number)

    def _readable(self) -> None:
        if self._port is None:
            return
        try:
            data = os.read(self._port.fileno(), _READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._received(data)
        else:
            self._fail()

    def _fail(self) -> None:
        self.close()
        self._lost()


def _reason(error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, termios.error):
        return "it does not take these settings"
    if number is None:
        return str(error).lower()
    if number in _IN_USE:
        return "in use by another process"
    return os.strerror(number).lower()
