"""Whether those whose values count are still there: who is asked, who is missed, and who is not."""

from __future__ import annotations

from ess_bus.engine.following import PATIENCE_S, Following


def asked(following: Following, *names: str, begin_s: float = 0.0, seconds: int = 10) -> dict[str, float]:
    """Ask once a second, and answer nothing; return who was missed, and when first."""
    missed: dict[str, float] = {}
    for second in range(seconds):
        now_s = begin_s + second
        for name in following.take_silent(now_s):
            missed.setdefault(name, now_s)
        following.to_ask(names, now_s)
    return missed


def test_who_has_told_of_itself_and_answers_no_more_is_missed():
    following = Following()
    following.heard("bridge")
    assert asked(following, "bridge", "somebody") == {"bridge": PATIENCE_S + 1}
    assert asked(following, "bridge", begin_s=10) == {"bridge": 12.0}


def test_who_answers_is_not_missed_and_is_asked_again():
    following = Following()
    for second in range(10):
        assert following.take_silent(float(second)) == []
        assert following.to_ask({"bridge"}, second + 0.5) == {"bridge"}
        assert following.to_ask({"bridge"}, second + 0.6) == ()
        following.heard("bridge")


def test_who_is_gone_cannot_be_asked_or_counts_no_more_is_not_missed():
    following = Following()
    following.heard("bridge")
    following.to_ask({"bridge"}, 0)
    following.gone("bridge")
    assert asked(following, "bridge", begin_s=1) == {}
    following.heard("bridge")
    following.to_ask({"bridge"}, 20)
    assert asked(following, begin_s=21) == {}
    following.to_ask({"bridge"}, 40)
    following.forget()
    assert following.take_silent(50) == []
