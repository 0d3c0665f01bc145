"""``ess_web`` as it runs, and somebody who talks to it without a browser."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.integration.conftest import Process, eventually

TOKENS = {"operator": "operator-of-the-test", "viewer": "viewer-of-the-test-"}
OWN = {"X-ESS-Web": "1"}


def token_file(folder: Path) -> Path:
    """Write a file of tokens."""
    file = folder / "tokens.toml"
    file.touch(mode=0o600)
    file.write_text("".join(f'{role} = "{token}"\n' for role, token in TOKENS.items()))
    return file


def start_web(start: Callable[..., Process], folder: Path, *arguments: object, bus: str | None, port: int = 0) -> str:
    """Start ``ess_web`` and return its address."""
    options = ("--port", port, "--token-file", token_file(folder), "--rate", 20, *arguments)
    return address(start("tools.ess_web.command", *options, bus=bus))


def address(process: Process) -> str:
    """Return where a dashboard is, once it says so."""
    found = eventually(lambda: re.search(r"dashboard at (\S+)/\n", process.output) or process.popen.poll() is not None)
    assert isinstance(found, re.Match), process.output
    return found[1]


@contextlib.contextmanager
def client(url: str, role: str | None = "operator") -> Iterator[httpx.Client]:
    """Be somebody who has logged in."""
    with httpx.Client(base_url=url, headers=OWN, timeout=20, trust_env=False) as made:
        if role is not None:
            answer = made.post("/api/login", json={"token": TOKENS[role], "name": "Ada"})
            assert answer.json() == {"name": "Ada", "role": role}
        yield made


class Stream:
    """What a page hears: the newest of everything."""

    def __init__(self, web: httpx.Client, lines: Iterator[str]) -> None:
        self.said: dict[str, Any] = {}
        self.values: dict[str, Any] = {}
        self.lines: list[dict[str, Any]] = []
        self.samples: list[Any] = []
        self._web, self._events = web, lines
        self.key = self.next()["hello"]

    def next(self) -> dict[str, Any]:
        """Return the next event."""
        for line in self._events:
            if line.startswith("data: "):
                frame: dict[str, Any] = json.loads(line.removeprefix("data: "))
                self.values |= frame.get("values", {})
                self.lines += frame.get("lines", [])
                self.samples += frame.get("samples", [])
                self.said |= frame
                return frame
        raise AssertionError("the stream has ended")

    def watch(self, *uris: str, **more: Any) -> httpx.Response:
        """Say what is shown."""
        return self._web.post(f"/api/streams/{self.key}", json={"watch": uris, **more})

    def until(self, condition: Callable[[], Any], most: int = 2000) -> Any:
        """Read on until something holds; the events are as many as the server sends, so this ends."""
        for _ in range(most):
            with contextlib.suppress(KeyError, IndexError):
                found = condition()
                if found:
                    return found
            self.next()
        raise AssertionError(f"never became true; {self.said}")


@contextlib.contextmanager
def stream(web: httpx.Client) -> Iterator[Stream]:
    """Open the stream of a page."""
    with web.stream("GET", "/api/stream") as answer:
        assert answer.status_code == 200, answer.read()
        yield Stream(web, answer.iter_lines())
