"""When the engine's log tells of messages that are wrong."""

from __future__ import annotations

from ess_bus.engine.complaints import AGAIN_AFTER_S, MOST, Complaints


def test_a_uri_is_told_of_once_a_minute_and_others_beside_it():
    complaints = Complaints()
    assert complaints.is_due("/a", 0.0)
    assert not complaints.is_due("/a", AGAIN_AFTER_S - 0.1)
    assert complaints.is_due("/b", 1.0)
    assert complaints.is_due("/a", AGAIN_AFTER_S)
    assert not complaints.is_due("/a", AGAIN_AFTER_S + 1)


def test_of_more_uris_than_are_remembered_only_those_are_told_of_again():
    complaints = Complaints()
    assert all(complaints.is_due(f"/{number}", 0.0) for number in range(MOST))
    assert not complaints.is_due("/more", 1.0)
    assert complaints.is_due("/0", AGAIN_AFTER_S)
