"""HandleCmd, RunKeyCmd, SendClearFaultCmd: commands that are sent, repeated, checked and given up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ess_bus.engine.orders.two_phases import Outcome, Patience, Phase, TwoPhases
from tests.unit.engine_bench import Bench

CMD, REGISTER, SUCCESS = "/controls/bms:Close", "/components/bms:cmd", "/status/bms:CloseSuccess"
SENT = ("set", "/components/bms", {"cmd": {"value": 2}})


def command(**parameters):
    """Return a bench with a command that writes 2 to a register of a device."""
    return Bench(
        {
            "/controls/bms": {"Close": {"value": 2, "cmdVar": REGISTER, "triggerCmd": False, **parameters}},
            "/components/bms": {"cmd": 0},
            "/status/bms": {"State": "Off", "Ready": False},
        }
    )


def look(bench, passed_s=0.1):
    bench.call("HandleCmd", CMD, passed_s=passed_s)
    return bench[SUCCESS]


def trigger(bench):
    bench.set(f"{CMD}@triggerCmd", True)
    bench.engine.take_messages()


def test_nothing_happens_without_a_trigger():
    bench = command()
    assert look(bench) == "absent"
    assert bench.sent() == []


def test_a_command_is_sent_once_and_confirmed_by_its_register():
    bench = command()
    trigger(bench)
    assert look(bench) is False
    assert bench.sent() == [SENT]
    assert bench[f"{CMD}@cmdSent"] is True
    for _ in range(5):
        assert look(bench) is False
    assert bench.sent() == []
    bench.set(REGISTER, 2)
    assert look(bench) is True
    assert bench[f"{CMD}@triggerCmd"] is False
    assert bench[f"{CMD}@lastCmdVal"] == 2
    assert [text.split(":")[0] for text in bench.events()] == ["Close ResponseSuccess"]
    look(bench)
    assert bench.sent() == []


def test_a_register_that_is_not_valid_confirms_nothing():
    bench = command(checkCmdTimeout=1)
    trigger(bench)
    look(bench)
    bench.set(REGISTER, None)
    bench.events()
    assert look(bench, 1.0) is False
    (event,) = bench.events()
    assert event == "Close ResponseFailure: /components/bms:cmd is not valid, expected 2; sent 1 times"


def test_a_command_that_is_not_valid_is_not_sent():
    bench = command()
    bench.set(CMD, None)
    trigger(bench)
    look(bench)
    assert bench[f"{CMD}@triggerCmd"] is False
    assert bench.sent() == []


def test_a_condition_must_hold_before_a_command_is_sent():
    bench = command(
        expression="{1} == Off and {2}",
        variable1="State",
        variable2="/status/bms:Ready",
        useExpr=True,
        numVars=2,
        sendCmdHoldTimeout=1,
        sendCmdTimeout=5,
    )
    trigger(bench)
    look(bench)
    bench.set("/status/bms:Ready", True)
    look(bench)
    look(bench, 0.9)
    bench.set("/status/bms:Ready", False)
    look(bench)
    bench.set("/status/bms:Ready", True)
    look(bench)
    look(bench, 0.9)
    assert bench.sent() == []
    look(bench)
    assert bench.sent() == [SENT]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"expression": "{1}", "variable1": "Ready"}, "{1} is false with {1} = False"),
        ({"expression": "{1}", "variable1": "/status/bms:unheard"}, "not valid"),
        ({"expression": "{1} + 1", "variable1": "/components/bms:cmd"}, "expected true or false"),
        ({"expression": "{1} and", "variable1": "Ready"}, "SendFailure"),
        ({"expression": "{2}", "variable1": "Ready"}, "SendFailure"),
        ({"expression": 5, "useExpr": True}, "expression: expected a text"),
        ({"expression": "{1}", "variable1": 5}, "variable1: expected"),
        ({"checkCmdTimeout": "x"}, "checkCmdTimeout: expected a number"),
        ({"cmdVar": 5}, "cmdVar: expected"),
    ],
)
def test_what_must_not_be_sent_is_given_up_with_the_reason(parameters, words):
    bench = command(**parameters)
    trigger(bench)
    look(bench)
    messages = bench.engine.take_messages()
    assert [one.uri for one in messages] == ["/events"]
    assert words in messages[0].body["message"]
    assert bench[f"{CMD}@triggerCmd"] is False


def test_a_command_is_repeated_until_its_tries_are_used_up_each_time_under_its_condition():
    bench = command(expression="{1} == Off", variable1="State", maxCmdTries=3, checkCmdTimeout=2)
    trigger(bench)
    for _ in range(59):
        look(bench)
    assert bench.sent() == [SENT] * 3
    look(bench, 2)
    assert bench[f"{CMD}@cmdState"].startswith("ResponseFailure")
    trigger(bench)
    look(bench)
    bench.set("/status/bms:State", "Fault")
    look(bench, 2)
    look(bench)
    assert bench.sent() == [SENT]
    assert bench[f"{CMD}@cmdState"].startswith("SendFailure: {1} == Off is false")


def test_a_response_must_hold():
    bench = command(checkCmdHoldTimeout=1)
    trigger(bench)
    look(bench)
    bench.set(REGISTER, 2)
    assert look(bench) is False
    assert look(bench, 1.1) is True


@pytest.mark.parametrize("parameter", ["triggerCmd", "enabled"])
def test_a_command_can_be_cancelled(parameter):
    bench = command()
    trigger(bench)
    look(bench)
    bench.set(f"{CMD}@{parameter}", False)
    bench.set(REGISTER, 2)
    assert look(bench) is False
    assert bench[f"{CMD}@cmdState"].startswith("CommandCancelled")


def test_events_can_be_switched_off():
    bench = command(enableAlert=False)
    trigger(bench)
    look(bench)
    bench.set(REGISTER, 2)
    look(bench)
    assert bench.events() == []


def test_a_command_to_a_link_goes_to_the_device_and_one_to_the_engine_is_set_here():
    bench = Bench(
        {
            "/links/bms": {"KeyCmd": "/components/bms:key"},
            "/controls/bms": {
                "Close": {"value": True, "cmdVar": "KeyCmd"},
                "Open": {"value": 3, "cmdVar": "/site/a:x"},
            },
            "/components/bms": {"key": 0},
            "/site/a": {"x": 0},
        }
    )
    bench.set(
        "/controls/bms", {"Close": {"value": "$$", "triggerCmd": True}, "Open": {"value": "$$", "triggerCmd": True}}
    )
    look(bench)
    assert bench.sent() == [("set", "/components/bms", {"key": {"value": True}})]
    bench.set("/components/bms:key", 1)
    assert look(bench) is True
    bench.call("HandleCmd", "/controls/bms:Open")
    assert bench["/site/a:x"] == 3
    assert bench.sent() == []


@given(
    st.builds(Patience, *[st.floats(0, 5)] * 4, st.integers(1, 4)),
    st.lists(st.tuples(st.booleans(), st.floats(0.01, 3)), min_size=1, max_size=60),
)
def test_a_command_is_sent_only_after_its_condition_held_and_never_more_often_than_allowed(patience, looks):
    phases, now_s, sent, since_s = TwoPhases(patience, 0.0), 0.0, 0, None
    for met, passed_s in looks:
        now_s += passed_s
        sending = phases.phase is Phase.SEND
        since_s = None if not met else now_s if since_s is None else since_s
        outcome = phases.look(met, now_s)
        if outcome is Outcome.SEND:
            sent += 1
            assert sending
            assert now_s - since_s >= patience.send_hold_s
            since_s = None
        elif outcome is Outcome.CONFIRMED:
            assert sent > 0
            assert now_s - since_s >= patience.check_hold_s
        if outcome not in (Outcome.WAIT, Outcome.SEND):
            break
    assert sent <= patience.tries


# -- keys --------------------------------------------------------------------------------------------------------------

DOWN, UP = ({"reset": {"value": value}} for value in (1, 0))


def clearing(**more):
    """Return a bench with a PCS that has a fault, and the scheduled item that clears it."""
    return Bench(
        {
            "/links/pcs": {"ClearFaultCmd": "/components/pcs:reset"},
            "/components/pcs": {"reset": 0},
            "/config/pcs": {"maxKeyCmdOnTime": 3, "maxKeyCmdTime": 4, "maxKeyCmdTries": 3},
            "/status/pcs": {"SystemFault": True, "SendClearFault": False},
            "/sched/pcs": {"clear": {"value": "clear", "endTime": 0, **more}},
        }
    )


def keyed(bench, seconds, function="SendClearFaultCmd", place="/sched/pcs:clear"):
    """Call ten times a second; return (tenth of a second, body) of what is sent."""
    sent = []
    for tenth in range(round(seconds * 10)):
        bench.call(function, place, asset="pcs", passed_s=0.1)
        sent += [(tenth, body) for _, _, body in bench.sent()]
    return sent


def test_a_key_is_pressed_and_released_until_the_tries_are_used_up():
    bench = clearing()
    presses = [(0, DOWN), (30, UP), (40, DOWN), (70, UP), (80, DOWN), (110, UP)]
    assert [(round(at / 10), body) for at, body in keyed(bench, 13)] == [(round(at / 10), body) for at, body in presses]
    assert bench["/sched/pcs:clear@endTime"] == 0.001
    assert bench["/status/pcs:SendClearFault"] is False
    assert keyed(bench, 3) == []


def test_it_ends_when_the_fault_is_gone_and_begins_again_when_it_is_started_again():
    bench = clearing()
    assert keyed(bench, 1) == [(0, DOWN)]
    assert bench["/status/pcs:SendClearFault"] is True
    bench.set("/status/pcs:SystemFault", None)
    assert keyed(bench, 1) == []
    bench.set("/status/pcs:SystemFault", False)
    bench.call("SendClearFaultCmd", "/sched/pcs:clear", asset="pcs", passed_s=0.1)
    messages = bench.engine.take_messages()
    assert [one.body for one in messages if one.method == "set"] == [UP]
    assert [one.body["message"] for one in messages if one.uri == "/events"] == ["faults cleared after 1 tries"]
    assert keyed(bench, 1) == []
    bench.set("/status/pcs:SystemFault", True)
    bench.set("/sched/pcs:clear@endTime", 0)
    assert keyed(bench, 1) == [(0, DOWN)]


def test_a_key_comes_up_though_nobody_calls_any_more():
    bench = clearing()
    keyed(bench, 1)
    bench.wait(1.9)
    assert bench.sent() == []
    bench.wait(0.3)
    assert [body for _, _, body in bench.sent()] == [UP]
    assert bench.engine.due_s() == float("inf")


def test_switched_off_the_key_comes_up():
    bench = clearing()
    keyed(bench, 1)
    bench.set("/sched/pcs:clear@enabled", False)
    assert keyed(bench, 1) == [(0, UP)]
    bench.set("/sched/pcs:clear@enabled", True)
    assert keyed(bench, 1) == [(0, DOWN)]


def test_run_key_cmd_says_when_it_is_done():
    bench = clearing(KeyCmd="ClearFaultCmd", maxKeyCmdTries=1)
    keyed(bench, 3.5, "RunKeyCmd")
    assert bench["/status/pcs:KeyCmdDone"] is False
    keyed(bench, 1, "RunKeyCmd")
    assert bench["/status/pcs:KeyCmdDone"] is True


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("/config/pcs:maxKeyCmdTries", -1, "maxKeyCmdTries: expected a number of 0 or more"),
        ("/sched/pcs:clear@KeyCmd", 5, "KeyCmd: expected a text"),
        ("/sched/pcs:clear@KeyCmd", "nothing", "'/controls/pcs:nothing' is not there"),
    ],
)
def test_a_key_that_cannot_be_pressed_is_named(place, value, words, caplog):
    bench = clearing(KeyCmd="ClearFaultCmd")
    bench.set(place, value)
    assert keyed(bench, 1, "RunKeyCmd") == []
    assert words in caplog.text


def test_the_engine_has_options_of_its_own():
    bench = Bench(
        {
            "/controls/ess": {"ClearFaultCmd": False},
            "/config/ess": {"maxESSKeyCmdOnTime": 1, "maxESSKeyCmdTime": 2, "maxESSKeyCmdTries": 1},
            "/status/ess": {"SystemFault": True, "clear": 0},
        }
    )
    seen = []
    for _ in range(30):
        bench.call("SendClearFaultCmd", "/status/ess:clear", passed_s=0.1)
        seen.append(bench["/controls/ess:ClearFaultCmd"])
    assert sum(seen) in (10, 11)
    assert seen[:10] == [True] * 10
    assert bench.events() == ["faults not cleared after 1 tries"]
