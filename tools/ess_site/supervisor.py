"""Starting a site in order, keeping it whole and stopping it, with circus as the process manager.

circus starts, reaps and stops processes and carries their output. Its own restart is immediate and endless, so it is
switched off (``respawn=False``) and the rounds of this file ask for the restart when `Backoff` says so. The rounds are
the only caller of circus: it refuses commands that overlap.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

import zmq
from circus.arbiter import Arbiter
from tornado.ioloop import IOLoop

from ess_bus.errors import EssError
from ess_bus.service.measures import Measure
from ess_bus.service.running import Pulse, Service
from tools.ess_site import metrics
from tools.ess_site.answering import until_answered
from tools.ess_site.backoff import Backoff
from tools.ess_site.child import Child
from tools.ess_site.metrics import Seen
from tools.ess_site.output import OWN_NAME, Output
from tools.ess_site.site_file import Site, SiteProcess

ANSWER_WITHIN_S = 20.0
_ROUND_S = 0.2
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StartFailed(EssError):
    """A process ended, or did not answer in time, while the site was starting."""


async def run(site: Site, output: Output, service: Service) -> None:
    """Start the site, keep it whole until a signal asks to stop, and stop it.

    Raises:
        EssError: metrics cannot be served.
        StartFailed: the site could not be started; whatever had been started was stopped again.
        BrokenPipeError: nobody reads our output any more; the site was stopped.
    """
    _forward_circus_warnings(output)
    supervisor = _Supervisor(site, output)
    with service.running(supervisor.measures, name=OWN_NAME) as pulse:
        await supervisor.run(pulse)


class _Supervised:
    """A child and what the supervisor knows about it."""

    def __init__(self, process: SiteProcess, output: Output) -> None:
        self.child = Child(process, output)
        self.backoff = Backoff()
        self.probe: asyncio.Task[None] | None = None
        self.restart_at: float | None = None
        self.answers = False
        self.answered_once = False
        self.ends = 0


class _Supervisor:
    def __init__(self, site: Site, output: Output) -> None:
        self._site = site
        self._output = output
        self._stopping = False
        self._pulse: Pulse
        self._wake = asyncio.Event()
        self._started: list[_Supervised] = []
        self._all = [_Supervised(process, output) for process in site.processes]
        for number in _STOP_SIGNALS:
            # nohup has it ignored, and means it
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                asyncio.get_running_loop().add_signal_handler(number, self._stop)
        self._context = zmq.Context()
        self._arbiter = Arbiter(
            [one.child.watcher for one in self._all],
            # Nobody sends circus commands. In-process endpoints are out of everyone's reach and leave no file behind.
            endpoint="inproc://control",
            pubsub_endpoint="inproc://events",
            context=self._context,
            loop=IOLoop.current(),
            check_delay=-1,  # no rounds of its own
            proc_name=OWN_NAME,
        )
        # circus takes the signals over; this hands them back to the handlers above.
        self._arbiter.ctrl.sys_hdl.stop()

    def measures(self) -> Iterator[Measure]:
        """Yield how each process of the site is."""
        return metrics.measures({one.child.name: Seen(one.child.running, one.answers, one.ends) for one in self._all})

    async def run(self, pulse: Pulse) -> None:
        self._pulse = pulse
        await self._arbiter.start()
        try:
            await self._bring_up()
            while not self._stopping:
                await self._round()
        finally:
            await self._take_down()

    def _stop(self) -> None:
        self._stopping = True
        self._wake.set()

    async def _bring_up(self) -> None:
        self._output.own(f"starting {self._site.name}: {', '.join(one.child.name for one in self._all)}")
        for one in self._all:
            if self._stopping:
                return
            self._started.append(one)
            await self._start(one)
            deadline = time.monotonic() + ANSWER_WITHIN_S
            while not (one.answers or self._stopping):
                if time.monotonic() > deadline:
                    raise StartFailed(f"{one.child.name} did not answer within {ANSWER_WITHIN_S:g} s")
                await self._round()
        # One that was up may have died meanwhile.
        while not (all(one.answers for one in self._all) or self._stopping):
            await self._round()
        if not self._stopping:
            self._pulse.ready()
            self._output.plain("site up")
            if self._site.next:
                self._output.plain(self._site.next)

    async def _round(self) -> None:
        """Let circus reap, do what follows from it, and wait a little, or until there is news."""
        await self._arbiter.manage_watchers()
        for one in self._started:
            await self._look_after(one)
        self._pulse.beat()
        if self._output.lost:
            raise BrokenPipeError
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), _ROUND_S)
        self._wake.clear()

    async def _look_after(self, one: _Supervised) -> None:
        if one.restart_at is None and not one.child.running:
            self._ended(one)
        if one.restart_at is not None and time.monotonic() >= one.restart_at:
            await self._start(one)
        if one.probe is not None and one.probe.done():
            one.probe.result()
            one.probe = None
            one.answers = True
            if one.answered_once:
                self._output.own(f"{one.child.name} is back")
            one.answered_once = True

    async def _start(self, one: _Supervised) -> None:
        one.restart_at = None
        one.backoff.started(time.monotonic())
        await one.child.start()
        if (pid := one.child.pid) is None:
            return  # the next round finds it ended
        process = one.child.process
        one.probe = asyncio.create_task(until_answered(process.endpoint, process.sign_of_life, pid))
        one.probe.add_done_callback(lambda _: self._wake.set())

    def _ended(self, one: _Supervised) -> None:
        one.child.flush()
        was_up, one.answers = one.answers, False
        one.ends += 1
        if one.probe is not None:
            one.probe.cancel()
            one.probe = None
        name, how = one.child.name, one.child.how_it_ended()
        if not one.answered_once:
            raise StartFailed(f"{name} ended with {how} before it answered")
        delay_s = one.backoff.ended(time.monotonic(), was_up=was_up)
        one.restart_at = time.monotonic() + delay_s
        self._output.own(f"{name} ended ({how}); restarting{f' in {delay_s:g} s' if delay_s else ''}")

    async def _take_down(self) -> None:
        for one in self._started:
            if one.probe is not None:
                one.probe.cancel()
        # Brokers last: what a process says on the bus when it stops should still be heard.
        for brokers in (False, True):
            for one in reversed(self._started):
                if one.child.process.is_broker == brokers:
                    await one.child.stop()
                    one.child.flush()
        self._arbiter.stop_controller_and_close_sockets()
        self._context.destroy(linger=0)


def _forward_circus_warnings(output: Output) -> None:
    """Have circus speak in our output, and only of what went wrong."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            output.own(" ".join(record.getMessage().split()))

    logger = logging.getLogger("circus")
    logger.handlers = [Handler()]
    logger.setLevel(logging.WARNING)
    logger.propagate = False
