"""Placeholders of templates: ``@@BMS_ID@@``, ``##RACK_ID##``, and numbers in what is put in their place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

_PLACEHOLDER: Final = re.compile(r"@@\w{1,60}@@|##\w{1,60}##")
# rack_%02d, rack_{:02d}, rack_{}: one number, with as many digits as it says. Nothing else of these languages.
_NUMBER: Final = re.compile(r"%(0?\d?)d|\{(?::(0?\d?)d?)?\}")


def placeholders(text: str) -> list[str]:
    """Return the placeholders in a text, each once, alphabetically."""
    return sorted(set(_PLACEHOLDER.findall(text)))


def is_numbered(text: str) -> bool:
    """Tell whether a text has a place for a number."""
    return _NUMBER.search(text) is not None


def numbered(text: str, number: int) -> str:
    """Return a text with a number in its place: ``rack_{:02d}`` and 3 are ``rack_03``."""
    return _NUMBER.sub(lambda found: format(number, f"{found[1] or found[2] or ''}d"), text)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return the text of a template with every placeholder replaced; what is put in is not searched again."""
    return _searching(values).sub(lambda found: values[found[0]], text) if values else text


def fill_json(text: str, values: Mapping[str, str]) -> str:
    """Do the same in a JSON text, where a value may hold quotes."""
    return fill(text, {key: json.dumps(value, ensure_ascii=False)[1:-1] for key, value in values.items()})


def _searching(values: Mapping[str, str]) -> re.Pattern[str]:
    longest_first = sorted(values, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)))
