"""`Output`: a published object of registers, such as ``/components/catl_mbmu_summary_r``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ess_bus.hints import did_you_mean
from ess_bus.values import assignments, one_name
from tools.twins.echo.registers import Held, Register, carry_out
from tools.twins.echo.watching import Counter, Watch
from tools.twins.models.model import Model


@dataclass(frozen=True, slots=True)
class Output:
    """An object whose registers show the models, and act on them.

    Attributes:
        id: its name, ``/components/ID``.
        registers: by id.
        sources: the models behind it; it is as silent as they are.
        counters: the heartbeats that it shows.
        watches: those that it expects.
        publish_rate_ms: how often it is published, if not as often as the others.
    """

    id: str
    registers: Mapping[str, Register]
    sources: tuple[Model, ...]
    counters: tuple[Counter, ...] = ()
    watches: tuple[Watch, ...] = ()
    publish_rate_ms: int | None = None

    @property
    def values(self) -> dict[str, Any]:
        """All registers."""
        # Half of all registers hold what was written; that is asked for too often to be called.
        return {
            name: register.held if register.__class__ is Held else register.value()
            for name, register in self.registers.items()
        }

    @property
    def comms_silent(self) -> bool:
        """Whether one of the models behind it says nothing."""
        return any(model.comms_silent for model in self.sources)

    def get(self, path: tuple[str, ...]) -> Any:
        """Return all registers for ``()``, one for ``(register,)``.

        Raises:
            LookupError: there is no such register.
        """
        name = one_name(path)
        return self.values if name is None else self._register(name).value()

    def set(self, path: tuple[str, ...], body: Any) -> None:
        """Write one register or several, all or none, with all that this does.

        Raises:
            LookupError: there is no such register.
            ValueError: the body does not fit the path, or a value does not fit a register or what it acts on.
        """
        wanted = [(name, self._register(name), value) for name, value in assignments(path, body).items()]
        plans = [register.planned(name, value) for name, register, value in wanted]
        for (_, register, value), plan in zip(wanted, plans, strict=True):
            register.store(value)
            carry_out(plan)

    def advance(self, seconds: float) -> None:
        """Let time pass for the heartbeats; one that is silent shows none, but expects them."""
        if self.counters and not self.comms_silent:
            for counter in self.counters:
                counter.advance(seconds)
        for watch in self.watches:
            watch.advance(seconds)

    def _register(self, name: str) -> Register:
        found = self.registers.get(name)
        if found is None:
            raise LookupError(f"no register {name!r}{did_you_mean(name, self.registers)}")
        return found
