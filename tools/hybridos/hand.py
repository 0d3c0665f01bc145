"""HybridOS by hand: orders of the command line are written, and what changes is printed; without a bus."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

from ess_bus.errors import EssError
from modbus_bridge.device import DeviceError
from tools.hybridos.master import Master
from tools.hybridos.orders import Order
from tools.hybridos.process import ROUND_S

_UNITS: Final = {"p": "kW", "q": "kvar", "bms_soc": "%", "w_charge": "kW", "w_discharge": "kW"}
# It counts each second, and would be all that is to be seen.
_NOT_NEWS: Final = "life_signal"


class NotWritten(EssError):
    """An order was not carried out; the text is one line that says why."""


async def by_hand(master: Master, orders: Sequence[Order], *, watch: bool, beat: bool) -> None:
    """Write `orders`, each answered by the controller, and then look on until cancelled if that is wanted.

    Raises:
        NotWritten: one of them cannot be written; those before it were.
    """
    for one in orders:
        try:
            await master.write(one)
        except ValueError as error:
            raise NotWritten(str(error)) from None
        except DeviceError as error:
            raise NotWritten(f"{one.register} = {one.value:g}: {error}") from None
        print(f"{one.register} = {one.value:g}", flush=True)
    last: dict[str, Any] = {}
    while watch:
        await master.round(beat=beat)
        seen = {"state": master.state, **master.seen}
        seen.pop(_NOT_NEWS)
        news = [_shown(name, value) for name, value in seen.items() if name not in last or last[name] != value]
        if news:
            print(f"{time.strftime('%H:%M:%S')}  {'  '.join(news)}", flush=True)
        last = seen
        await asyncio.sleep(ROUND_S)


def _shown(name: str, value: Any) -> str:
    if value is None:
        return f"{name} not known"
    unit = _UNITS.get(name)
    return f"{name} {value:g} {unit}" if unit else f"{name} {value}"
