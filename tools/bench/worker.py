"""``python -m tools.bench.worker JOB``: one client in a process of its own.

It says what happens as JSON lines on stdout (`ready`, `result`, ...) and hears single words on stdin (`go`).
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys

from tools.bench import registry, roles
from tools.bench.parent import Job, Parent


def main() -> None:
    """Do the job of the command line."""
    job = json.loads(sys.argv[1])
    parent = Parent()
    signal.signal(signal.SIGALRM, parent.time_is_up)
    signal.setitimer(signal.ITIMER_REAL, job["deadline_s"])
    asyncio.run(_work(job, parent))


async def _work(job: Job, parent: Parent) -> None:
    client = registry.system(job["system"]).client(job["address"])
    await client.open()
    try:
        await roles.role(job["role"])(client, job, parent)
    finally:
        await client.close()


if __name__ == "__main__":
    main()
