"""Keys of real files that change nothing: remarks and what happens anyway are silent, what is not honoured is named."""

from __future__ import annotations

import re
from typing import Any, Final

# A leading x switches a key off (modbus.md 1).
_REMARK: Final = re.compile(r"[xX]|note\d*$|comment")


def _keys(text: str) -> frozenset[str]:
    return frozenset(text.split())


def is_remark(key: str) -> bool:
    """Tell whether a key is switched off or only for people."""
    return _REMARK.match(key) is not None


def is_disabled(data: Any) -> bool:
    """Tell whether somebody has switched an object off by writing ``xid`` for ``id``."""
    return isinstance(data, dict) and "id" not in data and any(key.lower() in ("xid", "xxid") for key in data)


CLIENT_FILE: Final = _keys("fileInfo connection components")
# Either head in the other kind of file is left over from a conversion.
SYSTEM_FILE: Final = _keys("fileInfo system registers")

# auto_disable, data_buffer_size, allow_multi_gets and force_multi_gets ask for what is done anyway, or for nothing.
CONNECTION_SILENT: Final = _keys(
    """
    version protocol local_id device_id_string ip_address1 ip_address2 auto_disable data_buffer_size allow_multi_gets
    force_multi_gets
    """
) | {
    "device name",
    "device id string",
    "device protocol",
    "device protocol version",
    "data bits (8 typical)",
    "connection name",
    "standard version",
}
CONNECTION_IGNORED: Final = _keys("dbi_save_frequency_seconds")

# A late pub is skipped and the next one is on time: that is what pub_sync asks for.
COMPONENT_SILENT: Final = _keys("uri hex_start component_id pub_sync sync_percent name")
COMPONENT_IGNORED: Final = _keys("dbi_save_frequency_seconds inter_message_delay_ms")

# The span of a group is derived from its entries.
GROUP_SILENT: Final = _keys("starting_offset number_of_registers hex_offset name") | {"hex offset"}
GROUP_IGNORED: Final = frozenset[str]()

POINT_SILENT: Final = _keys(
    """
    web_ui_options web_ui_display_type status_ui ui_type echo_id twins_id repeat_of_offset uri normal_set
    """
)
POINT_IGNORED: Final = frozenset[str]()

# Registers are unknown until their owners are heard, and nobody waits for them: what bypass_init asks for.
SYSTEM_SILENT: Final = CONNECTION_SILENT | _keys("name bypass_init low_debug")
SYSTEM_IGNORED: Final = _keys("server_delay off_by_one dbi_save_frequency_seconds frequency")
