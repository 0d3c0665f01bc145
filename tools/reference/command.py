"""``python -m tools.reference PAGE``.

A page is its own template: what stands between ``<!-- NAME -->`` and ``<!-- end -->`` is replaced, for each name of
`PARTS`; the rest is for people to write.
"""

from __future__ import annotations

import re
from pathlib import Path

import click

from tools.reference.parts import PARTS

_BLOCK = re.compile(r"^<!-- (\w+) -->\n.*?^<!-- end -->$", re.MULTILINE | re.DOTALL)


def render(page: str) -> str:
    """Return a page with its parts as they are now."""
    return _BLOCK.sub(lambda found: f"<!-- {found[1]} -->\n\n{PARTS[found[1]]()}\n\n<!-- end -->", page)


@click.command()
@click.argument("page", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(page: Path) -> None:
    """Write the reference of all configuration files into PAGE."""
    page.write_text(render(page.read_text()))
