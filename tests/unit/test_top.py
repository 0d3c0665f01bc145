"""The tree of `fims_top`: values, rates and ages, and which rows are shown."""

from dataclasses import replace

import pytest

from ess_bus.message import Message, Status, encode_body
from tools.top import text
from tools.top.rows import NOT_VALID, Choice, Sort, find, leaves, matches, rows, text_of
from tools.top.tree import MOST_NODES, UNKNOWN, Node, Tree


def pub(uri, value, sender="bridge", method="pub"):
    return Message(method, uri, encode_body(value), process_name=sender)


@pytest.fixture
def tree():
    made = Tree(0.0)
    for step in range(100):
        made.add(pub("/components/bms_1", {"soc": step, "bad": None}), step / 10)
    made.add(pub("/components/pcs_1/p", 5.5), 9.9)
    return made


def at(tree, uri) -> Node:
    node = find(tree, uri)
    assert node is not None
    return node


def shown(tree, choice=Choice(), now_s=10.0):  # noqa: B008 - frozen
    return {row.uri: row for row in rows(tree, choice, now_s)}


def test_values_rates_and_ages(tree):
    found = shown(tree)
    assert found["/components/bms_1/soc"].value == "99"
    assert found["/components/bms_1/soc"].rate == pytest.approx(10, rel=0.1)
    assert found["/components/bms_1/soc"].age_s == pytest.approx(0.1)
    assert found["/components/pcs_1/p"].value == "5.5"
    assert found["/components"].rate == pytest.approx(10, rel=0.1)
    assert (found["/components"].value, found["/components"].is_open) == ("", True)


def test_null_is_not_valid(tree):
    row = shown(tree)["/components/bms_1/bad"]
    assert (row.value, row.is_valid) == (NOT_VALID, False)


def test_what_is_overdue_is_old_and_its_rate_falls(tree):
    later = shown(tree, now_s=30.0)
    assert later["/components/bms_1/soc"].is_old
    assert later["/components/bms_1/soc"].rate == 0
    assert not shown(tree)["/components/bms_1/soc"].is_old


def test_what_a_process_said_that_has_ended_is_old_until_it_speaks_again(tree):
    tree.add(pub("/processes/bridge", {"name": "bridge", "gone": True}, sender="broker"), 10.0)
    assert shown(tree)["/components/pcs_1/p"].is_old
    tree.add(pub("/components/pcs_1/p", 6), 10.1)
    assert not shown(tree, now_s=10.2)["/components/pcs_1/p"].is_old


def test_requests_and_answers_are_counted_but_say_no_value():
    tree = Tree(0.0)
    tree.add(Message("get", "/a", None), 0.0)
    tree.add(Message("set", "/b", b"5", status=Status.OK), 0.0)
    assert at(tree, "/a").count == 1
    assert at(tree, "/b").value is UNKNOWN


def test_where_clients_wait_for_answers_is_hidden():
    tree = Tree(0.0)
    tree.add(pub("/_reply/1", 5), 0.0)
    assert tree.messages == 0
    everything = Tree(0.0, hidden=False)
    everything.add(pub("/_reply/1", 5), 0.0)
    assert at(everything, "/_reply/1").value == 5


def test_a_body_that_is_no_json_is_shown_as_text():
    tree = Tree(0.0)
    tree.add(Message("pub", "/a", b"hello\x1b[2J\xff"), 0.0)
    assert shown(tree)["/a"].value == "hello [2J\ufffd"


def test_a_bus_full_of_new_uris_does_not_fill_the_memory():
    tree = Tree(0.0)
    for step in range(MOST_NODES + 50):
        tree.add(pub(f"/x/{step}", 1), 0.0)
    assert len(tree) == MOST_NODES
    assert tree.left_out == 52


def test_closing_drilling_down_and_filtering(tree):
    closed = Choice().toggled("/components/bms_1")
    assert "/components/bms_1/soc" not in shown(tree, closed)
    assert "/components/bms_1/soc" in shown(tree, closed.toggled("/components/bms_1"))
    assert list(shown(tree, Choice(root="/components/pcs_1"))) == ["/components/pcs_1", "/components/pcs_1/p"]
    assert list(shown(tree, replace(closed, filter="SOC"))) == [
        *("/", "/components", "/components/bms_1", "/components/bms_1/soc"),
    ]
    assert list(shown(tree, Choice(root="/not/seen"))) == list(shown(tree))


def test_sorting(tree):
    by_rate = [row.name for row in rows(tree, Choice(sort=Sort.RATE), 10.0) if row.depth == 2]
    assert by_rate == ["bms_1", "pcs_1"]
    tree.add(pub("/components/aaa", 1), 5.0)
    by_age = [row.name for row in rows(tree, Choice(sort=Sort.AGE), 10.0) if row.depth == 2]
    assert by_age[-1] == "aaa"
    assert Choice().next_sort().next_sort().next_sort() == Choice()


def test_the_table_for_scripts_has_one_line_a_value(tree):
    assert [line.split(maxsplit=3) for line in text.once(leaves(tree, Choice(), 10.0))] == [
        ["URI", "RATE/S", "AGE", "S  VALUE"],
        ["/components/bms_1/bad", "9.9", "0.1", NOT_VALID],
        ["/components/bms_1/soc", "9.9", "0.1", "99"],
        ["/components/pcs_1/p", "0.0", "0.1", "5.5"],
    ]
    assert len(text.once(leaves(tree, Choice(filter="*/p"), 10.0))) == 2


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_lines_are_as_wide_as_the_screen(tree, width):
    assert {len(text.line(row, width)) for row in shown(tree).values()} == {width}
    assert len(text.heading(width)) == width


def test_small_things():
    assert matches("/a/SOC", "soc")
    assert matches("/a/soc", "*soc")
    assert not matches("/a/soc/x", "*soc")
    assert text_of("x" * 500).endswith("…")
    assert text_of({"a": 1}) == '{"a":1}'
