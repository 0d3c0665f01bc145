"""What Prometheus is told when something fails: it must not look as if all were well."""

import math
import os
import re
import signal
import urllib.request

from ess_bus.client import Bus
from tests.integration.conftest import ROOT, eventually, free_port

BMS = "/components/bms"


def samples(port: int) -> dict[str, float]:
    """Return sample -> value."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def sample(port: int, name: str) -> float | None:
    return samples(port).get(name)


def test_hybridos_without_a_controller_has_seen_nothing(start, broker, folder):
    port, file = free_port(), folder / "client.json"
    text = (ROOT / "configs" / "clou" / "clou_client.json").read_text()
    file.write_text(re.sub(r'"port": \d+', f'"port": {free_port()}', text))
    start("tools.hybridos.command", file, "--bus", broker, "--metrics", port)
    eventually(lambda: (sample(port, "ess_hybridos_rounds_failed_total") or 0) > 0)
    found = samples(port)
    assert found["ess_hybridos_controller_up"] == found["ess_hybridos_rounds_total"] == 0
    assert found["ess_hybridos_oldest_value_seconds"] == math.inf
    assert found["ess_hybridos_unknown"] > 0


def test_an_engine_sees_a_device_grow_old_that_its_bridge_only_says_is_dead(start, broker, folder):
    port = free_port()
    (folder / "ess.json").write_text('{"/components/bms": {"soc": {"value": 0}}}')
    start("ess_bus.engine.command", folder / "ess.json", "--no-state", "--bus", broker, "--metrics", port)
    name = f'ess_engine_device_age_seconds{{device="{BMS}"}}'
    eventually(lambda: sample(port, name) == math.inf)
    with Bus(broker, name="bridge") as bus:

        def publishes(soc: int | None) -> float:
            bus.publish(BMS, {"soc": soc, "component_connected": soc is not None})
            return samples(port)[name]

        eventually(lambda: publishes(50) < 2)
        eventually(lambda: publishes(None) > 2)
        found = samples(port)
        assert found["ess_engine_oldest_value_seconds"] == found[name]
        eventually(lambda: publishes(50) < 2)


def test_a_calculator_hears_that_its_engine_hangs(start, broker):
    port, clou = free_port(), ROOT / "configs" / "clou" / "engine"
    engine = start("ess_bus.engine.command", clou, "--no-state", "--bus", broker)
    start("calculator.command", clou, "--bus", broker, "--metrics", port)
    name = "ess_calculator_oldest_value_seconds"
    eventually(lambda: math.isfinite(sample(port, name) or math.inf))
    engine.popen.send_signal(signal.SIGSTOP)
    try:
        eventually(lambda: (sample(port, name) or 0) > 4)
    finally:
        engine.popen.send_signal(signal.SIGCONT)


def test_a_site_counts_what_ends(start, folder):
    port, file = free_port(), folder / "site.toml"
    file.write_text(
        f'name = "site"\n[[process]]\nname = "broker"\ncommand = "fims_server"\nbus = "ipc://{folder}/bus"\n'
    )
    start("tools.ess_site.command", "up", file, "--metrics", port)
    up, answered, ends = (f'ess_site_process_{what}{{name="broker"}}' for what in ("up", "answered", "ends_total"))
    eventually(lambda: sample(port, answered) == 1)
    assert (sample(port, up), sample(port, ends)) == (1, 0)
    with Bus(f"ipc://{folder}/bus") as bus:
        os.kill(bus.get("/bus/stats")["pid"], signal.SIGKILL)
    eventually(lambda: sample(port, ends) == 1 and sample(port, answered) == 1)


def test_a_recorder_says_what_it_has_written(start, broker, folder):
    port = free_port()
    start("tools.fims_record", "-o", folder / "site.rec", "--bus", broker, "--metrics", port)
    eventually(lambda: sample(port, "ess_record_working") == 1)
    with Bus(broker) as bus:

        def is_written() -> bool:
            bus.publish("/a", 1)
            return (sample(port, "ess_record_written_total") or 0) > 0

        eventually(is_written)
    assert sample(port, "ess_record_lost_total") == 0
    assert samples(port)["ess_record_write_age_seconds"] < 10
