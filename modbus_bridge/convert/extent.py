"""How many cells a sheet's reader would make room for: all up to the last row and the last column with a content.

A file of a kilobyte can have one value in A1 and one in the last cell of a sheet. What reads the sheets takes memory
for the 17 thousand million cells between them, and ends the process when there is not so much.
"""

from __future__ import annotations

import re
import zipfile
from typing import Final

_ROW: Final = re.compile(rb"<(?:\w+:)?row(?=[\s/>])")
# The end of a tag that is not closed at once, so that something is in it.
_CELL: Final = re.compile(rb"<(?:\w+:)?c(\s[^>]*)?(?<!/)>")
_NUMBER: Final = re.compile(rb"""\sr\s*=\s*["'](\d{1,9})["']""")
_REFERENCE: Final = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{1,9})(\d{1,9})["']""")


def most_cells(archive: zipfile.ZipFile) -> int:
    """Return the cells of the largest sheet.

    Raises:
        zipfile.BadZipFile: the file is damaged.
    """
    parts = map(archive.read, archive.namelist())
    return max((_cells(xml) for xml in parts if b"sheetData" in xml), default=0)


def _cells(xml: bytes) -> int:
    height = width = row = 0
    for element in _ROW.split(xml)[1:]:
        number = _NUMBER.search(element, 0, max(element.find(b">"), 0))
        row = int(number[1]) if number else row + 1
        column = 0
        for cell in _CELL.finditer(element):
            # Both numbers may be missing; the place is then the next one.
            place = _REFERENCE.search(cell[1] or b"")
            column = _column(place[1]) if place else column + 1
            height, width = max(height, int(place[2]) if place else row), max(width, column)
    return height * width


def _column(letters: bytes) -> int:
    column = 0
    for letter in letters.upper():
        column = 26 * column + letter - ord("A") + 1
    return column
