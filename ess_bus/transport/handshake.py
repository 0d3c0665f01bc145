"""`HandshakeWatch`: why a broker on TCP does not let this client in, from the events of libzmq (zmq_socket_monitor(3)).

Without it a wrong key looks like a broker that is not there: libzmq tries again and again, and says nothing.
"""

from __future__ import annotations

import struct
from typing import Final

import zmq

from ess_bus.keys import KEY_VARIABLE, SERVER_KEY_VARIABLE

_EVENT: Final = struct.Struct("=Hi")
_EVENTS: Final = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_CLOSED
)
# A broker that is being stopped breaks off one handshake, not several in a row.
_PATIENCE: Final = 3
_MECHANISM_MISMATCH: Final = 0x11000002
# A TCP connection that was refused by the kernel: nobody listens there at the moment.


class HandshakeWatch:
    """Watches the handshakes of one socket, which is not connected yet.

    Args:
        socket: the client's socket.
        keyed: whether it uses CURVE.
    """

    def __init__(self, socket: zmq.Socket[bytes], *, keyed: bool) -> None:
        self._keyed = keyed
        self._failures = 0
        self._socket = socket
        self.monitor = socket.get_monitor_socket(_EVENTS)

    def refusal(self) -> str | None:
        """Return why the broker lets nobody in as we come, or ``None`` as long as that is not certain."""
        found: str | None = None
        while (event := self._next()) is not None:
            found = self._judge(*event) or found
        return found

    def close(self) -> None:
        """Stop watching; before the socket is closed."""
        self._socket.disable_monitor()
        self.monitor.close(linger=0)

    def _next(self) -> tuple[int, int] | None:
        try:
            event, value = _EVENT.unpack(self.monitor.recv_multipart(zmq.NOBLOCK)[0])
        except zmq.Again:
            return None
        return event, value

    def _judge(self, event: int, value: int) -> str | None:
        if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            return f"it does not know the key in {KEY_VARIABLE}"
        if event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL and value == _MECHANISM_MISMATCH:
            return self._mismatch()
        if event in (zmq.EVENT_HANDSHAKE_SUCCEEDED, zmq.EVENT_CLOSED):
            self._failures = 0
            return None
        self._failures += 1
        if self._failures < _PATIENCE:
            return None
        return f"the key in {SERVER_KEY_VARIABLE} is not its key, or it uses none" if self._keyed else self._mismatch()

    def _mismatch(self) -> str:
        if self._keyed:
            return f"it uses no keys, and {KEY_VARIABLE} says that it should"
        return f"it wants a key; set {KEY_VARIABLE} and {SERVER_KEY_VARIABLE}"
