"""UpdateSysTime, SendTime, and the contacts of the GPIO process."""

from __future__ import annotations

import pytest

from tests.unit.engine_bench import Bench

# 2023-11-14 22:13:20 UTC
NAMES = ("Year", "Month", "Day", "Hour", "Min", "Sec")


def clock(**config):
    """Return a bench with a BMS that has a clock and a heartbeat, called ten times a second."""
    registers = {name: f"/components/bms:rtc_{name}" for name in ("Hour", "Min", "Sec")}
    return Bench(
        {
            "/links/bms": {**registers, "Heartbeat": "/components/bms:beat"},
            "/components/bms": {"beat": {"value": 7, "MaxHeartbeat": 3}, "rtc_Hour": 0, "rtc_Min": 0, "rtc_Sec": 0},
            "/status/ess": {"tick": 0},
            "/config/bms": config,
        }
    )


def run(bench, seconds, function="UpdateSysTime"):
    sent = []
    for _ in range(round(seconds * 10)):
        bench.call(function, "/status/ess:tick", passed_s=0.1)
        sent += bench.sent()
    return [(name, value["value"]) for _, _, body in sent for name, value in body.items()]


@pytest.mark.parametrize("function", ["UpdateSysTime", "UpdateSystemTime"])
def test_the_time_is_shown_and_devices_are_left_alone_unless_they_shall_be_told(function):
    bench = clock()
    assert run(bench, 1.5, function) == []
    assert [bench[f"/status/ess:{name}"] for name in NAMES] == [2023, 11, 14, 22, 13, 21]
    assert bench["/status/ess:timeString"] == "2023-11-14 22:13:21"
    assert bench["/status/ess:tNow"] == pytest.approx(1_700_000_001, abs=0.2)
    assert bench["/components/bms:beat"] == 7
    assert bench["/status/bms:Year"] == 2023


def test_what_has_changed_is_sent_once():
    bench = clock(UpdateSysTimeSend=True)
    assert run(bench, 0.5) == [("rtc_Hour", 22), ("rtc_Min", 13), ("rtc_Sec", 20)]
    assert run(bench, 2) == [("rtc_Sec", 21), ("rtc_Sec", 22)]


def test_all_may_be_sent_each_second():
    bench = clock(SendAll=True)
    assert len(run(bench, 2.5)) == 9


def test_a_heartbeat_counts_and_wraps():
    bench = clock(SendHB=True)
    assert [value for _, value in run(bench, 4.5)] == [0, 1, 2, 0, 1]
    run(bench, 57)
    assert bench["/status/ess:Heartbeat"] == 1


def test_one_asset_may_be_served_alone():
    bench = clock(SendHB=True)
    bench.call("UpdateSysTime", "/status/ess:tick", asset="bms")
    assert bench.sent() == [("set", "/components/bms", {"beat": {"value": 0}})]
    assert bench["/status/ess:Year"] == "absent"


def test_the_time_is_sent_to_the_variable_s_uri():
    bench = Bench({"/components/gps": {"now": 0}})
    bench.call("SendTime", "/components/gps:now", passed_s=0.25)
    assert bench.sent() == [("set", "/components/gps", {"now": {"value": 1_700_000_000.25}})]


def test_a_contact_that_is_on_is_a_fault_and_one_that_is_not_known_may_be_one():
    bench = Bench(
        {
            "/links/ess": {
                "EStop": "/components/gpio:EStop",
                "Door": "/components/gpio:Door Latch",
                "x": "/status/pcs:x",
            },
            "/components/gpio": {"EStop": False, "Door Latch": False},
            "/status/pcs": {"x": True},
            "/status/ess": {"tick": 0},
        }
    )

    def fault():
        bench.call("CheckGPIO", "/status/ess:tick")
        return bench["/status/ess:gpioFault"]

    assert fault() is False
    bench.set("/components/gpio:EStop", None)
    assert fault() is None
    bench.set("/components/gpio", {"Door Latch": True})
    assert fault() is True


def test_the_way_of_a_contact_is_timed():
    bench = Bench({"/components/gpio": {"GPIORefTime": 0}})
    for sent_s in (1_699_999_999.998, 1_699_999_999.999, 1_700_000_005, 0):
        bench.set("/components/gpio:GPIORefTime", sent_s)
        bench.call("GPIOCalcResponse", "/components/gpio:GPIORefTime")
    shown = [bench[f"/components/gpio:GPIORefTime@{name}"] for name in ("ResponseMs", "MaxResponseMs", "Responses")]
    assert shown == pytest.approx([1, 2, 2], abs=0.01)
