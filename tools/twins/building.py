"""From entries and connections to models and a tree, with everything checked that needs several of them. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from ess_bus.hints import did_you_mean
from tools.twins.entries import Entry, Findings
from tools.twins.kinds import KINDS, RACK, RACKS
from tools.twins.models.bms import Bms
from tools.twins.models.grid import Grid
from tools.twins.models.model import Model
from tools.twins.models.tree import Node, Tree
from tools.twins.reading import Connection, Read

M = TypeVar("M", bound=Model)


def models_of(read: Read) -> dict[str, Model]:
    """Return the models of all entries, by id."""
    return {entry.id: _model(entry, read) for entry in read.entries.values()}


def tree_of(read: Read, models: Mapping[str, Model]) -> Tree | None:
    """Return the connections of a plant; those of one that says none: everything at its grid.

    `None` if there is nothing to connect, or something is wrong.
    """
    if read.root is None:
        return _flat(models, read.findings)
    seen: set[str] = set()
    node = _node(read.root, None, models, read.findings, seen)
    read.findings.unconnected += [name for name in models if name not in seen]
    return Tree(node) if node is not None else None


def _model(entry: Entry, read: Read) -> Model:
    fields = {**read.defaults.get(entry.kind, {}), **entry.fields}
    if entry.kind == "bms":
        return _bms(entry, fields, read.findings)
    return _made(KINDS[entry.kind], entry.id, fields)


def _made(model: type[M], name: str, fields: Mapping[str, Any]) -> M:
    own = {key: value for key, value in fields.items() if "." not in key}
    made = model(id=name, **own)
    for attribute, value in fields.items():
        if "." in attribute:
            made.write(attribute, value)
    made.changed()
    return made


def _bms(entry: Entry, fields: dict[str, Any], findings: Findings) -> Model:
    templates = fields.pop(RACKS, [])
    count = fields.get("racks", max(1, len(templates)))
    if len(templates) not in (0, 1, count):
        findings.error(f"{entry.where}.{RACKS}", f"expected 1 or {count}, as many as racks, got {len(templates)}")
        templates = []
    each = templates if len(templates) == count else [templates[0] if templates else {}] * count
    racks = [_made(RACK, f"{entry.id}_{RACKS}_{number + 1}", one) for number, one in enumerate(each)]
    return _made(Bms, entry.id, {**fields, "racks": count, RACKS: tuple(racks)})


def _flat(models: Mapping[str, Model], findings: Findings) -> Tree | None:
    if not models:
        return None
    grids = [model for model in models.values() if isinstance(model, Grid)]
    if len(grids) > 1 or any(model.side == "dc" for model in models.values()):
        findings.error("root", 'missing; expected how components are connected: {"id": "grid", "children": [...]}')
        return None
    grid = grids[0] if grids else Grid(id="grid")
    return Tree(Node(grid, tuple(Node(model) for model in models.values() if model is not grid)))


def _node(
    at: Connection, parent: Model | None, models: Mapping[str, Model], findings: Findings, seen: set[str]
) -> Node | None:
    model = models.get(at.id)
    if model is None:
        findings.error(at.where, f"no component {at.id!r}{did_you_mean(at.id, models)}")
        return None
    if at.id in seen:
        findings.error(at.where, f"{at.id!r} is connected twice")
        return None
    seen.add(at.id)
    for problem in _misfits(at, model, parent):
        findings.error(at.where, problem)
    children = [_node(child, model, models, findings, seen) for child in at.children]
    return Node(model, tuple(child for child in children if child is not None))


def _misfits(at: Connection, model: Model, parent: Model | None) -> Iterator[str]:
    if at.children and model.below is None:
        yield f"nothing can be connected below {at.id!r}"
    if parent is None:
        if model.side == "dc":
            yield f"{at.id!r} is a component for the DC side of a converter, expected one for AC"
    elif isinstance(model, Grid):
        yield f"{at.id!r} is a grid, which can only be the root"
    elif parent.below is not None and model.side != parent.below:
        yield f"{at.id!r} is a component for {model.side.upper()}; below {parent.id!r} is {parent.below.upper()}"
