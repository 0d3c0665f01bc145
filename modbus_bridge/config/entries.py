"""The JSON objects of the client's file: which keys mean something here, and their types (modbus.md 1)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, WithJsonSchema

from modbus_bridge.config.fields import (
    MAX_ADDRESS,
    DeviceId,
    Host,
    Mask,
    Milliseconds,
    Name,
    Order,
    Period,
    Port,
    RawValues,
    Seconds,
    Shown,
    Text,
)

_STRINGS = {
    "type": "array",
    "items": {
        "anyOf": [
            {"type": ["string", "null"]},
            {"type": "object", "required": ["value", "string"]},
            {"type": "object", "required": ["IGNORE"]},
            {"type": "object", "required": ["begin_bit", "end_bit"]},
        ]
    },
}


class Strict(BaseModel):
    """An object of a file: wrong types are errors, foreign keys are kept for a warning."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)


class Inheritable(Strict):
    """What the objects around an entry say for all entries inside; the nearest one counts."""

    byte_swap: bool | None = Field(None, description="Whether the words of sizes 2 and 4 are in reverse order.")
    word_order: Order = Field(
        None, description="The rank of each register of a size of as many digits; 1 is the most significant: 4321."
    )
    multi_write_op_code: bool | None = Field(None, description="Write single registers with function code 16, not 6.")
    format: Shown = Field(None, description="How values are published: x, {'value': x}, or with all that is known.")


class Level(Inheritable):
    """What a connection, a component or a group says for all entries inside."""

    device_id: DeviceId | None = Field(None, description="The unit id of the device; 255 if nobody says.")
    off_by_one: bool | None = Field(None, description="Whether offsets count from 1.")


class Paced(Level):
    """What a connection says for its components, or a component for itself."""

    frequency: Period | None = Field(None, description="The period of reading and publishing, in ms.")
    debounce: Milliseconds | None = Field(
        None, description="Sets that follow each other within this many ms become one; the latest value is written."
    )
    publish: Literal["always", "on_change"] | None = Field(
        None, description="Whether everything is published each period, or only what has changed."
    )
    refresh: Period | None = Field(
        None, description="With publish on_change, how often everything is published all the same, in ms."
    )


class PointEntry(Inheritable):
    """A register, a coil, or a part of a register."""

    id: Name = Field(description="Its name on the bus.")
    offset: int = Field(ge=0, le=MAX_ADDRESS, description="The address of its first register.")
    size: int = Field(1, description="How many registers: 1, 2 or 4; up to 125 for a text.")
    scale: FiniteFloat = Field(0, description="What a read divides by and a write multiplies by; 0 and 1 are none.")
    shift: int = Field(0, description="What a read adds after the division.")
    signed: bool = Field(False, description="Two's complement.")
    is_float: bool = Field(False, alias="float", description="IEEE 754, of size 2 or 4.")
    is_bool: bool = Field(False, alias="bool", description="True if the register is not 0.")
    text: bool = Field(False, description="Characters, two in a register, the first one in the high byte.")
    string: bool = Field(False, description="The same as text.")
    type: Any = Field(None, description="'string' is the same as text.")
    invert_mask: Mask = Field(0, description="The bits that are inverted, such as 0xF or 0b11.")
    bit_field: bool = Field(False, description="Published as a list of the bits that are set.")
    individual_bits: bool = Field(False, description="Each named bit is published on its own.")
    enum: bool = Field(False, description="Published as a number with its text.")
    random_enum: bool = Field(False, description="The same as enum.")
    enum_field: bool = Field(False, description="Several enums in one register, which have no names: left out.")
    individual_enums: bool = Field(False, description="Several enums in one register, as packed_register.")
    bit_strings: Annotated[list[Any], WithJsonSchema(_STRINGS)] = Field(
        [], description="The names of bits or values, counted from 0; null skips one, {'value': n, 'string': s} sets n."
    )
    packed_register: bool = Field(False, description="Several variables in one register: see bit_ranges.")
    bit_ranges: list[Any] = Field([], description="The variables of a packed register.")
    starting_bit_pos: int = Field(0, ge=0, le=63, description="The lowest bit that belongs to it.")
    number_of_bits: int | None = Field(None, ge=1, le=64, description="How many bits belong to it.")
    invalid: RawValues = Field((), description="The raw values that mean: not available.")
    use_bool: bool = Field(True, description="Whether a coil is published as true and false, not as 1 and 0.")
    debounce: Seconds | None = Field(None, description="As that of the component, but in seconds.")
    deadband: FiniteFloat = Field(0, ge=0, description="With publish on_change, changes up to this are none.")
    name: Text = Field("", description="What people call it.")
    unit: Text = Field("", description="What it is measured in.")
    units: Text = Field("", description="The same as unit.")

    @property
    def is_text(self) -> bool:
        """Whether its registers hold characters."""
        return self.text or self.string or self.type == "string"


