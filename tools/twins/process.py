"""`TwinsProcess`: a plant on the bus: published, answering, and living by the clock."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn

from ess_bus.client import Bus
from ess_bus.client.ownership import Rivals
from ess_bus.client.subscription import Subscription
from ess_bus.errors import Disconnected
from ess_bus.message import Message
from ess_bus.service.measures import Measure, counter, gauge
from ess_bus.service.running import BEAT_S, Pulse
from ess_bus.uri import segments
from tools.twins.control import URIS, Control
from tools.twins.echo.output import Output

log = logging.getLogger(__name__)

_COMPONENTS: Final = "components"
# Ticks that did not happen, as after a suspend, are not caught up beyond these.
_MOST_LATE: Final = 10
_BURST: Final = 256


class TwinsProcess:
    """Publishes all components, answers for them, and lets time pass."""

    def __init__(self, bus: Bus, control: Control) -> None:
        self._bus = bus
        self._control = control
        configuration = control.configuration
        # Constants live without time, and several such plants may share a bus.
        self._own_uris = URIS if control.plant.models else ()
        self._tick_s = configuration.update_rate_ms / 1000
        self._publish_s = configuration.publish_rate_ms / 1000
        # Component -> when it is due.
        self._due: dict[str, float] = {}
        self._ticks = self._skipped = 0
        self._lateness_s = 0.0

    def measures(self) -> Iterator[Measure]:
        """Yield what can be counted of this plant."""
        yield gauge("ess_twins_components", "Components of the plant", len(self._control.plant.components))
        yield counter("ess_twins_ticks", "Steps of the simulated time", self._ticks)
        yield counter(
            "ess_twins_ticks_skipped", "Steps that were left out: they would have been too late", self._skipped
        )
        yield gauge("ess_twins_lateness_seconds", "How late the last step began", self._lateness_s)

    def serve(self, pulse: Pulse) -> NoReturn:
        """Serve until interrupted; `pulse` is told of each turn.

        Raises:
            EssError: another process answers for one of the components.
        """
        rivals = Rivals(self._bus)
        for uri in self._uris():
            rivals.require_unowned(uri)
        messages = self._bus.subscribe(*self._uris())
        self._bus.announce(kind="twins")
        pulse.ready()
        plant = self._control.plant
        log.info("%d components every %g s", len(plant.components), self._publish_s)
        last = tick_due = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= tick_due:
                self._control.advance(min(now - last, _MOST_LATE * self._tick_s))
                last = now
                # A late tick is skipped: the next one is as much longer.
                skipped = (now - tick_due) // self._tick_s
                self._ticks, self._skipped = self._ticks + 1, self._skipped + int(skipped)
                self._lateness_s = now - tick_due
                tick_due += self._tick_s * (1 + skipped)
            next_due = self._publish_due(now)
            until = min(tick_due, next_due) - time.monotonic()
            for message in messages.burst(max(0.0, min(until, BEAT_S)), _BURST):
                self._handle(message, messages)
            rivals.check(time.monotonic())
            pulse.beat()

    def _uris(self) -> list[str]:
        return [*(f"/components/{name}" for name in self._control.plant.names), *self._own_uris]

    # -- publishing ------------------------------------------------------------------------------------------------

    def _publish_due(self, now: float) -> float:
        """Publish what is due; return when the next one is."""
        plant = self._control.plant
        for name, component_id in plant.names.items():
            due = self._due.get(name, now)
            if now >= due:
                self._publish(name)
                period_s = self._period_s(component_id)
                self._due[name] = due + period_s * (1 + (now - due) // period_s)
        return min(self._due.values(), default=now + self._publish_s)

    def _period_s(self, component_id: str) -> float:
        component = self._control.plant.components[component_id]
        rate = component.publish_rate_ms if isinstance(component, Output) else None
        return rate / 1000 if rate is not None else self._publish_s

    def _publish(self, name: str) -> None:
        plant = self._control.plant
        component_id = plant.names[name]
        if plant.is_silent(component_id):
            return
        try:
            self._bus.publish(f"/components/{name}", plant.components[component_id].values)
        except Disconnected as error:
            log.debug("not published: %s", error)

    def _publish_all(self) -> None:
        for name in self._control.plant.names:
            self._publish(name)

    # -- requests --------------------------------------------------------------------------------------------------

    def _handle(self, message: Message, messages: Subscription) -> None:
        parts = segments(message.uri)
        try:
            if parts[:1] == (_COMPONENTS,) and len(parts) > 1:
                self._component(message, parts[1], parts[2:])
            elif parts and f"/{parts[0]}" in self._own_uris:
                self._own(message, parts[1:], messages)
        except Disconnected as error:
            log.debug("an answer was lost: %s", error)

    def _component(self, message: Message, name: str, path: tuple[str, ...]) -> None:
        plant = self._control.plant
        if name in plant.names and plant.is_silent(plant.names[name]) and not _is_injection(message, path):
            log.debug("%s is silent", name)
            return
        if self._answer(message, lambda: plant.get(name, path), lambda body: plant.set(name, path, body)):
            self._publish(name)

    def _own(self, message: Message, path: tuple[str, ...], messages: Subscription) -> None:
        def change(body: Any) -> None:
            before = self._control.plant
            self._control.set(path, body)
            if self._control.plant is not before:
                # Before the answer: who has it may ask for the new components at once.
                self._due.clear()
                messages.replace(*self._uris())

        if self._answer(message, lambda: self._control.get(path), change):
            self._publish_all()

    def _answer(self, message: Message, get: Callable[[], Any], change: Callable[[Any], None]) -> bool:
        """Answer a request; tell whether something was set."""
        try:
            if message.method == "get":
                self._bus.reply(message, get())
            elif message.method == "set":
                change(message.json())
                self._bus.reply(message, message.body)
                return True
            elif message.method != "pub":
                raise ValueError(f"{message.method} is not something a plant does")
        except (LookupError, ValueError) as error:
            log.info("refused %s %s: %s", message.method, message.uri, error)
            self._bus.refuse(message, str(error))
        return False


def _is_injection(message: Message, path: tuple[str, ...]) -> bool:
    """Tell whether a message is about the silence itself: it must be possible to end it."""
    return path[-1:] == ("commssilent",) or (not path and b'"commssilent"' in (message.body or b""))
