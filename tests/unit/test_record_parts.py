"""Rotation, spacing and values of recordings."""

import pytest

from ess_bus.message import Message
from tools.record.entry import Entry
from tools.record.rotation import Rotation, finished_name, rotation, to_remove
from tools.record.samples import Sample, samples
from tools.record.selection import methods
from tools.record.spacing import Spacing

AT = 1_769_860_800_000_001


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], Rotation()),
        (["100MB"], Rotation(100_000_000)),
        (["1 GiB", "1h"], Rotation(1 << 30, 3_600_000_000)),
        (["1.5min"], Rotation(None, 90_000_000)),
        (["1d"], Rotation(None, 86_400_000_000)),
    ],
)
def test_sizes_and_times_are_understood(texts, expected):
    assert rotation(texts, None) == expected


@pytest.mark.parametrize("texts", [["100"], ["0MB"], ["-1h"], ["1h", "2h"], ["1MB", "2GB"], ["1 week"], ["MB"]])
def test_what_is_neither_is_refused(texts):
    with pytest.raises(ValueError, match="expected"):
        rotation(texts, None)


def test_a_file_is_full_by_size_or_by_age():
    both = Rotation(100, 50)
    assert [both.is_due(99, 49), both.is_due(100, 0), both.is_due(0, 50)] == [False, True, True]
    assert not Rotation().is_due(1 << 60, 1 << 60)


@pytest.mark.parametrize(
    ("name", "finished"),
    [
        ("site.rec", "site.20260131T120000.000001Z.rec"),
        ("site", "site.20260131T120000.000001Z"),
        (".site", ".site.20260131T120000.000001Z"),
    ],
)
def test_only_what_was_finished_here_is_removed_oldest_first(name, finished):
    assert finished_name(name, AT) == finished
    older, newer = finished_name(name, AT - 1_000_000), finished_name(name, AT + 1)
    others = [name, f"x{finished}", f"{finished}-wal", "site.old.rec", "other.rec"]
    assert to_remove(name, [newer, *others, finished, older], 1) == [older, finished]
    assert to_remove(name, [newer, *others, finished, older], 0) == [older, finished, newer]
    assert to_remove(name, [newer, finished, older], 3) == []
    assert to_remove(name, [newer, finished, older], None) == []


def test_spacing_is_by_the_clock_that_nobody_sets_within_a_run():
    spacing, message = Spacing(), Message("pub", "/a")
    given = [(50, 7, 1), (10, 107, 1), (11, 207, 1), (1_000_011, 0, 2), (999_000, 5, 2), (900_000, 1, 3)]
    due = [spacing.due_s(Entry(at, elapsed, run, message)) for at, elapsed, run in given]
    # 100 us and 100 us; a second between the runs; 5 us; and a clock that was set back is no time.
    assert due == pytest.approx([0, 0.0001, 0.0002, 1.0002, 1.000205, 1.000205])


@pytest.mark.parametrize(
    ("uri", "body", "expected"),
    [
        ("/a", b"5", [Sample("/a", "number", 5.0)]),
        ("/a//b/", b'{"value":5,"unit":"V"}', [Sample("/a/b", "number", 5.0)]),
        ("/a", b'{"x":{"y":true},"z":null}', [Sample("/a/x/y", "bool", 1.0), Sample("/a/z", "null")]),
        ("/", b'{"x":"on"}', [Sample("/x", "text", None, "on")]),
        ("/a", b'{"x":[{"value":2,"string":"On"}]}', [Sample("/a/x", "json", None, '[{"value":2,"string":"On"}]')]),
        ("/a", b"9007199254740993", [Sample("/a", "number", 9007199254740992.0, "9007199254740993")]),
        ("/a", b"on\xff", [Sample("/a", "other", None, "on\ufffd")]),
        ("/a", None, []),
        ("/a", b"{}", []),
    ],
)
def test_the_values_of_a_message(uri, body, expected):
    assert list(samples(Message("pub", uri, body))) == expected


def test_methods_are_chosen_from_those_that_may_be():
    assert methods("pub, set", frozenset({"pub", "set"})) == {"pub", "set"}
    with pytest.raises(ValueError, match="'get': expected some of pub, set"):
        methods("get,pub", frozenset({"pub", "set"}))
