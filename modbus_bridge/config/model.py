"""What a Modbus configuration means, whatever file format it was written in.

Everything here is immutable and has passed every check of `modbus_bridge.config`: offsets are protocol addresses
(``off_by_one`` is applied), inheritance is resolved, and the points of a component have unique keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Final

# A server's block for this unit id is for all units that have none of their own (modbus.md 2.2). A client asks it
# unless told otherwise (1.1); on TCP it addresses the device itself (Modbus over TCP, 4.4.2).
ANY_UNIT: Final = 255


class RegisterType(StrEnum):
    """The four tables of a Modbus device."""

    HOLDING = "holding"
    INPUT = "input"
    COIL = "coil"
    DISCRETE = "discrete"

    @property
    def is_bits(self) -> bool:
        """Whether the table holds single bits instead of 16-bit registers."""
        return self is RegisterType.COIL or self is RegisterType.DISCRETE

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
    TEXT = "text"


class Format(StrEnum):
    """How a value is written in a body: ``5``, ``{"value": 5}``, or an object with everything known of the point."""

    NAKED = "naked"
    CLOTHED = "clothed"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Point:
    """One variable of a device (modbus.md 1.4).

    The bits of a point are those of its registers joined in `word_order`, XORed with `invert_mask`, shifted right by
    `first_bit` and cut to `width` bits.

    Attributes:
        id: its name on the bus.
        type: the table that it lies in.
        offset: the address of its first register or bit, as it travels in a request.
        device_id: the unit that has it.
        size: how many registers (1, 2 or 4; any number up to 125 for a text) or bits (1).
        kind: how its bits are read.
        scale: what a read divides by and a write multiplies by; ``None`` leaves integers integers.
        shift: what a read adds after the division.
        signed: two's complement.
        is_float: IEEE 754, single for size 2 and double for size 4.
        invert_mask: what the combined value is XORed with.
        word_order: the positions of its registers from the most to the least significant one; ``()`` is in the order
            of their addresses.
        first_bit: the lowest bit that belongs to it; several points may share a register (packed registers).
        bits: how many bits belong to it; 0 is all from `first_bit` up.
        strings: for an enum value -> text, for bits bit number -> text; what is missing is unknown.
        invalid: the values of its bits, as an unsigned integer, that mean "not available"; read as ``None``.
        use_bool: whether a coil or discrete input is shown as true and false, not as 1 and 0.
        multi_write: whether a single register is written with FC16, not with FC6.
        debounce_s: a set that follows another one sooner is written when this time is over, the latest value wins.
        deadband: a change that is not larger than this does not count as one, where only changes are published.
        format: how its value is written in pubs.
        name: what people call it.
        unit: what its value is measured in.
        width: how many bits it has.
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
    word_order: tuple[int, ...] = ()
    first_bit: int = 0
    bits: int = 0
    strings: Mapping[int, str] = field(default_factory=dict, hash=False)
    invalid: frozenset[int] = frozenset()
    use_bool: bool = True
    multi_write: bool = False
    debounce_s: float = 0.0
    deadband: float = 0.0
    format: Format = Format.NAKED
    name: str = ""
    unit: str = ""
    # Worked out once: it is asked for with each value.
    width: int = field(init=False, repr=False, compare=False)

    @property
    def end(self) -> int:
        """The address behind its last register."""
        return self.offset + self.size

    def __post_init__(self) -> None:
        width = self.bits or (1 if self.type.is_bits else 16 * self.size) - self.first_bit
        object.__setattr__(self, "width", width)

    @property
    def mask(self) -> int:
        """Its own bits among those of its registers, joined in `word_order`."""
        return (1 << self.width) - 1 << self.first_bit

    @property
    def is_part(self) -> bool:
        """Whether its registers hold bits that are not its own, which a write must keep."""
        return not self.type.is_bits and self.width < 16 * self.size

    @property
    def keys(self) -> tuple[str, ...]:
        """What it is published as: its id, or the names of its bits."""
        return tuple(self.strings.values()) if self.kind is Kind.INDIVIDUAL_BITS else (self.id,)


