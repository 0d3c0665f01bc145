"""What the rows about the bridge are made of: devices, and regularity."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modbus_bridge.config import load_client, load_server
from modbus_bridge.polling.plan import blocks
from tools.bench import plants, registry
from tools.bench.command import _chosen
from tools.bench.plants import Part
from tools.bench.regularity import lateness, off_period


@pytest.mark.parametrize("parts", [[plants.one_block("polled", 0.05)], plants.battery(), [plants.few("few", 3, 200.0)]])
def test_client_and_server_have_the_same_registers(parts: list[Part], tmp_path: Path) -> None:
    client_file, server_file = tmp_path / "client.json", tmp_path / "server.json"
    client_file.write_text(json.dumps(plants.client_file(parts, "device", 502)))
    server_file.write_text(json.dumps(plants.server_file(parts, "device", 502)))
    client, client_warnings = load_client(client_file)
    server, server_warnings = load_server(server_file)
    assert client_warnings == server_warnings == []
    points = [point for component in client.components for point in component.points]
    read = sorted((point.type, point.offset, point.size, point.id) for point in points)
    served = (served.point for unit in server.units for served in unit.points)
    assert read == sorted((point.type, point.offset, point.size, point.id) for point in served)
    assert [[*part.values()] for part in parts] == [part.ids for part in parts]


def test_one_block_is_one_request_of_120_registers() -> None:
    part = plants.one_block("polled", 0.05)
    assert sum(entry.get("size", 1) for group in part.groups for entry in group.entries) == 120


def test_the_battery_has_the_size_of_a_real_one(tmp_path: Path) -> None:
    parts = plants.battery()
    groups = [group for part in parts for group in part.groups]
    assert (len(parts), len(groups), sum(len(group.entries) for group in groups)) == (22, 61, 1562)
    file = tmp_path / "client.json"
    file.write_text(json.dumps(plants.client_file(parts, "device", 502)))
    configuration, _ = load_client(file)
    assert 22 <= sum(len(blocks(component.points)) for component in configuration.components) <= 61


def test_lateness_counts_from_the_earliest() -> None:
    assert lateness([], 1.0) == []
    # The first one was late; the one at 4 is missing.
    late = lateness([0.3, 1.1, 2.0, 3.0, 5.2], 1.0)
    assert late == pytest.approx([0.3, 0.1, 0.0, 0.0, 0.2])


def test_off_period() -> None:
    moments = [0.2 * number for number in range(101)]
    assert off_period(moments, 0.2, 20.0) == pytest.approx((0.0, 0.0))
    assert off_period(moments[:50] + moments[60:], 0.2, 20.0) == pytest.approx((0.111, 10.0), abs=0.001)
    assert off_period([1.0], 0.2, 2.0) == off_period([], 0.2, 2.0) == pytest.approx((9.0, 9.0))


def test_rows_are_chosen_by_patterns_too() -> None:
    names = [row.name for row in _chosen(None, None, ("bridge*", "async"))]  # type: ignore[arg-type]
    assert names == ["async", *(row.name for row in registry.rows() if row.name.startswith("bridge"))]
    assert len(names) == 5
