"""`Plant`: all components of a simulated plant and the time that passes for them. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from ess_bus.hints import did_you_mean
from tools.twins.device import Device
from tools.twins.echo.output import Output
from tools.twins.models.bms import Bms
from tools.twins.models.model import Model
from tools.twins.models.tree import Tree

# A tick of more than a year is a mistake.
MAX_TICK_S: Final = 366 * 86400.0


class Component(Protocol):
    """What answers for ``/components/ID``."""

    @property
    def values(self) -> Mapping[str, Any]:
        """All that it publishes."""

    def get(self, path: tuple[str, ...]) -> Any:
        """Return all for ``()``, one value for ``(name,)``; LookupError if there is none of that name."""

    def set(self, path: tuple[str, ...], body: Any) -> None:
        """Set values, all or none; LookupError or ValueError with the reason."""


class Plant:
    """A plant.

    Attributes:
        components: all that answer, by id.
        names: id or alias -> id.
        models: those of them that are models, by id; racks are among them.
        outputs: those that are registers of devices.
        seconds: how much time has passed.
    """

    def __init__(
        self,
        models: Mapping[str, Model],
        tree: Tree | None = None,
        outputs: Sequence[Output] = (),
        stores: Mapping[str, Device] | None = None,
    ) -> None:
        racks = [rack for model in models.values() if isinstance(model, Bms) for rack in model.sbmu]
        self.models: dict[str, Model] = {**models, **{rack.id: rack for rack in racks}}
        self.outputs = {output.id: output for output in outputs}
        self.components: dict[str, Component] = {**(stores or {}), **self.models, **self.outputs}
        aliases = {alias: model.id for model in models.values() for alias in model.aliases}
        self.names = {**aliases, **{name: name for name in self.components}}
        self.seconds = 0.0
        self._tree = tree

    def tick(self, seconds: float, clock_s: float | None = None) -> None:
        """Let time pass.

        Args:
            seconds: for the models, more than 0.
            clock_s: for heartbeats, which outside programs count on, if they live at another speed.

        Raises:
            ValueError: it is not a time that can pass.
        """
        if not 0 < seconds <= MAX_TICK_S:
            raise ValueError(f"expected seconds, more than 0 and at most {MAX_TICK_S:g}, got {seconds!r}")
        for output in self.outputs.values():
            output.advance(seconds if clock_s is None else clock_s)
        if self._tree is not None:
            self._tree.tick(seconds)
        self.seconds += seconds

    def get(self, name: str, path: tuple[str, ...] = ()) -> Any:
        """Return what a component publishes, or one value of it.

        Raises:
            LookupError: there is no such component, or value.
        """
        return self._component(name).get(path)

    def set(self, name: str, path: tuple[str, ...], body: Any) -> None:
        """Set values of a component, all or none.

        Raises:
            LookupError: there is no such component, or value.
            ValueError: the body does not fit the path, or a value does not fit.
        """
        self._component(name).set(path, body)

    def is_silent(self, name: str) -> bool:
        """Tell whether a component says nothing."""
        return bool(getattr(self._component(name), "comms_silent", False))

    def bodies(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield the names of all components that are not silent, aliases too, with what they publish."""
        for name, component_id in self.names.items():
            if not self.is_silent(component_id):
                yield name, self.components[component_id].values

    def _component(self, name: str) -> Component:
        component = self.components.get(self.names.get(name, name))
        if component is None:
            raise LookupError(f"no component {name!r}{did_you_mean(name, self.names)}")
        return component
