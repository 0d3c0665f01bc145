"""`Protection`: rules, audit trail and keys as the options of `fims_server` name them, and read again on SIGHUP."""

from __future__ import annotations

import logging
import signal
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NamedTuple

from ess_bus import keys
from ess_bus.broker.core import Broker
from ess_bus.broker.fims_connection import FimsPeer
from ess_bus.broker.server import Listener
from ess_bus.errors import ConfigurationError

# A broker without rules and without a trail needs none of these, nor pydantic and orjson, which come with them.
if TYPE_CHECKING:
    from ess_bus.broker.audit_file import AuditFile
    from ess_bus.broker.gate import Gate
    from ess_bus.broker.rules import Rules

log = logging.getLogger(__name__)


class Paths(NamedTuple):
    """The files, and how the trail is kept.

    Attributes:
        rules: who may do what.
        audit: where commands are recorded.
        audit_required: a command that cannot be recorded is refused.
        answer_within_s: how long the trail waits for an answer.
        secret: the broker's own key pair.
        clients: the allow-list.
    """

    rules: Path | None = None
    audit: Path | None = None
    audit_required: bool = False
    answer_within_s: float = 60.0
    secret: Path | None = None
    clients: Path | None = None


class Protection:
    """What guards one broker.

    Attributes:
        keys: for the listener; ``None`` without CURVE.
        gate: for the broker; ``None`` without rules and trail.

    Raises:
        ConfigurationError: a file cannot be used.
    """

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._file: AuditFile | None = None
        self._is_due = False
        self.keys: keys.ServerKeys | None = None
        self.gate: Gate | None = None
        if paths.secret is not None and paths.clients is not None:
            self.keys = keys.ServerKeys(keys.load_pair(paths.secret), keys.load_clients(paths.clients))
        if paths.rules is not None or paths.audit is not None:
            self.gate = self._make_gate()
        if self.keys is not None or self.gate is not None:
            signal.signal(signal.SIGHUP, self._notice)

    def tick(self, broker: Broker, listener: Listener) -> None:
        """Once a second: do what a SIGHUP asked for. What is wrong is logged, and what was in force stays so."""
        if not self._is_due:
            return
        self._is_due = False
        if self._file is not None:
            self._file.reopen()
        try:
            if self.gate is not None and self._paths.rules is not None:
                self.gate.rules = _load_rules(self._paths.rules)
                broker.routes.forget()
                log.info("%s was read again", self._paths.rules)
            if self._paths.clients is not None:
                self._readmit(broker, listener, keys.load_clients(self._paths.clients))
                log.info("%s was read again", self._paths.clients)
        except ConfigurationError as error:
            for problem in error.problems:
                log.error("%s: %s; what was in force before stays so", error.source, problem)

    def close(self) -> None:
        """Write what is still to be written."""
        if self._file is not None:
            self._file.close()

    def _make_gate(self) -> Gate:
        from ess_bus.broker.audit import Trail, gap_line
        from ess_bus.broker.audit_file import AuditFile
        from ess_bus.broker.gate import Gate

        paths, trail = self._paths, None
        rules = None if paths.rules is None else _load_rules(paths.rules)
        if paths.audit is not None:
            self._file = AuditFile(paths.audit, gap_line)
            trail = Trail(self._file, required=paths.audit_required, answer_within_s=paths.answer_within_s)
        return Gate(rules, trail)

    def _readmit(self, broker: Broker, listener: Listener, clients: Mapping[bytes, str]) -> None:
        from ess_bus.broker.listener import ZmqListener  # as above: most brokers are not on TCP

        names = listener.admit(clients) if isinstance(listener, ZmqListener) else frozenset()
        for client in list(broker.clients.values()):
            if not isinstance(client.peer, FimsPeer) and client.origin.user not in names:
                broker.dismiss(client, f"{client.origin.user} is not in the allow-list any more")

    def _notice(self, _number: int, _frame: FrameType | None) -> None:
        self._is_due = True


def _load_rules(path: Path) -> Rules:
    from ess_bus.broker.rules import Rules

    keys.require_mode(path, 0o002, "others can change it; expected `chmod o-w`")
    return Rules.load(path)
