"""The configuration of a plant: files to a `PlantConfiguration`, which makes plants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ess_bus.configuration import each, json_files, read_json, validate
from ess_bus.errors import ConfigurationError, Problem, raise_all
from tools.twins.building import models_of, tree_of
from tools.twins.device import Device
from tools.twins.echo.building import outputs_of
from tools.twins.plant import Plant
from tools.twins.reading import Document, Read

_DEFAULT_PUBLISH_RATE_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class PlantConfiguration:
    """What a plant is, and how its time passes.

    Attributes:
        source: the file or folder.
        documents: what is in it.
        publish_rate_ms: every component is published this often.
        update_rate_ms: there is a tick this often.
        time_multiplier: how many seconds of the plant are one of the clock.
        manual_tick: time passes only by command.
        warnings: what of it means nothing here.
    """

    source: Path
    documents: tuple[Document, ...]
    publish_rate_ms: int
    update_rate_ms: int
    time_multiplier: float
    manual_tick: bool
    warnings: tuple[Problem, ...]

    def plant(self) -> Plant:
        """Return a new plant, as it is at its start.

        Raises:
            ConfigurationError: with all that is wrong.
        """
        return _built(self.source, self.documents)[0]


def load(path: Path) -> PlantConfiguration:
    """Load a plant's configuration, a file or a folder of files.

    Raises:
        ConfigurationError: it cannot be read, or something is wrong.
    """
    contents, wrong = each(json_files(path), lambda file: (file, read_json(file)))
    try:
        found = configured(path, contents)
    except ConfigurationError as error:
        wrong.append(error)
    raise_all(wrong)
    return found


def configured(source: Path, contents: Sequence[tuple[Path, Any]]) -> PlantConfiguration:
    """Return the configuration that documents are; they come from files, or from the bus.

    Raises:
        ConfigurationError: something is wrong.
    """
    read, wrong = each(contents, lambda one: validate(Document, one[1], one[0]))
    documents = tuple(read)
    if wrong:
        wrong += _alone(source, documents)
    raise_all(wrong)
    _, warnings = _built(source, documents)
    publish_ms = _last(documents, "publish_rate") or _DEFAULT_PUBLISH_RATE_MS
    return PlantConfiguration(
        source,
        documents,
        publish_ms,
        _last(documents, "update_rate") or publish_ms,
        float(_last(documents, "time_multiplier") or 1.0),
        bool(_last(documents, "manual_tick")),
        tuple(warnings),
    )


def _alone(source: Path, documents: Sequence[Document]) -> list[ConfigurationError]:
    """Return what is wrong with documents by themselves, where others cannot be read."""
    read = Read()
    for document in documents:
        read.add(document)
    return [ConfigurationError(source, read.findings.errors)] if read.findings.errors else []


def _last(documents: Sequence[Document], name: str) -> Any:
    said = [getattr(document, name) for document in documents]
    return next((value for value in reversed(said) if value is not None), None)


def _built(source: Path, documents: Sequence[Document]) -> tuple[Plant, list[Problem]]:
    read = Read()
    for document in documents:
        read.add(document)
    findings = read.findings
    _stop_if_wrong(source, read)
    models = models_of(read)
    tree = tree_of(read, models)
    stores = {name: Device(dict(values)) for one in documents for name, values in one.components.items()}
    plain = Plant(models)
    mappings = [output for document in documents for output in document.outputs]
    outputs = outputs_of(mappings, plain.models, findings)
    plant = Plant(models, tree, list(outputs.values()), stores)
    _check_names(plant, stores, read)
    _stop_if_wrong(source, read)
    warnings = [Problem(name, f"not supported, {_times(count)}") for name, count in findings.unsupported.items()]
    warnings += [Problem(name, "not connected: nothing happens to it") for name in findings.unconnected]
    if not plant.components:
        warnings.append(Problem("", "no components"))
    return plant, warnings


def _check_names(plant: Plant, stores: dict[str, Device], read: Read) -> None:
    groups = (stores, plant.models, plant.outputs)
    names = [name for group in groups for name in group]
    names += [alias for model in plant.models.values() for alias in model.aliases]
    for name in sorted({name for name in names if names.count(name) > 1}):
        read.findings.error("", f"{name!r} is the name of several components")


def _stop_if_wrong(source: Path, read: Read) -> None:
    if read.findings.errors:
        raise ConfigurationError(source, read.findings.errors)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
