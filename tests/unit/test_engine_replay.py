"""What is typed and the exact text that must come back: every action with its keys."""

from __future__ import annotations

import pytest

from tests.unit.engine_cases import REMAP
from tests.unit.engine_desk import desk
from tests.unit.engine_value_cases import BITS, ENUM, FUNC, LIMITS

C = "/ess/full/controls/bms"
G = "/ess/controls/bms"
CASES = [
    pytest.param(table, lines, id=f"{action}: {name}")
    for action, group in (("remap", REMAP), ("enum", ENUM), ("bits", BITS), ("limits", LIMITS), ("func", FUNC))
    for name, (table, lines) in group.items()
]


@pytest.mark.parametrize(("table", "lines"), CASES)
def test_what_follows_from_a_set(table, lines):
    with desk() as person:
        assert person.say("set", C, table) != ""
        for body, name, text in lines:
            for key, value in body.items():
                place, _, parameter = key.partition("@")
                where, given = (f"{C}/{key}", value) if parameter else (C, {place: value})
                answer = person.say("set", where, given)
                assert "error" not in answer, (key, value, answer)
            assert person.say("get", f"{G}/{name}") == text, (body, name)
