"""Which machines belong together: an ESS, its BMS and its PCS; and how their checks see the engine's variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ess_bus.engine.datamap import DataMap
from ess_bus.engine.states.checks import Operand
from ess_bus.engine.states.model import Of


@dataclass(frozen=True, slots=True)
class Group:
    """An ESS with its devices; without an ESS, one device alone.

    Attributes:
        members: all of them.
    """

    ess: str | None
    bms: tuple[str, ...]
    pcs: tuple[str, ...]
    members: tuple[str, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "members", (*(() if self.ess is None else (self.ess,)), *self.bms, *self.pcs))


@dataclass(slots=True)
class View:
    """What the checks of one machine see.

    Attributes:
        asset: the machine's.
        group: who belongs to it.
        datamap: the engine's variables.
        options: asset -> the options of its machine.
    """

    asset: str
    group: Group
    datamap: DataMap
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def assets(self, of: Of) -> tuple[str, ...]:
        """Return the assets that a check is about."""
        match of:
            case Of.OWN:
                return (self.asset,)
            case Of.ESS:
                return () if self.group.ess is None else (self.group.ess,)
            case Of.EVERY_BMS | Of.ANY_BMS:
                return self.group.bms
        return self.group.pcs

    def ess_of(self, asset: str) -> str | None:
        """Return the ESS that an asset belongs to."""
        return self.group.ess if asset in self.group.members else None

    def value(self, asset: str, operand: Operand) -> Any:
        """Return a value; ``None`` if it is not valid, or not there and should be."""
        if operand.is_option:
            return self.options[asset].get(operand.name)
        place = operand.place(asset)
        variable = self.datamap.find(place.table, place.name)
        return (False if operand.or_absent else None) if variable is None else variable.value
