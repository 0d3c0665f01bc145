"""Keys of real files that change nothing: known metadata (silent) and what is not honoured yet (named in a warning)."""

from __future__ import annotations

from typing import Final


def _keys(text: str) -> frozenset[str]:
    return frozenset(text.split())


CLIENT_FILE: Final = _keys("fileInfo connection components note")
SERVER_FILE: Final = _keys("fileInfo system registers note")

CONNECTION_METADATA: Final = _keys("version protocol local_id device_id_string ip_address1 ip_address2")
CONNECTION_UNSUPPORTED: Final = _keys(
    """
    service baud_rate parity data_bits stop_bits max_num_connections transfer_timeout multi_write_op_code debounce
    data_buffer_size auto_disable allow_multi_sets force_multi_sets max_register_group_size max_bit_size allow_gaps
    stats_pub_uri stats_pub_frequency dbi_save_frequency_seconds inter_message_delay_ms format ip_range device_id_range
    component_offset_range decode_offset_range
    """
)

COMPONENT_METADATA: Final = _keys("uri hex_start component_id")
COMPONENT_UNSUPPORTED: Final = _keys(
    """
    multi_write_op_code debounce heartbeat_enabled component_heartbeat_read_uri component_heartbeat_write_uri
    component_heartbeat_max_value component_heartbeat_timeout_ms modbus_heartbeat_timeout_ms watchdog_enabled
    watchdog_uri watchdog_alarm_timeout_ms watchdog_fault_timeout_ms watchdog_recovery_timeout_ms
    watchdog_recovery_time_ms watchdog_frequency_ms pub_sync sync_percent dbi_save_frequency_seconds
    inter_message_delay_ms format add_timings device_id_range component_offset_range decode_offset_range
    """
)

# The span of a group is derived from its entries.
GROUP_METADATA: Final = _keys("starting_offset number_of_registers note hex_offset") | {"hex offset"}
GROUP_UNSUPPORTED: Final = _keys("multi_write_op_code format decode_offset_range")

POINT_METADATA: Final = _keys(
    """
    name units unit web_ui_options web_ui_display_type echo_id twins_id repeat_of_offset uri bool use_bool normal_set
    deadband note
    """
)
POINT_UNSUPPORTED: Final = _keys("debounce multi_write_op_code format")

SYSTEM_METADATA: Final = _keys("name version protocol comment_ip_address comment_port")
SYSTEM_UNSUPPORTED: Final = _keys(
    """
    service baud_rate parity data_bits stop_bits server_delay bypass_init low_debug off_by_one
    dbi_save_frequency_seconds
    """
)
