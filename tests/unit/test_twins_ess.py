"""The ESS of the simulated plant: the test of the overview document, and each of its rules by itself."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.twin_plants import LIVE, step
from tools.twins.models.ess import Ess
from tools.twins.models.terminal import Terminal
from tools.twins.models.words import Control, ControlValue, StatusValue


def running(**fields) -> Ess:
    ess = Ess(id="ess_1", **{"cap": 1000, "soc": 50, "phigh": 500, "on_cmd": True, **fields})
    step(ess)
    assert ess.on
    return ess


def test_the_twins_test_of_the_overview_document():
    ess_1 = Ess(id="ess_1", cap=1000, soc=50, phigh=500, plow=500, on_cmd=True)
    terminal = Terminal(v=480)
    ess_1.update_mode(terminal)
    ess_1.distribute_voltage(terminal)
    ess_1.update_state(terminal, 1)
    assert ess_1.on
    assert ess_1.ac_contactor
    assert ess_1.dc_contactor
    assert not ess_1.on_cmd
    assert (ess_1.v, ess_1.soc, ess_1.p) == (480, 50, 0)
    assert (ess_1.pdischarge, ess_1.pcharge) == (500, 500)


@pytest.mark.parametrize(
    ("before", "pcmd", "after", "p"),
    [
        (100, 500, 50, 500),
        (100, 250, 75, 250),
        (0, -500, 50, -500),
        (0, -250, 25, -250),
        (25, 500, 0, 250),
        (75, -500, 100, -250),
    ],
)
def test_an_hour_of_power_moves_the_state_of_charge(before, pcmd, after, p):
    ess = running(plow=500)
    ess.set((), {"soc": before, "pcmd": pcmd})
    step(ess, 3600)
    assert ess.soc == pytest.approx(after, abs=1e-9)
    assert ess.p == pytest.approx(p, abs=1e-9)


def test_full_and_empty_are_said_and_stay():
    ess = running(soc=100)
    ess.set((), {"soc": 100, "pcmd": -500})
    for _ in range(3):
        step(ess, 60)
        assert (ess.soc, ess.p, ess.pcharge, ess.pdischarge) == (100, 0, 0, 500)
    ess.set((), {"soc": 0, "pcmd": 500})
    for _ in range(3):
        step(ess, 60)
        assert (ess.soc, ess.p, ess.pcharge, ess.pdischarge) == (0, 0, 500, 0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.01, 400), min_size=1, max_size=20), st.sampled_from([(1.3, 500, 0), (98.1, -500, 100)]))
def test_what_rounding_leaves_of_an_empty_or_full_one_is_no_energy(ticks, case):
    soc, pcmd, end = case
    ess = running(plow=500, rte=90)
    ess.set((), {"soc": soc, "pcmd": pcmd})
    for dt_s in (*ticks, 3600, 0.1):
        step(ess, dt_s)
    assert ess.soc == end
    assert (ess.pdischarge if pcmd > 0 else ess.pcharge) == 0


def test_a_full_one_with_losses_takes_just_what_it_loses():
    ess = running(idleloss=2, rte=90)
    ess.set((), {"soc": 100, "pcmd": -500})
    for _ in range(3):
        step(ess, 60)
        assert ess.soc == pytest.approx(100, abs=1e-9)
        assert ess.p == pytest.approx(-2, abs=1e-2)


@settings(max_examples=150, deadline=None)
@given(
    st.floats(10, 1e5),
    st.floats(0, 100),
    st.floats(-2000, 2000),
    st.floats(0, 100) | st.just(0),
    st.floats(0, 20),
    st.floats(0.01, 7200),
)
def test_energy_is_conserved(cap, soc, pcmd, rte, idleloss, dt_s):
    ess = running(cap=cap, phigh=1000, rte=max(rte, 50) if rte else 0, idleloss=idleloss)
    ess.set((), {"soc": soc, "pcmd": pcmd})
    for _ in range(4):
        before = ess.soc
        step(ess, dt_s)
        taken = (ess.p + ess.losses) * dt_s / 3600
        assert (before - ess.soc) / 100 * cap == pytest.approx(taken, abs=1e-9 * max(cap, abs(taken)))
        assert ess.losses >= 0


def test_round_trip_efficiency_is_what_is_configured():
    ess = running(cap=10_000, rte=81, phigh=1000)
    ess.set((), {"pcmd": -1000})
    step(ess, 3600)
    stored = ess.soc - 50
    ess.set((), {"pcmd": 1000})
    before = ess.soc
    step(ess, 3600)
    # One way loses 1/sqrt(0.81) - 1 of the rated power.
    assert (before - ess.soc) * 100 == pytest.approx(1000 / 0.9)
    assert stored * 100 == pytest.approx(1000 * (2 - 1 / 0.9))


# -- commands --------------------------------------------------------------------------------------------------------


def test_on_off_and_standby_move_the_contactors_and_clear_themselves():
    ess = Ess(id="e", pcmd=100)
    step(ess)
    assert (ess.on, ess.ac_contactor, ess.p) == (False, False, 0)
    ess.set((), {"oncmd": True})
    step(ess)
    step(ess)
    assert (ess.on, ess.ac_contactor, ess.dc_contactor, ess.racks_in_service, ess.p) == (True, True, True, 1, 100)
    ess.set((), {"standbycmd": True})
    step(ess)
    assert (ess.on, ess.standby, ess.standby_cmd, ess.p) == (True, True, False, 0)
    ess.set((), {"oncmd": True})
    step(ess)
    assert (ess.on, ess.standby, ess.on_cmd, ess.p) == (True, False, False, 100)
    ess.set((), {"offcmd": True})
    step(ess)
    assert (ess.on, ess.off_cmd, ess.ac_contactor, ess.dc_contactor, ess.racks_in_service) == (False,) * 4 + (0,)
    assert ess.p == 0


def test_with_contactor_control_contactors_move_only_by_their_own_commands():
    ess = Ess(id="e", contactor_control=True, on_cmd=True, pcmd=100)
    step(ess)
    assert (ess.on, ess.ac_contactor, ess.dc_contactor) == (False, False, False)
    ess.set((), {"accontactorclosecmd": True, "dccontactorclosecmd": True})
    step(ess)
    assert (ess.on, ess.ac_contactor, ess.dc_contactor) == (True, True, True)
    ess.set((), {"offcmd": True})
    step(ess)
    assert (ess.on, ess.ac_contactor, ess.dc_contactor) == (False, True, True)


@pytest.mark.parametrize("contactor", ["ac", "dc"])
def test_a_contactor_opened_under_load_is_off_at_once_and_stays_off(contactor):
    ess = running(pcmd=200, contactor_control=True, ac_contactor=True, dc_contactor=True)
    step(ess)
    assert ess.p == 200
    ess.set((), {f"{contactor}contactoropencmd": True})
    step(ess)
    assert (ess.on, ess.p) == (False, 0)
    ess.set((), {f"{contactor}contactorclosecmd": True})
    step(ess)
    assert (ess.on, ess.p) == (False, 0)


def test_off_wins_over_on():
    ess = running()
    ess.set((), {"oncmd": True, "offcmd": True})
    step(ess)
    step(ess)
    assert not ess.on


def test_a_dead_grid_switches_off_and_forgets_commands():
    ess = running(pcmd=100)
    ess.set((), {"standbycmd": True, "oncmd": True})
    step(ess, terminal=Terminal())
    assert (ess.on, ess.standby, ess.on_cmd, ess.standby_cmd, ess.v, ess.p) == (False, False, False, False, 0, 0)
    step(ess)
    assert not ess.on


def test_a_start_takes_its_time():
    ess = Ess(id="e", on_cmd=True, start_time=3, pcmd=100)
    states = []
    for _ in range(5):
        step(ess)
        states.append((ess.starting, ess.on))
    assert states == [(True, False)] * 3 + [(False, True)] * 2


def word(value, *fields):
    return ControlValue(value=value, controls=tuple(Control(field=name, value=True) for name in fields))


def test_control_words_set_fields_and_status_words_show_them():
    ess = Ess(
        id="e",
        ctrl_word1_cfg=(
            word(207, "kacclosecmd", "oncmd"),
            word(206, "offcmd"),
        ),
        ctrl_word2_cfg=(word(2, "kdcclosecmd"),),
        status_cfg=(
            StatusValue(value=4, string="Running", field="on"),
            StatusValue(value=0, string="Stopped", field="on", invert=True),
        ),
    )
    step(ess)
    assert ess.get(("status",)) == [{"value": 0, "string": "Stopped"}]
    ess.set((), {"ctrlword1": 207, "ctrlword2": 2})
    step(ess)
    assert ess.values["status"] == [{"value": 4, "string": "Running"}]
    ess.set(("ctrlword1",), 206)
    step(ess)
    assert not ess.on


# -- power -----------------------------------------------------------------------------------------------------------


def test_set_points_are_limited():
    ess = running(phigh=500, plow=-200, qhigh=100)
    for pcmd, qcmd, p, q in ((900, 300, 500, 100), (-900, -300, -200, -100)):
        ess.set((), {"pcmd": pcmd, "qcmd": qcmd})
        step(ess)
        assert (ess.p, ess.q) == (p, q)
        assert ess.s == pytest.approx(math.hypot(p, q))
        assert ess.i == pytest.approx(ess.s * 1000 / (480 * math.sqrt(3)))
        assert ess.vln == pytest.approx(480 / math.sqrt(3))


@pytest.mark.parametrize(
    ("ramps", "before", "target", "dt_s", "after"),
    [
        ({"p_ramp_drop": 1.0, "abs_ramp_rate": True, "ramp_enable": True}, 2000, 1000, 2, 1966.67),
        ({"p_ramp_drop": 1.0, "abs_ramp_rate": True, "p_ramp_drop_enable": True}, 2000, 1000, 2, 1966.67),
        ({"p_ramp_drop": 1.0, "abs_ramp_rate": True}, 2000, 1000, 2, 1000),
        ({"p_ramp_rise": 1.0, "abs_ramp_rate": True, "ramp_enable": True}, 1000, 2000, 2, 1033.33),
        ({"p_ramp_rise": 10, "ramp_enable": True}, 1000, 2000, 2, 1400),  # percent of 2000 kW per second
        ({"p_ramp_rise": 10, "ramp_enable": True}, -500, -2000, 2, -900),
        ({"p_ramp_drop": 10, "ramp_enable": True}, -500, 0, 2, -100),
        # It is at zero after a second.
        ({"p_ramp_drop": 10, "p_ramp_rise": 5, "ramp_enable": True}, 200, -2000, 2, -100),
        ({"p_ramp_rise": 1000, "ramp_enable": True}, 0, 500, 1, 500),
    ],
)
def test_ramps(ramps, before, target, dt_s, after):
    ess = running(cap=1e6, phigh=2000, **ramps)
    ess.set((), {"rampenable": False, "prampdropenable": False, "pcmd": before})
    step(ess, 0.001)
    assert ess.p == before
    ess.set((), {name.replace("_", ""): value for name, value in ramps.items()} | {"pcmd": target})
    step(ess, dt_s)
    assert ess.p == pytest.approx(after, abs=0.01)


def test_the_ramps_of_start_and_stop():
    ess = Ess(id="e", on_cmd=True, pcmd=1000, p_ramp_start=10, p_ramp_start_enable=True, p_ramp_stop=25)
    ess.set((), {"prampstopenable": True, "pramprise": 50, "prampriseenable": True})
    step(ess)
    powers = []
    for _ in range(11):
        step(ess)
        powers.append(round(ess.p))
    assert powers[:3] == [200, 300, 400]
    assert powers[-1] == 1000
    ess.set((), {"offcmd": True})
    ends = []
    for _ in range(5):
        step(ess)
        ends.append((round(ess.p), ess.on, ess.ac_contactor))
    assert ends == [(750, True, True), (500, True, True), (250, True, True), (0, True, True), (0, False, False)]


@pytest.mark.parametrize("pf", [0.9, -0.9, 1.0, -0.5])
@pytest.mark.parametrize("p", [300, -300])
def test_power_factor_mode_gives_the_factor_that_it_shows(pf, p):
    ess = running(pf_mode=True, pf_cmd=pf, pcmd=p)
    step(ess)
    assert ess.pf == pytest.approx(pf)
    assert ess.p == p


def test_noise_is_the_same_in_each_run_and_around_the_set_point():
    def series():
        ess = running(noise=10, pcmd=100)
        powers = []
        for _ in range(200):
            step(ess)
            powers.append(ess.p)
        return powers

    one = series()
    assert one == series()
    assert len(set(one)) == 200
    assert sum(one) / 200 == pytest.approx(100, abs=2)


# -- faults ----------------------------------------------------------------------------------------------------------


def test_a_trip_stops_at_once_and_stays_until_a_reset():
    ess = running(pcmd=300)
    step(ess)
    ess.set((), {"tripcmd": True})
    step(ess)
    assert (ess.on, ess.faulted, ess.fault, ess.p, ess.ac_contactor) == (False, True, "trip", 0, False)
    ess.set((), {"oncmd": True})
    step(ess)
    assert (ess.on, ess.on_cmd, ess.ac_contactor) == (False, False, False)
    ess.set((), {"resetcmd": True})
    step(ess)
    assert (ess.faulted, ess.fault, ess.on) == (False, "", False)
    ess.set((), {"oncmd": True})
    step(ess)
    assert ess.on


def test_a_fault_whose_reason_stays_cannot_be_reset():
    ess = running()
    ess.set((), {"overtemperature": True})
    step(ess)
    ess.set((), {"resetcmd": True})
    step(ess)
    assert (ess.faulted, ess.fault) == (True, "over temperature")
    ess.set((), {"overtemperature": False, "resetcmd": True})
    step(ess)
    assert not ess.faulted


def test_a_stuck_contactor_does_not_move():
    ess = Ess(id="e", on_cmd=True, ac_contactor_stuck=True)
    step(ess)
    assert (ess.on, ess.ac_contactor, ess.dc_contactor) == (False, False, True)
    ess.set((), {"accontactorstuck": False})
    step(ess)
    assert ess.on
    ess.set((), {"dccontactorstuck": True, "offcmd": True})
    step(ess)
    assert (ess.on, ess.ac_contactor, ess.dc_contactor) == (False, False, True)
    ess.set((), {"dccontactorstuck": False, "dccontactoropencmd": True})
    step(ess)
    ess.set((), {"dccontactorstuck": True, "oncmd": True})
    step(ess)
    assert (ess.on, ess.ac_contactor, ess.dc_contactor) == (False, True, False)
    ess.set((), {"accontactorstuck": True, "offcmd": True})
    step(ess)
    assert (ess.on, ess.ac_contactor, ess.dc_contactor) == (False, True, False)


def test_the_direct_current_carries_power_and_losses():
    ess = running(pcmd=200, rte=81, vdcnom=1000, racks=3)
    step(ess)
    assert ess.racks_in_service == 3
    assert ess.losses > 0
    assert ess.vdc == 1000
    assert ess.idc == pytest.approx(200 + ess.losses)
    ess.set((), {"offcmd": True})
    step(ess)
    assert (ess.vdc, ess.idc) == (0, 0)


# -- fields ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"soc": "full"}, "soc: expected a number, got 'full'"),
        ({"soc": True}, "soc: expected a number"),
        ({"soc": 101}, "soc: expected 0 to 100, got 101"),
        ({"cap": 0}, "cap: expected at least 1e-06"),
        ({"oncmd": 1}, "oncmd: expected true or false, got 1"),
        ({"pcmd": 1e300}, r"pcmd: expected a number less than 1e\+15, got 1e\+300"),
        ({"racks": 1.5}, "racks: expected a whole number"),
        ({"fault": 5}, "fault: expected a text"),
        ({"pcmd": None}, "pcmd: expected a number"),
        ({"pcmd": 1e300}, "pcmd: expected a number"),
        ({"pcmd": 10**400}, "pcmd: expected a number"),
        ({"pcmd": [1]}, "pcmd: expected a number"),
    ],
)
def test_a_wrong_value_is_refused_and_nothing_is_set(body, words):
    ess = Ess(id="e")
    before = ess.values
    with pytest.raises(ValueError, match="expected"):
        ess.set((), {"pcmd": 5, **body})
    with pytest.raises(ValueError, match=words[:30]):
        ess.set((), body)
    assert ess.values == before


def test_an_unknown_field_is_refused_with_the_nearest_names():
    ess = Ess(id="e")
    with pytest.raises(LookupError, match="no field 'accontactr'; did you mean accontactor"):
        ess.set(("accontactr",), True)
    with pytest.raises(LookupError, match="no field 'id'"):
        ess.set(("id",), "x")
    with pytest.raises(LookupError, match="at most one segment"):
        ess.get(("soc", "value"))


def test_names_of_older_plants_and_capitals_are_understood():
    ess = Ess(id="e")
    ess.set((), {"kacclosecmd": True, "KSeparate": {"value": True}, "Pcmd": 5})
    assert (ess.ac_contactor_close_cmd, ess.contactor_control, ess.pcmd) == (True, True, 5)
    assert ess.get(("kac",)) is False
    assert ess.values["accontactorclosecmd"] is True
    assert "kac" not in ess.values


def test_a_whole_number_may_be_written_as_a_float():
    ess = Ess(id="e")
    ess.set((), {"racks": 3.0, "soc": 40})
    assert (ess.racks, ess.soc) == (3, 40.0)
    assert isinstance(ess.racks, int)
    assert isinstance(ess.soc, float)


def test_it_never_leaves_its_limits_whatever_it_is_told():
    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    **{name: st.booleans() for name in ("oncmd", "offcmd", "standbycmd", "accontactoropencmd")},
                    **{name: st.booleans() for name in ("contactorcontrol", "tripcmd", "resetcmd", "dccontactorstuck")},
                    "pcmd": st.floats(-1e4, 1e4),
                    "qcmd": st.floats(-1e4, 1e4),
                    "soc": st.floats(0, 100),
                    "rampenable": st.booleans(),
                    "pramprise": st.floats(0, 100),
                },
            ).filter(bool),
            max_size=12,
        ),
        st.floats(0.01, 3600),
    )
    def check(orders, dt_s):
        ess = Ess(id="e", phigh=500, qhigh=300, rte=90, idleloss=1)
        for order in orders:
            ess.set((), order)
            step(ess, dt_s, LIVE)
            assert abs(ess.p) <= 500 + 1e-9
            assert abs(ess.q) <= 300
            assert 0 <= ess.soc <= 100
            if not (ess.on and ess.ac_contactor and ess.dc_contactor) or ess.standby or ess.faulted:
                assert (ess.p, ess.q) == (0, 0)

    check()
