"""Chains of actions: what is too long is stopped and named, before Python itself would stop it."""

from __future__ import annotations

from itertools import pairwise

from ess_bus.engine import functions
from ess_bus.engine.engine import Engine
from ess_bus.engine.meaning import member
from ess_bus.engine.views import get
from ess_bus.reference import Reference
from tests.unit.engine_cases import variable


def chain(action, key, **more):
    """Return 300 variables, each of which sets the next."""
    names = [f"v{number:03}" for number in range(300)]
    engine = Engine()
    engine.load(
        member(
            Reference("/s/t", name), variable(action, {key: f"/s/t:{following}" if key == "uri" else "PassOn", **more})
        )
        for name, following in pairwise(names)
    )
    return engine


def test_a_long_chain_is_stopped_at_its_depth(caplog):
    engine = chain("remap", "uri")
    engine.set("/s/t/v001", 5)
    assert get(engine.datamap, "/s/t/v128") == 5
    assert get(engine.datamap, "/s/t/v299") != 5
    assert "128 actions deep, stopped: /s/t:v001 -> /s/t:v002" in caplog.text


def test_a_long_chain_of_messages_to_the_engine_itself_is_stopped_too(caplog):
    engine = chain("remap", "uri", fims="set")
    engine.served = ("/s",)
    engine.set("/s/t/v001", 5)
    assert get(engine.datamap, "/s/t/v050") == 5
    assert get(engine.datamap, "/s/t/v200") == 0
    assert "actions deep, stopped: /s/t:v001" in caplog.text


def test_a_long_chain_through_functions_is_stopped_too(caplog):
    @functions.function("PassOn")
    def pass_on(call):
        """Set the next one."""
        call.engine.put(Reference("/s/t", f"v{int(call.place.name[1:]) + 1:03}"), call.value)

    try:
        engine = chain("func", "func")
        engine.set("/s/t/v001", 5)
    finally:
        del functions.FUNCTIONS["PassOn"]
    assert get(engine.datamap, "/s/t/v050") == 5
    assert get(engine.datamap, "/s/t/v200") != 5
    assert "actions deep, stopped: /s/t:v001" in caplog.text
