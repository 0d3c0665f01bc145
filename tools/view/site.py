"""`RunningSite`: a site that runs as long as it is looked at, with its log in a file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from ess_bus.endpoint import prepare, resolve, runtime_folder
from ess_bus.errors import EssError

# ess_site stops its processes one after the other.
_STOP_WITHIN_S: Final = 40.0
_LAST_LINES: Final = 12
_TAIL: Final = 16 * 1024


class RunningSite:
    """``ess_site up``, from entering to leaving.

    Args:
        site: its site file.
        log: where its output goes; ``None`` is a file of its name beside the sockets of this user.
        bus: the bus for processes that name none.
    """

    def __init__(self, site: Path, log: Path | None, bus: str | None) -> None:
        self.log = log if log is not None else runtime_folder() / f"{site.resolve().parent.name}.log"
        self._site = site
        self._bus = bus
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        # The folder is made as brokers make it: nobody else may write there.
        prepare(resolve("log"))
        output = _opened(self.log)
        where = [] if self._bus is None else ["--bus", self._bus]
        command = [sys.executable, "-m", "tools.ess_site.command", "up", *where, str(self._site)]
        with output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "ESS_SITE_PID": str(os.getpid())},
            )
        return self

    def ended(self) -> str:
        """Say why the site does not run any more; empty while it does."""
        if self._process is None or self._process.poll() is None:
            return ""
        return f"the site has ended with status {self._process.returncode}: {self._last_words()}"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _last_words(self) -> str:
        with self.log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            lines = file.read().decode(errors="replace").splitlines()
        return " | ".join(lines[-_LAST_LINES:])


def _opened(log: Path) -> IO[bytes]:
    try:
        # A link that somebody else has put there is not followed.
        return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb")
    except OSError as error:
        raise EssError(f"{log}: the log cannot be written: {error.strerror}") from None
