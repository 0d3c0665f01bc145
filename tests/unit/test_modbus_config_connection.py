"""How a device is reached, and the heartbeats and watchdogs of its components."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from modbus_bridge.config.model import Connection, Heartbeat, Serial, Tcp, Watchdog
from tests.unit.modbus_files import client_of, component_of, loaded, problems

ENTRY = {"id": "a", "offset": 0}
LINE = {"ip_address": None, "serial_device": "/dev/ttyUSB1"}


def connection_of(**keys: Any) -> tuple[Connection, list[str]]:
    configuration, warnings = loaded(client_of(ENTRY, connection=keys))
    return configuration.connection, warnings


class TestAddress:
    def test_a_serial_line_and_its_defaults(self) -> None:
        assert connection_of(**LINE)[0].address == Serial("/dev/ttyUSB1", 115200, "none", 8, 1)
        line = LINE | {"baud_rate": 9600, "parity": "odd", "data_bits": 7, "stop_bits": 2}
        assert connection_of(**line)[0].address == Serial("/dev/ttyUSB1", 9600, "odd", 7, 2)

    @pytest.mark.parametrize(
        ("keys", "text"),
        [
            ({"ip_address": "h", "serial_device": "/dev/x"}, "connection.serial_device: excludes ip_address"),
            (LINE | {"baud_rate": 0}, "connection.baud_rate: "),
            (LINE | {"parity": "mark"}, "connection.parity: "),
            (LINE | {"data_bits": 9}, "connection.data_bits: "),
            (LINE | {"stop_bits": 3}, "connection.stop_bits: "),
            ({"ip_address": None}, "connection.ip_address: missing, and there is no serial_device"),
            ({"port": 65536}, "connection.port: "),
            ({"device_id": 256}, "connection.device_id: "),
            ({"name": "x" * 231}, "connection.name: bad URI '/processes/modbus_client@xxx"),
            ({"stats_pub_frequency": 1e-9}, "connection.stats_pub_frequency: expected at least 0.01 ms"),
        ],
    )
    def test_one_that_cannot_be_used(self, keys: dict[str, Any], text: str) -> None:
        assert problems(client_of(ENTRY, connection=keys))[0].startswith(text)

    def test_statistics_do_not_cost_more_than_the_polls(self) -> None:
        connection, warnings = connection_of(stats_pub_frequency=1)
        assert connection.stats_period_s == 0.01
        assert warnings == ["connection.stats_pub_frequency: 1 ms is too often, using 10"]

    def test_a_host_may_be_of_ipv6(self) -> None:
        assert connection_of(ip_address=" fe80::1%eth0 ")[0].address == Tcp("fe80::1%eth0", 1502)

    def test_what_is_said_of_a_line_does_not_matter_without_one(self) -> None:
        remarks = {"data_bits": "Columns marked in green are REQUIRED", "serial_device": ""}
        assert connection_of(**remarks) == (Connection("pcs 1", Tcp("127.0.0.1", 1502)), [])

    def test_a_service_is_a_port_with_a_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ports = {("mbap", "tcp"): 502}

        def known(name: str, protocol: str) -> int:
            if (name, protocol) not in ports:
                raise OSError("service/proto not found")
            return ports[name, protocol]

        monkeypatch.setattr(socket, "getservbyname", known)
        assert connection_of(service="mbap") == (Connection("pcs 1", Tcp("127.0.0.1", 502)), [])
        connection, warnings = connection_of(service="nothing")
        assert connection.address == Tcp("127.0.0.1", 1502)
        assert warnings == ["connection.service: 'nothing' is not in /etc/services; using port 1502"]

    def test_a_name_that_no_service_can_have(self) -> None:
        assert "is not in /etc/services" in connection_of(service="ü" * 200)[1][0]


class TestTimes:
    @pytest.mark.parametrize(
        ("keys", "connect_s", "request_s", "warned"),
        [
            ({}, 1.0, 1.0, False),
            ({"connection_timeout": 3}, 3.0, 3.0, False),
            ({"connection_timeout": 3, "transfer_timeout": 0.2}, 3.0, 0.2, False),
            ({"connection_timeout": 0}, 1.0, 1.0, True),
            ({"connection_timeout": 10.5}, 1.0, 1.0, True),
            ({"connection_timeout": 3, "transfer_timeout": 0.01}, 3.0, 3.0, True),
            ({"transfer_timeout": 31}, 1.0, 1.0, True),
        ],
    )
    def test_time_outs(self, keys: dict[str, Any], connect_s: float, request_s: float, warned: bool) -> None:
        connection, warnings = connection_of(**keys)
        assert (connection.connect_timeout_s, connection.request_timeout_s) == (connect_s, request_s)
        assert bool(warnings) is warned

    @pytest.mark.parametrize(
        ("keys", "attribute", "value", "warned"),
        [
            ({"max_num_connections": 4}, "connections", 4, False),
            ({"max_num_connections": 200}, "connections", 25, True),
            ({"max_num_connections": 0}, "connections", 1, True),
            ({"inter_message_delay_ms": 50}, "pause_s", 0.05, False),
            ({"max_register_group_size": 60}, "max_registers", 60, False),
            ({"max_register_group_size": 500}, "max_registers", 125, True),
            ({"max_bit_size": 0}, "max_bits", 1, True),
            ({"allow_gaps": False}, "read_gaps", False, False),
            ({"allow_multi_sets": True}, "write_together", True, False),
            ({"force_multi_sets": True}, "write_together", True, False),
            ({"stats_pub_uri": "/stats/x/"}, "stats_uri", "/stats/x", False),
            ({"stats_pub_uri": "stats"}, "stats_uri", None, True),
            ({"stats_pub_uri": ""}, "stats_uri", None, False),
            ({"stats_pub_frequency": 2000}, "stats_period_s", 2.0, False),
        ],
    )
    def test_other_keys(self, keys: dict[str, Any], attribute: str, value: Any, warned: bool) -> None:
        connection, warnings = connection_of(**keys)
        assert getattr(connection, attribute) == value
        assert bool(warnings) is warned

    def test_what_is_asked_for_and_done_anyway_is_silent(self) -> None:
        assert connection_of(auto_disable=True, data_buffer_size=20000, version="6")[1] == []
        assert connection_of(dbi_save_frequency_seconds=9, foo=1)[1] == [
            "not honoured: dbi_save_frequency_seconds",
            "unknown keys ignored: foo",
        ]


BEATS = (
    {"id": "beat_in", "offset": 0, "size": 2},
    {"id": "beat_out", "offset": 2},
    {"id": "text", "offset": 3, "text": True},
)
KEYS = {
    "heartbeat_enabled": True,
    "component_heartbeat_read_uri": "beat_in",
    "component_heartbeat_write_uri": "beat_out",
}


class TestHeartbeat:
    def beat(self, kind: str = "Holding", **keys: Any) -> tuple[Heartbeat | None, list[str]]:
        configuration, warnings = loaded(client_of(*BEATS, component=KEYS | keys, kind=kind))
        return configuration.components[0].heartbeat, warnings

    def test_its_times_follow_the_frequency(self) -> None:
        assert self.beat() == (Heartbeat("beat_in", "beat_out", 0, timeout_s=0.4, period_s=0.2), [])

    def test_everything_can_be_said(self) -> None:
        times: dict[str, Any] = {"component_heartbeat_timeout_ms": 900, "modbus_heartbeat_timeout_ms": 300}
        found = self.beat(component_heartbeat_max_value=5000, heartbeat_control="ess_controller", **times)
        assert found == (Heartbeat("beat_in", "beat_out", 5000, 0.9, 0.3, "ess_controller"), [])

    def test_one_direction_is_enough(self) -> None:
        assert self.beat(component_heartbeat_write_uri=None)[0] == Heartbeat("beat_in", None, 0, 0.4, 0.2)
        assert self.beat("Input", component_heartbeat_write_uri="")[0] == Heartbeat("beat_in", None, 0, 0.4, 0.2)
        assert self.beat(component_heartbeat_read_uri=None)[0] == Heartbeat(None, "beat_out", 0, 0.4, 0.2)

    def test_a_uri_is_taken_for_the_register_that_it_names(self) -> None:
        assert self.beat(component_heartbeat_read_uri="/components/pcs/beat_in") == self.beat()

    def test_it_is_off_unless_it_is_enabled(self) -> None:
        assert self.beat(heartbeat_enabled=False) == (None, [])

    @pytest.mark.parametrize(
        ("keys", "key", "text"),
        [
            ({"component_heartbeat_read_uri": "x"}, "component_heartbeat_read_uri", "'x' is no register"),
            ({"component_heartbeat_read_uri": "text"}, "component_heartbeat_read_uri", "'text' is no number"),
            ({"kind": "Input"}, "component_heartbeat_write_uri", "'beat_out' is in input, expected holding"),
            (
                {"component_heartbeat_read_uri": None, "component_heartbeat_write_uri": None},
                "heartbeat_enabled",
                "no register to read or to write",
            ),
        ],
    )
    def test_a_register_that_cannot_be_one_turns_it_off(self, keys: dict[str, Any], key: str, text: str) -> None:
        heartbeat, (warning,) = self.beat(**keys)
        assert heartbeat is None
        assert warning.startswith(f"components.0.{key}: {text}")
        assert warning.endswith(", so there is no heartbeat")

    def test_a_time_out_shorter_than_the_frequency_is_mended(self) -> None:
        heartbeat, warnings = self.beat(component_heartbeat_timeout_ms=100)
        assert heartbeat is not None
        assert heartbeat.timeout_s == 0.4
        assert warnings == [
            "components.0.component_heartbeat_timeout_ms: 100 ms is less than the frequency of 200 ms, using 400 ms"
        ]

    def test_a_last_value_that_does_not_fit_is_the_largest(self) -> None:
        heartbeat, (warning,) = self.beat(component_heartbeat_max_value=65536)
        assert heartbeat is not None
        assert heartbeat.max_value == 0
        assert "65536 does not fit into 'beat_out'" in warning
        assert self.beat(component_heartbeat_max_value=65535)[1] == []


class TestWatchdog:
    def dog(self, **keys: Any) -> tuple[Watchdog | None, list[str]]:
        component = {"watchdog_enabled": True, "watchdog_uri": "beat_in"} | keys
        configuration, warnings = loaded(client_of(*BEATS, component=component))
        return configuration.components[0].watchdog, warnings

    def test_everything_can_be_said(self) -> None:
        times = {
            "watchdog_alarm_timeout_ms": 5000,
            "watchdog_fault_timeout_ms": 10000,
            "watchdog_recovery_timeout_ms": 6000,
            "watchdog_recovery_time_ms": 7000,
            "watchdog_frequency_ms": 500,
        }
        assert self.dog(**times) == (Watchdog("beat_in", 5.0, 10.0, 6.0, 7.0, 0.5), [])

    def test_its_times_follow_what_is_slower_reading_or_looking(self) -> None:
        assert self.dog() == (Watchdog("beat_in", 2.0, 4.0, 2.0, 4.0, 1.0), [])
        assert self.dog(frequency=3000)[0] == Watchdog("beat_in", 6.0, 12.0, 6.0, 12.0, 1.0)

    def test_a_fault_is_not_before_its_alarm(self) -> None:
        dog, (warning,) = self.dog(watchdog_alarm_timeout_ms=5000, watchdog_fault_timeout_ms=1000)
        assert dog is not None
        assert dog.fault_s == 5.0
        assert "1000 ms is less than the 5000 ms of the alarm" in warning

    @pytest.mark.parametrize("uri", [None, "x", "text"])
    def test_a_register_that_cannot_be_watched_turns_it_off(self, uri: str | None) -> None:
        dog, (warning,) = self.dog(watchdog_uri=uri)
        assert dog is None
        assert warning.endswith(", so there is no watchdog")

    def test_it_is_off_unless_it_is_enabled(self) -> None:
        assert component_of(client_of(*BEATS, component={"watchdog_uri": "x"})).watchdog is None
