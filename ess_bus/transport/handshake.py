"""`HandshakeWatch`: why a broker on TCP does not let this client in, from the events of libzmq (zmq_socket_monitor(3)).

Without it a wrong key looks like a broker that is not there: libzmq tries again and again, or gives up, and says
nothing.
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
_MECHANISM_MISMATCH: Final = 0x11000002
# A broker that is being stopped breaks off one handshake, not several in a row.
_PATIENCE: Final = 3


class HandshakeWatch:
    """Watches the handshakes of one socket.

    Args:
        socket: the client's socket, not connected yet.
        keyed: whether it uses CURVE.

    Attributes:
        monitor: becomes readable when there is something to look at.
        is_open: whether the last handshake that was looked at succeeded.
        refusal: why the broker lets nobody in who comes as we do; ``None`` as long as that is not certain.
    """

    def __init__(self, socket: zmq.Socket[bytes], *, keyed: bool) -> None:
        self._keyed = keyed
        self._failures = 0
        self._socket = socket
        self.monitor = socket.get_monitor_socket(_EVENTS)
        self.is_open = False
        self.refusal: str | None = None

    def look(self) -> bool:
        """Take what has happened; return whether it makes a refusal certain."""
        found = False
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

    def _judge(self, event: int, value: int) -> bool:
        self.is_open = event == zmq.EVENT_HANDSHAKE_SUCCEEDED
        if event in (zmq.EVENT_HANDSHAKE_SUCCEEDED, zmq.EVENT_CLOSED):
            # Closed: nobody listens there at the moment.
            self._failures = 0
            if self.is_open:
                self.refusal = None
            return False
        if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            self.refusal = f"it does not know the key in {KEY_VARIABLE}"
            return True
        if event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL and value == _MECHANISM_MISMATCH:
            self.refusal = self._mismatch()
            return True
        self._failures += 1
        if self._failures < _PATIENCE:
            return False
        self._failures = 0
        wrong_key = f"the key in {SERVER_KEY_VARIABLE} is not its key, or it uses no keys"
        self.refusal = wrong_key if self._keyed else self._mismatch()
        return True

    def _mismatch(self) -> str:
        if self._keyed:
            return f"it uses no keys, and {KEY_VARIABLE} says that it should"
        return f"it wants a key; set {KEY_VARIABLE} and {SERVER_KEY_VARIABLE}"
