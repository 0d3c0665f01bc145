"""`Access`: who may see and who may act.

Tokens are compared in constant time. What a browser keeps is signed with the token by which it was had: it lasts over
a restart, and ends when the token is another one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# Wrong tokens that are looked at in a minute, from everybody together.
MAX_FAILURES: Final = 20
MAX_REVOKED: Final = 10_000
MAX_KEY: Final = 1000
_MINUTE_S: Final = 60.0


class Role(StrEnum):
    """What a token allows: an operator sets and acknowledges, a viewer looks on."""

    OPERATOR = "operator"
    VIEWER = "viewer"


# A shift; and a screen on a wall.
LASTS_S: Final[dict[Role, int]] = {Role.OPERATOR: 12 * 3600, Role.VIEWER: 30 * 24 * 3600}


class TooManyFailures(Exception):
    """So many wrong tokens were tried that no more are looked at for a while."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has logged in.

    Attributes:
        key: the secret of the cookie.
        name: what he calls himself.
        role: what he may do.
        ends: when it ends, in seconds since 1970.
    """

    key: str
    name: str
    role: Role
    ends: int


class Access:
    """Makes and checks sessions; times are in seconds since 1970, for they outlast the process."""

    def __init__(self, tokens: Mapping[Role, str]) -> None:
        self._tokens = {role: token.encode() for role, token in tokens.items()}
        self._revoked: dict[str, None] = {}
        self._failures: list[float] = []

    def login(self, token: str, name: str, now: float) -> Session | None:
        """Return a new session, ``None`` if the token is wrong.

        Raises:
            TooManyFailures: see there; not even the right token is looked at.
        """
        self._failures = [at for at in self._failures if 0 <= now - at < _MINUTE_S]
        if len(self._failures) >= MAX_FAILURES:
            raise TooManyFailures
        given = token.encode(errors="replace")
        # All are compared, so that the time does not tell which one was nearly right.
        matching = [role for role, known in self._tokens.items() if hmac.compare_digest(given, known)]
        if not matching:
            self._failures.append(now)
            return None
        role, ends = matching[0], int(now) + LASTS_S[matching[0]]
        said = f"{role}.{ends}.{name.encode().hex()}"
        return Session(f"{said}.{self._signature(role, said)}", name, role, ends)

    def session(self, key: str | None, now: float) -> Session | None:
        """Return the session with this secret, if it still lasts."""
        if not key or len(key) > MAX_KEY or not key.isascii() or key in self._revoked:
            return None
        said, _, signature = key.rpartition(".")
        word, _, rest = said.partition(".")
        role = next((one for one in self._tokens if one == word), None)
        if role is None or not hmac.compare_digest(signature, self._signature(role, said)):
            return None
        # From here on it is what we have written.
        ends, _, name = rest.partition(".")
        found = Session(key, bytes.fromhex(name).decode(), role, int(ends))
        return found if now < found.ends else None

    def logout(self, session: Session) -> None:
        """End a session."""
        self._revoked[session.key] = None
        if len(self._revoked) > MAX_REVOKED:
            del self._revoked[next(iter(self._revoked))]

    def _signature(self, role: Role, said: str) -> str:
        return hmac.digest(self._tokens[role], b"ess_web " + said.encode(), hashlib.sha256).hex()
