"""`fims_server --metrics`: what Prometheus reads."""

import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ess_bus.client import Bus
from tests.integration.conftest import eventually, free_port

BROKER = "ess_bus.broker.command"


@pytest.fixture
def port(start, folder):
    port = free_port()
    start(BROKER, "--bus", f"ipc://{folder}/b", "--metrics", port)
    return port


def samples(port: int) -> dict[tuple[str, str], float]:
    """Return (sample, name of the client or nothing) -> value."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    families = text_string_to_metric_families(text)
    return {(one.name, one.labels.get("name", "")): one.value for family in families for one in family.samples}


def test_the_counters_of_the_broker_and_of_each_client_are_there(port, folder):
    with Bus(f"ipc://{folder}/b", name="listener") as listener, Bus(f"ipc://{folder}/b", name="sender") as sender:
        listener.subscribe("/a")
        for _ in range(5):
            sender.publish("/a", 1)
        sender.publish("/nobody", 1)
        sender.flush()
        eventually(lambda: samples(port)["ess_bus_messages_total", ""] == 6)
        found = samples(port)
        assert found["ess_bus_clients", ""] == 2
        assert found["ess_bus_deliveries_total", ""] == 5
        assert found["ess_bus_pubs_unheard_total", ""] == 1
        assert found["ess_bus_client_received_total", "sender"] == 6
        assert found["ess_bus_client_sent_total", "listener"] == 5
        assert found["ess_bus_client_dropped_total", "listener"] == found["ess_bus_client_lagging", "listener"] == 0


def test_a_port_that_is_taken_is_one_clear_line(port, run, folder):
    eventually(lambda: samples(port))
    result = run(BROKER, "--bus", f"ipc://{folder}/other", "--metrics", port)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert f"cannot serve metrics on 127.0.0.1:{port}: address already in use" in result.stderr


def test_what_the_audit_trail_lost_is_there(start, folder):
    port = free_port()
    start(BROKER, "--bus", f"ipc://{folder}/b", "--metrics", port, "--audit", "/dev/full")
    with Bus(f"ipc://{folder}/b") as bus:
        bus.send("set", "/nobody", 1)
        eventually(lambda: samples(port)["ess_bus_audit_lost_total", ""] == 1)
    assert samples(port)["ess_bus_audit_written_total", ""] == 0
