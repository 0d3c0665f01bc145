"""``python -m tools.pictures FOLDER``: take pictures of the terminal views and the dashboard from a running site.

The site is that of ``configs/demo``, on buses of its own; the ports of its devices must be free.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
from textual.app import App

from ess_bus.errors import EssError
from tools import chromium
from tools.bench.pages import dashboard, log_in, until
from tools.top.app import Top
from tools.top.rows import Choice
from tools.view.app import View
from tools.view.site import RunningSite

SITE = Path(__file__).parents[1] / "configs" / "demo" / "site.toml"
SIZE = (80, 24)
WINDOW = (1400, 1250)
_PATIENCE_S = 60.0
# Who looks at a page must not be asked for by somebody else's server: without these, the font is the viewer's own.
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


async def take(folder: Path, running: RunningSite) -> None:
    """Bring the site into operation by keys, and take the pictures."""
    view = View(ended=running.ended)
    async with view.run_test(size=SIZE) as pilot:
        await _until(lambda: _state(view) == "Off", view)
        await pilot.press("o", "y")
        await _until(lambda: _state(view) == "Running", view)
        await pilot.press("p", *"200", "enter")
        await _until(lambda: _power(view) == 200, view)
        await asyncio.sleep(1)  # until all of it has been drawn
        _save(view, folder / "ess_view.svg")
    top = Top(None, ("/",), Choice(filter="soc"))
    async with top.run_test(size=SIZE):
        await _until(lambda: top.tree_of_uris.messages > 500, view)
        _save(top, folder / "fims_top.svg")


def take_dashboard(file: Path, bus: str) -> None:
    """Take a picture of the overview of a site that discharges with 200 kW."""
    with dashboard(bus) as site, chromium.chromium(WINDOW) as driver:
        log_in(driver, site, "Ada")

        def shown(place: str) -> str:
            return str(
                driver.execute_script(f"return document.querySelector('[data-place=\"{place}\"]')?.textContent ?? ''")
            )

        until(
            lambda: shown("pcs.power") == "200 kW" and "%" in shown("bms.soc"), lambda: shown("pcs.power"), _PATIENCE_S
        )
        driver.save_screenshot(str(file))


def _state(view: View) -> object:
    return view.store.value("/status/ess", "SystemState")


def _power(view: View) -> object:
    return view.store.value("/status/pcs", "ActivePower")


def _save(app: App[int], file: Path) -> None:
    file.write_text(_FONTS.sub("", app.export_screenshot()) + "\n")


async def _until(condition: Callable[[], bool], view: View) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _PATIENCE_S
    while not condition():
        if view.failure or loop.time() > deadline:
            raise EssError(view.failure or f"the site did not get there within {_PATIENCE_S:g} s")
        await asyncio.sleep(0.1)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Write ess_view.svg, fims_top.svg and dashboard.png into FOLDER."""
    if lacks := chromium.missing():
        raise click.ClickException(f"the picture of the dashboard needs {lacks}; nothing was taken")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ess-pictures-", dir="/tmp") as private:
        os.environ |= {"XDG_RUNTIME_DIR": private, "XDG_STATE_HOME": private}
        try:
            with RunningSite(SITE, None, None) as running:
                asyncio.run(take(folder, running))
                take_dashboard(folder / "dashboard.png", f"ipc://{private}/ess-bus/bus.sock")
        except EssError as error:
            raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