@dataclass(frozen=True, slots=True)
class Tcp:
    """Modbus TCP at a host; a client's or a server's address."""

    host: str
    port: int = 502

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Serial:
    """Modbus RTU on a serial line; `parity` is ``none``, ``even`` or ``odd``."""

    device: str
    baud_rate: int = 115200
    parity: str = "none"
    data_bits: int = 8
    stop_bits: int = 1

    def __str__(self) -> str:
        return self.device


@dataclass(frozen=True, slots=True)
class Connection:
    """How a device is reached.

    Attributes:
        name: what the process is called after.
        address: where it is.
        connect_timeout_s: how long opening a connection may take.
        request_timeout_s: how long each answer may take.
        connections: how many connections may be open at once; one request at a time travels on each.
        pause_s: the least time between an answer and the next request on a connection.
        max_registers: the longest read of registers that the device allows.
        max_bits: the longest read of coils or discrete inputs that the device allows.
        read_gaps: whether one read may cover registers that nobody asked for.
        write_together: whether neighbouring values of one set are written in one request.
        stats_uri: where `_stats` are published; ``None`` for nowhere.
        stats_period_s: how often.
    """

    name: str
    address: Tcp | Serial
    connect_timeout_s: float = 1.0
    request_timeout_s: float = 1.0
    connections: int = 1
    pause_s: float = 0.0
    max_registers: int = 125
    max_bits: int = 2000
    read_gaps: bool = True
    write_together: bool = False
    stats_uri: str | None = None
    stats_period_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A register that a living device changes, and one that is changed for it (modbus.md 1.2 and 4).

    Attributes:
        read_id: the point that the device changes; ``None`` if only one is written.
        write_id: the point that is written every `period_s`; ``None`` if none is.
        max_value: the last value written before 0 follows; 0 is the largest that fits.
        timeout_s: how long the read value may stand still.
        period_s: how often a value is written.
        control: the process on the bus on whose behalf it is written; writing stops while that is gone. ``None`` writes
            as long as there is a bus.
    """

    read_id: str | None
    write_id: str | None
    max_value: int
    timeout_s: float
    period_s: float
    control: str | None = None


@dataclass(frozen=True, slots=True)
class Watchdog:
    """A point that must go on changing: the states NORMAL, ALARM, FAULT and RECOVERY (modbus.md 1.2 and 4.3).

    Attributes:
        read_id: the point that is watched.
        alarm_s: standing still that long is an alarm.
        fault_s: standing still that long is a fault.
        recovery_timeout_s: in RECOVERY, standing still that long is a fault again.
        recovery_s: changing for that long ends RECOVERY.
        period_s: how often it is looked at.
    """

    read_id: str
    alarm_s: float
    fault_s: float
    recovery_timeout_s: float
    recovery_s: float
    period_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Component:
    """What is published as ``/components/<id>`` every `period_s`, `phase_s` after the start.

    Attributes:
        on_change: whether only what has changed is published.
        refresh_s: then, how often everything is published all the same.
        add_timings: whether the time that each table took to read is published too.
    """

    id: str
    period_s: float
    phase_s: float
    points: tuple[Point, ...]
    heartbeat: Heartbeat | None = None
    watchdog: Watchdog | None = None
    on_change: bool = False
    refresh_s: float = 10.0
    add_timings: bool = False


@dataclass(frozen=True, slots=True)
class ClientConfiguration:
    """One device and what is read from it."""

    connection: Connection
    components: tuple[Component, ...]


@dataclass(frozen=True, slots=True)
class ServedPoint:
    """A point that a master may read, and the bus URI of the object that owns it.

    Attributes:
        last_bit: of a bit field, whether the register holds the number of its last set bit, as the original serves
            it, instead of a mask.
    """

    uri: str
    point: Point
    last_bit: bool = False


@dataclass(frozen=True, slots=True)
class ServedUnit:
    """What masters find that ask for `device_id`; ``None`` is for every unit that has none of its own.

    Attributes:
        left_out: addresses that the file names and nothing serves, because it cannot be used: table, first, end. They
            are unknown for ever; 0 would look like a value.
    """

    device_id: int | None
    points: tuple[ServedPoint, ...]
    left_out: tuple[tuple[RegisterType, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ServerConfiguration:
    """What is served to masters at `address`."""

    id: str
    address: Tcp | Serial
    units: tuple[ServedUnit, ...]
