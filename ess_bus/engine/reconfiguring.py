"""`Reconfiguration`: configuration that arrives while the engine runs, below ``/cfg`` (engine.md 8.2).

::

    set /ess/cfg/cfile/<asset>/<file>   tables; applied wholly, or refused with every problem
    set /ess/cfg/ctmpl/<asset>/<file>   a template, kept for what asks for it
    set /ess/cfg/crun                   carry out lists of /config/load: all, or the one that is named

What it loads has the same consequences as what is loaded at the start: links are made, actions run, nothing is sent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from ess_bus.engine.assets import known_assets
from ess_bus.engine.blocking import Refusing
from ess_bus.engine.cell import Cell
from ess_bus.engine.datamap import DataMap
from ess_bus.engine.meaning import Assignment
from ess_bus.engine.reader import Reader
from ess_bus.engine.variable import Variable
from ess_bus.errors import Problem
from ess_bus.reference import Reference
from ess_bus.tables.asked import LISTS
from ess_bus.tables.collection import Collection, Located, collect, collect_document, collect_list
from ess_bus.tables.document import Belonging, Document, document
from ess_bus.tables.parsing import parse
from ess_bus.tables.server_map import server_tables
from ess_bus.tables.shelf import Memory, Shelf, Text
from ess_bus.uri import join, normal, segments

ROOT: Final = "/cfg"
MAX_TEMPLATES: Final = 500
MAX_TEMPLATE_BYTES: Final = 16 << 20
# More would not be read.
_MAX_SHOWN: Final = 20
_ELSEWHERE: Final = {
    "cjson": "restores from the original's database, and there is none here; loadCfg reads a file, dump writes them",
    "setup": "makes assets from files of the original that are not part of this; ctmpl and cfile do the same",
}


class Reconfiguration:
    """Changes the configuration of a running engine.

    Args:
        name: the engine's.
        datamap: its map.
        extend: takes checked definitions with all that follows.
        warn: told (what, text) of what is left out of actions.
        fail: told of variables that are left out because they are of another type already.

    Attributes:
        shelf: where files are found: first what was sent, then the folder of the configuration.
    """

    def __init__(
        self,
        name: str,
        datamap: DataMap,
        extend: Callable[[Iterable[Assignment]], None],
        warn: Callable[[str, str], None],
        fail: Callable[[str, str], None],
    ) -> None:
        self._name, self._datamap, self._extend, self._warn, self._fail = name, datamap, extend, warn, fail
        self._origins: dict[Reference, str] = {}
        self._templates: dict[str, Text] = {}
        self.shelf: Shelf = Memory(self._templates)

    def look_in(self, shelf: Shelf, origins: Mapping[Reference, str] = MappingProxyType({})) -> None:
        """Find files there too, after what was sent, and say which of them has defined what."""
        self._origins.update(origins)
        self.shelf = Memory(self._templates, shelf)

    def set(self, path: str, body: Any, refuse: Refusing | None = None) -> None:
        """Carry out a set below ``/cfg``.

        Args:
            path: which.
            body: what it says.
            refuse: returns why a definition is not taken; then nothing is.

        Raises:
            ValueError: nothing was changed; the text names every problem.
        """
        match segments(path)[1:]:
            case ("cfile", asset, file):
                self._take(asset, file, body, refuse)
            case ("ctmpl", _, file):
                self._keep(join(segments(path)[2:]), file, body)
            case ("crun", *names):
                self._run(names[0] if names else _value(body))
            case ("cstop",):
                pass  # nothing is loaded bit by bit: there is nothing that could be stopped
            case (word, *_) if word in _ELSEWHERE:
                raise ValueError(f"{ROOT}/{word} {_ELSEWHERE[word]}")
            case _:
                expected = "cfile/ASSET/FILE, ctmpl/ASSET/FILE, crun or crun/LIST"
                raise ValueError(f"{path[:80]}: expected {expected} below {ROOT}")

    def load_file(self, name: str) -> list[str]:
        """Load a file and what it asks for, as at the start; return what of it is left out, being of another type.

        Raises:
            ValueError: nothing was changed; the text names every problem.
        """
        return self._apply(collect([name], self.shelf, whole=False))

    def load_server(self, name: str) -> list[str]:
        """Make the tables that a Modbus server file serves; what is there keeps its value. As `load_file`.

        Raises:
            ValueError: nothing was changed.
        """
        try:
            tables = server_tables(parse(self.shelf.find(name).content))
        except LookupError as error:
            raise ValueError(str(error.args[0])) from None
        new = {
            table: {variable: value for variable, value in members.items() if not self._datamap.find(table, variable)}
            for table, members in tables.items()
        }
        return self._apply(Collection([Document(name, name, tuple(new.items()))]))

    def run_list(self, name: str) -> list[str]:
        """Carry out a list of ``/config/load``. As `load_file`.

        Raises:
            ValueError: nothing was changed; the text names every problem.
        """
        return self._run(name)

    def _take(self, asset: str, file: str, body: Any, refuse: Refusing | None) -> None:
        made = document(file, f"cfile {asset}/{file}", body)
        whose = Belonging(asset=asset).over(made.belonging)
        if whose.manager is None and whose.instance is None and asset not in known_assets(self._datamap, self._name):
            raise ValueError(f"{asset} is not known; expected amname or ainame, and pname, to make it")
        if whose.instance is not None and whose.manager is None:
            whose = Belonging(asset, whose.parent, whose.parent or asset, whose.instance)
        fingerprint = hashlib.md5(json.dumps(body, sort_keys=True).encode(), usedforsecurity=False).hexdigest()
        self._apply(collect_document(made.known_as(file, whose, fingerprint), self.shelf), refuse)

    def _keep(self, path: str, file: str, body: Any) -> None:
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        others = [text for name, text in self._templates.items() if name != file]
        if (
            len(others) >= MAX_TEMPLATES
            or sum(len(text.content) for text in others) + len(content) > MAX_TEMPLATE_BYTES
        ):
            raise ValueError(f"more than {MAX_TEMPLATES} templates, or {MAX_TEMPLATE_BYTES >> 20} MiB of them")
        self._templates[file.removesuffix(".json")] = Text(file, f"ctmpl {path}", content)

    def _run(self, wanted: Any) -> list[str]:
        lists = {
            name: {"value": variable.value, **variable.parameters}
            for name, variable in self._datamap.tables.get(LISTS, {}).items()
        }
        if isinstance(wanted, str):
            if wanted not in lists:
                raise ValueError(f"there is no list {wanted} in {LISTS}")
            names: Sequence[str] = [wanted]
        else:
            names = [name for name, definition in lists.items() if definition["value"] is not True]
        return [text for name in names for text in self._apply(collect_list(name, lists[name], lists, self.shelf))]

    def _apply(self, found: Collection, refuse: Refusing | None = None) -> list[str]:
        reader = Reader(_copy(self._datamap, found.documents), strict=True, origins=self._origins)
        for made in found.documents:
            reader.read(made)
        wrong = [*found.errors, *found.warnings, *reader.errors, *self._obstacles(reader.assignments)]
        if wrong:
            wrong += reader.clashes
            shown = [f"{one.source}: {one.problem}" for one in wrong[:_MAX_SHOWN]]
            more = [f"and {len(wrong) - _MAX_SHOWN} more"] if len(wrong) > _MAX_SHOWN else []
            raise ValueError("; ".join([*shown, *more]))
        blocked = (refuse(one) for one in reader.assignments) if refuse is not None else ()
        if (reason := next((one for one in blocked if one is not None), None)) is not None:
            raise ValueError(reason)
        for made in found.documents:
            for table, _ in made.tables:
                self._datamap.table(normal(table))
        self._extend(reader.assignments)
        self._origins = reader.origins
        for one in reader.warnings:
            self._warn(str(one.problem), str(one.problem))
        clashes = [str(one.problem) for one in reader.clashes]
        for text in clashes:
            self._fail(text, text)
        return clashes

    def _obstacles(self, assignments: Iterable[Assignment]) -> list[Located]:
        """Return what cannot be made because a URI is a table, or a variable, already."""
        found = []
        for assignment in assignments:
            place = assignment.place
            if self._datamap.find(place.table, place.name) is None:
                obstacle = self._datamap.obstacle(place)
                if obstacle is not None:
                    found.append(Located(place.table, Problem(str(place), obstacle)))
        return found


def _copy(datamap: DataMap, documents: Iterable[Document]) -> DataMap:
    """Return a map with what there is of the tables of documents: definitions are tried on it."""
    copied = DataMap()
    for made in documents:
        for table, _ in made.tables:
            path = normal(table)
            for name, variable in datamap.tables.get(path, {}).items():
                cell = Cell(variable.cell.kind, variable.value)
                copied.table(path)[name] = Variable(cell, dict(variable.parameters), places=[(path, name)])
    return copied


def _value(body: Any) -> Any:
    return body.get("value", body) if isinstance(body, dict) else body
