"""`Rules`: which user may send what, and who may receive it. User x verb x prefix; a deny always wins.

::

    [default]                     # what no rule speaks of
    set = "deny"

    [groups]
    operators = ["alice", "bob"]

    [[allow]]
    users = ["@operators", "ess"]
    verbs = ["set"]
    prefixes = ["/ess"]

    [[deny]]
    users = ["*"]
    verbs = ["*"]
    prefixes = ["/components/bms_1/contactors"]
    why = "contactors are closed by hand"

A prefix covers whole segments. `sub` is the right to receive what is sent at a URI; the other verbs are rights to send.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ess_bus import uri as uris
from ess_bus.configuration import read_toml, validate
from ess_bus.errors import ConfigurationError, Problem
from ess_bus.hints import did_you_mean

VERBS: Final = ("get", "set", "pub", "post", "del", "sub")
# Looking is allowed and acting is not, until the file says otherwise.
DEFAULTS: Final = {"get": True, "set": False, "pub": True, "post": False, "del": False, "sub": True}
_EMPTY: Final = (
    "no rules in this file; expected [[allow]], [[deny]] or [default] "
    "(a [default] alone: everyone may get, pub and receive, and nobody may set, post or delete)"
)
EVERYONE: Final = "*"
GROUP: Final = "@"

_Effect = Literal["allow", "deny"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Rule(_Strict):
    """A rule.

    Attributes:
        users: names, ``@GROUP`` or ``*``.
        verbs: get, set, pub, post, del, sub, or ``*``.
        prefixes: URIs; each covers what is below it.
        why: what is told to who is refused.
    """

    users: list[str] = Field(min_length=1)
    verbs: list[str] = Field(min_length=1)
    prefixes: list[str] = Field(min_length=1)
    why: str | None = None

    @field_validator("verbs")
    @classmethod
    def _known_verbs(cls, verbs: list[str]) -> list[str]:
        for verb in verbs:
            if verb not in (*VERBS, EVERYONE):
                known = f'{", ".join(VERBS)} or "{EVERYONE}"'
                raise ValueError(f"unknown verb {verb!r}; expected {known}{did_you_mean(verb, VERBS)}")
        return verbs

    @field_validator("prefixes")
    @classmethod
    def _routable_prefixes(cls, prefixes: list[str]) -> list[str]:
        return [uris.check(prefix) for prefix in prefixes]

    @field_validator("users")
    @classmethod
    def _named_users(cls, users: list[str]) -> list[str]:
        if any(not user.strip(GROUP) for user in users):
            raise ValueError("a user without a name")
        return users


class _Defaults(_Strict):
    """What counts where no rule speaks; what is not given is allow for get, pub and sub, deny for the others."""

    get: _Effect | None = None
    set: _Effect | None = None
    pub: _Effect | None = None
    post: _Effect | None = None
    del_: _Effect | None = Field(None, alias="del")
    sub: _Effect | None = None


class _Document(_Strict):
    """A file of rules.

    Attributes:
        default: what counts where no rule speaks.
        groups: names of groups, each with its users.
        allow: who may do what.
        deny: who may not; a deny always wins.
    """

    default: _Defaults = _Defaults()
    groups: dict[str, list[str]] = {}
    allow: list[_Rule] = []
    deny: list[_Rule] = []


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a file of rules."""
    return _Document.model_json_schema()


class _Clause(NamedTuple):
    """One prefix of one rule, for one verb; `users` is ``None`` for everyone."""

    prefix: tuple[str, ...]
    users: frozenset[str] | None
    rule: str

    def covers(self, parts: tuple[str, ...]) -> bool:
        return parts[: len(self.prefix)] == self.prefix

    def is_for(self, user: str) -> bool:
        return self.users is None or user in self.users


