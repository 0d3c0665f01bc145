"""The tables that a periodic publication names, as they are published (engine.md 3.5)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from ess_bus.engine.views import ASSETS, View, get, of_table
from ess_bus.reference import Reference
from ess_bus.uri import check, is_under, normal

if TYPE_CHECKING:
    from ess_bus.engine.datamap import DataMap

# At the end of a name: all tables that begin so.
WILDCARD: Final = "##"
_MAX_NAMES: Final = 1000


class Mode(StrEnum):
    """How variables are published."""

    NAKED = "naked"
    CLOTHED = "clothed"
    FULL = "full"
    UI = "ui"


_VIEWS: Final = {Mode.NAKED: View.NAKED, Mode.CLOTHED: View.NAKED, Mode.FULL: View.FULL, Mode.UI: View.UI}


def mode_of(given: Any) -> Mode:
    """Return the mode of this name.

    Raises:
        ValueError: there is none.
    """
    try:
        return Mode(given)
    except ValueError:
        raise ValueError(f"mode: expected {', '.join(Mode)}, got {str(given)[:40]!r}") from None


def publications(datamap: DataMap, named: str, mode: Mode, send_as: str | None = None) -> Iterator[tuple[str, Any]]:
    """Yield (URI, body) of each publication.

    Args:
        datamap: holds the tables.
        named: tables separated by commas, each with ``##`` for all that begin so; or a variable that holds such a text.
        mode: how variables are shown.
        send_as: where they are published, in the same order; what is behind ``##`` is kept.

    Raises:
        ValueError: something is no URI.
    """
    names = _names(_listed(datamap, named))
    renamed = names if send_as is None else _names(send_as)
    if len(renamed) != len(names):
        raise ValueError(f"sendas: expected {len(names)} URIs separated by commas, got {len(renamed)}")
    for name, target in zip(names, renamed, strict=True):
        if name.endswith(WILDCARD):
            head, to = name.removesuffix(WILDCARD), target.removesuffix(WILDCARD)
            for table in _beginning(datamap, head):
                yield to + table.removeprefix(head), _body(datamap, table, mode)
        else:
            yield _one(datamap, normal(name), normal(target), mode)


def _one(datamap: DataMap, name: str, target: str, mode: Mode) -> tuple[str, Any]:
    if name in datamap.tables:
        return target, _body(datamap, name, mode)
    if datamap.is_variable(name):
        place = Reference.parse(name)
        return target.rpartition("/")[0] or target, {place.name: _body(datamap, place.table, mode)[place.name]}
    if datamap.is_table(name):
        return target, get(datamap, name, View.PLAIN if mode is Mode.CLOTHED else _VIEWS[mode])
    return target, {name: {"value": f"uri {name} nonexistent"}}


def _body(datamap: DataMap, table: str, mode: Mode) -> dict[str, Any]:
    shown = of_table(table, datamap.tables[table], _VIEWS[mode])
    return {name: {"value": value} for name, value in shown.items()} if mode is Mode.CLOTHED else shown


def _listed(datamap: DataMap, named: str) -> str:
    if "," in named or WILDCARD in named or not named.startswith("/"):
        return named
    try:
        place = Reference.parse(named)
    except ValueError:
        return named
    found = datamap.find(place.table, place.name)
    if found is not None and isinstance(found.value, str) and found.value.startswith("/"):
        return found.value
    return f"{place.table}/{place.name}" if found is not None else named


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or len(names) > _MAX_NAMES:
        raise ValueError(f"expected tables separated by commas, {_MAX_NAMES} at most, got {text[:40]!r}")
    return [check(name) for name in names]


def _beginning(datamap: DataMap, head: str) -> list[str]:
    """Return the tables that begin with a text: those of assets in their order, others alphabetically."""
    found = [table for table in datamap.tables if table.startswith(head) and datamap.tables[table]]
    return found if is_under(head, ASSETS) else sorted(found)
