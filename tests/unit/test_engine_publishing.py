"""What the engine publishes regularly: RunPub, FastPub, SlowPub and the tables that start them (engine.md 3.4, 3.5)."""

from __future__ import annotations

import pytest

from tests.unit.engine_clock import at, engine_of, until

RUN = {"onSet": [{"func": [{"amap": "ess", "func": "RunPub"}]}]}
SOC = {"value": 50, "unit": "%", "ui_type": "status", "type": "number", "scaler": 0, "enabled": True, "name": "SOC"}
START = {"value": False, "options": [{"name": "On", "return_value": True}], "enabled": False, "ui_type": "control"}
ALARMS = {"value": 1, "options": [{"name": "hot", "return_value": 3}], "enabled": True, "ui_type": "alarm"}
TABLES = {
    "/assets/bms/summary": {"name": "BMS Summary", "soc": SOC, "start": START, "alarms": ALARMS},
    "/assets/bms/rack_1": {"name": "Rack 1", "soc": {"value": None, "unit": "%"}},
    "/assets/pcs/summary": {"name": "PCS"},
    "/site/ess_hs": {"life": 5, "active_power": {"value": 1.5, "unit": "kW"}},
}


def pubs(engine):
    return [(message.uri, message.body) for message in engine.take_messages() if message.method == "pub"]


def published(parameters, tables=None):
    """Return what one RunPub with these parameters publishes."""
    engine = engine_of({**TABLES, **(tables or {}), "/control/pubs": {"p": {"value": 0, "actions": RUN, **parameters}}})
    engine.set("/control/pubs/p", 1)
    return pubs(engine)


HS = "/site/ess_hs"


@pytest.mark.parametrize(
    ("mode", "body"),
    [
        ("naked", {"active_power": 1.5, "life": 5}),
        ("clothed", {"active_power": {"value": 1.5}, "life": {"value": 5}}),
        ("full", {"active_power": {"value": 1.5, "unit": "kW"}, "life": {"value": 5}}),
        ("ui", {"active_power": {"value": 1.5, "enabled": True}, "life": {"value": 5, "enabled": True}}),
    ],
)
def test_a_table_is_published_in_its_mode(mode, body):
    ((uri, found),) = published({"table": HS, "mode": mode})
    assert (uri, found) == (HS, body)
    assert list(found) == sorted(found)


def test_user_interfaces_get_value_options_and_whether_it_is_enabled_in_the_order_of_the_table():
    ((uri, body),) = published({"table": "/assets/bms/summary"})
    assert uri == "/assets/bms/summary"
    assert list(body) == ["name", "soc", "start", "alarms"]
    assert body == {
        "name": "BMS Summary",
        "soc": {"value": 50, "enabled": True},
        "start": {"value": False, "options": START["options"], "enabled": False},
        "alarms": {"value": 1, "options": ALARMS["options"]},
    }


@pytest.mark.parametrize(
    ("parameters", "uris"),
    [
        ({"table": f"{HS}, /assets/pcs/summary"}, [HS, "/assets/pcs/summary"]),
        ({"uri": HS, "sendas": "/other/hs"}, ["/other/hs"]),
        ({"uri": f"{HS},/assets/pcs/summary", "sendas": "/a/b,/c/d"}, ["/a/b", "/c/d"]),
        ({"uri": "/assets/bms##"}, ["/assets/bms/summary", "/assets/bms/rack_1"]),
        ({"uri": "/assets/bms/##", "sendas": "/ui/bms/##"}, ["/ui/bms/summary", "/ui/bms/rack_1"]),
        ({"uri": "/nothing##"}, []),
        ({"uri": "/config/lists:pubs"}, ["/assets/pcs/summary", HS]),
        ({"uri": "/site//ess_hs/"}, [HS]),
        ({"uri": HS, "enable": False}, []),
        ({"uri": HS, "enable": "/config/lists:off"}, []),
        ({"uri": HS, "enable": "/config/lists:on"}, [HS]),
        ({"uri": HS, "enabled": False}, []),
    ],
)
def test_what_is_published_and_where(parameters, uris):
    lists = {"/config/lists": {"pubs": "/assets/pcs/summary,/site/ess_hs", "on": True, "off": False}}
    assert [uri for uri, _ in published(parameters, lists)] == uris


def test_one_variable_is_published_in_its_table():
    assert published({"uri": "/assets/bms/summary:soc"}) == [
        ("/assets/bms/summary", {"soc": {"value": 50, "enabled": True}})
    ]


