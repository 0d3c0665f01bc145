"""What is newer than a picture that was asked for in pieces."""

from __future__ import annotations

from tools.ess_web.store import Store
from tools.fims.meanwhile import Meanwhile


def test_what_arrives_between_begin_and_end_is_kept_in_order_and_bounded() -> None:
    meanwhile: Meanwhile[int] = Meanwhile(most=3)
    meanwhile.note(0)
    for _ in range(2):
        meanwhile.begin()
        for number in range(1, 6):
            meanwhile.note(number)
        assert (meanwhile.end(), meanwhile.missed) == ([1, 2, 3], 2)
        meanwhile.note(9)
        assert meanwhile.end() == []
    meanwhile.begin()
    assert (meanwhile.end(), meanwhile.missed) == ([], 0)


def test_an_answer_replaces_what_was_known_when_it_was_asked_for_and_nothing_newer() -> None:
    store = Store()
    store.take("/components/a", {"x": 1, "y": 1}, "a", 10.0)
    store.take("/components/a/x", {"value": 3}, "a", 12.0)
    store.recall("/components/a", {"x": 2, "y": 2, "z": 2}, "a", 11.0)
    assert {name: one.value for name, one in store.tables["/components/a"].items()} == {"x": 3, "y": 2, "z": 2}
