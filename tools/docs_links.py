"""The links of the pages: where they lead, whether that is there, and where it is in the site that is built of them.

Pages are written to be read where they lie: links are relative, also those that lead out of ``docs`` to configurations.
The site of ``make html`` takes along what they lead to. Pure but for reading the files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = "docs"
# Where what is outside of `docs` lies in the site.
SOURCE: Final = "source"
_FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"(?<=\]\()([^)\s]+)(?=\))")
_HEADING = re.compile(r"^#+ +(.+?)\s*$", re.MULTILINE)
_ELSEWHERE = re.compile(r"^[a-z]+:")


def links(text: str) -> Iterator[str]:
    """Yield the targets of the links of a page, without those that lead to the web."""
    for found in _LINK.finditer(_CODE.sub("", _FENCED.sub("", text))):
        if not _ELSEWHERE.match(found[0]):
            yield found[0]


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as the usual viewers of Markdown name them."""
    found: set[str] = set()
    for heading in _HEADING.findall(_FENCED.sub("", text)):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        twins = (name, *(f"{name}-{number}" for number in range(1, 100)))
        found.add(next(one for one in twins if one not in found))
    return found


def target(page: PurePosixPath, link: str) -> tuple[PurePosixPath, str]:
    """Return file and anchor that a link of a page leads to; both paths begin at the root of the project."""
    path, _, anchor = link.partition("#")
    return PurePosixPath(os.path.normpath(page.parent / path)) if path else page, anchor


def problems(page: PurePosixPath) -> Iterator[str]:
    """Yield what is wrong with the links of a page."""
    for link in links((ROOT / page).read_text()):
        path, anchor = target(page, link)
        if path.parts[:1] == ("..",) or not (ROOT / path).exists():
            yield f"{page}: {link}: no such file"
        elif anchor and path.suffix == ".md" and anchor not in anchors((ROOT / path).read_text()):
            yield f"{page}: {link}: no such heading"


def outside(pages: Iterator[PurePosixPath]) -> set[PurePosixPath]:
    """Return everything outside of `DOCS` that pages lead to, from link to link; folders too."""
    waiting, found = list(pages), set[PurePosixPath]()
    while waiting:
        page = waiting.pop()
        for link in links((ROOT / page).read_text()):
            path = _readme(target(page, link)[0])
            if path.parts[0] != DOCS and path not in found:
                found.add(path)
                waiting += [path] if path.suffix == ".md" else []
    return found


def place(path: PurePosixPath) -> PurePosixPath:
    """Return where something of the project is in the site."""
    if path.parts[0] == DOCS:
        return path.relative_to(DOCS)
    if path == PurePosixPath("README.md"):
        return PurePosixPath("index.md")
    folder = (ROOT / path).is_dir()
    return SOURCE / path / "index.md" if folder else SOURCE / path


def moved(page: PurePosixPath, text: str) -> str:
    """Return a page with its links as they must be in the site."""
    here = place(page).parent

    def link(found: re.Match[str]) -> str:
        if _ELSEWHERE.match(found[0]) or found[0].startswith("#"):
            return found[0]
        path, anchor = target(page, found[0])
        there = os.path.relpath(place(_readme(path)), here)
        return f"{there}#{anchor}" if anchor else there

    parts = re.split(r"(^ *```.*?^ *```)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if number % 2 else _LINK.sub(link, part) for number, part in enumerate(parts))


def listing(folder: PurePosixPath) -> str:
    """Return a page that names what a folder holds, with their texts."""
    parts = [f"# {folder}"]
    languages: Mapping[str, str] = {".yml": "yaml", ".toml": "toml", ".json": "json"}
    parts += [
        f"## {file.name}\n\n```{languages[file.suffix]}\n{file.read_text().rstrip()}\n```"
        for file in sorted((ROOT / folder).iterdir())
        if file.suffix in languages
    ]
    return "\n\n".join(parts) + "\n"


def _readme(path: PurePosixPath) -> PurePosixPath:
    return path / "README.md" if (ROOT / path / "README.md").is_file() else path