class GroupEntry(Level):
    """Registers of one table; starting_offset and number_of_registers are derived, not trusted (modbus.md 1.3)."""

    type: str = Field(description="Holding Registers, Input Registers, Coils or Discrete Inputs.")
    map: list[Any] = Field(min_length=1, description="The registers.")


class ComponentEntry(Paced):
    """What is published together as /components/ID."""

    id: Name = Field(description="Its name on the bus: /components/ID.")
    registers: list[Any] = Field(min_length=1, description="Groups of registers.")
    offset_time: Milliseconds | None = Field(None, description="How long after the others it is read, in ms.")
    offset: Milliseconds | None = Field(None, description="Taken for offset_time.")
    add_timings: bool = Field(False, description="Whether the time that each table took to read is published.")
    heartbeat_enabled: bool = Field(False, description="Whether there is a heartbeat.")
    component_heartbeat_read_uri: str | None = Field(None, description="The id of the register that must change.")
    component_heartbeat_write_uri: str | None = Field(None, description="The id of the register that is counted up.")
    component_heartbeat_max_value: int = Field(0, ge=0, description="The last value before 0; 0 is the largest.")
    component_heartbeat_timeout_ms: Milliseconds | None = Field(
        None, gt=0, description="How long the register may stand still, in ms; twice the frequency."
    )
    modbus_heartbeat_timeout_ms: Literal[0] | Period = Field(
        0, description="How often the heartbeat is written, in ms; 0 is the frequency."
    )
    heartbeat_control: Name | None = Field(
        None, description="The process on the bus for which the heartbeat is written; it stops when that is gone."
    )
    watchdog_enabled: bool = Field(False, description="Whether a register is watched.")
    watchdog_uri: str | None = Field(None, description="The id of the register that must change.")
    watchdog_alarm_timeout_ms: Milliseconds | None = Field(None, gt=0, description="Standing still: an alarm, in ms.")
    watchdog_fault_timeout_ms: Milliseconds | None = Field(None, gt=0, description="Standing still: a fault, in ms.")
    watchdog_recovery_timeout_ms: Milliseconds | None = Field(
        None, gt=0, description="Standing still while recovering: a fault again, in ms."
    )
    watchdog_recovery_time_ms: Milliseconds | None = Field(
        None, gt=0, description="Changing that long ends the recovery, in ms."
    )
    watchdog_frequency_ms: Period = Field(1000, description="How often it is looked at, in ms.")


class AddressEntry(Strict):
    """Where a device is, or where a server listens."""

    ip_address: Host = Field(None, description="The host.")
    port: Port = Field(502, description="The TCP port.")
    service: Host = Field(None, description="The name of the port in /etc/services; counts before port.")
    serial_device: Annotated[Any, WithJsonSchema({"type": "string"})] = Field(
        None, description="A serial line, such as /dev/ttyUSB0, instead of ip_address."
    )
    baud_rate: Annotated[Any, WithJsonSchema({"type": "integer"})] = Field(115200, description="Of the serial line.")
    parity: Annotated[Any, WithJsonSchema({"enum": ["none", "even", "odd"]})] = Field(
        "none", description="Of the serial line."
    )
    data_bits: Annotated[Any, WithJsonSchema({"type": "integer"})] = Field(8, description="Of the serial line.")
    stop_bits: Annotated[Any, WithJsonSchema({"type": "integer"})] = Field(1, description="Of the serial line.")


class ConnectionEntry(AddressEntry, Paced):
    """The device and how it is reached."""

    name: Name | None = Field(None, description="What the process is called after.")
    connection_timeout: FiniteFloat | None = Field(
        None, description="How long connecting and each answer may take, in seconds: up to 10."
    )
    transfer_timeout: FiniteFloat | None = Field(
        None, description="How long each answer may take, in seconds: 0.05 to 30."
    )
    max_num_connections: int = Field(1, description="How many connections may be open at once: 1 to 25.")
    inter_message_delay_ms: Milliseconds = Field(0, description="The least pause between two requests, in ms.")
    max_register_group_size: int = Field(125, description="The longest read of registers that the device allows.")
    max_bit_size: int = Field(2000, description="The longest read of coils or discrete inputs that it allows.")
    allow_gaps: bool = Field(True, description="Whether one read may cover registers that nobody asked for.")
    allow_multi_sets: bool = Field(False, description="Whether neighbours in one set are written in one request.")
    force_multi_sets: bool = Field(False, description="The same as allow_multi_sets.")
    stats_pub_uri: str | None = Field(None, description="Where statistics are published.")
    stats_pub_frequency: Period = Field(1000, description="How often, in ms.")
