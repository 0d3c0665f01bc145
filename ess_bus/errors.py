"""Every error that this package raises on purpose.

::

    EssError
     ├─ UriError (ValueError)
     ├─ ConfigurationError
     └─ BusError
         ├─ NoOneListening
         ├─ Refused
         ├─ Busy
         ├─ TooLarge
         ├─ RequestTimeout (TimeoutError)
         ├─ Disconnected (ConnectionError)
         └─ ProtocolError

An error carries its facts as attributes; its text is one line that says what happened, where, and what was expected.
A `BusError` has an `outcome`: whether the message was not sent, not delivered, refused, or nobody knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple

# Characters of a path in a file; of a longer one, so many of its beginning and of its end.
_MOST_SHOWN: Final = 200
_END_SHOWN: Final = 80


class EssError(Exception):
    """Base of all errors of this project."""


class UriError(EssError, ValueError):
    """A text is not a URI that the bus can route."""

    def __init__(self, uri: str, reason: str) -> None:
        super().__init__(f"bad URI {uri[:80]!r}: {reason}")
        self.uri = uri
        self.reason = reason


class Problem(NamedTuple):
    """One thing that is wrong in a configuration file.

    Attributes:
        where: the path inside the file (``components.0.registers.1.map.7.size``), or empty for the whole file.
        message: what is wrong and what was expected.
    """

    where: str
    message: str

    def __str__(self) -> str:
        return f"{_shortened(self.where)}: {self.message}" if self.where else self.message


def _shortened(where: str) -> str:
    """Return a path in a file as a person can read it: of a very deep one, its beginning and its end."""
    return where if len(where) <= _MOST_SHOWN else f"{where[:_END_SHOWN]}...{where[-_END_SHOWN:]}"


class ConfigurationError(EssError):
    """A configuration file cannot be used; every problem that was found is in `problems`.

    Attributes:
        source: the file.
        problems: what is wrong with it.
        others: the same of other files of the configuration.
    """

    def __init__(self, source: object, problems: Sequence[Problem], others: Sequence[ConfigurationError] = ()) -> None:
        count: int = len(problems) + sum(len(other.problems) for other in others)
        more = f" (and {count - 1} more)" if count > 1 else ""
        super().__init__(f"{source}: {problems[0]}{more}")
        self.source = str(source)
        self.problems: tuple[Problem, ...] = tuple(problems)
        self.others: tuple[ConfigurationError, ...] = tuple(others)

    @property
    def lines(self) -> tuple[str, ...]:
        """Everything that is wrong, a line each that names the file."""
        own = (" ".join(f"{self.source}: {problem}".split()) for problem in self.problems)
        return (*own, *(line for other in self.others for line in other.lines))


def raise_all(errors: Sequence[ConfigurationError]) -> None:
    """Raise what is wrong with several files as one error, if anything is.

    Raises:
        ConfigurationError: there is at least one.
    """
    if errors:
        first, *rest = [one for error in errors for one in (error, *error.others)]
        raise ConfigurationError(
            first.source, first.problems, [ConfigurationError(one.source, one.problems) for one in rest]
        )


class Outcome(StrEnum):
    """What is known of a message whose sending raised an error."""

    NOT_SENT = "not sent"
    NOT_DELIVERED = "not delivered"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class BusError(EssError):
    """A message could not be sent, delivered or answered; `outcome` says what is known of it."""

    outcome = Outcome.UNKNOWN


class NoOneListening(BusError):
    """Nobody on the bus could receive a request; it was handled by no one."""

    outcome = Outcome.NOT_DELIVERED

    def __init__(self, method: str, uri: str) -> None:
        super().__init__(f"no one is listening on {uri} ({method} not delivered)")
        self.method = method
        self.uri = uri


class Refused(BusError):
    """The owner of a URI, or a rule of the broker (`by_rule`), said no; nothing was changed unless it says so."""

    outcome = Outcome.REFUSED

    def __init__(self, uri: str, reason: str, *, by_rule: bool = False) -> None:
        super().__init__(f"{uri}: {reason}")
        self.uri = uri
        self.reason = reason
        self.by_rule = by_rule


class Busy(BusError):
    """A receiver lags so far behind that the message cannot be queued for it."""

    outcome = Outcome.NOT_DELIVERED

    def __init__(self, uri: str, receiver: str) -> None:
        super().__init__(f"{uri}: {receiver} is not reading its messages; not delivered")
        self.uri = uri
        self.receiver = receiver


class TooLarge(BusError):
    """A message is over the broker's size limit and was not sent."""

    outcome = Outcome.NOT_SENT

    def __init__(self, uri: str, size: int, limit: int) -> None:
        super().__init__(f"{uri}: a message of {size} bytes is over the limit of {limit}")
        self.uri = uri
        self.size = size
        self.limit = limit

    def of_answer(self, uri: str | None = None) -> str:
        """Return what to tell whoever asked for something, at `uri` if that is known, that does not fit."""
        what = "" if uri is None else f", such as {uri.rstrip('/')}/NAME"
        return f"the answer of {self.size} bytes is over the limit of {self.limit}; ask for a part of it{what}"


class RequestTimeout(BusError, TimeoutError):
    """No answer came in time; whether the request was carried out is unknown."""

    def __init__(self, uri: str, timeout_s: float) -> None:
        super().__init__(f"no answer from {uri} within {timeout_s:g} s")
        self.uri = uri
        self.timeout_s = timeout_s


class Disconnected(BusError, ConnectionError):
    """There is no broker (nothing was sent), or it went away (what was under way is unknown): see `outcome`."""

    def __init__(self, text: str, outcome: Outcome = Outcome.NOT_SENT) -> None:
        super().__init__(text)
        self.outcome = outcome


class ProtocolError(BusError):
    """Bytes from the network do not follow the wire protocol."""
