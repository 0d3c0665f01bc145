"""`Hub`: all that the pages show. No I/O; times are passed in: `now` in monotonic seconds, `wall` since 1970."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ess_bus.message import Message
from ess_bus.uri import is_under, join, relative, segments
from tools.ess_web.access import Session
from tools.ess_web.alarms import AlarmBook
from tools.ess_web.cards import MESSAGES, cards, parameters
from tools.ess_web.diagram import RECORDED, Places
from tools.ess_web.history import History
from tools.ess_web.keepers import PROCESSES, Keepers
from tools.ess_web.page import Page
from tools.ess_web.store import Entry, Store
from tools.ess_web.tap import line

TOPICS = ("health", "cards", "alarms", "diagram", "structure")


class Hub:
    """Takes what the bus says, and tells each page what it has asked for."""

    def __init__(self, engine: str, places: Places) -> None:
        self.engine = engine
        self.store = Store()
        self.keepers = Keepers()
        self.alarms = AlarmBook()
        self.history = History()
        self.pages: dict[str, Page] = {}
        self.broker: Any = None
        # Which process is the engine, and why nothing is known of it.
        self.owner = ""
        self.complaint = "not asked yet"
        # Whether the engine is to be asked for everything.
        self.is_outdated = True
        self._root = f"/{engine}"
        self._places = places
        self._order: dict[str, list[str]] = {}
        self._structure = -1

    # -- the bus ---------------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Take that the broker is there."""
        self.keepers.connect()
        self._doubt(None, 0.0)

    def lose(self, reason: str, wall: float) -> None:
        """Take that the broker cannot be reached: from now on nothing is valid."""
        if self.keepers.connected or self.keepers.reason != reason:
            self.keepers.lose(reason)
            self.broker = None
            self._doubt(None, wall)

    def poll(self, here: set[str], announced: set[str], answered: Iterable[str], wall: float) -> None:
        """Take which processes are there and which answer."""
        before = self.keepers.processes()
        changed = self.keepers.poll(here, announced, answered)
        if changed:
            self._doubt(changed, wall)
        elif self.keepers.processes() != before:
            self.note("health")

    def take(self, message: Message, now: float, wall: float) -> None:
        """Take a pub; what is not JSON is nobody's value."""
        if message.method != "pub" or message.body is None:
            return
        source, uri = message.process_name, message.uri
        if self.keepers.hear(source):
            self._doubt({source}, wall)
        try:
            body = message.json()
        except ValueError:
            return
        if is_under(uri, PROCESSES):
            self._take_news(body)
            return
        path = relative(uri, self._root)
        if path is None:
            self.store.take(join(segments(uri)), body, source, now)
        elif source == self.owner:  # what others publish there the engine may have refused
            self._take_engine(path, body, now, wall)

    def tapped(self, message: Message, wall: float) -> None:
        """Take a message that somebody listens to."""
        shown = None
        for page in self.pages.values():
            if page.tap is not None and page.tap.wants(message):
                shown = shown or line(message, wall)
                page.mailbox.add_line(shown)

    def prefixes(self) -> frozenset[str]:
        """Return what the pages listen to."""
        return frozenset(page.tap.prefix for page in self.pages.values() if page.tap is not None)

    def snapshot(self, tables: Any, assets: Any, owner: str, now: float, wall: float) -> None:
        """Take everything that the engine knows: its full view, and that of its assets in their order."""
        self.owner, self.complaint, self.is_outdated = owner, "", False
        known = {
            self._root + table: members
            for table, members in (tables.items() if isinstance(tables, dict) else ())
            if isinstance(members, dict)
        }
        self._order = dict(_order(f"{self._root}/assets", assets))
        for table in [table for table in self.store.tables if is_under(table, self._root)]:
            for name in [name for name in self.store.tables[table] if name not in known.get(table, {})]:
                self.store.drop(table, name)
        for table, members in known.items():
            for name, said in members.items():
                entry = self.store.put(table, name, said.get("value") if isinstance(said, dict) else said, owner, now)
                if entry is not None:
                    entry.meta = parameters(said) if isinstance(said, dict) else {}
        self._look_at_messages(wall)
        for topic in TOPICS:
            self.note(topic)

    def miss_engine(self, reason: str) -> None:
        """Take that the engine could not be asked."""
        if self.complaint != reason:
            self.complaint = reason
            self.note("health")

    def sample(self, wall: float) -> None:
        """Record the chosen variables."""
        for place in RECORDED:
            uri = self.places().get(place)
            if uri is not None and uri not in self.history.chosen:
                self.history.choose(uri)
        taken = self.history.sample(self.valid, wall)
        for page in self.pages.values():
            page.mailbox.add_sample([wall, taken])

    def valid(self, uri: str) -> Any:
        """Return the value of a variable if it can be relied on, else ``None``."""
        entry = self.store.find(uri)
        return None if entry is None or self.keepers.complaint(entry.source) is not None else entry.value

    # -- the pages -------------------------------------------------------------------------------------------------

    def open(self, session: Session) -> Page:
        """Return a new page; it is told everything once."""
        page = Page(session)
        self.pages[page.key] = page
        for topic in TOPICS:
            page.mailbox.note(topic)
        return page

    def close(self, page: Page) -> None:
        """Forget a page."""
        page.close()
        self.pages.pop(page.key, None)

    def note(self, topic: str) -> None:
        """Tell all pages that a topic is another one."""
        for page in self.pages.values():
            page.mailbox.note(topic)

    def frame(self, page: Page, now: float) -> dict[str, Any] | None:
        """Return what is due to a page, ``None`` if nothing is."""
        if self._structure != self.store.structure:
            self._structure = self.store.structure
            for topic in ("structure", "diagram", "cards"):
                self.note(topic)
        page.refresh(self.store)
        post = page.mailbox.take()
        if post is None:
            return None
        said: dict[str, Any] = {"now": now}
        if post.items:
            said["values"] = {entry.uri: self._row(entry) for entry in post.items}
        said |= {topic: self._topic(topic, page) for topic in post.topics}
        if post.lines:
            said["lines"], said["missed"] = post.lines, post.missed
        if post.samples:
            said["samples"] = post.samples
        return said

    def places(self) -> dict[str, str]:
        """Return place of the diagram -> variable, of those that are there."""
        found = {}
        for place, uris in self._places.items():
            here = next((uri for uri in uris if self.store.find(uri) is not None), None)
            if here is not None:
                found[place] = here
        return found

    def tree(self) -> dict[str, dict[str, Any]]:
        """Return table -> variable -> its unit and kind, of all that was seen."""
        return {
            table: {name: _described(members[name]) for name in sorted(members)}
            for table, members in sorted(self.store.tables.items())
        }

    def _row(self, entry: Entry) -> list[Any]:
        if self.store.find(entry.uri) is not entry:
            return [None, entry.at, "its owner does not know it any more"]
        return [entry.value, entry.at, self.keepers.complaint(entry.source)]

    def _topic(self, topic: str, page: Page) -> Any:
        match topic:
            case "health":
                return self._health()
            case "cards":
                return cards(self.store, f"{self._root}/assets", self._order)
            case "alarms":
                return {"list": self.alarms.shown(), "left_out": self.alarms.left_out}
            case "diagram":
                return self.places()
            case "broker":
                return self.broker if page.wants_broker else None
        return self.store.structure

    def _health(self) -> dict[str, Any]:
        engine = self.complaint or self.keepers.complaint(self.owner)
        return {
            "connected": self.keepers.connected,
            "reason": "" if self.keepers.connected else self.keepers.reason,
            "engine": engine if self.keepers.connected else None,
            "processes": self.keepers.processes() if self.keepers.connected else {},
            "left_out": self.store.left_out,
        }

    # -- the engine ------------------------------------------------------------------------------------------------

    def _take_engine(self, path: tuple[str, ...], body: Any, now: float, wall: float) -> None:
        if path[:1] not in (("ui",), ("full",)):
            self.store.take(join((self.engine, *path)), body, self.owner, now)
            return
        table = join((self.engine, *path[1:]))
        for name, said in body.items() if isinstance(body, dict) else ():
            if not isinstance(said, dict):
                continue
            entry = self.store.entry(table, name)
            if entry is None:
                continue
            if "value" in said:
                self.store.put(table, name, said["value"], self.owner, now)
            self._describe(entry, parameters(said), wall)

    def _describe(self, entry: Entry, said: dict[str, Any], wall: float) -> None:
        changed = {name for name, value in said.items() if entry.meta.get(name) != value}
        entry.meta |= said
        if entry.meta.get("ui_type") in MESSAGES:
            self._look_at(entry, wall)
        elif changed and "ui_type" in entry.meta:
            self.note("cards")

    def _take_news(self, news: Any) -> None:
        if isinstance(news, dict) and news.get("prefix") == self._root and news.get("kind") == "ess_controller":
            self.is_outdated = True

    def _doubt(self, sources: Iterable[str] | None, wall: float) -> None:
        """Tell pages that something else is known of those who keep values; ``None`` is of all of them."""
        chosen = None if sources is None else set(sources)
        for entry in self.store.all():
            if chosen is None or entry.source in chosen:
                entry.mark()
        if chosen is None or self.owner in chosen:
            self.is_outdated = True
            self._look_at_messages(wall)
        self.note("health")

    def _look_at_messages(self, wall: float) -> None:
        for entry in list(self.store.all()):
            if entry.meta.get("ui_type") in MESSAGES:
                self._look_at(entry, wall)

    def _look_at(self, entry: Entry, wall: float) -> None:
        known = self.keepers.complaint(entry.source) is None and entry.value is not None
        texts = [str(option["name"]) for option in entry.meta.get("options", ())] if known else None
        if self.alarms.update(entry.uri, entry.meta["ui_type"], self._title(entry), texts, wall):
            self.note("alarms")

    def _title(self, entry: Entry) -> str:
        table = entry.uri.rpartition("/")[0]
        title = self.store.tables.get(table, {}).get("name")
        return title.value if title is not None and isinstance(title.value, str) else table


def _order(table: str, said: Any) -> Iterator[tuple[str, list[str]]]:
    """Yield (table, names) of a view of assets, which is nested by their path."""
    if not isinstance(said, dict):
        return
    names = [name for name, one in said.items() if not isinstance(one, dict) or "value" in one]
    if names:
        yield table, names
    for name, one in said.items():
        if name not in names:
            yield from _order(f"{table}/{name}", one)


def _described(entry: Entry) -> Mapping[str, Any]:
    shown = {"unit": entry.meta.get("unit"), "scaler": entry.meta.get("scaler"), "ui_type": entry.meta.get("ui_type")}
    return {name: value for name, value in shown.items() if value not in (None, "")}