def test_what_is_not_there_is_published_as_that():
    assert published({"uri": "/no/such"}) == [("/no/such", {"/no/such": {"value": "uri /no/such nonexistent"}})]


def test_what_is_not_valid_is_null():
    ((_, body),) = published({"table": "/assets/bms/rack_1", "mode": "naked"})
    assert body == {"name": "Rack 1", "soc": None}


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({}, "expected table or uri with tables separated by commas"),
        ({"uri": 5}, "expected table or uri"),
        ({"uri": ","}, "expected tables separated by commas, 1000 at most"),
        ({"uri": "nowhere"}, "must start with '/'"),
        ({"uri": HS, "mode": "bare"}, "mode: expected naked, clothed, full, ui, got 'bare'"),
        ({"uri": HS, "sendas": "/a/b,/c/d"}, "sendas: expected 1 URIs separated by commas, got 2"),
        ({"uri": HS, "sendas": 7}, "sendas: expected URIs separated by commas"),
    ],
)
def test_a_wrong_publication_is_named_and_nothing_is_sent(parameters, text, caplog):
    assert published(parameters) == []
    assert text in caplog.text


def test_the_shape_that_real_configurations_have():
    engine = engine_of(
        {
            **TABLES,
            "/config/pcs": {"enable": True},
            "/control/pubs": {
                "enable_hs": False,
                "pubSiteHs": {
                    "value": 1,
                    "table": HS,
                    "mode": "ui",
                    "enable": "/control/pubs:enable_hs",
                    "actions": RUN,
                },
                "runPubs": {
                    "value": 1,
                    "enable": "/config/pcs:enable",
                    "targav": "/system/commands:run",
                    "options": [{"uri": "/control/pubs:pubSiteHs", "value": 0, "every": 0.5}],
                    "actions": {"onSet": [{"func": [{"amap": "ess", "func": "SchedItemOpts"}]}]},
                },
            },
            "/system/commands": {"run": {"value": 0, "actions": {"onSet": [{"func": [{"func": "RunSched"}]}]}}},
        }
    )
    until(engine, 1.2)
    assert pubs(engine) == []
    engine.set("/control/pubs/enable_hs", True)
    until(engine, 2.6)
    assert [uri for uri, _ in pubs(engine)] == [HS] * 3


def test_three_tables_every_two_seconds_are_published_twice_in_three():
    tables = ("/assets/bms/summary", "/assets/bms/rack_1", "/assets/pcs/summary")
    named = {f"p{number}": {"value": 0, "table": table, "actions": RUN} for number, table in enumerate(tables)}
    engine = engine_of({**TABLES, "/control/pubs": named})
    pubs(engine)
    at(engine, 7.3)
    for name in named:
        engine.set("/system/commands", {"run": {"value": 0, "uri": f"/control/pubs:{name}", "every": 2.0}})
    until(engine, 7.3 + 3)
    assert [uri for uri, _ in pubs(engine)] == [*tables, *tables]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, [(HS, {"active_power": 1.5, "life": 5})]),
        ({"dest": "/site/copy"}, [("/site/copy", {"active_power": 1.5, "life": 5})]),
        ({"table": "/assets/pcs/summary", "mode": "ui"}, [("/assets/pcs/summary", {"name": "PCS"})]),
        ({"enabled": False}, []),
    ],
)
def test_the_fast_values_of_a_site(said, expected):
    fast = {"value": 0, "fcn": "FastPub", "repTime": 0.05, **said}
    engine = engine_of({**TABLES, "/sched/ess": {"fastPub": fast}})
    until(engine, 0.049)
    assert pubs(engine) == expected


def test_without_a_table_of_fast_values_there_is_nothing_to_publish():
    engine = engine_of({"/sched/ess": {"fastPub": {"value": 0, "fcn": "FastPub", "repTime": 0.05}}})
    until(engine, 1)
    assert pubs(engine) == []


def test_the_slow_values_follow_each_other():
    slow = {"value": 0, "fcn": "SlowPub", "repTime": 2}
    engine = engine_of({**TABLES, "/site/ess_ls": {"soc": 50}, "/sched/ess": {"slowPub": slow}})
    found = []
    while (due_s := engine.due_s()) <= 5000 + 3:
        at(engine, due_s - 5000)
        engine.tick()
        found += [(round(engine.uptime_s, 3), uri) for uri, _ in pubs(engine)]
    order = ["/assets/bms/summary", "/assets/bms/rack_1", "/assets/pcs/summary", "/site/ess_ls"]
    assert found == [(round(start + 0.01 * number, 3), uri) for start in (0, 2) for number, uri in enumerate(order)]
