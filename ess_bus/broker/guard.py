"""`Guard`: lets in the clients whose public key is in the allow-list (CURVE over ZAP, RFC 27), and logs the others."""

from __future__ import annotations

import contextlib
import logging
import struct
import threading
from collections.abc import Mapping
from typing import Final

import zmq
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils import z85

from ess_bus.broker.refusals import Refusals
from ess_bus.keys import ServerKeys, shown

log = logging.getLogger(__name__)

DOMAIN: Final = "ess-bus"
# What libzmq says of a handshake that failed (zmq_socket_monitor(3)); those with an unknown key are logged by the door.
_FAILURES: Final = {
    0x11000001: "refused a client that takes this broker for another: it has a wrong server key",
    0x11000002: "refused a client that uses no key",
}
_EVENT: Final = struct.Struct("=Hi")


class Guard:
    """Puts CURVE on a socket that is about to be bound, and watches who is refused; has two threads of its own.

    Attributes:
        names: the clients that are let in now.

    Args:
        socket: the broker's socket, not bound yet.
        keys: the broker's own pair and the allow-list, whose names are the users that rules and trail see.
    """

    def __init__(self, socket: zmq.Socket[bytes], keys: ServerKeys) -> None:
        self._refusals = Refusals()
        self._door = _Door(socket.context, keys.clients, self._refusals)
        self.names = frozenset(keys.clients.values())
        self._door.start()
        socket.curve_server = True
        socket.curve_publickey, socket.curve_secretkey = keys.own
        socket.setsockopt(zmq.ZAP_DOMAIN, DOMAIN.encode())
        # Without it libzmq would let everybody in if the authenticator were not there.
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
        failures = zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
        monitor = socket.get_monitor_socket(failures | zmq.EVENT_MONITOR_STOPPED)
        self._watch = threading.Thread(target=_watch, args=(monitor, self._refusals), name="handshakes", daemon=True)
        self._watch.start()

    def replace(self, clients: Mapping[bytes, str]) -> None:
        """Go by another allow-list from now on; connections that stand are not touched."""
        self._door.clients = clients
        self.names = frozenset(clients.values())

    def close(self) -> None:
        """Stop; the socket must have been closed before."""
        self._door.stop()
        self._watch.join()


class _Door(ThreadAuthenticator):
    """The authenticator of pyzmq with our allow-list; its own log at debug level is left out, ours says it better."""

    def __init__(
        self, context: zmq.Context[zmq.Socket[bytes]], clients: Mapping[bytes, str], refusals: Refusals
    ) -> None:
        super().__init__(context, log=_SILENT)
        self.clients = clients
        self._refusals = refusals
        self._address = "unknown"
        self.configure_curve_callback(DOMAIN, self)

    async def handle_zap_message(self, msg: list[bytes]) -> None:
        """Remember where the request came from; the callback is not told."""
        self._address = msg[3].decode(errors="replace") if len(msg) > 3 else "unknown"
        await super().handle_zap_message(msg)

    def callback(self, _domain: str, key: bytes) -> bool:
        """Tell whether a public key, in Z85, is let in."""
        if key in self.clients:
            log.debug("%s connects from %s", self.clients[key], self._address)
            return True
        text = f"refused a client from {self._address}: its key {shown(key)} is not in the allow-list"
        self._refusals.note(text, text)
        return False

    def curve_user_id(self, client_public_key: bytes) -> str:
        """Return the name of a key that was let in."""
        return self.clients[z85.encode(client_public_key)]


_SILENT: Final = logging.getLogger(f"{__name__}.silent")
_SILENT.disabled = True


def _watch(monitor: zmq.Socket[bytes], refusals: Refusals) -> None:
    """Log the handshakes that failed before a client could say who it is; libzmq does not tell from where."""
    with contextlib.suppress(zmq.ContextTerminated), monitor:
        while True:
            event, value = _EVENT.unpack(monitor.recv_multipart()[0])
            if event == zmq.EVENT_MONITOR_STOPPED:
                return
            text = _FAILURES.get(
                value, "a connection ended in its handshake: a client without a key, or no client at all"
            )
            refusals.note(text, text)
