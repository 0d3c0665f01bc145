"""What a dashboard costs the bus, measured by ``python -m tools.bench``."""

import json

import pytest

from tools import chromium

TITLE = "2,000 variables at 10 Hz: "


@pytest.mark.timeout(180)
def test_a_page_that_shows_two_thousand_variables_is_measured_beside_none(run, tmp_path):
    done = run("tools.bench", "--quick", "--row", "dashboard", "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    found = {one["name"].removeprefix(TITLE): one for one in json.loads((tmp_path / "bench.json").read_text())}
    assert (found["dropped for ess_web"]["ours"], found["lost"]["ours"]) == (0, 0)
    assert 0 < found["get, p50"]["ours"] <= found["get, p99"]["ours"]
    beside = {"without"} if chromium.missing() else {"without", "in Chromium"}
    assert set(found["pub, p50"]["peers"]) == beside
    # Nobody has used a processor where nobody was.
    assert "without" not in found["processor of ess_web"]["peers"]
    assert found["processor of ess_web"]["ours"] > 0
