"""The calculator beside a real engine on one bus: what it finds, follows, sets and answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest

from calculator.explaining import text
from calculator.process import CalculatorProcess
from ess_bus.broker.limits import Limits
from ess_bus.client import Bus
from ess_bus.control import Mode
from ess_bus.engine.engine import Engine
from ess_bus.engine.meaning import interpret
from ess_bus.engine.process import EngineProcess
from ess_bus.errors import EssError, Refused
from ess_bus.transport.memory import Hub
from tests.unit.calculator_cases import POWER, expression, operation

ROOTS = {"/status": Mode.ALL, "/components": Mode.PUB_ONLY}
ASK = "/calculator/ess"


@contextmanager
def running_engine(hub: Hub, tables: dict[str, Any], name: str = "ess") -> Iterator[None]:
    """Let an engine serve in a thread of its own."""
    engine = Engine(name)
    engine.load(list(interpret(engine.datamap, "/", tables)))
    stop, ready = Event(), Event()

    def serve() -> None:
        with Bus(name=f"engine_{name}", transport=hub.connect) as bus:
            process = EngineProcess(engine, bus, ROOTS)
            process.start()
            ready.set()
            while not stop.is_set():
                process.turn(0.005)

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        assert ready.wait(60)
        yield
    finally:
        stop.set()
        thread.join(10)


class Site:
    """A person's connection, and a calculator that takes its turns when the test lets it."""

    def __init__(self, bus: Bus, process: CalculatorProcess) -> None:
        self.bus, self.process = bus, process

    def until(self, path: str, expected: Any) -> None:
        """Let the calculator work until the engine shows this, or what is true for `expected`."""
        shown: Any = None
        for _ in range(1000):
            self.process.turn(0.005)
            try:
                shown = self.bus.get(path)
            except Refused as error:
                shown = error.reason
            if expected(shown) if callable(expected) else shown == expected:
                return
        raise AssertionError(f"{path} never became {expected!r}: {shown!r}")

    def ask(self, uri: str) -> Any:
        """Return the calculator's answer."""
        answers = self.bus.subscribe("/me")
        self.bus.send("get", uri, replyto="/me")
        self.process.turn(1)
        answer = answers.receive(60)
        answers.close()
        assert answer is not None
        return answer.json()


@contextmanager
def site(
    tables: dict[str, Any], files: dict[str, Any] | None = None, limits: Limits = Limits(), **keys: bool
) -> Iterator[Site]:
    hub = Hub(limits)
    with (
        running_engine(hub, tables),
        Bus(name="calculator", transport=hub.connect) as own,
        Bus(name="person", transport=hub.connect) as bus,
    ):
        process = CalculatorProcess(own, "ess", files or {}, **keys)
        process.start()
        yield Site(bus, process)


def test_what_the_engine_holds_is_calculated_also_what_comes_later():
    with site({"/status/bms": {"mbmu_voltage": 2, "BMSCurrent": 20, "BMSPower": POWER}}) as one:
        one.until("/ess/status/bms/BMSPower", 0.04)
        one.bus.set("/ess/status/bms", {"Sum": {"value": 0, **operation("+", "mbmu_voltage", "BMSCurrent")}})
        one.until("/ess/status/bms/Sum", 22)
        one.bus.set("/ess/status/bms", {"Sum": {"operation": "-"}})
        one.until("/ess/status/bms/Sum", -18)
        one.bus.set("/ess/status/bms/Sum@scale", 2)
        one.until("/ess/status/bms/Sum", -9)


def test_a_site_whose_full_view_fits_no_message_is_calculated():
    actions = {"onSet": [{"remap": [{"uri": f"/status/bms:x{number}"} for number in range(200)]}]}
    tables = {"/status/bms": {"a": {"value": 1, "actions": actions}, "Sum": {"value": 0, **operation("+", "a")}}}
    with site(tables, limits=Limits(max_message=4096)) as one:
        with pytest.raises(Refused, match="over the limit of 4096; ask for a part of it, such as /ess/full/NAME"):
            one.bus.get("/ess/full")
        one.until("/ess/status/bms/Sum", 1)


def test_files_add_calculators_that_the_engine_does_not_know():
    files = {
        "/status/bms": {"Sum": operation("+", "a"), "BMSPower": operation("+", "a")},
        "/schedule/wake_monitor/bms": {"/status/bms:Sum": {"func": "CalculateVar", "rate": 0.2}},
    }
    tables = {"/status/bms": {"a": 7, "mbmu_voltage": 2, "BMSCurrent": 20, "BMSPower": POWER, "Sum": 0}}
    with site(tables, files) as one:
        one.until("/ess/naked/status/bms/Sum", 7)
        one.until("/ess/status/bms/BMSPower", 0.04)  # the engine's own definition counts
        assert "every 0.2 s" in one.ask(f"{ASK}/status/bms/Sum")["when"]


