"""`Store`: what the engine has said, table by table, and when who was heard. The time is passed in, in seconds."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ess_bus.uri import join, relative, segments

# Silence of the engine: it is asked each second.
ENGINE_SILENT_S: Final = 3.0
# Silence of a device: three of its longest pauses lately, but not less than this, and before any pause is known, that.
SILENT_S: Final = 2.0
SILENT_AT_FIRST_S: Final = 6.0
_PAUSES: Final = 3
# A hostile or broken engine must not fill our memory.
MOST_TABLES: Final = 5_000
MOST_NAMES: Final = 20_000
_COMPONENTS: Final = "components"
_OTHER_VIEWS: Final = frozenset({"naked", "ui", "noid", "useid"})


class Heard:
    """When a component was heard of.

    Attributes:
        last_s: the last time.
        is_periodic: whether it is read again and again: its readings carry a ``Timestamp``.
    """

    __slots__ = ("_longest_s", "_was_heard", "is_periodic", "last_s")

    def __init__(self, now_s: float, *, is_periodic: bool) -> None:
        self.last_s = now_s
        self.is_periodic = is_periodic
        self._was_heard = False
        self._longest_s = 0.0

    def begin(self) -> None:
        """Take the next pause for none of the device: we have not listened all the time."""
        self._was_heard = False

    def again(self, now_s: float) -> None:
        """Note that there is news."""
        if self._was_heard:
            # What was long once is forgotten by and by: a device that was lost for a day is not awaited for three.
            self._longest_s = max(min(now_s - self.last_s, SILENT_AT_FIRST_S), self._longest_s * 0.98)
        self._was_heard = True
        self.last_s = now_s

    def is_silent(self, now_s: float) -> bool:
        """Tell whether news is overdue."""
        patience_s = max(SILENT_S, _PAUSES * self._longest_s) if self._longest_s else SILENT_AT_FIRST_S
        return self.is_periodic and now_s - self.last_s > patience_s


class Silence(NamedTuple):
    """Somebody says nothing; `age_s` is for how long."""

    who: str
    age_s: float


class Store:
    """What is known.

    Attributes:
        engine: the name below which it answers.
        tables: table -> name -> value.
        looks: table -> name -> parameter -> value.
        states: what the engine says of its state machines: asset -> facts.
        trouble: why there is no connection to the engine; empty while there is one.
    """

    def __init__(self, engine: str = "ess") -> None:
        self.engine = engine
        self.tables: dict[str, dict[str, Any]] = {}
        self.looks: dict[str, dict[str, dict[str, Any]]] = {}
        self.states: dict[str, dict[str, Any]] = {}
        self.trouble = "not connected yet"
        self._heard: dict[str, Heard] = {}
        self._engine_heard_s: float | None = None
        self._names = 0

    # -- what is said ----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Forget what was known: all of it is about to be told. Who was silent before, still is."""
        self.tables.clear()
        self.looks.clear()
        self._names = 0
        for heard in self._heard.values():
            heard.begin()

    def take_full(self, path: tuple[str, ...], body: Any) -> None:
        """Take an answer of the full view: tables keyed by their URIs, or nested below `path`."""
        if not isinstance(body, dict):
            return
        for key, inner in body.items():
            if key.startswith("/"):
                self.take_full(segments(key), inner)
            elif not isinstance(inner, dict):
                self._look(join(path), "", {key: inner})
            elif "value" in inner:
                self._value(join(path), key, inner["value"])
                self._look(join(path), key, {name: one for name, one in inner.items() if name != "value"})
            else:
                self.take_full((*path, key), inner)

    def take_pub(self, uri: str, body: Any, now_s: float) -> None:
        """Take a pub of the engine: values, or below ``full`` parameters."""
        path = relative(uri, join((self.engine,)))
        if not path or not isinstance(body, dict) or path[0] in _OTHER_VIEWS:
            return
        self.heard_engine(now_s)
        if path[0] == "full":
            for name, parameters in body.items():
                if isinstance(parameters, dict):
                    self._look(join(path[1:]), name, parameters)
            return
        table = join(path)
        for name, value in body.items():
            self._value(table, name, value)
        if path[0] == _COMPONENTS and len(self._heard) < MOST_TABLES:
            heard = self._heard.setdefault(table, Heard(now_s, is_periodic=False))
            heard.is_periodic = heard.is_periodic or "Timestamp" in body
            heard.again(now_s)

    def take_states(self, body: Any, now_s: float) -> None:
        """Take what the engine says of its state machines."""
        self.heard_engine(now_s)
        if isinstance(body, dict):
            self.states = {name: facts for name, facts in body.items() if isinstance(facts, dict)}

    def watch(self, sources: frozenset[str], components: Any, now_s: float) -> None:
        """Expect news of components: who hangs since before we came has never been heard by us.

        Args:
            sources: of these.
            components: all tables of components in the naked view; those with a ``Timestamp`` are read periodically.
            now_s: from then on.
        """
        for source in sources:
            members = components.get(source) if isinstance(components, dict) else None
            if isinstance(members, dict) and members.get("Timestamp") is not None:
                self._heard.setdefault(source, Heard(now_s, is_periodic=True)).is_periodic = True

    def heard_engine(self, now_s: float) -> None:
        """Note that the engine has said something."""
        self._engine_heard_s = now_s

    def _value(self, table: str, name: str, value: Any) -> None:
        members = self.tables.get(table)
        if members is None:
            if len(self.tables) >= MOST_TABLES:
                return
            members = self.tables[table] = {}
        if name not in members:
            if self._names >= MOST_NAMES:
                return
            self._names += 1
        members[name] = value

    def _look(self, table: str, name: str, parameters: dict[str, Any]) -> None:
        if len(self.looks) < MOST_TABLES or table in self.looks:
            known = self.looks.setdefault(table, {})
            if len(known) < MOST_TABLES or name in known:
                known.setdefault(name, {}).update(parameters)

    # -- what is known ---------------------------------------------------------------------------------------------

    def has(self, table: str, name: str) -> bool:
        """Tell whether there is such a variable."""
        return name in self.tables.get(table, {})

    def value(self, table: str, name: str) -> Any:
        """Return a value; ``None`` is one that is not valid, or not there."""
        return self.tables.get(table, {}).get(name)

    def parameters(self, table: str, name: str) -> dict[str, Any]:
        """Return the parameters of a variable; those of a table have no name."""
        return self.looks.get(table, {}).get(name, {})

    def engine_age_s(self, now_s: float) -> float | None:
        """Return how long ago the engine was heard; ``None`` is never."""
        return None if self._engine_heard_s is None else now_s - self._engine_heard_s

    def doubt(self, now_s: float) -> str:
        """Say why nothing that is shown can be relied on; empty if it can."""
        age_s = self.engine_age_s(now_s)
        since = "" if age_s is None else f"; heard {age_s:.0f} s ago"
        if self.trouble:
            return f"{self.trouble}{since}"
        if age_s is None or age_s > ENGINE_SILENT_S:
            return f"the engine /{self.engine} is silent{since}"
        return ""

    def sources(self, asset: str) -> frozenset[str]:
        """Return the components that an asset shows values of, by its links."""
        found = set()
        for value in self.tables.get(f"/links/{asset}", {}).values():
            parts = segments(value.partition(":")[0]) if isinstance(value, str) else ()
            if parts and parts[0] == _COMPONENTS:
                found.add(join(parts if ":" in value else parts[:-1]))
        return frozenset(found)

    def silence(self, asset: str, now_s: float) -> Silence | None:
        """Return which component of an asset has been silent, the longest first; ``None`` if none is."""
        silent = [
            Silence(segments(one)[-1], now_s - heard.last_s)
            for one in self.sources(asset)
            if (heard := self._heard.get(one)) is not None and heard.is_silent(now_s)
        ]
        return max(silent, key=lambda one: one.age_s, default=None)
