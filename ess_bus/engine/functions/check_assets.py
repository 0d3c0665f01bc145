"""CheckAmComms, CheckAmHeartbeat, CheckAmTimestamp, CheckAmPcsStatus, CheckAmBmsStatus (engine.md 3.6)."""

from __future__ import annotations

from ess_bus.engine.functions.registry import Call, function
from ess_bus.engine.monitors import assets


@function("CheckAmComms", takes_invalid=True)
def check_comms(call: Call) -> None:
    """Raise an alarm and then a fault while the asset's Timestamp does not change."""
    assets.check_asset(call, assets.COMMS)


@function("CheckAmTimestamp", takes_invalid=True)
def check_timestamp(call: Call) -> None:
    """Do the same as CheckAmComms, and keep TimestampState and TimestampOK."""
    assets.check_asset(call, assets.TIMESTAMP)


@function("CheckAmHeartbeat", takes_invalid=True)
def check_heartbeat(call: Call) -> None:
    """Raise an alarm and then a fault while the asset's HeartbeatRead does not change."""
    assets.check_asset(call, assets.HEARTBEAT)


@function("CheckAmPcsStatus", takes_invalid=True)
def check_pcs_status(call: Call) -> None:
    """Raise an alarm and then a fault while the asset's PCSStatus is not its ExpStatus."""
    assets.check_asset(call, assets.PCS_STATUS)


@function("CheckAmBmsStatus", takes_invalid=True)
def check_bms_status(call: Call) -> None:
    """Raise an alarm and then a fault while the asset's BMSStatus is not its ExpStatus."""
    assets.check_asset(call, assets.BMS_STATUS)