def test_a_reason_is_shown_while_there_is_no_result():
    with site({"/status/bms": {"a": 1, "b": 0, "Ratio": {"value": 0, **operation("/", "a", "b")}}}) as one:
        one.until("/ess/status/bms/Ratio@reason", "division by zero")
        assert one.bus.get("/ess/status/bms/Ratio") is None
        one.bus.set("/ess/status/bms/b", 4)
        one.until("/ess/status/bms/Ratio", 0.25)
        assert "reason" not in one.bus.get("/ess/full/status/bms/Ratio")["Ratio"]


@pytest.mark.parametrize(
    ("operand", "reason"),
    [
        ("p/q", "it contains /"),
        ("/status/bms/a:value", "is a variable, not a table"),
    ],
)
def test_an_operand_that_cannot_be_created_holds_up_nothing_else(operand, reason, caplog):
    wrong = {"value": 0, **operation("+", operand)}
    with site({"/status/bms": {"a": 1, "Sum": {"value": 0, **operation("+", "a", "new")}, "Wrong": wrong}}) as one:
        one.until("/ess/status/bms/Wrong@reason", lambda said: said.startswith("variable1 (/status/"))
        one.until("/ess/status/bms/Sum", 1)
        one.bus.set("/ess/status/bms", {"Other": {"value": 0, **operation("*", "a", "a")}})
        one.until("/ess/status/bms/Other", 1)
        assert one.bus.get("/ess/full/status/bms/a") == {"a": {"value": 1}}
    said = [line for line in caplog.messages if "cannot be created" in line]
    assert len(said) == 1
    assert reason in said[0]


def test_an_operand_that_no_uri_can_name_makes_only_its_own_result_not_valid():
    wrong = {"value": 0, **operation("+", f"/status/{'x' * 300}:a")}
    with site({"/status/bms": {"a": 1, "Sum": {"value": 0, **operation("+", "a", "a")}, "Wrong": wrong}}) as one:
        one.until("/ess/status/bms/Wrong@reason", lambda said: said.endswith("are over the limit of 255"))
        one.until("/ess/status/bms/Sum", 2)


def test_parameters_and_switches_are_followed():
    tables = {
        "/status/bms": {
            "current": {"value": 0, "seenAlarm": False},
            "Alarm": {"value": False, **operation("or", "current@seenAlarm")},
            "Sum": {"value": 0, "enabled": False, **operation("+", "current")},
        }
    }
    with site(tables) as one:
        one.bus.set("/ess/status/bms/current@seenAlarm", True)
        one.until("/ess/status/bms/Alarm", True)
        one.bus.set("/ess/status/bms/current", 5)
        one.bus.set("/ess/status/bms/current@seenAlarm", False)
        one.until("/ess/status/bms/Alarm", False)
        assert one.bus.get("/ess/status/bms/Sum") == 0
        one.bus.set("/ess/status/bms/Sum@enabled", True)
        one.until("/ess/status/bms/Sum", 5)


def test_an_asset_that_comes_later_counts_too():
    tables = {
        "/assets/bms/rack_1": {"x": 0},
        "/status/rack_1": {"P": 1},
        "/status/bms": {"Sum": {"value": 0, **operation("+", "bms:P")}},
    }
    with site(tables) as one:
        one.until("/ess/status/bms/Sum", 1)
        one.bus.set("/ess", {"/assets/bms/rack_2": {"x": 0}, "/status/rack_2": {"P": 41}})
        one.until("/ess/status/bms/Sum", 42)


def test_a_wake_list_and_a_link_that_come_later_count():
    with site({"/status/bms": {"Sum": {"value": 0, **operation("+", "a")}}, "/components/x": {"v": 3}}) as one:
        one.until("/ess/status/bms/a", 0)
        one.bus.set("/ess/links/bms", {"a": "/components/x:v"})
        one.until("/ess/status/bms/Sum", 3)
        entry = {"enable": False, "func": "CalculateVar"}
        one.bus.set("/ess/schedule/wake_monitor/bms", {"/status/bms:Sum": entry})
        for _ in range(1000):
            one.process.turn(0.005)
            if one.ask(f"{ASK}/status/bms/Sum")["on"] is False:
                break
        else:
            raise AssertionError("never switched off")


def test_results_of_actions_are_followed_and_their_limits_kept():
    limits = {"onSet": [{"limits": [{"low": 0, "high": 100}]}, {"remap": [{"uri": "/status/pcs:Most"}]}]}
    tables = {
        "/status/bms": {"a": 1, "Sum": {"value": 0, "actions": limits, **operation("+", "a")}},
        "/status/pcs": {"Most": 0, "Twice": {"value": 0, **operation("+", "Most", "/status/bms:Sum")}},
    }
    with site(tables) as one:
        one.until("/ess/status/pcs/Twice", 2)
        one.bus.set("/ess/status/bms/a", 500)
        one.until("/ess/status/pcs/Twice", 200)
        heard = one.bus.subscribe("/ess/status", pub_only=True)
        for _ in range(30):
            one.process.turn(0.01)
        assert len(list(heard.burst(0, 1000))) <= 2


def test_what_a_variable_cannot_hold_is_not_valid():
    with site({"/status/bms": {"a": 1, "Text": {"value": "Off", **operation("+", "a")}}}) as one:
        one.until("/ess/status/bms/Text", None)
        assert "cannot be set" in one.bus.get("/ess/status/bms/Text@reason")


