"""How a device is reached: the `connection` of a client's file (modbus.md 1.1)."""

from __future__ import annotations

from ess_bus import uri as uris
from ess_bus.errors import UriError
from modbus_bridge.config.addresses import address_of
from modbus_bridge.config.entries import ConnectionEntry
from modbus_bridge.config.findings import Findings
from modbus_bridge.config.model import Connection
from modbus_bridge.config.place import Place

DEFAULT_NAME = "modbus_client"
DEFAULT_TIMEOUT_S = 1.0
# The newest client's least time for an answer (modbus.md 1.1).
_LEAST_TIMEOUT_S = 0.05
_MAX_CONNECTIONS = 25
# Statistics are for people and graphs; more often they would cost more than the polls.
_LEAST_STATS_PERIOD_MS = 10.0
# What the original allows (modbus.md 1.1).
_MOST_CONNECTIONS = 255


def connection_of(entry: ConnectionEntry, name: str | None, place: Place, findings: Findings) -> Connection | None:
    """Return the connection that `entry` describes, or ``None`` after noting why it cannot be used."""
    address = address_of(entry, place, findings)
    _require_routable(name or DEFAULT_NAME, place.at("name"), findings)
    if name is None:
        findings.tolerate(place.at("name"), "missing", f"using {DEFAULT_NAME!r}")
    connect_s, request_s = _timeouts(entry, place, findings)
    if address is None:
        return None
    return Connection(
        name=name or DEFAULT_NAME,
        address=address,
        connect_timeout_s=connect_s,
        request_timeout_s=request_s,
        connections=_connections(entry, place, findings),
        pause_s=entry.inter_message_delay_ms / 1000,
        max_registers=_limit("max_register_group_size", entry.max_register_group_size, 125, place, findings),
        max_bits=_limit("max_bit_size", entry.max_bit_size, 2000, place, findings),
        read_gaps=entry.allow_gaps,
        write_together=entry.allow_multi_sets or entry.force_multi_sets,
        stats_uri=_stats_uri(entry, place, findings),
        stats_period_s=_stats_period_ms(entry, place, findings) / 1000,
    )


def _timeouts(entry: ConnectionEntry, place: Place, findings: Findings) -> tuple[float, float]:
    connect_s = DEFAULT_TIMEOUT_S if entry.connection_timeout is None else entry.connection_timeout
    if 0 < connect_s < _LEAST_TIMEOUT_S:
        where = place.at("connection_timeout")
        findings.warn(where, f"{connect_s:g} s is too short for any device, using {_LEAST_TIMEOUT_S:g}")
        connect_s = _LEAST_TIMEOUT_S
    if not 0 < connect_s <= 10:
        where = place.at("connection_timeout")
        findings.warn(where, f"{connect_s:g} s is not in 0 to 10, using {DEFAULT_TIMEOUT_S:g}")
        connect_s = DEFAULT_TIMEOUT_S
    request_s = connect_s if entry.transfer_timeout is None else entry.transfer_timeout
    if entry.transfer_timeout is not None and not _LEAST_TIMEOUT_S <= request_s <= 30:
        findings.warn(
            place.at("transfer_timeout"), f"{request_s:g} s is not in {_LEAST_TIMEOUT_S:g} to 30, using {connect_s:g}"
        )
        request_s = connect_s
    return connect_s, request_s


def _connections(entry: ConnectionEntry, place: Place, findings: Findings) -> int:
    wanted = entry.max_num_connections
    where = place.at("max_num_connections")
    if not 1 <= wanted <= _MOST_CONNECTIONS:
        findings.strictly(where, f"must be 1 to {_MOST_CONNECTIONS}, got {wanted}")
    used = min(max(wanted, 1), _MAX_CONNECTIONS)
    if used != wanted:
        findings.warn(where, f"{wanted} is not in 1 to {_MAX_CONNECTIONS}, using {used}")
    return used


def _limit(key: str, wanted: int, most: int, place: Place, findings: Findings) -> int:
    used = min(max(wanted, 1), most)
    if used != wanted:
        findings.warn(place.at(key), f"{wanted} is not in 1 to {most}, using {used}")
    return used


def _require_routable(name: str, place: Place, findings: Findings) -> None:
    """Note a name of which no URI can be made."""
    try:
        uris.check(f"/processes/{DEFAULT_NAME}@{name}")
    except UriError as error:
        findings.problem(place, str(error))


def _stats_period_ms(entry: ConnectionEntry, place: Place, findings: Findings) -> float:
    wanted_ms = entry.stats_pub_frequency
    if wanted_ms < _LEAST_STATS_PERIOD_MS:
        message = f"{wanted_ms:g} ms is too often, using {_LEAST_STATS_PERIOD_MS:g}"
        findings.warn(place.at("stats_pub_frequency"), message)
    return max(wanted_ms, _LEAST_STATS_PERIOD_MS)


def _stats_uri(entry: ConnectionEntry, place: Place, findings: Findings) -> str | None:
    if not entry.stats_pub_uri:
        return None
    try:
        return uris.normal(uris.check(entry.stats_pub_uri))
    except UriError as error:
        findings.warn(place.at("stats_pub_uri"), f"{error}; no statistics are published")
        return None
