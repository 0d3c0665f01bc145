"""`States`: all machines of an engine, looked at when a variable of theirs changes or a time is up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from ess_bus.engine.alarms import ListKind, clear_messages, end_shutdown, raise_message
from ess_bus.engine.severity import Severity
from ess_bus.engine.states import shown
from ess_bus.engine.states.checks import places
from ess_bus.engine.states.common import E_STOPS
from ess_bus.engine.states.group import Group, View
from ess_bus.engine.states.machine import Machine
from ess_bus.engine.states.model import Request
from ess_bus.engine.states.options import KIND, STATES, options_of
from ess_bus.engine.states.plan import Plan, asked_of, plan
from ess_bus.engine.states.power import ACTIVE, LIMITS, REACTIVE
from ess_bus.engine.states.stepping import Ticket
from ess_bus.engine.states.wishes import Wishes
from ess_bus.engine.states.work import FAULTS
from ess_bus.engine.timing import NEVER
from ess_bus.reference import Reference

if TYPE_CHECKING:
    from ess_bus.engine.functions.registry import Engine

# Who raises the messages of machines.
SOURCE: Final = "state machine"
# How often machines may set each other off in one turn; the rest comes with the next one.
_ROUNDS: Final = 100
# Where it is kept, below /states, what a restart must not forget: nobody sets it, it is shown there what is under way.
KEPT: Final = "request"
_HELD: Final = frozenset(E_STOPS)


class States:
    """Runs the machines that ``/states`` asks for; one of the engine's `timed` parts.

    Attributes:
        machines: asset -> its machine.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.machines: dict[str, Machine] = {}
        self._groups: tuple[Group, ...] = ()
        self._options: dict[str, dict[str, Any]] = {}
        # Machines that must be looked at, and the (table, name) of buttons that were pressed since they were last.
        self._awake: set[str] = set()
        self._awake_since_s = 0.0
        # When the first machine must be looked at whatever changes; they say so in their turns.
        self._due_s = NEVER
        self._pressed: dict[tuple[str, str], str] = {}
        self._watched: set[tuple[str, Reference]] = set()
        self._commands: dict[tuple[str, str], str] = {}
        # ESS -> its set points, and who was last shown to hold its emergency stop; asset -> what is kept of it.
        self._wishes: dict[str, Wishes] = {}
        self._stops: dict[str, str] = {}
        self._kept: dict[str, str | None] = {}

    # -- being configured ------------------------------------------------------------------------------------------

    def configure(self) -> None:
        """Make the machines that the tables below ``/states`` ask for and that are not there yet; read all options."""
        asked = asked_of(self._engine.datamap)
        wanted = plan(asked, [group for group in self._groups if group.ess is not None])
        for problem in wanted.problems:
            self._engine.warn(problem, problem)
        for asset, table in wanted.tables.items():
            self._options[asset] = options_of(table, asked[asset], self._options.get(asset))
        for group in wanted.groups:
            if group not in self._groups:
                self._make(group, wanted)
        self._groups = wanted.groups
        self._wake(*self.machines)

    def _make(self, group: Group, wanted: Plan) -> None:
        """Make the machines of a group; a device that was alone until now goes on as part of it."""
        for asset in group.members:
            if asset not in self.machines:
                view = View(asset, group, self._engine.datamap, self._options)
                self.machines[asset] = Machine(asset, wanted.tables[asset], view, self)
            self.machines[asset].world.group = group
            self._prepare(self.machines[asset])

    def _wake(self, *assets: str) -> None:
        if not self._awake:
            self._awake_since_s = self.steady_s
        self._awake.update(assets)

    def _prepare(self, machine: Machine) -> None:
        """Make the variables of a machine, forget commands from before its time, and watch what it looks at."""
        for check in machine.table.checks():
            for place in places(check, machine.world):
                self._watch(machine.asset, place)
        for request in machine.table.requests:
            for place in _buttons(machine.asset, request):
                self._prepare_button(machine, place, place.table == f"/controls/{machine.asset}")
            for command in (name for step in request.steps for name in step.commands):
                self._commands[f"/controls/{machine.asset}", command] = machine.asset
        if machine.table.power:
            self._prepare_power(machine)

    def _prepare_button(self, machine: Machine, place: Reference, is_command: bool) -> None:
        self._watch_button(machine.asset, place)
        variable = self._engine.datamap.find(place.table, place.name)
        if variable is None:
            if is_command:
                self.put(place, False)
        elif place.name not in _HELD and is_pressed(variable.value):
            self.put(place, released(variable.value))

    def _prepare_power(self, machine: Machine) -> None:
        made = {**dict.fromkeys((*E_STOPS, "ContactorControl"), False), ACTIVE: 0, REACTIVE: 0}
        for name, value in made.items():
            if self._engine.datamap.find(f"/controls/{machine.asset}", name) is None:
                self.put(Reference(f"/controls/{machine.asset}", name), value)
        if machine.asset not in self._wishes:
            self._wishes[machine.asset] = Wishes(machine, self._engine.datamap, lambda: self._wake(machine.asset))
        group = machine.world.group
        watched = [Reference(f"/controls/{member}", name) for member in group.members for name in (ACTIVE, REACTIVE)]
        watched += [Reference(f"/limits/{pcs}", name) for pcs in group.pcs for name in LIMITS]
        for place in watched:
            self._watch(machine.asset, place)

    def _watch(self, asset: str, place: Reference) -> None:
        if (asset, place) not in self._watched:
            self._watched.add((asset, place))
            self._engine.watch(place, lambda: self._wake(asset))

    def _watch_button(self, asset: str, place: Reference) -> None:
        if (f"{asset} button", place) in self._watched:
            return
        self._watched.add((f"{asset} button", place))

        def press() -> None:
            variable = self._engine.datamap.find(place.table, place.name)
            if variable is not None and is_pressed(variable.value):
                self._pressed[place.table, place.name] = asset
                self._wake(asset)

        self._engine.watch(place, press)

    # -- what others ask for ---------------------------------------------------------------------------------------

    def machine(self, asset: str) -> Machine:
        """Return the machine of an asset.

        Raises:
            ValueError: it has none.
        """
        if asset not in self.machines:
            raise ValueError(f'{asset} has no state machine; expected a table {STATES}/{asset} with "{KIND}"')
        return self.machines[asset]

    def ask(self, asset: str, request: str, in_person: bool = True) -> Ticket:
        """Ask a machine for a request; the ticket tells what becomes of it.

        Raises:
            ValueError: there is no such machine, or it knows no such request.
        """
        machine = self.machine(asset)
        if request not in (one.name for one in machine.table.requests):
            raise ValueError(f"the {machine.table.title} {asset} cannot {request}")
        self._wake(asset)
        return machine.ask(request, in_person)

    def commander(self, places: Iterable[tuple[str, str]]) -> str | None:
        """Return the asset whose machine commands its device by what is shown at these (table, name), if one does."""
        return next((asset for place in places if (asset := self._commands.get(place)) is not None), None)

    def shown(self) -> dict[str, dict[str, Any]]:
        """Return what all machines are doing, and for how many seconds they have."""
        return {asset: shown.picture(machine, self.now_s) for asset, machine in self.machines.items()}

    # -- time ------------------------------------------------------------------------------------------------------

    def due_s(self) -> float:
        """Return when a machine must be looked at next."""
        if self._awake:
            return self._awake_since_s
        return self._due_s

    def run(self) -> None:
        """Let all machines come to rest that something has changed for."""
        now = self.steady_s
        self._wake(*(asset for asset, machine in self.machines.items() if machine.due_s <= now))
        turned: set[str] = set()
        for _ in range(_ROUNDS):
            self._set_power()
            awake, self._awake = self._awake, set()
            if not awake:
                break
            for asset, machine in self.machines.items():
                if asset in awake:
                    self._turn(machine)
            turned |= awake
        self._due_s = min([machine.due_s for machine in self.machines.values()], default=NEVER)
        for asset, machine in self.machines.items():
            if asset in turned:
                shown.show(machine, self._engine.datamap, self.put)
                self._tell_stop(machine)
                self._keep(machine)

    def _turn(self, machine: Machine) -> None:
        before = (machine.state, machine.request, machine.step)
        self._take_commands(machine)
        machine.turn()
        if before != (machine.state, machine.request, machine.step):
            self._wake(*machine.world.group.members)

    def _tell_stop(self, machine: Machine) -> None:
        """Tell who holds the emergency stop, or no longer does."""
        held = shown.held_by(machine, self._engine.datamap) if machine.table.power else ""
        if held != self._stops.get(machine.asset, ""):
            self._stops[machine.asset] = held
            text = f"the emergency stop is held by {held}" if held else "the emergency stop is released by all"
            self.tell(machine.asset, text, Severity.STATUS)

    def _keep(self, machine: Machine) -> None:
        """Keep what a restart must not forget, at once; what a device does for its ESS is kept with that."""
        ess = machine.world.group.ess
        is_part = ess not in (None, machine.asset) and self.machines[str(ess)].request is not None
        kept = None if is_part else machine.kept
        if kept != self._kept.get(machine.asset):
            self._kept[machine.asset] = kept
            if self._engine.settings is not None:
                self._engine.settings.remember(Reference(f"{STATES}/{machine.asset}", KEPT), kept)

    def resume(self, asset: str, text: str) -> None:
        """Take up what was kept of a machine.

        Raises:
            ValueError: there is no such machine, or it is nothing that is taken up.
        """
        machine = self.machine(asset)
        machine.resume(text)
        self._kept[asset] = machine.kept
        self._wake(asset)

    def _take_commands(self, machine: Machine) -> None:
        """Take the commands that were given since the last turn; of off and on together, off counts."""
        downward = ""
        for request in machine.table.requests:
            for place in _buttons(machine.asset, request):
                if self._pressed.get((place.table, place.name)) != machine.asset:
                    continue
                taken = self._take(machine, place)
                if taken is None:
                    continue
                if taken.upward and downward:
                    machine.refuse(taken.name, f"{downward} was asked for at the same time")
                    continue
                machine.ask(taken.name, in_person=place.table.startswith("/assets/"))
                downward = downward or ("" if taken.upward else taken.name)

    def _take(self, machine: Machine, place: Reference) -> Request | None:
        """Take a command; of the requests that its variable asks for, return the one that fits the state.

        What is held down is what guards look at; only that it was pressed and released is told here.
        """
        del self._pressed[place.table, place.name]
        variable = self._engine.datamap.find(place.table, place.name)
        if variable is not None and place.name not in _HELD:
            self.put(place, released(variable.value))
        elif variable is None or is_pressed(variable.value):
            return None
        asked = [one for one in machine.table.requests if place in _buttons(machine.asset, one)]
        possible = [one for one in asked if machine.state in one.source] or asked
        return possible[0]

    def _set_power(self) -> None:
        """Set what the PCS are asked for: the site's wishes while power is allowed, else 0."""
        for wishes in self._wishes.values():
            wishes.look()
            wishes.put(self.put)

    # -- what machines need (their `Host`) -------------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """The wall clock."""
        return self._engine.now_s

    @property
    def steady_s(self) -> float:
        """The steady clock."""
        return self._engine.steady_s

    def put(self, place: Reference, value: Any) -> None:
        """Set a variable, with all that follows; one that cannot take it is named."""
        try:
            self._engine.put(place, value)
        except ValueError as error:
            self._engine.warn(f"states {place}", f"{place}: a state machine cannot set it: {error}")

    def tell(self, asset: str, text: str, severity: Severity) -> None:
        """Tell people of something that has happened."""
        self._engine.event(asset, text, severity)

    def list_message(self, asset: str, kind: ListKind, text: str) -> None:
        """Put a message into the list of alarms or faults of an asset."""
        raise_message(self._engine, asset, kind, SOURCE, text)

    def take_back(self, asset: str, kind: ListKind) -> None:
        """Take the machine's own messages out of a list; where no fault is left, nothing asks for a shutdown."""
        clear_messages(self._engine, asset, kind, SOURCE)
        if kind == FAULTS:
            for member in self.machines[asset].world.group.members:
                end_shutdown(self._engine, member)


def is_pressed(value: Any) -> bool:
    """Tell whether a command or a button asks for something; buttons of user interfaces may hold a text."""
    return value not in ("", "Init", "No") if isinstance(value, str) else bool(value)


def released(value: Any) -> Any:
    """Return what a command holds that was taken."""
    return "Init" if isinstance(value, str) else False if isinstance(value, bool) else 0


def _buttons(asset: str, request: Request) -> list[Reference]:
    names = (*((request.command,) if request.command else ()), *request.held)
    places = [Reference(f"/controls/{asset}", name) for name in names]
    if request.button:
        places.append(Reference(f"/assets/{asset}/summary", request.button))
    return places
