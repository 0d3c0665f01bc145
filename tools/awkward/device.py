"""`AwkwardDevice`: the sockets of the device."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Container, Iterable, Sequence
from types import TracebackType
from typing import Final

from tools.awkward import frames
from tools.awkward.answering import chunks
from tools.awkward.frames import Refusal, Request
from tools.awkward.misdeeds import Deed, Misdeed, Plan, Script
from tools.awkward.records import Answer, Records, Written
from tools.awkward.registers import Registers, Source, scattered

HOST: Final = "127.0.0.1"
LATE_AFTER_S: Final = 2.0
# The header comes in pieces that a client sees one by one; the whole answer stays within its time.
_BETWEEN_BYTES_S: Final = 0.001
_SLOW_BYTES: Final = 10


class AwkwardDevice:
    """Units behind one port of the loopback address; an asynchronous context manager.

    Every connection is served on its own, and a request that is not answered does not hold up the next one: a late
    answer arrives among the answers to later requests.

    Attributes:
        plan: what goes wrong; may be replaced at any time.
        records: what was said and taken.
        registers: what is in it.
        port: where it listens, once it does.
    """

    def __init__(
        self,
        plan: Plan | None = None,
        *,
        port: int = 0,
        host: str = HOST,
        units: Container[int] = range(256),
        silent: Iterable[int] = (),
        late_after_s: float = LATE_AFTER_S,
        source: Source = scattered,
        keep_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare a device.

        Args:
            plan: what goes wrong; nothing without one.
            port: where to listen; 0 chooses a free one.
            host: the address to listen on.
            units: the unit ids that exist; for others a gateway answers exception 11.
            silent: the unit ids that never answer.
            late_after_s: how late a late answer is; more than the client waits.
            source: what its registers hold before they are written.
            keep_s: how long answers are remembered.
            clock: what the records' times are read from.
        """
        self.plan: Plan = plan or Script()
        self.records = Records(keep_s)
        self.registers = Registers(source)
        self.port = port
        self._host = host
        self._units = units
        self._silent = frozenset(silent)
        self._late_after_s = late_after_s
        self._clock = clock
        self._server: asyncio.Server | None = None
        self._served: dict[asyncio.Task[object], asyncio.StreamWriter] = {}
        self._sending: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> AwkwardDevice:
        await self.come_back()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.go_away()

    async def come_back(self) -> None:
        """Listen, at the same port as before.

        Raises:
            OSError: the port is in use.
        """
        self._server = await asyncio.start_server(self._serve, self._host, self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def go_away(self) -> None:
        """Close all connections and listen no longer: who connects is refused."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._sending:
            task.cancel()
        for writer in self._served.values():
            writer.transport.abort()
        # Who reads ends by that; nothing of this device is left when the loop ends.
        await asyncio.gather(*self._served, *self._sending, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.records.connections += 1
        fate = self.plan.connected()
        self.records.deeds[fate] += fate is not Misdeed.NONE
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs this in a task
        self._served[task] = writer
        try:
            if fate is not Misdeed.HANG_UP:
                await self._listen(reader, writer, is_deaf=fate is Misdeed.DEAF)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            del self._served[task]
            writer.close()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_deaf: bool) -> None:
        while True:
            head = frames.header(await reader.readexactly(frames.HEADER_BYTES))
            if not head.is_modbus:
                return
            pdu = await reader.readexactly(head.length)
            if not is_deaf and not self._deal_with(writer, head, pdu):
                await writer.drain()
                return

    def _deal_with(self, writer: asyncio.StreamWriter, head: frames.Header, pdu: bytes) -> bool:
        """Answer a request; return whether the connection goes on."""
        self.records.requests += 1
        if head.unit in self._silent:
            return True
        try:
            asked = frames.request(head.unit, pdu)
            if head.unit not in self._units:
                raise Refusal(11)
        except Refusal as refusal:
            writer.write(frames.framed(head.transaction, head.unit, frames.exception(pdu[0], refusal.code)))
            return True
        deed = self.plan.asked(asked)
        if deed.misdeed is Misdeed.WRONG_ECHO and not asked.is_write:
            deed = Deed()
        self.records.deeds[deed.misdeed] += 1
        self._answer(writer, head.transaction, asked, deed)
        return deed.misdeed not in (Misdeed.CLOSE, Misdeed.CUT)

    def _answer(self, writer: asyncio.StreamWriter, transaction: int, asked: Request, deed: Deed) -> None:
        words = self._carry_out(asked, deed)
        number = self.records.requests

        def look(unit: int, start: int) -> Sequence[int]:
            return self.registers.read(number, unit, asked.table, start, asked.count)

        pieces = chunks(transaction, asked, words, deed, look)
        if deed.misdeed in (Misdeed.LATE, Misdeed.SPLIT):
            task = asyncio.ensure_future(self._send(writer, pieces, deed.misdeed))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        else:
            writer.writelines(pieces)

    def _carry_out(self, asked: Request, deed: Deed) -> Sequence[int]:
        """Read or write the registers, note it, and return what a read finds."""
        at_s = self._clock()
        where = asked.unit, asked.table, asked.start
        if not asked.is_write:
            words = self.registers.read(self.records.requests, *where, asked.count)
            if deed.misdeed is not Misdeed.REFUSE:
                self.records.answered(Answer(at_s, *where, words, deed.misdeed))
            return words
        if deed.carried_out:
            self.registers.write(*where, asked.words)
            self.records.written(Written(at_s, *where, asked.words, deed.misdeed))
        return ()

    async def _send(self, writer: asyncio.StreamWriter, pieces: list[bytes], misdeed: Misdeed) -> None:
        if misdeed is Misdeed.LATE:
            await asyncio.sleep(self._late_after_s)
        for index, piece in enumerate(pieces):
            if writer.is_closing():
                return
            writer.write(piece)
            await asyncio.sleep(_BETWEEN_BYTES_S if index < _SLOW_BYTES else 0)
