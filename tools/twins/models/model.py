"""`Model`: what every component of a plant is: fields that the bus reads and sets, and the six steps of a tick."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from ess_bus.hints import did_you_mean
from ess_bus.values import assignments, one_name
from tools.twins.models.fields import FieldSpec, specs_of
from tools.twins.models.terminal import Terminal
from tools.twins.models.words import Control, ControlValue, StatusValue

# Class -> its fields, looked up once.
_SPECS: Final[dict[type[Any], Mapping[str, FieldSpec]]] = {}


@dataclass(kw_only=True, eq=False)
class Model:
    """A component of the plant.

    In a tick the plant calls, for all components, `update_mode` from the root down and `load_lines` up, then
    `distribute_voltage` down and `calculate_state` up, then `distribute_load` down and `update_state` up
    (reference: engine.md 5.3). Each way a component gets what its neighbour handed on, upwards the sum of its children.

    Attributes:
        id: its name, ``/components/ID``.
        aliases: other names under which it is published and answers.
        comms_silent: it goes on working, but says nothing: a fault to inject.
        control_lost: who commands it is not heard any more; its watchdog, or a fault to inject.
    """

    # What it may stand below; None is the root, "ac" and "dc" are the two sides of a converter.
    side: ClassVar[str] = "ac"
    below: ClassVar[str | None] = None
    legacy: ClassVar[Mapping[str, str]] = {}

    id: str
    aliases: tuple[str, ...] = ()
    comms_silent: bool = False
    control_lost: bool = False
    ctrl_word1: int = 0
    ctrl_word2: int = 0
    ctrl_word3: int = 0
    ctrl_word4: int = 0
    ctrl_word1_cfg: tuple[ControlValue, ...] = ()
    ctrl_word2_cfg: tuple[ControlValue, ...] = ()
    ctrl_word3_cfg: tuple[ControlValue, ...] = ()
    ctrl_word4_cfg: tuple[ControlValue, ...] = ()
    status_cfg: tuple[StatusValue, ...] = ()
    # Control word -> value -> what it sets.
    _words: dict[str, dict[int, list[tuple[str, Any]]]] = field(default_factory=dict, init=False, repr=False)
    # Its noise: the same one in each run.
    _random: random.Random = field(default_factory=random.Random, init=False, repr=False)

    def __post_init__(self) -> None:
        self._random.seed(self.id)
        for word in ("ctrl_word1", "ctrl_word2", "ctrl_word3", "ctrl_word4"):
            values = {one.value: self._settings(one.controls) for one in getattr(self, f"{word}_cfg")}
            if values:
                self._words[word] = values
        self.changed()

    def _settings(self, controls: Iterable[Control]) -> list[tuple[str, Any]]:
        specs = [(self.spec(control.field), control.value) for control in controls]
        return [(spec.attribute, spec.accepted(value)) for spec, value in specs]

    @classmethod
    def specs(cls) -> Mapping[str, FieldSpec]:
        """Return the fields that the bus sees, by name."""
        known = _SPECS.get(cls)
        if known is None:
            known = _SPECS[cls] = {**specs_of(cls), **cls.more_specs()}
        return known

    @classmethod
    def more_specs(cls) -> Mapping[str, FieldSpec]:
        """Return the fields of parts of it, such as those of measurements."""
        return {}

    @classmethod
    def spec(cls, name: str) -> FieldSpec:
        """Return one field.

        Raises:
            LookupError: there is none of that name.
        """
        plain = name.lower()
        plain = cls.legacy.get(plain, plain)
        found = cls.specs().get(plain)
        if found is None or found.name == "id":
            raise LookupError(f"no field {name!r}{did_you_mean(name, cls.specs())}")
        return found

    # -- what the bus sees -----------------------------------------------------------------------------------------

    @property
    def values(self) -> dict[str, Any]:
        """All fields, and the status in the shape of a bit field."""
        shown = {name: self.read(spec.attribute) for name, spec in self.specs().items()}
        shown["status"] = self.status()
        return shown

    def status(self) -> list[dict[str, Any]]:
        """Return the entries of the status that hold now."""
        return self.shown(self.status_cfg)

    def shown(self, words: Iterable[StatusValue]) -> list[dict[str, Any]]:
        """Return those entries of a status or fault word that hold now."""
        return [one.shown() for one in words if bool(self.read(self.spec(one.field).attribute)) is not one.invert]

    def read(self, attribute: str) -> Any:
        """Return the value of a field."""
        return getattr(self, attribute)

    def write(self, attribute: str, value: Any) -> None:
        """Set a field to a value that its spec has accepted."""
        setattr(self, attribute, value)

    def get(self, path: tuple[str, ...]) -> Any:
        """Return all fields for ``()``, one for ``(field,)``.

        Raises:
            LookupError: there is no such field.
        """
        name = one_name(path)
        if name is None:
            return self.values
        return self.status() if name.lower() == "status" else self.read(self.spec(name).attribute)

    def set(self, path: tuple[str, ...], body: Any) -> None:
        """Set one field or several, all or none.

        Raises:
            LookupError: there is no such field.
            ValueError: the body does not fit the path, or a value does not fit the field.
        """
        wanted = {spec.attribute: spec.accepted(value) for spec, value in self._named(assignments(path, body))}
        for attribute, value in wanted.items():
            self.write(attribute, value)
        self.changed()

    def _named(self, values: Mapping[str, Any]) -> list[tuple[FieldSpec, Any]]:
        return [(self.spec(name), value) for name, value in values.items()]

    def changed(self) -> None:
        """Compute anew what depends on settings; called when fields were set from outside."""

    # -- the six steps ---------------------------------------------------------------------------------------------

    def update_mode(self, terminal: Terminal) -> Terminal:
        """Take commands; the terminal says what voltage is held above, as far as that is known yet."""
        return terminal

    def load_lines(self, terminal: Terminal) -> Terminal:
        """Hand up the load lines of the sources below, and the own one."""
        return terminal

    def distribute_voltage(self, terminal: Terminal) -> Terminal:
        """Take the voltage from above and hand it down."""
        return terminal

    def calculate_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Decide what to deliver, unless the load decides it."""
        return terminal

    def distribute_load(self, terminal: Terminal) -> Terminal:
        """Take one's share of what the sources that hold the voltage must deliver."""
        return terminal

    def update_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Let time pass with what is delivered, and show it."""
        return terminal

    def read_words(self) -> None:
        """Set the fields that the control words have a value for."""
        for word, values in self._words.items():
            wanted = [one for one in values.get(getattr(self, word), ()) if self.read(one[0]) != one[1]]
            for attribute, value in wanted:
                self.write(attribute, value)
            if wanted:
                self.changed()
