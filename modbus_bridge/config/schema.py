"""JSON Schemas of whole files, so that editors complete keys, explain them and mark what is wrong."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from modbus_bridge.config.entries import ComponentEntry, ConnectionEntry, GroupEntry, PointEntry
from modbus_bridge.config.served_entries import OldSystemEntry, ServedEntry, SystemEntry
from modbus_bridge.config.templates import RangeEntry

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Object(BaseModel):
    model_config = ConfigDict(extra="allow")


class Repeated(_Object):
    """The keys of a template."""

    repeat: int | dict[str, int] | None = Field(
        None,
        description="How many copies: a number, or one for each counter: {'RACK': 9, 'CELL': 10}. "
        "${NAME} in texts becomes the number of the copy.",
    )
    step: int | dict[str, int] | None = Field(
        None, description="What each copy adds to the offset; in an entry its size, around entries 0 if not said."
    )
    first: int | dict[str, int] | None = Field(None, description="The number of the first copy; 1 if not said.")


class Part(PointEntry):
    """A variable in a packed register."""

    # It lies where the whole register does.
    offset: int | None = None  # type: ignore[assignment]
    number_of_bits: int = Field(ge=1, le=64, description="How many bits belong to it.")


class Entry(PointEntry, Repeated):
    """A register, a coil, or several with repeat."""

    bit_ranges: list[Part] = Field([], description="The variables of a packed register.")


class ServerEntry(ServedEntry, Repeated):
    """A register that masters find, or several with repeat."""

    bit_ranges: list[Part] = Field([], description="The variables of a packed register.")


class Group(GroupEntry, Repeated):
    """Registers of one table."""

    map: list[Entry] = Field(min_length=1, description="The registers.")
    starting_offset: Any = Field(None, description="Not needed: it follows from the entries.")
    number_of_registers: Any = Field(None, description="Not needed: it follows from the entries.")
    decode_offset_range: RangeEntry | None = Field(None, description="The original's template; see repeat.")


class ComponentObject(ComponentEntry, Repeated):
    """What is published together as /components/ID."""

    registers: list[Group] = Field(min_length=1, description="Groups of registers.")
    component_offset_range: RangeEntry | None = Field(None, description="The original's template; see repeat.")
    device_id_range: RangeEntry | None = Field(None, description="A copy of the component for each device id.")


class ConnectionObject(ConnectionEntry):
    """The device and how it is reached."""

    ip_range: RangeEntry | None = Field(None, description="The original's template; a range of one address only.")


class ClientFile(_Object):
    """A client's file: one device, and what is read from it."""

    connection: ConnectionObject
    components: list[ComponentObject]
    file_info: Any = Field(None, alias="fileInfo", description="Where the file comes from; not read.")


class OldClientFile(_Object):
    """The oldest kind of client's file: one device, which is one component."""

    system: OldSystemEntry
    registers: list[Group]
    file_info: Any = Field(None, alias="fileInfo", description="Where the file comes from; not read.")


class Tables(_Object):
    """The registers that masters find."""

    holding_registers: list[ServerEntry] = Field([], description="Registers that masters may write.")
    input_registers: list[ServerEntry] = Field([], description="Registers that masters only read.")
    coils: list[ServerEntry] = Field([], description="Bits that masters may write.")
    discrete_inputs: list[ServerEntry] = Field([], description="Bits that masters only read.")


class Unit(Tables):
    """The registers of one unit id."""

    device_id: int = Field(255, ge=0, le=255, description="The unit id; 255 is every one without a block of its own.")


class ServerFile(_Object):
    """A server's file: where it listens, and what masters find there."""

    system: SystemEntry
    registers: Tables | list[Unit]
    file_info: Any = Field(None, alias="fileInfo", description="Where the file comes from; not read.")


def client_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a client's file."""
    return _schema(TypeAdapter(ClientFile | OldClientFile), "modbus_client configuration")


def server_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a server's file."""
    return _schema(TypeAdapter(ServerFile), "modbus_server configuration")


def _schema(adapter: TypeAdapter[Any], title: str) -> dict[str, Any]:
    return {"$schema": _DIALECT, "title": title, **_without_titles(adapter.json_schema())}


def _without_titles(schema: Any) -> Any:
    """Return a schema without the names of Python's fields, which say nothing that the keys do not say."""
    if isinstance(schema, list):
        return [_without_titles(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _without_titles(value) for key, value in schema.items() if key != "title" or isinstance(value, dict)}
