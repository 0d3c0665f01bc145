"""`ess_web` with one page open that shows all there is: read by a program, or drawn by Chromium."""

from __future__ import annotations

import http.client
import json
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tools.bench.processes import UP_WITHIN_S, Failed, Process
from tools.chromium import chromium
from tools.ports import free_port

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

_WITHIN_S: Final = 60.0
_OWN: Final = {"X-ESS-Web": "1", "Content-Type": "application/json"}
_WINDOW: Final = (1400, 1250)
# All branches of the tree are opened, so that each variable is in the page; what it shows of one is in its first cell.
_OPEN_ALL: Final = "document.querySelectorAll('#tree details:not([open]) > summary').forEach((one) => one.click());"
_SHOWN: Final = """const wanted = new Set(arguments[0]);
return [...document.querySelectorAll('[data-leaf]')]
    .filter((one) => wanted.has(one.dataset.leaf) && /\\d/.test(one.querySelector('td').textContent)).length;"""


class Dashboard:
    """A running `ess_web`.

    Attributes:
        pid: its process id.
        port: where it listens on loopback.
        token: that of its operator.
    """

    def __init__(self, process: Process, port: int, token: str) -> None:
        self.pid, self.port, self.token = process.pid, port, token

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection to it."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=_WITHIN_S)


@contextmanager
def dashboard(address: str) -> Iterator[Dashboard]:
    """Run `ess_web` on a bus.

    Raises:
        Failed: it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="eb-") as folder:
        port, token, file = free_port(), secrets.token_urlsafe(), Path(folder) / "tokens.toml"
        file.touch(mode=0o600)
        file.write_text(f'operator = "{token}"\n')
        options = ["--bus", address, "--port", str(port), "--token-file", str(file)]
        with Process([sys.executable, "-m", "tools.ess_web.command", *options]) as process:
            found = Dashboard(process, port, token)
            until(lambda: _answers(found), process.last_words, UP_WITHIN_S)
            yield found


@contextmanager
def reader(site: Dashboard, uris: Sequence[str]) -> Iterator[None]:
    """Be a page that is told all of these, as fast as it is told; it is open when each has a value."""
    login, stream = site.connect(), site.connect()
    cookie = _cookie(login, site.token)
    stream.request("GET", "/api/stream", headers={"Cookie": cookie})
    answer, seen = stream.getresponse(), set[str]()
    key = _event(answer)["hello"]
    login.request("POST", f"/api/streams/{key}", json.dumps({"watch": list(uris)}), _OWN | {"Cookie": cookie})
    _expect(login.getresponse())
    thread = threading.Thread(target=_read, args=(answer, seen), daemon=True)
    thread.start()
    try:
        until(lambda: seen.issuperset(uris), lambda: f"{len(seen)} of {len(uris)} values were told", _WITHIN_S)
        yield
    finally:
        login.close()
        stream.close()


@contextmanager
def drawn(site: Dashboard, uris: Sequence[str]) -> Iterator[None]:
    """Let Chromium show all of these in the tree; it is open when each has a value."""
    with chromium(_WINDOW) as driver:
        log_in(driver, site, "bench")
        click(driver, "[data-tab=tree]")

        def complete() -> bool:
            driver.execute_script(_OPEN_ALL)
            return int(driver.execute_script(_SHOWN, uris)) >= len(uris)

        until(complete, lambda: f"{driver.execute_script(_SHOWN, uris)} of {len(uris)} values are shown", _WITHIN_S)
        yield


def log_in(driver: Chrome, site: Dashboard, name: str) -> None:
    """Open the dashboard in a browser, as its operator."""
    driver.get(f"http://127.0.0.1:{site.port}/#{site.token}")
    driver.find_element("css selector", "#login-name").send_keys(name)
    click(driver, "#login-go")


def click(driver: Chrome, selector: str) -> None:
    """Click something once it is there.

    Raises:
        Failed: it does not appear.
    """
    from selenium.common.exceptions import WebDriverException

    def clicked() -> bool:
        with suppress(WebDriverException):
            driver.find_element("css selector", selector).click()
            return True
        return False

    until(clicked, lambda: f"the page has no {selector}", _WITHIN_S)


def _answers(site: Dashboard) -> bool:
    with suppress(OSError):
        connection = site.connect()
        connection.request("GET", "/")
        return connection.getresponse().status == http.client.OK
    return False


def _cookie(connection: http.client.HTTPConnection, token: str) -> str:
    connection.request("POST", "/api/login", json.dumps({"token": token, "name": "bench"}), _OWN)
    answer = connection.getresponse()
    _expect(answer)
    return str(answer.getheader("Set-Cookie")).partition(";")[0]


def _expect(answer: http.client.HTTPResponse) -> None:
    said = answer.read(1000)
    if answer.status != http.client.OK:
        raise Failed(f"ess_web answers {answer.status}: {said!r}")


def _event(answer: http.client.HTTPResponse) -> dict[str, Any]:
    while line := answer.readline():
        if line.startswith(b"data: "):
            frame: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
            return frame
    raise Failed("ess_web has ended the stream")


def _read(answer: http.client.HTTPResponse, seen: set[str]) -> None:
    # It ends with the page, which closes the connection under it.
    with suppress(Failed, OSError, ValueError, AttributeError):
        while True:
            seen.update(uri for uri, value in _event(answer).get("values", {}).items() if value[0] is not None)


def until(condition: Callable[[], bool], trouble: Callable[[], str], within_s: float) -> None:
    """Wait until something is so.

    Raises:
        Failed: that takes too long; `trouble` says what is the matter.
    """
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(trouble())
        time.sleep(0.1)
