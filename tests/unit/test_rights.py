from ess_bus.broker import rights
from ess_bus.broker.rights import ANSWER_WITHIN_S, Answers


def test_who_was_asked_may_answer_at_that_replyto_for_a_minute():
    answers = Answers()
    answers.grant("//me/", b"asker", ["ess", "carl"], 100.0)
    assert answers.asker("/me", "ess", 100.0) == b"asker"
    assert answers.asker("/me", "carl", 100.0 + ANSWER_WITHIN_S - 0.1) == b"asker"
    assert answers.asker("/me", "ess", 100.0 + ANSWER_WITHIN_S) is None
    assert answers.asker("/me", "bob", 100.0) is None
    assert answers.asker("/you", "ess", 100.0) is None


def test_asking_again_counts_from_then_on():
    answers = Answers()
    answers.grant("/me", b"first", ["ess"], 0.0)
    answers.grant("/me", b"second", ["ess"], 30.0)
    assert answers.asker("/me", "ess", 80.0) == b"second"


def test_what_is_over_or_too_much_is_forgotten_oldest_first(monkeypatch):
    monkeypatch.setattr(rights, "MAX_GRANTS", 2)
    answers = Answers()
    for number in range(3):
        answers.grant(f"/{number}", b"asker", ["ess"], 0.0)
    assert [answers.asker(f"/{number}", "ess", 0.0) for number in range(3)] == [None, b"asker", b"asker"]
    answers.expire(ANSWER_WITHIN_S)
    assert not answers._grants
