"""Whatever is set, it is refused with a reason or applied; the answers to gets stay valid, sorted JSON."""

from __future__ import annotations

import json
import logging

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ess_bus.engine import directory
from ess_bus.engine.actions.keys import KNOWN
from ess_bus.engine.engine import Engine
from ess_bus.engine.meaning import member
from ess_bus.engine.views import View, get
from ess_bus.reference import Reference
from ess_bus.uri import segments
from tests.unit.engine_cases import variable

PLACES = ("/s/t:a", "/s/t:b", "/s/t:c", "/s/t:b@p", "/s/t:c[3]", "/x/y:new", "/ess/s/t:a", "nowhere", "", 5)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=5)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
places = st.sampled_from(PLACES) | values
keys = st.sampled_from(sorted(set().union(*KNOWN.values())))
likely = st.sampled_from(
    [0, 1, 3, 7.5, True, False, None, "set", "naked", "LogInfo", "TestTriggerFunc", "runAllLocks", "RunLinks"]
)
items = st.dictionaries(keys, likely | places, max_size=5).map(lambda item: {"uri": "/s/t:b", **item})
actions = st.sampled_from(["remap", "enum", "bitfield", "bitset", "limits", "func", "bitmap"])
programs = st.lists(st.dictionaries(actions, st.lists(items, max_size=3) | values, max_size=2), max_size=3)
definitions = st.fixed_dictionaries(
    {},
    optional={
        "value": scalars | st.just("$$"),
        "actions": programs.map(lambda blocks: {"onSet": blocks}) | values,
        "$$action": st.booleans(),
        "enable": places,
        "enabled": values,
        "ifChanged": values,
        "resetChange": values,
        "deadband": values,
        "lock": values,
        "defUri": places,
        "defVal": values,
        "vlink": places,
        "default": values,
    },
)
bodies = st.dictionaries(st.sampled_from("abcd"), definitions | values, max_size=4) | definitions | values
paths = st.sampled_from(
    [
        *("/s/t", "/s/t/a", "/s/t/b", "/s/t/b@p", "/s/t/c[3]", "/s", "/", "/x/y", "/links/x", "/vlinks/x", "/locks/x"),
        *("/system/commands", "/blockeduris/set", "/assets/bms/summary", "/s/t/a/b", "/s/t/[1]", "/s/t/@", "//"),
    ]
) | st.text(alphabet="/st@[]:0a", max_size=8).map(lambda text: "/" + text)


@pytest.fixture(autouse=True, scope="module")
def quiet():
    """Keep the thousands of lines about garbage out of the report."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def fresh():
    engine = Engine()
    table = {"a": 1, "b": variable("remap", {"uri": "/s/t:c"}), "c": {"value": 4, "p": 1}}
    engine.load([member(Reference("/s/t", name), one) for name, one in table.items()])
    return engine


def answer(engine, path, view):
    """Return the text of an answer, or ``None`` for an error with a reason."""
    try:
        found = directory.answer(engine.datamap, "ess", segments(path), view, engine.reports)
        return orjson.dumps(get(engine.datamap, path, view) if found is None else found)
    except (ValueError, LookupError):
        return None


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(paths, bodies, st.booleans()), min_size=1, max_size=4))
def test_garbage_is_refused_or_applied(messages):
    engine = fresh()
    for path, given_body, is_report in messages:
        body = orjson.loads(orjson.dumps(given_body))
        before = answer(engine, "/", View.FULL)
        try:
            engine.report(path, body) if is_report else engine.set(path, body)
        except ValueError:
            assert answer(engine, "/", View.FULL) == before
        for view in View:
            text = answer(engine, "/", view)
            assert text is not None
            tables = json.loads(text)
            assert list(tables) == sorted(tables)
            for table, members in tables.items():
                assert table.startswith("/assets") or list(members) == sorted(members)
        orjson.dumps(engine.take_publications().values)
        for message in engine.take_messages():
            assert message.method in ("set", "pub", "get")
            orjson.dumps(message.body)


@settings(max_examples=200, deadline=None)
@given(
    paths | st.sampled_from(["/amap", "/amap/s", "/amap/t/a", "/sysvec", "/alist", "/system/functions/x"]),
    st.sampled_from(View),
)
def test_every_get_is_answered(path, view):
    answer(fresh(), path, view)


def test_a_thousand_sets_end_where_the_last_one_says():
    engine = fresh()
    for number in range(1000):
        engine.set("/s/t/b", number)
    assert get(engine.datamap, "/s/t/c") == 999
