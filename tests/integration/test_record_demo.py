"""The demo site is recorded while it runs; a fresh engine and calculator make the same power of it."""

import signal
from functools import partial

import pytest

from ess_bus.client import Bus
from tests.integration.clou_site import running
from tests.integration.conftest import eventually, start_broker
from tools.record.reader import Recording
from tools.record.selection import Selection

TABLE = "/ess/status/bms"


def power_series(path):
    """What the engine has published as BMSPower, in order."""
    with Recording(path) as recording:
        bodies = [entry.message.json() for entry in recording.entries(Selection((TABLE,), methods=frozenset({"pub"})))]
    return [body["BMSPower"] for body in bodies if "BMSPower" in body]


def recorder(start, bus, path, uri):
    process = start("tools.fims_record", "-o", path, "-u", uri, "--bus", bus)
    eventually(lambda: "recording" in process.output)
    return process


def follows(bus: Bus, power: float) -> bool:
    return abs(float(bus.get(f"{TABLE}/BMSPower")) - power) < 10


@pytest.mark.timeout(240)
def test_a_recording_of_the_demo_gives_a_fresh_engine_and_calculator_the_same_power(start, run, folder):
    with running() as site:
        first = recorder(start, site.bus.endpoint, folder / "site.rec", "/")
        site.bus.set("/controls/ess/OnCmd", True)
        site.until(lambda: site.state == "Running")
        for power in (100, 200, -150):
            site.bus.set("/controls/ess/ActivePowerSetpoint", power)
            site.until(partial(follows, site.bus, power))
        # The battery loses its communication: what is not valid is part of the series.
        device = site.child("catl_bms")
        device.send_signal(signal.SIGSTOP)
        site.until(lambda: site.bus.get(f"{TABLE}/BMSPower") is None)
        device.send_signal(signal.SIGCONT)
        site.until(lambda: site.bus.get(f"{TABLE}/BMSPower") is not None)
        assert first.stop() == 0
        engine = site.folder / "clou" / "engine"
        expected = power_series(folder / "site.rec")
        assert len(expected) > 3
        assert None in expected
        # A power that was there for less than a calculation takes is one that a busy machine may pass over.
        found: dict[str, list[object]] = {}
        for speed in ("1", "0.5"):
            found[speed] = replayed(start, run, folder, engine, speed)
            if found[speed] == expected:
                return
    assert expected in found.values()


def replayed(start, run, folder, engine, speed):
    """The series that a fresh engine and calculator make of the recording, from where the devices begin."""
    endpoint = f"ipc://{folder}/fresh{speed}.sock"
    start_broker(start, endpoint)
    for module, name in (("ess_bus.engine.command", "ess_controller"), ("calculator.command", "calculator")):
        more = ["--no-state"] if name == "ess_controller" else []
        start(module, engine, *more, "--bus", endpoint, "--process-name", name)
        with Bus(endpoint, name="test") as bus:
            eventually(partial(bus.get, f"/processes/{name}"))
    path = folder / f"again{speed}.rec"
    again = recorder(start, endpoint, path, TABLE)
    options = ("-u", "/components", "--not-by", "ess_controller", "--speed", speed, "--bus", endpoint)
    result = run("tools.fims_replay", folder / "site.rec", *options)
    assert result.returncode == 0, result.stderr
    with Bus(endpoint, name="test") as bus:
        # The devices are gone again: the last power is not shown as good.
        eventually(lambda: bus.get(f"{TABLE}/BMSPower") is None)
    assert again.stop() == 0
    series = power_series(path)
    # It was at rest before the recording began, and is not valid after it has ended.
    assert (series[0], series[-1]) == (0, None)
    return series[1:-1]
