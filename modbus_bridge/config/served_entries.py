"""The JSON objects of the files that begin with ``system``: a server's, and the oldest kind of client's."""

from __future__ import annotations

from pydantic import Field

from modbus_bridge.config.entries import AddressEntry, ConnectionEntry, PointEntry
from modbus_bridge.config.fields import SystemId, Text


class ServedEntry(PointEntry):
    """A register that masters find, and who owns it."""

    uri: str = Field(description="The object on the bus that owns it.")
    last_bit: bool | None = Field(None, description="As that of system, for this entry.")


class SystemEntry(AddressEntry):
    """The server and where it listens; real files write ids such as /site."""

    id: SystemId = Field(description="Its name on the bus: /interfaces/ID.")
    device_id: int | None = Field(None, ge=-1, le=255, description="The unit id that it answers to; -1 is any.")
    byte_swap: bool = Field(False, description="Whether the words of sizes 2 and 4 are in reverse order.")
    last_bit: bool = Field(
        False, description="Whether a bit field holds the number of its last bit, as the original serves it."
    )


class OldSystemEntry(ConnectionEntry):
    """The device, how it is reached, and the one component that is read from it (format C0)."""

    id: SystemId = Field(description="The name of its component: /components/ID.")
    # Here a remark: what the process is called after is the id.
    name: Text = Field("", description="What people call it.")
