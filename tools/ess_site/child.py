"""One process of a site as a circus watcher: its command line, its environment, its pipes, its exit status."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from circus.process import Process
from circus.stream import Redirector
from circus.watcher import Watcher

from tools.ess_site.output import Output, ProcessStream
from tools.ess_site.site_file import SiteProcess

STOP_WITHIN_S = 5.0
_PIECE = 64 * 1024


class Child:
    """A process that circus starts, reaps and stops for us; who restarts it, and when, is decided elsewhere.

    Attributes:
        process: what the site file says of it.
        watcher: its circus watcher, to be given to the arbiter.
    """

    def __init__(self, process: SiteProcess, output: Output) -> None:
        self.process = process
        self._exit_code: int | None = None
        self._streams = [ProcessStream(output, process.name) for _ in ("stdout", "stderr")]
        self.watcher = _Watcher(
            process.name,
            sys.executable,
            args=[*_import_options(), *process.arguments],
            env=_environment(process),
            stdout_stream={"stream": self._streams[0]},
            stderr_stream={"stream": self._streams[1]},
            autostart=False,
            respawn=False,
            max_retry=1,
            graceful_timeout=STOP_WITHIN_S,
            hooks={"after_reap": (self._reaped, True)},
        )

    @property
    def name(self) -> str:
        """The name in the site file."""
        return self.process.name

    @property
    def running(self) -> bool:
        """Whether the process was alive when the arbiter last looked."""
        return not self.watcher.is_stopped()

    @property
    def pid(self) -> int | None:
        """The process id, or ``None`` if it does not run."""
        return next(iter(self.watcher.processes), None)

    async def start(self) -> None:
        """Start the process; `running` is false afterwards if the system refused."""
        self._exit_code = None
        await self.watcher.start()

    async def stop(self) -> None:
        """End the process with SIGTERM, or with SIGKILL if it does not follow within 5 s."""
        await self.watcher.stop()

    def flush(self) -> None:
        """Print what the process wrote without ending the line."""
        for stream in self._streams:
            stream.close()

    def how_it_ended(self) -> str:
        """Say how the process ended: ``status 1`` or ``signal 9``."""
        if self._exit_code is None:
            return "status unknown"
        return f"signal {-self._exit_code}" if self._exit_code < 0 else f"status {self._exit_code}"

    def _reaped(self, *, exit_code: int | None, **_: Any) -> None:
        self._exit_code = exit_code


def _environment(process: SiteProcess) -> dict[str, str]:
    # What systemd wants to hear is ess_site's to say.
    kept = {name: value for name, value in os.environ.items() if name not in ("NOTIFY_SOCKET", "WATCHDOG_USEC")}
    return {
        **kept,
        "ESS_BUS": process.endpoint,
        "ESS_PROCESS_NAME": process.name,
        "ESS_SITE_PID": str(os.getpid()),
        "PYTHONUNBUFFERED": "1",
    }


def _import_options() -> list[str]:
    """Return Python options with which a process finds its modules where ess_site found its own.

    ``-m`` also looks into the working folder, where a user may have a ``tools`` or a ``calculator.py`` of their own.
    """
    return [] if str(Path.cwd()) in sys.path else ["-P"]


class _Process(Process):  # type: ignore[misc]  # circus has no types
    def format_args(self, sockets_fds: Any = None) -> list[str]:  # noqa: ARG002 - circus's signature
        """Return the command line as it is: circus would split it and replace ``$(circus...)`` in it."""
        return [self.cmd, *self.args]

    def close_output_channels(self) -> None:
        """Before circus closes the pipes, print what is still in them: the last words of a process matter most."""
        if self.watcher.stream_redirector is not None:
            self.watcher.stream_redirector.remove_redirections(self)
        streams = {"stdout": self.watcher.stdout_stream, "stderr": self.watcher.stderr_stream}
        for name, pipe in Redirector.get_process_pipes(self):
            if pipe.closed:
                continue
            os.set_blocking(pipe.fileno(), False)
            # Empty for ever, or still held open by a grandchild: either way there is no more for now.
            with suppress(BlockingIOError):
                while piece := os.read(pipe.fileno(), _PIECE):
                    streams[name]({"data": piece, "pid": self.pid, "name": name})
        super().close_output_channels()


class _Watcher(Watcher):  # type: ignore[misc]  # circus has no types
    @property
    def _process_class(self) -> type[_Process]:
        return _Process
