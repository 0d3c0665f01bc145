"""Measures, and what is shown of them."""

import math
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ess_bus.errors import EssError
from ess_bus.process import metrics_address
from ess_bus.service import exporter as exporting
from ess_bus.service.exporter import Exporter
from ess_bus.service.measures import Kind, age, by_label, counter, gauge, info
from ess_bus.service.running import Pulse
from modbus_bridge.face.metrics import measures
from tests.integration.conftest import free_port


def shown(port: int) -> dict[str, list[tuple[dict[str, str], float]]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for sample in (sample for family in families for sample in family.samples):
        found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


@pytest.fixture
def served():
    port = free_port()
    exporter = Exporter("127.0.0.1", port)
    yield exporter, port
    exporter.close()


def test_each_kind_is_shown_as_prometheus_names_it(served):
    exporter, port = served
    rows = {"a": {"polls": 3}, 'b"\n': {"polls": 4}, "c": {}}
    exporter.take(
        [counter("x", "", 5), gauge("y_seconds", "", math.inf), gauge("z", "", None), info("i", "", {"v": "1"})]
    )
    found = shown(port)
    assert found["x_total"] == [({}, 5)]
    assert found["y_seconds"] == [({}, math.inf)]
    assert found["i_info"] == [({"v": "1"}, 1)]
    assert "z" not in found
    exporter.take(by_label("t_", Kind.COUNTER, {"polls": "Polls"}, "of", rows))
    assert shown(port)["t_polls_total"] == [({"of": "a"}, 3), ({"of": 'b"\n'}, 4)]


def test_a_snapshot_that_is_too_old_is_not_shown(served, monkeypatch):
    exporter, port = served
    exporter.take([gauge("x", "", 1)])
    assert "x" in shown(port)
    monkeypatch.setattr(exporting, "OLDEST_S", -1.0)
    found = shown(port)
    assert "x" not in found
    assert found["ess_process_beat_age_seconds"][0][1] >= 0


def test_metrics_that_fail_do_not_stop_the_process(served, caplog):
    exporter, port = served
    exporter.take([gauge("x", "", 1)])

    def broken():
        raise ZeroDivisionError

    Pulse(exporter, broken).beat()
    assert "the metrics could not be taken" in caplog.text
    assert shown(port)["x"] == [({}, 1)]


def test_a_port_in_use_is_one_clear_error(served):
    _, port = served
    with pytest.raises(EssError, match=f"cannot serve metrics on 127.0.0.1:{port}: address already in use"):
        Exporter("127.0.0.1", port)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("9100", ("127.0.0.1", 9100)), ("0.0.0.0:1", ("0.0.0.0", 1)), ("[::1]:65535", ("::1", 65535))],
)
def test_where_metrics_are_served(text, expected):
    assert metrics_address(text) == expected


@pytest.mark.parametrize(
    "text", ["", "0", "65536", "-1", "x", ":9100", "[]:9100", "a:b", "9100:", "\N{SUPERSCRIPT TWO}"]
)
def test_what_is_no_address_is_named(text):
    with pytest.raises(ValueError, match="expected PORT or HOST:PORT"):
        metrics_address(text)


def test_a_component_that_was_never_read_is_infinitely_old():
    spread = {"p50": 0.0, "p99": 0.0, "max": 0.0, "count": 0}
    component = {"connected": False, "age_s": None, "period_ms": 500, "polls": 2, "polls_failed": 2}
    stats = {
        "connection": {
            "connected": False, "connections_open": 0, "units_down": [1], "writes_failed": 0,
            "connections": [],
        },
        "components": {"bms": {**component, "tick_lateness_ms": spread, "read_time_ms": spread, "pub_time_ms": spread}},
    }  # fmt: skip
    found = {one.name: one.samples for one in measures(stats)}
    assert found["ess_bridge_component_age_seconds"] == [(math.inf, {"component": "bms"})]
    assert found["ess_bridge_oldest_value_seconds"][0].value == math.inf
    assert found["ess_bridge_device_up"][0].value == 0
    assert found["ess_bridge_component_period_seconds"] == [(0.5, {"component": "bms"})]
    # No quantile of nothing: a zero would look like a quick device.
    assert found["ess_bridge_component_read_seconds"] == []
    assert age(0.0) == 0.0


@pytest.mark.parametrize(("units_down", "is_up"), [([1], 0), ([], 1)])
def test_a_device_that_hangs_is_down_though_it_takes_connections(units_down, is_up):
    spread = {"p50": 0.0, "p99": 0.0, "max": 0.0, "count": 0}
    times = {"tick_lateness_ms": spread, "read_time_ms": spread, "pub_time_ms": spread}
    component = {"connected": False, "age_s": 9.0, "period_ms": 500, "polls": 2, "polls_failed": 2, **times}
    stats = {
        "connection": {
            "connected": True, "connections_open": 1, "units_down": units_down, "writes_failed": 0, "connections": [],
        },
        "components": {"bms": component},
    }  # fmt: skip
    found = {one.name: one.samples for one in measures(stats)}
    assert found["ess_bridge_device_up"][0].value == is_up
    assert found["ess_bridge_component_period_seconds"] == [(0.5, {"component": "bms"})]
