"""The formulas of a spreadsheet that have no value: an error, or never calculated.

What reads the sheets gives an empty cell for them. An empty scale means no scale, so they have to be told apart.
"""

from __future__ import annotations

import html
import re
import zipfile
from typing import Final

# Office Open XML, SpreadsheetML: what is needed of it is too little to need a parser.
_SHEET: Final = re.compile(r"<(?:\w+:)?sheet\s([^>]*)>")
_RELATION: Final = re.compile(r"<(?:\w+:)?Relationship\s([^>]*)>")
_ATTRIBUTE: Final = re.compile(r"""([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
# A cell that is never closed ends at the next one: looking for its end all through the file takes hours.
_CELL: Final = re.compile(r"<(?:\w+:)?c\s([^>]*[^/>])>((?:[^<]|<(?!(?:\w+:)?c\s))*?)</(?:\w+:)?c>")
_FORMULA: Final = re.compile(r"<(?:\w+:)?f[\s/>]")
_VALUE: Final = re.compile(r"<(?:\w+:)?(?:v|t)(?:\s[^>]*)?>([^<]*)</")
_REFERENCE: Final = re.compile(r"([A-Z]+)([0-9]+)")


def broken_formulas(archive: zipfile.ZipFile) -> dict[str, dict[tuple[int, int], str]]:
    """Return sheet name -> (row, column) -> what is wrong.

    Raises:
        KeyError: it is no spreadsheet.
        zipfile.BadZipFile: it is damaged.
    """
    targets = {
        found["Id"]: found["Target"]
        for found in _elements(_RELATION, _text(archive, "xl/_rels/workbook.xml.rels"))
        if "Id" in found and "Target" in found
    }
    broken: dict[str, dict[tuple[int, int], str]] = {}
    for sheet in _elements(_SHEET, _text(archive, "xl/workbook.xml")):
        target = targets.get(next((value for key, value in sheet.items() if key.endswith(":id")), ""))
        if target is None or "name" not in sheet:
            continue
        part = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
        if part in archive.namelist():
            broken[sheet["name"]] = _broken_cells(_text(archive, part))
    return broken


def _broken_cells(xml: str) -> dict[tuple[int, int], str]:
    broken: dict[tuple[int, int], str] = {}
    for match in _CELL.finditer(xml):
        attributes, content = _attributes(match[1]), match[2]
        place = _REFERENCE.fullmatch(attributes.get("r", ""))
        value = _VALUE.search(content)
        if place is None:
            continue
        if attributes.get("t") == "e":
            broken[_place(place)] = f"the formula gives {value[1] if value else 'an error'}"
        elif _FORMULA.search(content) and value is None:
            broken[_place(place)] = "the formula was never calculated; open and save the file in a spreadsheet program"
    return broken


def _place(reference: re.Match[str]) -> tuple[int, int]:
    column = 0
    for letter in reference[1]:
        column = 26 * column + ord(letter) - ord("A") + 1
    return int(reference[2]) - 1, column - 1


def _elements(pattern: re.Pattern[str], xml: str) -> list[dict[str, str]]:
    return [_attributes(match[1]) for match in pattern.finditer(xml)]


def _attributes(text: str) -> dict[str, str]:
    return {match[1]: html.unescape(match[2] or match[3] or "") for match in _ATTRIBUTE.finditer(text)}


def _text(archive: zipfile.ZipFile, part: str) -> str:
    return archive.read(part).decode("utf-8", errors="replace")
