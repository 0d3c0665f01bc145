"""A site in one process on one injected clock: engine, calculators, plant. No bus, no sockets, no waiting.

::

    master --set--> engine --take_messages--> registers of the devices --> plant
                      ^  \\--publications--> calculator --set--> engine
                      \\--report-- registers, as the bridges publish them -- plant
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from calculator.core import Calculator
from calculator.operands import Tree
from calculator.snapshot import Snapshot, flat
from ess_bus.engine import assets, views
from ess_bus.engine.configuration import load as load_engine
from ess_bus.engine.engine import Engine
from ess_bus.engine.sending import Outgoing
from ess_bus.engine.target import Target
from ess_bus.engine.timing import NEVER
from ess_bus.uri import join, segments
from tests.wires import CONFIGS, Object, objects
from tools.twins.configuration import PlantConfiguration
from tools.twins.configuration import load as load_plant

DEVICES = ("catl", "pe_pcs")
# Every test begins here; nothing depends on it.
START_S = 1_000.0
# As the process of the plant takes them (configs/plant).
STEP_S = 0.2
# The engine watches that the bridges go on publishing; where the plant takes longer steps, they still do.
STAMPED = ("/components/catl_mbmu_summary_r", "/components/pcs_registers_fast")
STALE_S = 2.9


class Store:
    """What is kept across restarts, in memory."""

    def __init__(self) -> None:
        self._rows: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        """Return what is kept."""
        return dict(self._rows)

    def write(self, rows: Mapping[str, Any]) -> None:
        """Keep these values; ``None`` forgets one."""
        self._rows = {place: value for place, value in {**self._rows, **rows}.items() if value is not None}

    def trouble(self) -> None:
        """Return nothing: all is well."""


class ClosedLoop:
    """A site.

    Attributes:
        engine: with the configuration of the site.
        plant: what it controls.
        events: what people were told, in order.
        commands: (time, register, value) of everything that was written to devices, in order.
    """

    def __init__(self, site: Path = CONFIGS / "clou" / "engine", plant: Path = CONFIGS / "plant") -> None:
        self.plant = _plant(plant).plant()
        self._site = site
        self.events: list[str] = []
        self.commands: list[tuple[float, str, Any]] = []
        self._lost: set[str] = set()
        self._life: float | None = None
        self._hanging: set[str] = set()
        self._beats = 0
        self._alive_s, self._beat_s = START_S, NEVER
        self._now_s = START_S
        self.restart()

    def restart(self, store: Store | None = None) -> None:
        """Let a new engine, and its calculator, take the place of what there is; with what was kept of it."""
        self.engine = Engine()
        # It has heard of nothing.
        self._objects = objects(DEVICES)
        self._due = dict.fromkeys(self._objects, 0.0)
        self.engine.advance(self._now_s)
        self.engine.load(load_engine(self._site).assignments)
        if store is not None:
            self.engine.keep(store).restore(store.read())
        self._calculator = self._calculating()
        self._settle()

    # -- people and the master -------------------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """Seconds since the start."""
        return self._now_s - START_S

    def get(self, place: str) -> Any:
        """Return what ``/table:name``, or a parameter of it, shows."""
        return self.engine.read(Target.parse(place))

    def set(self, uri: str, body: Any) -> None:
        """Set something, as fims_send does."""
        self.engine.set(uri, body)
        self._settle()

    def write(self, **registers: Any) -> None:
        """Write holding registers of the Clou map, as a master does through its server."""
        for name, value in registers.items():
            self.set(f"/components/clou_ess_controller_hr/{name}", {"value": value})

    @property
    def life(self) -> float | None:
        """How often the master beats, in seconds; ``None`` is never."""
        return self._life

    @life.setter
    def life(self, period_s: float | None) -> None:
        self._life = period_s
        self._beat_s = NEVER if period_s is None else self._now_s

    def register(self, name: str) -> Any:
        """Return what an input register shows; ``None`` is answered by an exception."""
        for component in ("clou_ess_controller_hs", "clou_ess_controller"):
            if self.engine.find(f"/components/{component}", name) is not None:
                return self.get(f"/components/{component}:{name}")
        raise LookupError(name)

    @property
    def state(self) -> str:
        """The state of the ESS."""
        return str(self.get("/status/ess:SystemState"))

    def lose(self, device: str) -> None:
        """Let a device not answer its bridge any more: it tells so of all that it reads there, at once."""
        self._lost.add(device)
        self._report_device(device)
        self._settle()

    def find(self, device: str) -> None:
        """Let it answer again."""
        self._lost.remove(device)
        self._report_device(device)
        self._settle()

    def hang(self, device: str) -> None:
        """Let the bridge of a device stop as if it were suspended: it says nothing, and nothing is told of it."""
        self._hanging |= {uri for uri, one in self._objects.items() if one.device == device}

    def bury(self, device: str) -> None:
        """Let nothing of a device be valid, as the engine's process does once its bridge does not answer any more."""
        for uri, one in self._objects.items():
            if one.device == device:
                self.engine.invalidate(uri)
        self._settle()

    # -- time ------------------------------------------------------------------------------------------------------

    def run(self, seconds: float, step_s: float = STEP_S) -> None:
        """Let time pass, in steps of the plant."""
        end_s = self._now_s + seconds
        while self._now_s < end_s - 1e-9:
            self._step(min(step_s, end_s - self._now_s))

    def until(self, condition: Callable[[], bool], within_s: float, step_s: float = STEP_S) -> float:
        """Let time pass until something holds; return how long that took."""
        begin_s = self._now_s
        while not condition():
            assert self._now_s < begin_s + within_s, f"not within {within_s} s; {self.state}: {self.events[-3:]}"
            self._step(step_s)
        return self._now_s - begin_s

    def until_state(self, state: str, within_s: float = 30.0) -> float:
        """Let time pass until the ESS is in a state; return how long that took."""
        return self.until(lambda: self.state == state, within_s)

    def _step(self, seconds: float) -> None:
        """Let the plant live through a step; what is shorter than that comes at its own times within it."""
        end_s = self._now_s + seconds
        while (next_s := min(self.engine.due_s(), self._alive_s, self._beat_s)) < end_s:
            self._advance(max(self._now_s, next_s))
            self._stay_alive()
        self.plant.tick(seconds)
        self._advance(end_s)
        for uri, one in self._objects.items():
            if end_s >= self._due[uri] - 1e-9:
                self._due[uri] = end_s + one.period_s
                self._report(uri, one)
        self._stay_alive()
        self.engine.tick()
        self._settle()

    def _advance(self, to_s: float) -> None:
        self._now_s = to_s
        self.engine.advance(to_s)
        self.engine.tick()
        self._settle()

    def _stay_alive(self) -> None:
        """Do what is watched: bridges go on publishing, the master beats."""
        if self._now_s >= self._alive_s:
            self._alive_s = self._now_s + STALE_S
            for uri in STAMPED:
                if uri not in self._hanging:
                    self.engine.report(uri, {"Timestamp": self._stamp()})
        if self._now_s >= self._beat_s:
            self._beat_s = self._now_s + (self.life or NEVER)
            self._beats += self.life is not None
            self.engine.set("/components/clou_ess_controller_hr/life", {"value": self._beats})

    def _stamp(self) -> str:
        return f"{self._now_s:.6f}"

    def _report_device(self, device: str) -> None:
        for uri, one in self._objects.items():
            if one.device == device:
                self._report(uri, one)

    def _report(self, uri: str, one: Object) -> None:
        name = segments(uri)[-1]
        if uri in self._hanging:
            return
        if one.device in self._lost or self.plant.is_silent(name):
            news = {**one.news(dict.fromkeys(one.wires)), "component_connected": False}
        else:
            news = {**one.news(self.plant.get(name)), "component_connected": True}
        self.engine.report(uri, {**news, "Timestamp": self._stamp()})

    def _settle(self) -> None:
        """Carry messages and results until nothing follows any more."""
        for _ in range(20):
            for message in self.engine.take_messages():
                self._carry(message)
            values, _, parameters = self.engine.take_publications()
            for table, members in parameters.items():
                for name, changed in members.items() if self._calculator.uses(table) else ():
                    self._calculator.update(table, flat(name, changed), self._now_s)
            for table, members in values.items():
                if self._calculator.uses(table):
                    self._calculator.update(table, members, self._now_s)
            if self._calculator.due_s() > self._now_s or not (results := self._calculator.results(self._now_s)):
                return
            for table, members in results.items():
                self.engine.set(table, members)
                self._calculator.has_set(table, members, self._now_s)
        raise AssertionError("the calculator never comes to an end")

    def _calculating(self) -> Calculator:
        """Return what calculates, as the calculator learns it from the engine."""
        datamap, name = self.engine.datamap, self.engine.name
        full = Snapshot.tables_of(views.get(datamap, "/", views.View.LEAN))
        snapshot = Snapshot(full, Tree.of_answer(assets.summary(datamap, name), name))
        calculator = Calculator(snapshot.found({}, name))
        for table in snapshot.tables:
            calculator.update(table, snapshot.values(table), self._now_s)
        for table, values in calculator.missing().items():
            self.engine.set(table, values)
        calculator.begin()
        return calculator

    def _carry(self, message: Outgoing) -> None:
        if message.uri == "/events":
            self.events.append(f"{message.body['source']}: {message.body['message']}")
            return
        uri = join(segments(message.uri))
        one = self._objects.get(uri)
        if one is None or one.device in self._lost:
            return
        for name, body in message.body.items():
            value = one.wires[name].written(body["value"])
            self.plant.set(segments(uri)[-1], (name,), value)
            self.commands.append((self.now_s, name, value))


@cache
def _plant(path: Path) -> PlantConfiguration:
    return load_plant(path)
