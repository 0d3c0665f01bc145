"""Reading configuration files: JSON or TOML in, a value or one precise error out."""

from __future__ import annotations

import json
import os
import select
import stat
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from ess_bus.errors import ConfigurationError, Problem

Model = TypeVar("Model", bound=BaseModel)
Given = TypeVar("Given")
Read = TypeVar("Read")


def read_json(path: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        ConfigurationError: the file cannot be read or is not JSON; the problem names line and column.
    """
    try:
        return orjson.loads(read_bytes(path))
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise ConfigurationError(path, [Problem(where, f"not JSON: {error.msg}")]) from None


# The largest configuration of a real site has 3 MB; /dev/zero never ends.
_MAX_BYTES: Final = 64 << 20
# How long a pipe may take until something comes.
PIPE_WITHIN_S: Final = 5.0

# pydantic's types of findings in the words of the files.
_EXPECTED: Final = {
    "bool_type": "true or false",
    "dict_type": "an object",
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "list_type": "a list",
    "model_type": "an object",
    "string_type": "a text",
}


def json_files(path: Path) -> list[Path]:
    """Return the files of a configuration, in the order in which they are loaded.

    Raises:
        ConfigurationError: there is nothing at `path`, or no JSON file in the folder.
    """
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("*.json"))
    if not found:
        raise ConfigurationError(path, [Problem("", "no .json files in this folder")])
    return found


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file.

    Raises:
        ConfigurationError: the file cannot be read or is not TOML; the problem names line and column.
    """
    try:
        return tomllib.loads(read_bytes(path).decode())
    except UnicodeDecodeError:
        raise ConfigurationError(path, [Problem("", "not UTF-8 text")]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(path, [Problem("", f"not TOML: {error}")]) from None


def each(files: Iterable[Given], read: Callable[[Given], Read]) -> tuple[list[Read], list[ConfigurationError]]:
    """Read several files to the end, so that a person sees all that is wrong; return what could be read, and the rest.

    `read` may raise ConfigurationError.
    """
    found: list[Read] = []
    wrong: list[ConfigurationError] = []
    for file in files:
        try:
            found.append(read(file))
        except ConfigurationError as error:
            wrong.append(error)
    return found, wrong


def validate(model: type[Model], data: Any, source: Path) -> Model:
    """Return `data` as a `model`.

    Raises:
        ConfigurationError: with one problem per field that is wrong.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigurationError(source, problems_of(error)) from None


def problems_of(error: ValidationError) -> list[Problem]:
    """Translate pydantic's findings into problems with the path inside the file."""
    return [Problem(".".join(map(str, found["loc"])), _text(found)) for found in error.errors(include_url=False)]


def _text(found: Any) -> str:
    if found["type"] == "extra_forbidden":
        return "unknown key"
    if found["type"] == "missing":
        return "missing"
    if found["type"] == "value_error":
        return str(found["ctx"]["error"])
    shown = json.dumps(found["input"], default=repr)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    expected = _EXPECTED.get(found["type"])
    if expected is not None:
        return f"expected {expected}, got {shown}"
    return f"{found['msg'][0].lower()}{found['msg'][1:]}, got {shown}"


def read_bytes(path: Path) -> bytes:
    """Return the content of a file, or of a pipe into which somebody writes.

    Raises:
        ConfigurationError: it cannot be read, or is larger than any configuration.
    """
    try:
        # Otherwise a pipe that nobody has opened for writing would be waited for, for ever and without a word.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if stat.S_ISFIFO(os.fstat(file.fileno()).st_mode) and not _something_comes(file.fileno()):
                raise ConfigurationError(path, [Problem("", f"a pipe, and nothing comes within {PIPE_WITHIN_S:g} s")])
            os.set_blocking(file.fileno(), True)
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(path, [Problem("", (error.strerror or str(error)).lower())]) from None
    if len(content) > _MAX_BYTES:
        raise ConfigurationError(path, [Problem("", f"larger than {_MAX_BYTES >> 20} MiB")])
    return content


def _something_comes(descriptor: int) -> bool:
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(PIPE_WITHIN_S * 1000))
