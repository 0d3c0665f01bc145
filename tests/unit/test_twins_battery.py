"""A battery behind its converter: energy, limits, contactors, faults and what a reset takes."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.twin_plants import Site
from tools.twins.models.bms import Bms
from tools.twins.models.pcs import Pcs
from tools.twins.models.tree import Node


def battery(pcs_fields=None, **fields):
    bms = Bms(id="bms", on_cmd=True, **{"cap": 1000, "racks": 9, "pmax": 1000, **fields})
    pcs = Pcs(id="pcs", on_cmd=True, **{"plim": 500, "qlim": 500, **(pcs_fields or {})})
    return Site(Node(pcs, (Node(bms),))), pcs, bms


def kwh(bms):
    return sum(rack.soc / 100 * rack.cap for rack in bms.sbmu)


def test_an_hour_of_500_kw_takes_half_of_1000_kwh():
    site, pcs, bms = battery()
    site.run(2)
    bms.set((), {"soc": 100})
    pcs.set((), {"pcmd": 500})
    site.run(1, 3600)
    assert (pcs.p, bms.p) == (500, 500)
    assert bms.soc.value == pytest.approx(50)
    assert [rack.soc for rack in bms.sbmu] == pytest.approx([50] * 9)
    assert sum(rack.p for rack in bms.sbmu) == pytest.approx(500)
    pcs.set((), {"pcmd": -500})
    site.run(1, 3600)
    assert bms.soc.value == pytest.approx(100)
    site.run(1, 3600)
    assert (pcs.p, bms.pcharge, bms.pdischarge) == (0, 0, 1000)


@settings(max_examples=100, deadline=None)
@given(
    st.floats(0, 100),
    st.lists(st.tuples(st.floats(-800, 800), st.floats(0.1, 7200)), min_size=1, max_size=5),
    st.sampled_from([0, 80, 92]),
    st.floats(0, 5),
    st.floats(0, 0.3),
)
def test_energy_is_conserved_from_the_racks_to_the_grid(soc, orders, rte, idleloss, differing):
    site, pcs, bms = battery({"rte": rte, "idleloss": idleloss}, rte=rte, idleloss=idleloss, cap_range=differing)
    site.run(2)
    bms.set((), {"soc": soc})
    for pcmd, dt_s in orders:
        pcs.set((), {"pcmd": pcmd})
        before = kwh(bms)
        site.run(1, dt_s)
        assert bms.p == pytest.approx(pcs.p + pcs.losses, abs=1e-7)
        assert before - kwh(bms) == pytest.approx((bms.p + bms.losses) * dt_s / 3600, abs=1e-8)
        assert site.grid.p == pytest.approx(pcs.p)
        assert all(-1e-12 <= rack.soc <= 100 + 1e-12 for rack in bms.sbmu)


def test_a_full_and_an_empty_battery_stay_so_without_flapping():
    site, pcs, bms = battery({"idleloss": 1}, idleloss=1, rte=95)
    site.run(2)
    for soc, pcmd in ((100, -500), (0, 500)):
        bms.set((), {"soc": soc})
        pcs.set((), {"pcmd": pcmd})
        powers = []
        for _ in range(6):
            site.run(1, 1.0)
            powers.append(pcs.p)
        assert all(before == pytest.approx(after, abs=1e-3) for before, after in pairwise(powers[1:]))
        assert bms.soc.value == pytest.approx(soc, abs=1e-6)


@pytest.mark.parametrize(("soc", "power_kw", "end"), [(1.3, 500, 0), (98.1, -500, 100)])
@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.01, 400), min_size=1, max_size=20), st.sampled_from([0, 90, 99.5]), st.floats(0, 0.3))
def test_what_rounding_leaves_of_an_empty_or_full_battery_is_no_energy(soc, power_kw, end, ticks, rte, differing):
    site, pcs, bms = battery({"idleloss": 0.5, "rte": rte}, idleloss=0.2, rte=rte, cap_range=differing)
    site.run(2)
    bms.set((), {"soc": soc})
    pcs.set((), {"pcmd": power_kw})
    for dt_s in (*ticks, 3600, 0.1):
        site.run(1, dt_s)
    assert bms.soc.value == end
    # It says itself that it is empty, or full: somebody limits a set point by that.
    assert (bms.pdischarge if power_kw > 0 else bms.pcharge) < 1


def test_a_rack_out_of_service_carries_nothing_and_takes_its_share_of_the_limit():
    site, pcs, bms = battery()
    pcs.set((), {"pcmd": 450})
    site.run(3)
    bms.sbmu[2].set((), {"offline": True})
    bms.sbmu[3].set((), {"disablecmd": True})
    site.run(1, 600)
    assert (bms.racks_in_service, bms.sbmu[2].p, bms.sbmu[3].p) == (7, 0, 0)
    assert bms.sbmu[2].soc == pytest.approx(50, abs=0.1)
    assert bms.sbmu[0].soc < 45
    assert bms.pdischarge == pytest.approx(1000 * 7 / 9)
    assert sum(rack.p for rack in bms.sbmu) == pytest.approx(450)
    bms.sbmu[2].set((), {"offline": False})
    site.run(1)
    assert bms.racks_in_service == 8
    # The fuller one gives more, so that all will be empty at the same time.
    assert bms.sbmu[2].p > bms.sbmu[0].p


def test_a_contactor_opened_under_load_is_a_fault_of_the_converter():
    site, pcs, bms = battery()
    pcs.set((), {"pcmd": 300})
    site.run(3)
    bms.set((), {"offcmd": True})
    site.run(1)
    assert (pcs.p, pcs.on, pcs.faulted, pcs.fault, pcs.vdc, bms.p) == (0, False, True, "DC under voltage", 0, 0)
    bms.set((), {"oncmd": True})
    pcs.set((), {"oncmd": True})
    site.run(3)
    assert (pcs.on, bms.on) == (False, True)
    pcs.set((), {"resetcmd": True, "oncmd": True})
    site.run(3)
    assert pcs.p == 300


def test_a_stuck_contactor_of_the_battery_does_not_move():
    site, _, bms = battery()
    site.run(3)
    bms.set((), {"dccontactorstuck": True, "offcmd": True})
    site.run(2)
    assert (bms.on, bms.dc_contactor, bms.racks_in_service) == (True, True, 9)
    bms.set((), {"tripcmd": True})
    site.run(2)
    assert (bms.faulted, bms.dc_contactor, bms.pdischarge, bms.pcharge) == (True, True, 0, 0)
    bms.set((), {"dccontactorstuck": False})
    site.run(1)
    assert not bms.dc_contactor
    bms.set((), {"dccontactorstuck": True, "resetcmd": True})
    site.run(1)
    bms.set((), {"oncmd": True})
    site.run(2)
    assert not bms.dc_contactor


def test_an_empty_battery_has_nothing_left_to_lose():
    site, pcs, bms = battery(idleloss=2)
    site.run(3)
    bms.set((), {"soc": 0})
    for order in ({"pcmd": 100}, {"offcmd": True}):
        pcs.set((), order)
        site.run(2, 60)
        # What it took would come from nowhere where the converter is off.
        assert (bms.soc.value, bms.p, bms.losses, pcs.pdc, site.grid.p) == (0, 0, 0, 0, 0)


def test_a_converter_without_a_dc_voltage_refuses_to_start_and_does_not_start_later_by_itself():
    site, pcs, bms = battery()
    bms.set((), {"offcmd": True})
    bms.dc_contactor_stuck = True
    site.run(3)
    assert (pcs.on, pcs.on_cmd) == (False, False)
    bms.set((), {"dccontactorstuck": False, "oncmd": True})
    site.run(3)
    assert (pcs.on, pcs.vdc) == (False, bms.vdc)


def test_a_precharge_takes_its_time():
    site, _, bms = battery(precharge_time=3)
    seen = []
    for _ in range(5):
        site.run(1)
        seen.append((bms.precharging, bms.dc_contactor))
    assert seen == [(True, False)] * 3 + [(False, True)] * 2


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"overtemperature": True}, "maxcelltemp high"),
        ({"tripcmd": True}, "trip"),
        ({"soc_faultlowthreshold": 60}, "soc low"),
        ({"maxcellvolt_faulthighthreshold": 2}, "maxcellvolt high"),
    ],
)
def test_faults_of_the_battery_open_its_contactors_until_a_reset(fields, fault):
    site, pcs, bms = battery()
    pcs.set((), {"pcmd": 100})
    site.run(3)
    assert pcs.p == 100
    bms.set((), fields)
    site.run(2)
    assert (bms.faulted, bms.fault, bms.dc_contactor, bms.pdischarge, pcs.p) == (True, fault, False, 0, 0)
    bms.set((), {"oncmd": True})
    site.run(1)
    assert not bms.dc_contactor
    bms.set((), {"overtemperature": False, "soc_faultlowthreshold": -1, "maxcellvolt_faulthighthreshold": 9})
    site.run(1)
    bms.set((), {"resetcmd": True, "oncmd": True})
    site.run(1)
    assert (bms.faulted, bms.fault, bms.dc_contactor) == (False, "", True)


def test_a_fault_that_is_disabled_is_only_an_alarm():
    site, _, bms = battery(disable_fault=True)
    site.run(2)
    bms.set((), {"overtemperature": True})
    site.run(2)
    assert (bms.faulted, bms.alarmed, bms.dc_contactor) == (False, True, True)


def test_a_battery_without_control_allows_no_power():
    site, pcs, bms = battery()
    pcs.set((), {"pcmd": 100})
    site.run(3)
    bms.set((), {"controllost": True})
    site.run(1)
    assert (bms.pdischarge, bms.pcharge, bms.alarmed, bms.faulted) == (0, 0, True, False)
    assert pcs.p == 0
    assert pcs.on


def test_an_emergency_stop_holds_until_it_is_released_and_reset():
    site, pcs, _ = battery()
    site.run(3)
    pcs.set((), {"estop": True})
    site.run(1)
    assert (pcs.on, pcs.fault, pcs.ac_contactor) == (False, "emergency stop", False)
    pcs.set((), {"resetcmd": True})
    site.run(1)
    assert pcs.faulted
    pcs.set((), {"estop": False})
    site.run(1)
    assert pcs.faulted
    pcs.set((), {"resetcmd": True, "oncmd": True})
    site.run(1)
    assert pcs.on


def test_power_limits_by_table_and_apparent_power():
    site, pcs, bms = battery({"slim": 500}, soc_charge_vec=(0, 90, 100), p_charge_vec=(1, 1, 0))
    site.run(2)
    bms.set((), {"soc": 96})
    pcs.set((), {"pcmd": -500})
    site.run(1, 0.001)
    assert bms.pcharge == pytest.approx(400, abs=0.01)
    assert pcs.p == pytest.approx(-400, abs=0.01)
    pcs.set((), {"pcmd": 300, "qcmd": 500})
    site.run(1, 0.001)
    assert (pcs.p, pcs.q, pcs.s) == pytest.approx((300, 400, 500))


def test_the_voltage_follows_the_state_of_charge_and_the_current():
    fields = {"vdc_profile": (1200, 1300, 1400), "soc_profile": (0, 50, 100)}
    site, pcs, bms = battery(r0=0.45, enable_voltage_dynamics=True, **fields)
    site.run(2)
    assert bms.vdc == pytest.approx(1300)
    pcs.set((), {"pcmd": 390})
    site.run(1, 0.01)
    assert bms.vdc == pytest.approx(1300 - 300 * 0.05, abs=0.1)
    assert bms.maxcellvolt.value > bms.avgcellvolt > bms.mincellvolt.value > 3


def test_losses_warm_the_cells():
    site, pcs, bms = battery(rte=80, ambient=20, heating=0.5)
    pcs.set((), {"pcmd": 400})
    site.run(3)
    before = bms.maxcelltemp.value
    site.run(10, 300)
    assert bms.maxcelltemp.value > before
