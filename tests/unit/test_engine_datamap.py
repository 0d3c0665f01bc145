"""Values by set and pub in every legal shape; types, parameters, links (engine.md 2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ess_bus.engine.cell import Cell, Kind
from ess_bus.engine.datamap import DataMap
from ess_bus.engine.engine import Engine
from ess_bus.engine.meaning import member
from ess_bus.engine.numbers import number
from ess_bus.engine.variable import Variable
from ess_bus.engine.views import View, get
from ess_bus.reference import Reference

TABLE = "/components/catl_mbmu_summary_r"


def loaded(tables):
    engine = Engine()
    scratch = DataMap()
    for table, members in tables.items():
        engine.load(scratch.checked(member(Reference(table, name), definition)) for name, definition in members.items())
    return engine


@pytest.fixture
def engine():
    return loaded({TABLE: {"mbmu_voltage": {"value": 0}, "mbmu_current": 20000}})


def test_one_value_of_a_report_that_cannot_be_held_is_not_valid_and_the_others_are_taken(engine):
    (problem,) = engine.report(TABLE, {"mbmu_voltage": "high", "mbmu_current": 1, "new": True})
    assert problem == f"{TABLE}:mbmu_voltage: expected a number, got 'high'"
    assert get(engine.datamap, TABLE, View.FULL) == {
        "mbmu_current": {"value": 1},
        "mbmu_voltage": {"value": None},
        "new": {"value": True},
    }
    assert engine.report(TABLE, {"mbmu_voltage": 3}) == []
    assert get(engine.datamap, f"{TABLE}/mbmu_voltage") == 3
    with pytest.raises(ValueError, match="sets nothing"):
        engine.report(TABLE, {})


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{TABLE}/mbmu_voltage", 2),
        (f"{TABLE}/mbmu_voltage", 2.0),
        (f"{TABLE}/mbmu_voltage", {"value": 2}),
        (f"{TABLE}/mbmu_voltage", {"mbmu_voltage": 2}),
        (f"{TABLE}/mbmu_voltage", {"mbmu_voltage": {"value": 2}}),
        (f"{TABLE}/mbmu_voltage@value", 2),
        ("/components", {"catl_mbmu_summary_r": {"mbmu_voltage": 2}}),
        (TABLE, {"mbmu_voltage": 2}),
        (TABLE, {"mbmu_voltage": {"value": 2}}),
        (TABLE, {"mbmu_current": 1, "mbmu_voltage": {"value": 2, "unit": "V"}}),
    ],
)
def test_every_legal_shape_sets_the_value(engine, path, body):
    engine.set(path, body)
    assert get(engine.datamap, f"{TABLE}/mbmu_voltage") == 2


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        (f"{TABLE}/mbmu_voltage", "high", "expected a number, got 'high'"),
        (f"{TABLE}/mbmu_voltage", {}, "empty object"),
        (TABLE, {}, "empty object"),
        (TABLE, 5, "is a table; expected an object"),
        ("/components", 5, "/components is a table"),
        ("/status/bms", 5, "/status cannot hold variables"),
        ("/components", {"catl_mbmu_summary_r": 5}, "catl_mbmu_summary_r is a table"),
        ("/components", {"other": 5}, "/components cannot hold variables"),
        (f"{TABLE}/mbmu_voltage/value", 5, "mbmu_voltage is a variable, not a table"),
        (f"{TABLE}/mbmu_voltage/x", {"y": 5}, "mbmu_voltage is a variable, not a table"),
        (f"{TABLE}:mbmu_voltage", 5, "/components cannot hold variables"),
        (f"{TABLE}/a:b", 5, "cannot be a variable's name: it contains :"),
        (TABLE, {"a/b": 5}, "cannot be a variable's name: it contains /"),
        (TABLE, {"a@b": 5}, "cannot be a variable's name: it contains @"),
        (f"{TABLE}/mbmu_voltage@actions", "x", "cannot be set as a parameter"),
        (f"{TABLE}/mbmu_voltage@", 1, "cannot be set as a parameter"),
        (f"{TABLE}/nothing@unit", {"a": 1}, "nothing is not a variable"),
        (TABLE, {"mbmu_current": 5, "mbmu_voltage": "high"}, "mbmu_voltage: expected a number"),
        (TABLE, {"mbmu_voltage": {"value": {"deep": 1}}}, "got an object"),
        (TABLE, {"": 1}, "without a name"),
        ("/", {"a": 1}, "expected /table"),
        ("/", 5, "expected /table or /table/variable"),
        ("/alone", 5, "expected /table/variable"),
        (TABLE, {"mbmu_voltage": {"value": 1, "actions": []}}, "must be an object"),
    ],
)
def test_what_cannot_be_applied_changes_nothing_and_says_why(engine, path, body, reason):
    with pytest.raises(ValueError, match=reason):
        engine.set(path, body)
    assert get(engine.datamap, TABLE) == {"mbmu_current": {"value": 20000}, "mbmu_voltage": {"value": 0}}
    assert engine.take_publications().values == {}


def test_an_unknown_variable_is_created_by_its_first_value(engine):
    engine.set(f"{TABLE}/new", True)
    engine.set("/status/pcs", {"state": "Off"})
    assert get(engine.datamap, f"{TABLE}/new") is True
    assert get(engine.datamap, "/status/pcs/state") == "Off"


def test_a_table_is_never_taken_for_a_variable_afterwards(engine):
    for body in ({"catl_mbmu_summary_r": {"mbmu_voltage": 1}}, {"catl_mbmu_summary_r": {"mbmu_voltage": {"value": 1}}}):
        engine.set("/components", body)
        engine.set(TABLE, {"mbmu_voltage": 7})
        assert get(engine.datamap, f"{TABLE}/mbmu_voltage") == 7
    assert set(engine.datamap.tables) == {TABLE}


def test_a_new_table_may_come_with_its_first_variables(engine):
    engine.set("/components", {"bms_2": {"soc": 50}})
    engine.set("/components/bms_3", {"soc": 60})
    assert get(engine.datamap, "/components/bms_2/soc") == 50
    assert get(engine.datamap, "/components/bms_3/soc") == 60


def test_parameters_are_added_and_leave_the_value_alone(engine):
    engine.set(f"{TABLE}/mbmu_voltage", {"unit": "V", "enabled": False})
    engine.set(f"{TABLE}/mbmu_voltage", {"value": "$$", "scaler": 10})
    engine.set(f"{TABLE}/mbmu_voltage@enabled", True)
    expected = {"value": 0, "enabled": True, "scaler": 10, "unit": "V"}
    assert get(engine.datamap, f"{TABLE}/mbmu_voltage", View.FULL) == {"mbmu_voltage": expected}
    assert get(engine.datamap, f"{TABLE}/mbmu_voltage@unit") == "V"


def test_the_type_is_that_of_the_first_value():
    variable = Variable()
    variable.set(variable.cell.accept(None))
    assert variable.value is None
    variable.set(variable.cell.accept("Off"))
    assert variable.cell.kind is Kind.TEXT
    with pytest.raises(ValueError, match="expected a text"):
        variable.cell.accept(5)
    assert variable.cell.accept(None) is None


def test_bools_and_numbers_convert_only_where_nothing_is_lost():
    switch, counter = Variable(Cell(Kind.BOOL, False)), Variable(Cell(Kind.NUMBER, 0))
    assert switch.cell.accept(1) is True
    assert counter.cell.accept(True) == 1
    assert type(counter.cell.accept(True)) is int
    with pytest.raises(ValueError, match="expected a bool"):
        switch.cell.accept(2)


def test_one_entry_of_an_enum_is_its_text_and_several_bits_stay_a_list():
    variable = Variable()
    variable.set(variable.cell.accept([{"value": 3, "string": "Standby"}]))
    assert variable.value == "Standby"
    both = [{"value": 0, "string": "Stop"}, {"value": 3, "string": "Standby"}]
    variable.set(variable.cell.accept(both))
    assert variable.value == both
    variable.set(variable.cell.accept([]))
    assert variable.value == []


def test_noise_below_the_deadband_is_no_change():
    variable = Variable(Cell(Kind.NUMBER, 5))
    assert not variable.set(5 + 1e-9)
    assert variable.set(5.1)
    assert variable.set(None)
    assert not variable.set(None)
    assert variable.set(0)


@given(st.floats() | st.integers(min_value=-(10**30), max_value=10**30))
def test_numbers_always_have_a_json_form(value):
    import orjson

    held = number(value)
    assert held is None or orjson.loads(orjson.dumps(held)) == held
    assert held is None or held == pytest.approx(value)


def test_a_link_shows_the_very_same_variable():
    engine = loaded(
        {
            TABLE: {"mbmu_voltage": {"value": 1, "unit": "V"}},
            "/status/bms": {"mbmu_voltage": 99},
            "/links/bms": {"mbmu_voltage": {"value": f"{TABLE}:mbmu_voltage"}, "soc": f"{TABLE}:mbmu_soc"},
        }
    )
    engine.set(f"{TABLE}/mbmu_voltage", 2)
    assert get(engine.datamap, "/status/bms/mbmu_voltage", View.FULL) == {"mbmu_voltage": {"value": 2, "unit": "V"}}
    assert engine.take_publications().values == {TABLE: {"mbmu_voltage": 2}, "/status/bms": {"mbmu_voltage": 2}}
    engine.set("/status/bms/soc", 50)
    assert get(engine.datamap, f"{TABLE}/mbmu_soc") == 50


def test_a_link_can_be_made_while_running():
    engine = loaded({TABLE: {"mbmu_voltage": 1}})
    engine.set("/links/bms", {"BMSVoltage": f"{TABLE}:mbmu_voltage"})
    assert get(engine.datamap, "/status/bms/BMSVoltage") == 1


@pytest.mark.parametrize("text", ["", "x", "/a", ":b", "/a:", "/:b", "a:b"])
def test_what_is_not_a_reference_is_refused(text):
    with pytest.raises(ValueError, match="expected /table:name"):
        Reference.parse(text)


def test_references_come_in_colon_and_path_form():
    assert Reference.parse("/a//b:c") == Reference.parse("/a/b/c") == Reference("/a/b", "c")
    assert str(Reference.parse("/a/b:c@p")) == "/a/b:c@p"


@pytest.mark.parametrize("name", ["n" * 250, "a\nb", "\x1b[31m", "\x7f"])
def test_a_name_that_no_uri_can_have_is_refused(engine, name):
    with pytest.raises(ValueError, match=r"over the limit of 255|control characters|contains \["):
        engine.set(TABLE, {"mbmu_voltage": 7, name: 5})
    assert get(engine.datamap, f"{TABLE}/mbmu_voltage") == 0