def test_the_compatibility_switch_sets_0():
    with site(
        {"/status/bms": {"a": 9, "b": 0, "Ratio": {"value": 5, **operation("/", "a", "b")}}}, zero_on_failure=True
    ) as one:
        one.until("/ess/status/bms/Ratio", 0)
        one.until("/ess/status/bms/Ratio@reason", "division by zero")


def test_how_a_result_came_about_can_be_asked():
    tables = {
        "/status/pcs": {
            "power": {"value": 30},
            "mode": "On-grid",
            "IsOn": {
                "value": False,
                "enable": "/status/pcs:run",
                **expression("{1} > 0 and {2} == On-grid", "power", "mode"),
            },
            "run": True,
        }
    }
    with site(tables) as one:
        one.until("/ess/status/pcs/IsOn", True)
        answer = one.ask(f"{ASK}/status/pcs/IsOn")
        assert (answer["value"], answer["reason"], answer["on"], answer["runs"]) == (True, "", True, 1)
        assert [(each["name"], each["place"], each["value"]) for each in answer["operands"]] == [
            ("variable1", "/status/pcs:power", 30),
            ("variable2", "/status/pcs:mode", "On-grid"),
        ]
        assert 0 <= answer["operands"][0]["age_s"] < 60
        shown = text(answer).splitlines()
        assert shown[:2] == ["/status/pcs:IsOn = {1} > 0 and {2} == On-grid", "  = true"]
        assert shown[2].split()[:4] == ["{1}", "/status/pcs:power", "variable1", "30"]
        assert shown[4].split()[:4] == ["on", "if", "/status/pcs:run", "true"]
        assert one.ask(ASK) == {"/status/pcs:IsOn": {"value": True, "reason": ""}}
        assert "is not calculated" in str(one.ask(f"{ASK}/status/pcs/power"))


def test_questions_are_answered_and_nothing_else_is_taken():
    with site({"/status/bms": {"x": 1}}) as one:
        one.bus.send("set", f"{ASK}/status/bms/x", 5, "/me")
        answers = one.bus.subscribe("/me")
        one.process.turn(1)
        answer = answers.receive(60)
        assert answer is not None
        assert b"set is not something the calculator does" in (answer.body or b"")


def test_a_second_calculator_of_the_same_engine_is_refused():
    hub, stop = Hub(), Event()

    def work() -> None:
        with Bus(name="first", transport=hub.connect) as bus:
            process = CalculatorProcess(bus, "ess", {})
            process.start()
            ready.set()
            while not stop.is_set():
                process.turn(0.02)

    ready, thread = Event(), Thread(target=work, daemon=True)
    thread.start()
    try:
        assert ready.wait(60)
        with Bus(name="second", transport=hub.connect) as other:
            CalculatorProcess(other, "ess_2", {}).start()
            with pytest.raises(EssError, match="answers for /calculator/ess/_owner already"):
                CalculatorProcess(other, "ess", {}).start()
    finally:
        stop.set()
        thread.join(10)


def test_values_of_others_and_garbage_below_the_engines_name_are_not_taken():
    with site({"/status/bms": {"a": 1, "Sum": {"value": 0, **operation("+", "a")}}}) as one:
        one.until("/ess/status/bms/Sum", 1)
        for uri in ("/ess/status/bms", "/ess/full/status/bms", "/ess/full", "/ess", "/processes/x", "/ess/ui/x"):
            for body in (b"{", b"5", b'{"a": 99}', b'{"a": {"value": 5, "operation": []}}', b"[]"):
                one.bus.publish(uri, body)
        one.bus.set("/ess/status/bms/a", 2)
        one.until("/ess/status/bms/Sum", 2)


def test_what_a_schedule_runs_shows_its_result_all_the_time_and_its_actions_follow():
    actions = {"onSet": [{"func": [{"func": "CalculateVar"}]}, {"remap": [{"uri": "/status/pcs:Copy", "scale": 2}]}]}
    tables = {
        "/status/bms": {"a": 3, "b": 4, "Sum": {"value": 0, "actions": actions, **operation("+", "a", "b")}},
        "/status/pcs": {"Copy": 0},
    }
    with site(tables) as one:
        one.until("/ess/status/pcs/Copy", 14)
        heard = one.bus.subscribe("/ess/status/bms", pub_only=True)
        one.bus.set("/ess/system/commands", {"run": {"value": 1, "uri": "/status/bms:Sum", "every": 0.01}})
        one.until("/ess/status/bms/Sum@runCnt", lambda count: not isinstance(count, str) and count >= 5)
        one.bus.set("/ess/status/bms/a", 6)
        one.until("/ess/status/pcs/Copy", 20)
        shown: list[Any] = []
        while shown[-1:] != [10]:
            message = heard.receive(60)
            assert message is not None
            shown += [value for name, value in message.json().items() if name == "Sum"]
        assert set(shown) <= {7, 10}  # never the time that a schedule sets other variables to
