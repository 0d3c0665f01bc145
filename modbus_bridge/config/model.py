"""What a Modbus configuration means, whatever file format it was written in.

Everything here is immutable and has passed every check of `modbus_bridge.config`: offsets are protocol addresses
(``off_by_one`` is applied), inheritance is resolved, and the points of a component have unique keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction


class RegisterType(StrEnum):
    """The four tables of a Modbus device."""

    HOLDING = "holding"
    INPUT = "input"
    COIL = "coil"
    DISCRETE = "discrete"

    @property
    def is_bits(self) -> bool:
        """Whether the table holds single bits instead of 16-bit registers."""
        return self in (RegisterType.COIL, RegisterType.DISCRETE)

    @property
    def is_writable(self) -> bool:
        """Whether a master may write the table."""
        return self in (RegisterType.HOLDING, RegisterType.COIL)


class Kind(StrEnum):
    """How the bits of a point are read."""

    NUMBER = "number"
    BOOL = "bool"
    ENUM = "enum"
    BIT_FIELD = "bit_field"
    INDIVIDUAL_BITS = "individual_bits"


@dataclass(frozen=True, slots=True)
class Point:
    """One variable of a device (modbus.md 1.4).

    Attributes:
        id: its name on the bus.
        type: the table that it lies in.
        offset: the address of its first register or bit, as it travels in a request.
        device_id: the unit that has it.
        size: how many registers (1, 2 or 4) or bits (1).
        kind: how its bits are read.
        scale: what a read divides by and a write multiplies by; ``None`` leaves integers integers.
        shift: what a read adds after the division.
        signed: two's complement.
        is_float: IEEE 754, single for size 2 and double for size 4.
        invert_mask: what the combined value is XORed with.
        word_swap: whether the first register is the least significant one.
        strings: for an enum value -> text, for bits bit number -> text; what is missing is unknown.
    """

    id: str
    type: RegisterType
    offset: int
    device_id: int
    size: int = 1
    kind: Kind = Kind.NUMBER
    scale: Fraction | None = None
    shift: int = 0
    signed: bool = False
    is_float: bool = False
    invert_mask: int = 0
    word_swap: bool = False
    strings: Mapping[int, str] = field(default_factory=dict, hash=False)

    @property
    def end(self) -> int:
        """The address behind its last register."""
        return self.offset + self.size

    @property
    def keys(self) -> tuple[str, ...]:
        """What it is published as: its id, or the names of its bits."""
        return tuple(self.strings.values()) if self.kind is Kind.INDIVIDUAL_BITS else (self.id,)


@dataclass(frozen=True, slots=True)
class Connection:
    """How a device is reached; `timeout_s` bounds connecting and each answer."""

    name: str
    host: str
    port: int
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Component:
    """What is published as ``/components/<id>`` every `period_s`, `phase_s` after the start."""

    id: str
    period_s: float
    phase_s: float
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class ClientConfiguration:
    """One device and what is read from it."""

    connection: Connection
    components: tuple[Component, ...]


@dataclass(frozen=True, slots=True)
class ServedPoint:
    """A point that a master may read, and the bus URI of the object that owns it."""

    uri: str
    point: Point


@dataclass(frozen=True, slots=True)
class ServerConfiguration:
    """What is served at `host`:`port` to masters that ask for `device_id` (``None``: for any)."""

    id: str
    host: str
    port: int
    device_id: int | None
    points: tuple[ServedPoint, ...]
