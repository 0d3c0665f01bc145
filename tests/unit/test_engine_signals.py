"""MathMovAvg, SlewVal, CheckTableVar, AggregateManager: numbers over time, in tables, among instances."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ess_bus.engine.configuration import load
from ess_bus.engine.engine import Engine
from ess_bus.engine.signals.lookup import from_cells, read_csv
from ess_bus.engine.signals.ramp import ramp
from ess_bus.engine.signals.samples import Samples
from tests.unit.engine_bench import Bench
from tests.unit.engine_cases import variable

NUMBER = st.floats(-1e6, 1e6)
OUTPUTS = ("outAvg", "outMax", "outMin", "outSp", "outSum", "outFilt", "outTimeFilt")


def averaged(**parameters):
    """Return a bench with a current that is averaged with each set."""
    definition = {**{name: f"/out/bms:{name}" for name in OUTPUTS}, "vecAv": "/out/bms:vec", **parameters}
    return Bench({"/status/bms": {"raw": variable("func", {"func": "MathMovAvg"}, value=None, **definition)}})


def outputs(bench):
    return [bench[f"/out/bms:{name}"] for name in OUTPUTS]


def take(bench, *values, every_s=1.0):
    for value in values:
        bench.wait(every_s)
        bench.set("/status/bms:raw", value)


def test_a_ring_of_samples_is_averaged():
    bench = averaged(depth=4, filtFac=0.75, window=1.5)
    take(bench, 100, 8, 4, 2, 6)
    assert bench["/out/bms:vec"] == [8, 4, 2, 6]
    average, most, least, spread, total, filtered, recent = outputs(bench)
    assert (average, most, least, spread, total, recent) == (5, 8, 2, 6, 20, 4)
    # y = x f - y1 (f - 1), from the first sample on: 100, 31, 10.75, 4.1875, 5.546875.
    assert filtered == pytest.approx(5.546875)


def test_a_reset_forgets_all_samples():
    bench = averaged()
    take(bench, 100, 3)
    bench.set("/status/bms:raw@reset", True)
    take(bench, 7)
    assert outputs(bench) == [7, 7, 7, 0, 7, 7, 7]
    assert bench["/status/bms:raw@reset"] is False


def test_sixteen_samples_are_kept_by_default():
    bench = averaged()
    take(bench, *range(100))
    assert bench["/out/bms:vec"] == list(range(84, 100))


def test_what_is_not_valid_makes_the_rest_not_valid_and_is_a_new_start():
    bench = averaged(depth=4)
    take(bench, 5, 5, None)
    assert outputs(bench) == [None] * len(OUTPUTS)
    take(bench, 9)
    assert outputs(bench) == [9, 9, 9, 0, 9, 9, 9]


@pytest.mark.parametrize(
    "parameter", [{"depth": 0}, {"depth": 1e9}, {"depth": 2.5}, {"depth": "x"}, {"filtFac": 0}, {"filtFac": 2}]
)
def test_a_wrong_parameter_of_an_average_is_named(parameter, caplog):
    bench = averaged(**parameter)
    take(bench, 5)
    assert next(iter(parameter)) in caplog.text
    assert outputs(bench) == [None] * len(OUTPUTS)


@given(st.lists(NUMBER, min_size=1, max_size=50), st.integers(1, 20), st.floats(0.01, 1))
def test_statistics_lie_within_the_samples(values, depth, factor):
    samples = Samples(depth)
    for at_s, value in enumerate(values):
        samples.add(value, at_s, factor)
    kept, found = values[-depth:], samples.statistics(len(values) - 3)
    assert samples.values == kept
    assert (found.smallest, found.largest) == (min(kept), max(kept))
    for inside in (found.average, found.recent):
        assert min(kept) - 1e-6 <= inside <= max(kept) + 1e-6
    assert min(values) - 1e-3 <= samples.filtered <= max(values) + 1e-3


# -- SlewVal -----------------------------------------------------------------------------------------------------------


def slewed(**parameters):
    """Return a bench with a voltage that follows by 1 % of 480 V in a second."""
    wanted = {"value": 500, "RatedValue": 480, "SlewRate": 1, "SlewedVal": "/controls/pcs:voltage", **parameters}
    return Bench({"/pcs/set": {"V": wanted, "on": True}, "/controls/pcs": {"voltage": 480}})


def step(bench, passed_s=0.1):
    bench.call("SlewVal", "/pcs/set:V", passed_s=passed_s)
    return bench["/controls/pcs:voltage"]


def test_a_ramp_ends_at_its_target():
    bench = slewed()
    seen = [step(bench) for _ in range(60)]
    assert seen[:3] == pytest.approx([480, 480.48, 480.96])
    assert seen[-1] == 500
    assert all(0 <= after - before <= 0.48 + 1e-9 for before, after in pairwise(seen))
    bench.set("/pcs/set:V", 499.9)
    assert step(bench) == 499.9


def test_a_fixed_time_counts_for_a_call_where_that_is_asked_for():
    bench = slewed(LastSlewedTime=-1)
    assert step(bench, 5) == pytest.approx(480.48)
    assert step(bench, 0) == pytest.approx(480.96)


def test_a_rate_may_be_a_variable_and_off_means_off():
    bench = slewed(SlewRate="/pcs/set:rate", enable="/pcs/set:on")
    bench.set("/pcs/set", {"rate": 10})
    step(bench)
    assert step(bench) == pytest.approx(484.8)
    bench.set("/pcs/set:on", False)
    assert step(bench, 3) == pytest.approx(484.8)
    bench.set("/pcs/set:on", True)
    # What passed while it was off is not made up for.
    assert step(bench, 3) == pytest.approx(484.8)
    assert step(bench) == pytest.approx(489.6)


def test_a_long_pause_is_no_jump():
    bench = slewed()
    step(bench)
    assert step(bench, 600) == 480
    assert step(bench) == pytest.approx(480.48)


@pytest.mark.parametrize("missing", ["V", "V@SlewRate", "V@RatedValue"])
def test_a_ramp_of_what_is_not_valid_is_not_valid(missing):
    bench = slewed()
    step(bench)
    before = step(bench)
    valid = bench[f"/pcs/set:{missing}"]
    bench.set(f"/pcs/set:{missing}", None)
    assert step(bench) is None
    bench.set(f"/pcs/set:{missing}", valid)
    assert step(bench) == pytest.approx(before + 0.48)


def test_after_what_was_not_valid_it_may_begin_elsewhere():
    bench = slewed(StartVal="/status/pcs:measured")
    bench.set("/status/pcs", {"measured": 100})
    bench.set("/controls/pcs:voltage", None)
    assert step(bench) == 100
    bench.set("/controls/pcs:voltage", None)
    bench.set("/status/pcs:measured", None)
    assert step(bench) is None


@pytest.mark.parametrize("parameter", [{"SlewRate": -1}, {"SlewedVal": 5}, {"SlewedVal": "/nothing"}])
def test_a_wrong_parameter_of_a_ramp_is_named(parameter, caplog):
    bench = slewed(**parameter)
    step(bench)
    assert f"SlewVal: {next(iter(parameter))}" in caplog.text or "is not a variable" in caplog.text


@given(NUMBER, NUMBER, st.floats(0, 1e4), st.floats(0, 100))
def test_a_ramp_never_overshoots_and_never_hurries(here, wanted, rate, passed_s):
    there = ramp(here, wanted, rate, passed_s)
    assert min(here, wanted) - 1e-9 <= there <= max(here, wanted) + 1e-9
    assert abs(there - here) <= rate * passed_s * (1 + 1e-9) + 1e-9


# -- CheckTableVar -----------------------------------------------------------------------------------------------------

CSV = "Power,,,\r\nSoC/T,0,50,100\r\n-10,0,0,0\r\n0,0.1,0.2,0.3\r\n20,1,2,3\r\n,,,\r\n"


def table_bench(**parameters):
    definition = {"value": 9, "tableName": "/usr/local/tables/p.csv", "tableVar1": "SOC", "tableVar2": "/status/bms:T"}
    return Bench(
        {
            "/tables/p.csv": {"cells": {"value": read_csv(CSV)}},
            "/status/bms": {"SOC": 50, "T": 5, "factor": {**definition, **parameters}},
        }
    )


def factor(bench, soc=50, temperature=5):
    bench.set("/status/bms", {"SOC": soc, "T": temperature})
    bench.call("CheckTableVar", "/status/bms:factor")
    return bench["/status/bms:factor"]


@pytest.mark.parametrize(
    ("soc", "temperature", "expected"),
    [
        *[(50, 0, 0.2), (50, 19.9, 0.2), (50, 20, 2), (100, 20, 3), (99.9, 20, 2), (0, -10, 0), (0, -0.1, 0)],
        *[(-0.1, 20, 0), (100.1, 20, 0), (50, 20.1, 0), (50, -10.1, 0)],
        *[(None, 20, None), (50, None, None)],
    ],
)
def test_a_table_is_read_by_its_lower_keys(soc, temperature, expected):
    assert factor(table_bench(), soc, temperature) == expected


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"tableName": "q.csv"}, "'q.csv': no such table"),
        ({"tableName": 5}, "the name of a table's file"),
        ({"tableVar1": None}, "tableVar1: expected"),
        ({"tableVar2": "/x"}, "not a variable"),
    ],
)
def test_a_wrong_parameter_of_a_table_is_named_and_the_value_not_valid(parameters, words, caplog):
    assert factor(table_bench(**parameters)) is None
    assert words in caplog.text


def test_a_table_may_be_set_over_the_bus():
    bench = table_bench()
    assert factor(bench) == 0.2
    bench.set("/tables/p.csv:cells", [["SoC/T", 0, 100], [-50, 7, 7], [50, 8, 8]])
    assert factor(bench) == 7
    bench.set("/tables/p.csv:cells", [["SoC/T", 0], [1, 2, 3]])
    assert factor(bench) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no header"),
        ("a;0;5\n1;2;3\n", "no header"),
        ("SoC/T,0,50\n", "a header and rows"),
        ("SoC/T,0,50\n1,2\n", "row 1: expected 3 cells"),
        ("SoC/T,0,50\n1,2,x\n", "row '1': expected numbers"),
        ("SoC/T,0,50\n1,2,nan\n", "row 1: expected numbers"),
        ("SoC/T,0,50\n1,2,3\n1,2,3\n", "keys of the rows: expected rising numbers, got 1 after 1"),
        ("SoC/T,50,0\n1,2,3\n", "keys of the columns: expected rising numbers, got 0 after 50"),
    ],
)
def test_what_is_no_table_is_named(text, words):
    with pytest.raises(ValueError, match=words):
        read_csv(text)


@pytest.mark.parametrize(
    "cells", [None, 5, [], [[], []], [[1], [2]], [["x", 1], [1, True]], [["x", 1], ["1", 1]], [["x", 1], 5]]
)
def test_cells_from_the_bus_are_hostile(cells):
    with pytest.raises(ValueError, match="expected"):
        from_cells(cells)


@given(st.lists(st.integers(-99, 99), min_size=1, max_size=9, unique=True).map(sorted), st.integers(-120, 120))
def test_the_key_that_counts_is_the_nearest_that_is_not_above(keys, value):
    table = from_cells([["x", 0], *([key, key + 1000] for key in keys)])
    below = [key for key in keys if key <= value]
    assert table.at(0, value) == (below[-1] + 1000 if below and value <= keys[-1] else 0)


def test_tables_are_loaded_with_the_configuration(tmp_path):
    (tmp_path / "a.json").write_text('{"/status/bms": {"x": 1}}')
    (tmp_path / "p.csv").write_bytes(b"\xef\xbb\xbf" + CSV.encode())
    (tmp_path / "points.csv").write_text("name,register\nsoc,5\n")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe")
    configuration = load(tmp_path)
    engine = Engine()
    engine.load(configuration.assignments)
    cells = engine.find("/tables/p.csv", "cells")
    assert cells is not None
    assert cells.value[:2] == [["SoC/T", 0, 50, 100], [-10, 0, 0, 0]]
    assert "/tables" not in configuration.roots
    left_out = {problem.where: problem.message for problem in configuration.warnings}
    assert list(left_out) == ["binary.csv", "points.csv"]
    assert "expected a header and rows" in left_out["points.csv"]
    assert "no header" in left_out["binary.csv"]


# -- AggregateManager --------------------------------------------------------------------------------------------------


def test_the_smallest_and_the_largest_instance_are_shown():
    bench = Bench(
        {
            "/assets/bms/rack_1": {"name": "1"},
            "/assets/bms/rack_2": {"name": "2"},
            "/assets/bms/rack_3": {"name": "3"},
            "/assets/bms/rack_4": {"name": "4"},
            "/status/rack_1": {"T": 20},
            "/status/rack_2": {"T": 30},
            "/status/rack_3": {"T": 0},
            "/status/bms": {"agg": {"value": "T"}},
        }
    )

    def shown():
        bench.call("AggregateManager", "/status/bms:agg")
        names = ("MinVal", "MinName", "MaxVal", "MaxName", "Num", "NumInvalid")
        return [bench[f"/status/bms:agg@{name}_T"] for name in names]

    assert shown() == [20, "rack_1", 30, "rack_2", 2, 0]
    bench.set("/status/rack_2", {"Enable_T": False})
    assert shown() == [20, "rack_1", 20, "rack_1", 1, 0]
    bench.set("/status/rack_1:T", None)
    assert shown() == [None, None, None, None, 0, 1]
    bench.set("/status/rack_2:Enable_T", None)
    bench.set("/status/rack_3:T", -4)
    assert shown() == [None, None, None, None, 0, 1]
    bench.set("/status/bms:agg@enabled", False)
    bench.set("/status/rack_3:T", 4)
    assert shown()[4] == 0


def test_the_engine_aggregates_its_managers(caplog):
    bench = Bench(
        {
            "/status/bms_1": {"SOC": 40},
            "/status/bms_2": {"SOC": 60},
            "/status/ess": {"agg": {"value": 0, "selectVal": "SOC"}},
        }
    )
    bench.call("AggregateManager", "/status/ess:agg")
    assert bench["/status/ess:agg@MaxName_SOC"] == "bms_2"
    bench.set("/status/ess:agg@selectVal", 5)
    bench.call("AggregateManager", "/status/ess:agg")
    assert "selectVal: expected the name of a variable" in caplog.text
