"""`Guard`: lets in the clients whose public key is in the allow-list (CURVE over ZAP, RFC 27), and logs the others."""

from __future__ import annotations

import contextlib
import logging
import struct
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

import zmq
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils import z85

from ess_bus.keys import Pair, shown

log = logging.getLogger(__name__)

DOMAIN: Final = "ess-bus"
# A client that is refused tries again for ever; it gets one line in this time.
QUIET_S: Final = 60.0
_MAX_REMEMBERED: Final = 1000
# What libzmq says of a handshake that failed (zmq_socket_monitor(3)); one with a wrong key has been logged by then.
_WRONG_SERVER_KEY: Final = 0x11000001
_NO_KEY: Final = 0x11000002
_EVENT: Final = struct.Struct("=Hi")


class Guard:
    """Puts CURVE on a socket that is about to be bound, and watches who is refused; has two threads of its own.

    Args:
        socket: the broker's socket, not bound yet.
        pair: the broker's own keys.
        clients: public key -> name, the user that rules and trail see.
    """

    def __init__(self, socket: zmq.Socket[bytes], pair: Pair, clients: Mapping[bytes, str]) -> None:
        self._refusals = Refusals()
        self._door = _Door(socket.context, clients, self._refusals)
        self._door.start()
        socket.curve_server = True
        socket.curve_publickey, socket.curve_secretkey = pair
        socket.setsockopt(zmq.ZAP_DOMAIN, DOMAIN.encode())
        # Without it libzmq would let everybody in if the authenticator were not there.
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
        failures = zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
        monitor = socket.get_monitor_socket(failures | zmq.EVENT_MONITOR_STOPPED)
        self._watch = threading.Thread(target=_watch, args=(monitor, self._refusals), name="handshakes", daemon=True)
        self._watch.start()

    @property
    def names(self) -> frozenset[str]:
        """The names of the clients that are let in now."""
        return frozenset(self._door.clients.values())

    def replace(self, clients: Mapping[bytes, str]) -> None:
        """Go by another allow-list from now on; connections that stand are not touched."""
        self._door.clients = clients

    def close(self) -> None:
        """Stop; the socket must have been closed before."""
        self._door.stop()
        self._watch.join()


class Refusals:
    """Logs who was refused and why, each at most once a minute; safe to use from several threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._said: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def note(self, text: str) -> None:
        """Log a refusal, unless the same was logged just now; then it is counted and told with the next one."""
        with self._lock:
            now = self._now()
            if now - self._said.get(text, float("-inf")) < QUIET_S:
                self._unsaid[text] = self._unsaid.get(text, 0) + 1
                return
            if len(self._said) >= _MAX_REMEMBERED:
                self._said.clear()
                self._unsaid.clear()
            self._said[text] = now
            more = self._unsaid.pop(text, 0)
        log.warning("%s%s", text, f" ({more} more times since it was said last)" if more else "")


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
        self._refusals.note(f"refused a client from {self._address}: its key {shown(key)} is not in the allow-list")
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
            if value == _WRONG_SERVER_KEY:
                refusals.note("refused a client that has a wrong key for this broker")
            elif value == _NO_KEY:
                refusals.note("refused a client that uses no key")
            else:
                refusals.note("a connection ended in its handshake: a client without a key, or no client at all")
