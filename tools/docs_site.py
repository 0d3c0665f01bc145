"""The hook of mkdocs (`tools/mkdocs.yml`): takes what pages lead to into the site, and turns their links there."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from tools import docs_links as links

_FRONT = PurePosixPath("README.md")
# Where a page of the site comes from: what `on_files` adds lies elsewhere than in `docs`.
_FROM: dict[str, PurePosixPath] = {}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the front page and all that pages lead to outside of ``docs``."""
    pages = [PurePosixPath(links.DOCS, file.src_uri) for file in files.documentation_pages()]
    for path in sorted({_FRONT, *links.outside(iter([*pages, _FRONT]))}):
        there = str(links.place(path))
        _FROM[there] = path
        source = links.ROOT / path
        if source.is_dir():
            files.append(File.generated(config, there, content=links.listing(path)))
        else:
            files.append(File.generated(config, there, abs_src_path=str(source)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn the links of a page to where their targets are in the site."""
    source = _FROM.get(page.file.src_uri, PurePosixPath(links.DOCS, page.file.src_uri))
    return markdown if (links.ROOT / source).is_dir() else links.moved(source, markdown)
