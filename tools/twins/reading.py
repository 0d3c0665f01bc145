"""A plant's configuration: from documents to entries and connections. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from ess_bus.hints import did_you_mean
from tools.twins.echo.mapping import OutputMapping
from tools.twins.entries import Entry, EntryReader, Findings, is_name, replaced
from tools.twins.kinds import ASSET_TYPES, KINDS

Value = StrictBool | StrictInt | StrictFloat | StrictStr
Name = Annotated[str, Field(pattern=r"^[^/{}\\\"%\s]+$")]
Rate = Annotated[StrictInt, Field(ge=1, le=3_600_000)]
# A list of components, or an object of defaults for all of them.
Components = list[Any] | dict[str, Any]

_MAX_DEPTH: Final = 100
_MAX_REPEATED: Final = 10_000


class Document(BaseModel):
    """One file of a plant.

    Attributes:
        publish_rate: every component is published this often, in ms.
        update_rate: the models live through a tick this often, in ms; as often as they are published if not said.
        time_multiplier: how many seconds of the plant are one of the clock.
        manual_tick: time passes only by ``set /twins/tick SECONDS``.
        components: component -> register -> value at start: what only holds what it is set to.
        root: what is connected with what.
        outputs: registers of devices, made of the fields of components.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    publish_rate: Annotated[Rate | None, Field(alias="publishRate")] = None
    update_rate: Annotated[Rate | None, Field(alias="updateRate")] = None
    time_multiplier: Annotated[StrictFloat | StrictInt | None, Field(alias="timeMultiplier", gt=0, le=1e6)] = None
    manual_tick: Annotated[StrictBool | None, Field(alias="manualTick")] = None
    components: dict[Name, Annotated[dict[Name, Value], Field(min_length=1)]] = {}
    root: dict[str, Any] | None = None
    outputs: list[OutputMapping] = []
    grids: Components = []
    feeds: Components = []
    ess: Components = []
    pcs: Components = []
    bms: Components = []
    dcdc: Components = []
    dcbus: Components = []
    pv: Components = []
    solar: Components = []
    gen: Components = []
    loads: Components = []
    transformers: Components = []
    note: Any = None


@dataclass
class Connection:
    """A node of the tree: a component and what is below it."""

    id: str
    where: str
    children: list[Connection] = field(default_factory=list)


@dataclass
class Read:
    """All that several documents say together; later ones add to earlier ones, and change components by id."""

    entries: dict[str, Entry] = field(default_factory=dict)
    defaults: dict[str, dict[str, Any]] = field(default_factory=dict)
    root: Connection | None = None
    findings: Findings = field(default_factory=Findings)

    def add(self, document: Document) -> None:
        """Add a document."""
        for kind, model in KINDS.items():
            reader = EntryReader(kind, model, self.findings)
            raw = getattr(document, kind)
            if isinstance(raw, dict):
                plain = _defaults(kind, raw, self.findings)
                self.defaults.setdefault(kind, {}).update(reader.fields(kind, plain))
                continue
            for where, one in self._expanded(kind, raw):
                entry = reader.read(where, one)
                if entry is not None:
                    self._merge(entry)
        if document.root is not None:
            self.root = self._connection("root", document.root, 0)

    def _merge(self, entry: Entry) -> None:
        known = self.entries.get(entry.id)
        if known is None:
            self.entries[entry.id] = entry
        elif known.kind != entry.kind:
            self.findings.error(f"{entry.where}.id", f"{entry.id!r} is already one of {known.kind}")
        else:
            known.fields.update(entry.fields)

    def _expanded(self, kind: str, raw: Sequence[Any]) -> Iterator[tuple[str, Any]]:
        """Yield the objects of a list, with those that repeat as often as they say."""
        for number, one in enumerate(raw):
            where = f"{kind}.{number}"
            if not (isinstance(one, dict) and "reps" in one):
                yield where, one
                continue
            tokens = _tokens(one["reps"])
            if tokens is None or not isinstance(one.get("vars"), dict):
                expected = '{"vars": {...}, "reps": {"from": 1, "to": 2, "token": "##N##"}}, or a "list" of words'
                self.findings.error(where, f"expected {expected}")
                continue
            token, texts = tokens
            for text in texts:
                yield f"{where}.vars", replaced(one["vars"], token, text)

    def _connection(self, where: str, raw: Any, depth: int) -> Connection | None:
        if not isinstance(raw, dict) or not is_name(raw.get("id")):
            self.findings.error(where, 'expected a node such as {"id": "grid", "children": []}')
            return None
        if depth > _MAX_DEPTH:
            self.findings.error(where, f"deeper than {_MAX_DEPTH} levels")
            return None
        self._create(where, raw)
        node = Connection(raw["id"], where)
        children = raw.get("children", [])
        if not isinstance(children, list):
            self.findings.error(f"{where}.children", "expected a list")
            return node
        for number, child in enumerate(children):
            found = self._connection(f"{where}.children.{number}", child, depth + 1)
            if found is not None:
                node.children.append(found)
        return node

    def _create(self, where: str, raw: Mapping[str, Any]) -> None:
        """Make the component of a node that says its type and is in no list."""
        asset_type = raw.get("asset_type")
        if asset_type is None or raw["id"] in self.entries:
            return
        kind = ASSET_TYPES.get(asset_type.upper()) if isinstance(asset_type, str) else None
        if kind is None:
            hint = did_you_mean(str(asset_type).upper(), ASSET_TYPES)
            self.findings.error(f"{where}.asset_type", f"expected one of {', '.join(ASSET_TYPES)}{hint}")
            return
        self.entries[raw["id"]] = Entry(kind, raw["id"], where)


def _defaults(kind: str, raw: Mapping[str, Any], findings: Findings) -> dict[str, Any]:
    """Return the values of an object of defaults: ``{"Cap": {"default": 8000, "expression": ...}}``."""
    found = {}
    for key, value in raw.items():
        if not isinstance(value, dict):
            found[key] = value
        elif "default" in value:
            found[key] = value["default"]
        elif "expression" not in value:
            found[key] = _defaults(kind, value, findings)
        if isinstance(value, dict) and "expression" in value:
            findings.unsupported[f"{kind}.{key}: expression"] += 1
    return found


def _tokens(reps: Any) -> tuple[str, list[str]] | None:
    if not isinstance(reps, dict) or not isinstance(reps.get("token"), str) or not reps["token"]:
        return None
    words = reps.get("list")
    if isinstance(words, list) and words and all(is_name(word) for word in words):
        return reps["token"], words
    first, last = reps.get("from"), reps.get("to")
    if type(first) is int and type(last) is int and 0 <= last - first < _MAX_REPEATED:
        return reps["token"], [str(number) for number in range(first, last + 1)]
    return None
