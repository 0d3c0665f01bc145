"""What `ess_view` knows: the engine's answers and pubs, and who is silent."""

import pytest

from tools.view.store import ENGINE_SILENT_S, MOST_NAMES, SILENT_AT_FIRST_S, Store

COMPONENT = "/components/bms_1"


def known(**tables):
    store = Store()
    store.begin()
    store.trouble = ""
    for root, body in tables.items():
        store.take_full((root,), body)
    store.take_states({}, 0.0)
    return store


def linked():
    store = known(links={"/links/bms": {"SOC": {"value": f"{COMPONENT}:soc"}}})
    store.watch(store.sources("bms"), {COMPONENT: {"Timestamp": "now", "soc": 1}}, 0.0)
    return store


def beat(store, times, component="bms_1"):
    for now_s in times:
        store.take_pub(f"/ess/components/{component}", {"Timestamp": str(now_s)}, now_s)


def test_tables_come_by_uri_and_nested():
    store = known(
        status={"/status/bms": {"SOC": {"value": 5, "unit": "%", "actions": {}}}},
        assets={"bms": {"summary": {"name": "BMS", "soc": {"value": None, "scaler": 1}}}},
    )
    assert store.value("/status/bms", "SOC") == 5
    assert store.parameters("/status/bms", "SOC")["unit"] == "%"
    assert store.has("/assets/bms/summary", "soc")
    assert store.value("/assets/bms/summary", "soc") is None
    assert store.parameters("/assets/bms/summary", "")["name"] == "BMS"


def test_pubs_bring_values_and_parameters():
    store = known(status={"/status/bms": {"SOC": {"value": 5}}})
    store.take_pub("/ess/status/bms", {"SOC": None}, 1.0)
    store.take_pub("/ess/full/assets/bms/summary", {"faults": {"options": [{"name": "hot"}]}}, 1.0)
    assert store.value("/status/bms", "SOC") is None
    assert store.parameters("/assets/bms/summary", "faults") == {"options": [{"name": "hot"}]}


@pytest.mark.parametrize(
    ("uri", "body"),
    [
        ("/other/status/bms", {"SOC": 7}),
        ("/ess/ui/status/bms", {"SOC": 7}),
        ("/ess", {"SOC": 7}),
        ("/ess/status/bms", [7]),
        ("/ess/status/bms", None),
    ],
)
def test_what_is_no_news_of_a_table_changes_nothing(uri, body):
    store = known(status={"/status/bms": {"SOC": {"value": 5}}})
    store.take_pub(uri, body, 1.0)
    assert store.tables == {"/status/bms": {"SOC": 5}}


def test_an_engine_cannot_fill_our_memory():
    store = known()
    store.take_pub("/ess/status/x", {str(one): one for one in range(MOST_NAMES + 10)}, 0.0)
    assert len(store.tables["/status/x"]) == MOST_NAMES


def test_a_component_that_goes_on_is_not_silent():
    store = linked()
    beat(store, [one / 10 for one in range(100)])
    assert store.silence("bms", 10.0) is None


def test_a_component_that_stops_is_silent_with_its_age():
    store = linked()
    beat(store, [one / 10 for one in range(100)])
    silence = store.silence("bms", 15.0)
    assert silence is not None
    assert silence.who == "bms_1"
    assert silence.age_s == pytest.approx(5.1)


def test_a_slow_component_gets_three_of_its_pauses():
    store = linked()
    beat(store, [0, 2, 4, 6, 8])
    assert store.silence("bms", 13.5) is None
    assert store.silence("bms", 14.5) is not None


def test_one_that_was_silent_before_we_came_is_found():
    store = linked()
    assert store.silence("bms", SILENT_AT_FIRST_S - 0.1) is None
    assert store.silence("bms", SILENT_AT_FIRST_S + 0.1) is not None


def test_one_that_is_not_read_periodically_may_be_quiet():
    store = known(links={"/links/bms": {"SOC": {"value": f"{COMPONENT}:soc"}}})
    store.watch(store.sources("bms"), {COMPONENT: {"soc": 1}}, 0.0)
    store.take_pub("/ess/components/bms_1", {"soc": 2}, 1.0)
    assert store.silence("bms", 1000.0) is None


def test_a_new_start_does_not_make_a_silent_component_fresh():
    store = linked()
    beat(store, [one / 10 for one in range(100)])
    links = {"/links/bms": {"SOC": {"value": f"{COMPONENT}:soc"}}}
    store.begin()
    store.take_full(("links",), links)
    store.watch(store.sources("bms"), {COMPONENT: {"Timestamp": "old"}}, 20.0)
    assert store.silence("bms", 20.0) is not None


def test_a_gap_of_ours_is_no_pause_of_the_device():
    store = linked()
    beat(store, [0.0, 0.1])
    store.begin()
    store.take_full(("links",), {"/links/bms": {"SOC": {"value": f"{COMPONENT}:soc"}}})
    beat(store, [5.0, 5.1])
    assert store.silence("bms", 7.5) is not None


def test_nothing_counts_while_there_is_trouble_or_the_engine_is_silent():
    store = known()
    assert store.doubt(1.0) == ""
    assert "silent" in store.doubt(ENGINE_SILENT_S + 0.1)
    store.trouble = "no broker"
    assert store.doubt(1.0) == "no broker; heard 1 s ago"


def test_nothing_counts_before_the_engine_was_heard():
    assert Store().doubt(0.0) == "not connected yet"