@dataclass(frozen=True, slots=True)
class Rules:
    """What a rules file says; pure, and immutable once it is read.

    Attributes:
        source: the name of the file, for people.
        defaults: verb -> whether it is allowed where no rule speaks.
    """

    source: str
    defaults: Mapping[str, bool]
    _allowing: Mapping[str, tuple[_Clause, ...]]
    _denying: Mapping[str, tuple[_Clause, ...]]

    @classmethod
    def load(cls, path: Path) -> Rules:
        """Read a rules file.

        Raises:
            ConfigurationError: it cannot be read, says nothing, or something in it is wrong; every problem is named.
        """
        document = read_toml(path)
        if not document:  # most likely an accident: what it would allow is not what somebody wanted who writes rules
            raise ConfigurationError(path, [Problem("", _EMPTY)])
        return cls.parse(document, path)

    @classmethod
    def parse(cls, document: Mapping[str, Any], source: Path) -> Rules:
        """Return the rules of a document that was read from `source`.

        Raises:
            ConfigurationError: something in it is wrong; every problem is named.
        """
        read = validate(_Document, dict(document), source)
        problems = list(_unknown_groups(read))
        if problems:
            raise ConfigurationError(source, problems)
        said = read.default.model_dump(by_alias=True, exclude_none=True)
        defaults = DEFAULTS | {verb: effect == "allow" for verb, effect in said.items()}
        return cls(source.name, defaults, _clauses(read, "allow"), _clauses(read, "deny"))

    def refusal(self, user: str, verb: str, uri: str) -> str | None:
        """Return why `user` may not do this, in one sentence that names the rule, or ``None`` if it may."""
        parts = uris.segments(uri)
        for clause in self._denying[verb]:
            if clause.covers(parts) and clause.is_for(user):
                return self._sentence(user, verb, f"below {uris.join(clause.prefix)}", clause.rule)
        if self.defaults[verb] or any(clause.covers(parts) and clause.is_for(user) for clause in self._allowing[verb]):
            return None
        return self._sentence(user, verb, "this", f"no rule allows it, and the default for {verb} is deny")

    def refusal_below(self, user: str, verb: str, uri: str) -> str | None:
        """Return why `user` may not do this at `uri` nor anywhere below it, or ``None`` if it may somewhere.

        A subscription to ``/`` is fine where ``/status`` may be received: the rest is not delivered.
        """
        reason = self.refusal(user, verb, uri)
        parts = uris.segments(uri)
        if reason is None or any(clause.covers(parts) and clause.is_for(user) for clause in self._denying[verb]):
            return reason
        below = (clause for clause in self._allowing[verb] if clause.prefix[: len(parts)] == parts)
        return None if any(clause.is_for(user) for clause in below) else reason

    def is_open(self, verb: str, uri: str) -> bool:
        """Tell whether every user may do this, so that nobody needs to be asked again."""
        parts = uris.segments(uri)
        if any(clause.covers(parts) for clause in self._denying[verb]):
            return False
        open_to_all = (clause for clause in self._allowing[verb] if clause.users is None)
        return self.defaults[verb] or any(clause.covers(parts) for clause in open_to_all)

    def _sentence(self, user: str, verb: str, what: str, why: str) -> str:
        return f"{user} may not {_ACTIONS.get(verb, verb)} {what}: {why} ({self.source})"


_ACTIONS: Final = {"del": "delete", "sub": "receive"}


def _unknown_groups(document: _Document) -> Iterable[Problem]:
    for effect, rules in (("allow", document.allow), ("deny", document.deny)):
        for number, rule in enumerate(rules):
            for user in rule.users:
                group = user.removeprefix(GROUP)
                if user.startswith(GROUP) and group not in document.groups:
                    hint = did_you_mean(group, document.groups)
                    yield Problem(f"{effect}.{number}.users", f"there is no group {group!r} in [groups]{hint}")


def _clauses(document: _Document, effect: _Effect) -> Mapping[str, tuple[_Clause, ...]]:
    found: dict[str, list[_Clause]] = {verb: [] for verb in VERBS}
    for number, rule in enumerate(document.allow if effect == "allow" else document.deny, 1):
        users = _members(rule.users, document.groups)
        name = f"{effect} rule {number}" + (f", {rule.why}" if rule.why else "")
        for verb in VERBS if EVERYONE in rule.verbs else rule.verbs:
            found[verb] += [_Clause(uris.segments(prefix), users, name) for prefix in rule.prefixes]
    return {verb: tuple(clauses) for verb, clauses in found.items()}


def _members(users: Iterable[str], groups: Mapping[str, list[str]]) -> frozenset[str] | None:
    names: set[str] = set()
    for user in users:
        names.update(groups[user.removeprefix(GROUP)] if user.startswith(GROUP) else [user])
    return None if EVERYONE in names else frozenset(names)
