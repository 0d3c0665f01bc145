"""The JSON objects of both file formats: which keys mean something here, and their types (modbus.md 1 and 2)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat

from modbus_bridge.config.model import RegisterType

MAX_ADDRESS = 65535

_FORBIDDEN = frozenset('{}\\/"%')
_TYPES = {
    "holding": RegisterType.HOLDING,
    "holdingregister": RegisterType.HOLDING,
    "input": RegisterType.INPUT,
    "inputregister": RegisterType.INPUT,
    "coil": RegisterType.COIL,
    "discreteinput": RegisterType.DISCRETE,
}


def checked_name(text: str) -> str:
    """Return `text` if it can be a URI segment; unlike the original, spaces are allowed (real maps have them).

    Raises:
        ValueError: it is empty, too long or holds a forbidden character (modbus.md 1.1).
    """
    if not text.strip() or len(text) > 255:
        raise ValueError("expected 1 to 255 characters")
    for character in text:
        if character in _FORBIDDEN or not character.isprintable():
            raise ValueError(f"{text[:60]!r} must not contain {character!r}")
    return text


def register_type(text: str) -> RegisterType | None:
    """Return the table that `text` names, in any of the spellings of modbus.md 1.3."""
    return _TYPES.get(text.lower().replace(" ", "").replace("_", "").removesuffix("s"))


def _mask(text: str) -> str:
    if text[:2].lower() not in ("0x", "0b"):
        raise ValueError(f"{text!r} must begin with 0x or 0b")
    try:
        int(text, 0)
    except ValueError:
        raise ValueError(f"{text!r} is not a hexadecimal or binary number") from None
    return text


def _without_slashes(text: str) -> str:
    return checked_name(text.strip("/"))


Name = Annotated[str, AfterValidator(checked_name)]
Mask = Annotated[str, AfterValidator(_mask)]
DeviceId = Annotated[int, Field(ge=0, le=255)]
# A day: nothing is polled more seldom, and larger numbers are mistakes.
Milliseconds = Annotated[FiniteFloat, Field(ge=0, le=86_400_000)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Strict(BaseModel):
    """An object of a file: wrong types are errors, foreign keys are kept for a warning."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True)


class PointEntry(Strict):
    """A register entry of either format (modbus.md 1.4 and 2.2)."""

    id: Name
    offset: int = Field(ge=0, le=MAX_ADDRESS)
    size: int = 1
    scale: FiniteFloat = 0
    shift: int = 0
    signed: bool = False
    is_float: bool = Field(False, alias="float")
    invert_mask: Mask = "0x0"
    bit_field: bool = False
    individual_bits: bool = False
    enum: bool = False
    random_enum: bool = False
    bit_strings: list[Any] = []
    byte_swap: bool | None = None
    word_order: Any = None
    starting_bit_pos: int = 0
    number_of_bits: int | None = None


class ServedEntry(PointEntry):
    """A register entry of a server: the same, with the URI that owns it."""

    uri: str
    is_bool: bool = Field(False, alias="bool")


class GroupEntry(Strict):
    """A register group; starting_offset and number_of_registers are derived, not trusted (modbus.md 1.3)."""

    type: str
    map: list[Any] = Field(min_length=1)
    device_id: DeviceId | None = None
    off_by_one: bool | None = None
    byte_swap: bool | None = None
    word_order: Any = None


class ComponentEntry(Strict):
    """A component (modbus.md 1.2)."""

    id: Name
    registers: list[Any] = Field(min_length=1)
    device_id: DeviceId | None = None
    off_by_one: bool | None = None
    byte_swap: bool | None = None
    word_order: Any = None
    frequency: Milliseconds | None = Field(None, gt=0)
    offset_time: Milliseconds = 0


class ConnectionEntry(Strict):
    """The connection (modbus.md 1.1)."""

    name: Name
    ip_address: Name | None = None
    serial_device: str | None = None
    port: Port = 502
    device_id: DeviceId | None = None
    off_by_one: bool | None = None
    byte_swap: bool | None = None
    frequency: Milliseconds | None = Field(None, gt=0)
    connection_timeout: FiniteFloat | None = None


class SystemEntry(Strict):
    """The head of a server's file (modbus.md 2.1); real files write ids such as ``/site``."""

    id: Annotated[str, AfterValidator(_without_slashes)]
    ip_address: Name | None = None
    serial_device: str | None = None
    port: Port = 502
    device_id: int | None = Field(None, ge=-1, le=255)
    byte_swap: bool = False
