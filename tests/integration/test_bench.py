"""``python -m tools.bench`` for real, with whatever peers are there."""

import json
import signal

import psutil
import pytest

from tests.integration.conftest import eventually

MODULE = "tools.bench"


def test_a_quick_run_measures_ours_beside_what_is_there(run, tmp_path):
    done = run(MODULE, "--quick", "--row", "1-1-200", "--row", "get-200", "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    entries = {entry["name"]: entry for entry in json.loads((tmp_path / "bench.json").read_text())}
    rate, lost = entries["1 -> 1, 200 B"], entries["1 -> 1, 200 B: lost"]
    assert (rate["unit"], rate["runs"], lost["ours"]) == ("msg/s", 1, 0)
    assert rate["ours"] > 0
    assert rate["peers"]["zmq proxy"] > 0
    assert 0 < entries["get round trip, 200 B: p50"]["ours"] <= entries["get round trip, 200 B: p99"]["ours"]
    assert "all of 15,000" in done.stdout
    assert "at least 0.3 x zmq proxy" in done.stdout
    assert [*tmp_path.iterdir()] == [tmp_path / "bench.json"]


def test_a_stopped_subscriber_is_accounted_for(run, tmp_path):
    done = run(MODULE, "--quick", "--row", "stopped", "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    title = "1 of 10 subscribers stopped: "
    figures = {
        entry["name"].removeprefix(title): entry["ours"] for entry in json.loads((tmp_path / "bench.json").read_text())
    }
    assert {name: figures[name] for name in ("not the newest", "unaccounted for", "lost")} == dict.fromkeys(
        ("not the newest", "unaccounted for", "lost"), 0
    )


def test_the_bridge_beside_a_bare_loop(run, tmp_path):
    done = run(MODULE, "--quick", "--row", "bridge-[ps]*", "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    entries = {entry["name"]: entry for entry in json.loads((tmp_path / "bench.json").read_text())}
    rate = entries["bridge, one component of 120 registers: rate"]
    assert rate["ours"] > 0
    assert rate["peers"]["pymodbus loop"] > 0
    assert entries["bridge, 1,562 values once a second: memory"]["ours"] > 10
    assert "at least 0.8 x pymodbus loop" in done.stdout


def test_dead_devices_do_not_stop_the_living_ones(run, tmp_path):
    done = run(MODULE, "--quick", "--row", "bridge-dead", "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    entries = {entry["name"]: entry for entry in json.loads((tmp_path / "bench.json").read_text())}
    # This machine may be busy; a bridge that waits for a dead device would be off by its time-out of 500 ms.
    assert entries["5 of 20 devices dead: mean period"]["ours"] < 100


@pytest.mark.timeout(180)
def test_the_demo_site_is_measured_as_a_whole(run, tmp_path):
    done = run(MODULE, "--quick", "--row", "demo-site", "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    title = "the demo site at 250 kW: "
    figures = {
        entry["name"].removeprefix(title): entry["ours"] for entry in json.loads((tmp_path / "bench.json").read_text())
    }
    assert figures["processor"] > figures["processor without the simulated plant"] > 0
    assert figures["memory"] > figures["memory without the simulated plant"] > figures["memory of the engine"] > 10
    assert figures["lost"] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_takes_every_process_along(start, tmp_path, number):
    bench = start(MODULE, "--row", "latency", "--output", tmp_path)
    started = eventually(lambda: _if_three(psutil.Process(bench.pid).children(recursive=True)))
    assert bench.stop(number) == 130
    assert "Traceback" not in bench.output
    eventually(lambda: not any(process.is_running() for process in started))


def _if_three(processes):
    """Return broker, subscriber and publisher once they are there."""
    return processes if len(processes) >= 3 else None


def test_a_row_that_is_not_there_is_named(run):
    done = run(MODULE, "--row", "nothing")
    assert done.returncode == 2
    assert done.stderr.startswith("bench: ")
    assert "there is no row 'nothing'; expected one of 1-1-200," in done.stderr
    assert len(done.stderr.splitlines()) == 1
