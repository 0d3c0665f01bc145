"""Configurations of plants: what they mean, what is refused and what is left out."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ess_bus.errors import ConfigurationError
from tests.real_files import SHARED
from tools.twins.configuration import configured, load
from tools.twins.device import Device
from tools.twins.models.bms import Bms

HERE = Path("plant.json")
ROOT = {"id": "grid", "children": [{"id": "pcs_1", "children": [{"id": "bms_1"}]}]}
SMALL = {"grids": [{"id": "grid"}], "pcs": [{"id": "pcs_1"}], "bms": [{"id": "bms_1", "racks": 2}], "root": ROOT}


def read(*documents):
    return configured(HERE, [(HERE, document) for document in documents])


def plant(*documents):
    return read(*documents).plant()


def problems(*documents):
    with pytest.raises(ConfigurationError) as caught:
        read(*documents)
    return [str(problem) for problem in caught.value.problems]


def test_components_that_only_hold_values_need_nothing_else():
    held = read({"publishRate": 100, "components": {"bms": {"soc": 50}}})
    assert (held.publish_rate_ms, held.update_rate_ms, held.time_multiplier, held.manual_tick) == (100, 100, 1.0, False)
    assert isinstance(held.plant().components["bms"], Device)


def test_a_plant_has_its_components_racks_and_aliases():
    made = plant({**SMALL, "pcs": [{"id": "pcs_1", "aliases": ["pcs"]}]})
    assert set(made.components) == {"grid", "pcs_1", "bms_1", "bms_1_sbmu_1", "bms_1_sbmu_2"}
    assert made.names["pcs"] == "pcs_1"
    made.set("pcs", ("pcmd",), 5)
    assert made.get("pcs_1", ("pcmd",)) == 5


def test_keys_are_the_fields_whatever_their_capitals_and_age():
    ess = plant({"ess": [{"ID": "ess_1", "Cap": 2300, "PHigh": 5500, "kseparate": True, "note0": "", "units": "kW"}]})
    assert ess.get("ess_1", ("cap",)) == 2300
    assert ess.get("ess_1", ("contactorcontrol",)) is True


def test_without_a_root_everything_is_at_the_grid():
    made = plant({"ess": [{"id": "ess_1", "oncmd": True, "pcmd": 50}], "loads": [{"id": "load", "pcmd": -20}]})
    for _ in range(3):
        made.tick(1)
    assert made.get("ess_1", ("p",)) == 50
    made = plant({"grids": [{"id": "g", "v": 690}], "ess": [{"id": "ess_1", "oncmd": True, "pcmd": 50}]})
    for _ in range(3):
        made.tick(1)
    assert (made.get("g", ("p",)), made.get("ess_1", ("v",))) == (50, 690)


def test_measurements_racks_and_profiles_are_configured_inside_their_component():
    soc = {"value": 40, "faultHighThreshold": 95, "alarmlowthreshold": 5}
    rack = {"idc": {"value": 0, "faulthighthreshold": 285}, "ctrlword1cfg": []}
    bms = {"id": "bms_1", "racks": 3, "soc": soc, "sbmu": [rack], "vdcprofile": [1200, 1300], "socprofile": [0, 100]}
    made = plant({**SMALL, "bms": [bms]})
    assert made.get("bms_1", ("soc_faulthighthreshold",)) == 95
    assert made.get("bms_1", ("vdc",)) == 1240
    assert [made.get(f"bms_1_sbmu_{n}", ("idc_faulthighthreshold",)) for n in (1, 2, 3)] == [285] * 3
    assert made.get("bms_1_sbmu_3", ("soc",)) == 40
    assert isinstance(made.models["bms_1"], Bms)


def test_several_documents_add_up_and_later_ones_change_components_by_id():
    defaults = {"ess": {"Cap": {"default": 8000}, "Soc": 30, "Rte": {"default": 96, "units": "%"}}}
    made = plant({"ess": [{"id": "a", "cap": 10}, {"id": "b"}]}, defaults, {"ess": [{"id": "b", "soc": 60}]})
    assert [made.get(name, (key,)) for name in "ab" for key in ("cap", "soc", "rte")] == [10, 30, 96, 8000, 60, 96]


def test_entries_repeat_by_number_or_by_word():
    made = plant(
        {
            "ess": [
                {"vars": {"id": "ess_#N#", "cap": 5}, "reps": {"from": 1, "to": 3, "token": "#N#"}},
                {"vars": {"id": "ess_#W#"}, "reps": {"list": ["red", "blue"], "token": "#W#"}},
            ]
        }
    )
    assert set(made.components) == {"ess_1", "ess_2", "ess_3", "ess_red", "ess_blue"}


def test_a_tree_may_make_components_of_their_types():
    made = plant({"root": {"id": "g", "asset_type": "GRID", "children": [{"id": "x", "asset_type": "XFMR"}]}})
    assert set(made.components) == {"g", "x"}


def test_what_means_nothing_is_named_and_counted():
    word = {"value": 1, "controls": [{"field": "oncmd", "value": True}, {"field": "heater", "value": True}]}
    status = {"value": 4, "string": "Hot", "field": "hot"}
    ess = {"cap": 5, "colour": "red", "ctrlword1cfg": [word], "statuscfg": [status]}
    held = read({"ess": [{"id": "a", **ess}, {"id": "b", **ess}], "loads": [{"id": "l", "pmx": 5}]})
    assert sorted(map(str, held.warnings)) == [
        "ess.colour: not supported, 2 times",
        "ess.ctrlword1cfg: heater: not supported, 2 times",
        "ess.statuscfg: hot: not supported, 2 times",
        "loads.pmx: not supported, once",
    ]
    made = held.plant()
    made.set("a", (), {"ctrlword1": 1})
    made.tick(1)
    made.tick(1)
    assert made.get("a", ("on",)) is True


def test_a_component_that_is_not_connected_is_a_warning():
    held = read({**SMALL, "loads": [{"id": "load_1"}]})
    assert [str(one) for one in held.warnings] == ["load_1: not connected: nothing happens to it"]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"publishRate": 0}, "publishRate: input should be greater than or equal to 1, got 0"),
        ({"colour": 1}, "colour: unknown key"),
        ({"ess": [5]}, "ess.0: expected an object, got 5"),
        ({"ess": [{"cap": 5}]}, "ess.0.id: expected the name of a component, one word without '/'"),
        ({"ess": [{"id": "a/b"}]}, "ess.0.id: expected the name of a component, one word without '/'"),
        ({"ess": [{"id": "a", "cap": "big"}]}, "ess.0.cap: expected a number, got 'big'"),
        ({"ess": [{"id": "a", "Soc": 101}]}, "ess.0.Soc: expected 0 to 100, got 101"),
        ({"ess": [{"id": "a", "oncmd": 1}]}, "ess.0.oncmd: expected true or false, got 1"),
        ({"ess": [{"id": "a"}], "loads": [{"id": "a"}]}, "loads.0.id: 'a' is already one of ess"),
        ({"ess": [{"id": "a"}], "components": {"a": {"x": 1}}}, "'a' is the name of several components"),
        ({"ess": [{"id": "a", "aliases": ["b"]}, {"id": "b"}]}, "'b' is the name of several components"),
        ({"ess": [{"id": "a", "aliases": "b"}]}, "ess.0.aliases: expected a list of names, words without '/'"),
        ({"ess": [{"id": "a", "statuscfg": [{"value": 1}]}]}, "ess.0.statuscfg.0.string: missing"),
        (
            {"ess": [{"id": "a", "ctrlword1cfg": [{"value": 1, "controls": [{"field": "oncmd", "value": 5}]}]}]},
            "ess.0.ctrlword1cfg.oncmd: expected true or false, got 5",
        ),
        (
            {**SMALL, "bms": [{"id": "bms_1", "racks": 3, "sbmu": [{}, {}]}]},
            "bms.0.sbmu: expected 1 or 3, as many as racks, got 2",
        ),
        (
            {**SMALL, "bms": [{"id": "bms_1", "vdcprofile": [1], "socprofile": [0, 100]}]},
            "bms.0: expected as many socprofile and vdcprofile, got 2 and 1",
        ),
        (
            {**SMALL, "bms": [{"id": "bms_1", "vdcprofile": [1, 2], "socprofile": [100, 0]}]},
            "bms.0: expected a socprofile that ascends",
        ),
        ({**SMALL, "bms": [{"id": "bms_1", "vdcprofile": [1, "x"]}]}, "bms.0.vdcprofile: expected a list of numbers"),
        (
            {"bms": [{"id": "b"}]},
            'root: missing; expected how components are connected: {"id": "grid", "children": [...]}',
        ),
        ({**SMALL, "root": {"id": "gird"}}, "root: no component 'gird'; did you mean grid?"),
        (
            {**SMALL, "root": {"id": "grid", "children": [{"id": "bms_1"}]}},
            "root.children.0: 'bms_1' is a component for DC; below 'grid' is AC",
        ),
        (
            {**SMALL, "root": {"id": "bms_1", "children": [{"id": "grid"}]}},
            "root: nothing can be connected below 'bms_1'",
        ),
        (
            {**SMALL, "root": {"id": "pcs_1", "children": [{"id": "grid"}]}},
            "root.children.0: 'grid' is a grid, which can only be the root",
        ),
        (
            {"loads": [{"id": "l"}], "root": {"id": "g", "asset_type": "GRID", "children": [{"id": "l"}, {"id": "l"}]}},
            "root.children.1: 'l' is connected twice",
        ),
        (
            {"root": {"id": "g", "asset_type": "GIRD"}},
            "root.asset_type: expected one of GRID, FEED, ESS, PCS, BMS, DCDC, DCBUS, PV, SOLAR, GEN, LOAD, XFMR; "
            "did you mean GRID?",
        ),
        ({"root": {"id": "g", "asset_type": "GRID", "children": {}}}, "root.children: expected a list"),
        (
            {"ess": [{"vars": {}, "reps": {"from": 3, "to": 1, "token": "#"}}]},
            'ess.0: expected {"vars": {...}, "reps": {"from": 1, "to": 2, "token": "##N##"}}, or a "list" of words',
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_its_place(document, expected):
    assert expected in problems(document)


def test_all_problems_are_found_at_once():
    assert len(problems({"ess": [{"id": "a", "cap": "x", "soc": "y"}, {"id": "b", "rte": "z"}]})) == 3


def test_a_tree_without_end_is_refused():
    node: dict[str, object] = {"id": "x", "asset_type": "FEED"}
    for number in range(150):
        node = {"id": f"f{number}", "asset_type": "FEED", "children": [node]}
    (found,) = [problem for problem in problems({"root": node}) if "deeper than 100 levels" in problem]
    assert re.fullmatch(r"root\.children\.0\.chi.*\.\.\..*\.children\.0: deeper than 100 levels", found)
    assert len(found) < 200


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["id", "ess", "bms", "soc", "sbmu", "root", "children", "outputs", "uri", "statuscfg", "reps"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_is_written_is_a_plant_or_a_configuration_error(document):
    try:
        made = plant(document)
    except ConfigurationError:
        return
    made.tick(1)


PSM = SHARED.parent / "psm"


@pytest.mark.skipif(not PSM.is_dir(), reason=f"no plants from the field in {PSM}")
def test_real_plants_load_live_and_say_what_they_leave_out():
    for path in sorted(PSM.glob("*.json")):
        held = load(path)
        made = held.plant()
        for seconds in (0.1, 1, 60, 3600):
            made.tick(seconds)
        for _, values in made.bodies():
            orjson.dumps(values)
    assert [str(one) for one in load(PSM / "psm.json").warnings] == ["bms.lossrange: not supported, once"]
    assert len(load(PSM).plant().components) == 16
