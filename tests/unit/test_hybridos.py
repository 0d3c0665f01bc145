"""HybridOS: what it can be told, and which registers it needs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ess_bus.errors import ConfigurationError
from tests.unit.site_files import CONFIGS
from tools.hybridos import check
from tools.hybridos.orders import COMMANDS, Order, order, order_of_word
from tools.hybridos.registers import WATCHED, load

CLOU = CONFIGS / "clou" / "clou_client.json"


def test_words_and_values_are_registers_of_the_controller() -> None:
    assert order_of_word("on") == order("command", "on") == Order("control_command", 1)
    assert [order_of_word(word).value for word in COMMANDS] == [1, 2, 3, 4, 5, 6]
    assert order_of_word("power=-12.5") == order("power", -12.5) == Order("power_set_ac", -12.5)
    assert order_of_word("reactive=3") == Order("active_set_ac", 3)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("onn", "'onn' is no command; expected on, off"),
        ("", "'' is no command"),
        ("power=", "power: expected a number of kW, got ''"),
        ("powr=1", "'powr' cannot be assigned; did you mean power?"),
        ("command=on", "'command' cannot be assigned"),
    ],
)
def test_a_word_that_orders_nothing_is_refused(word: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace("?", r"\?")):
        order_of_word(word)


@pytest.mark.parametrize(("name", "value"), [("command", 1), ("command", None), ("power", True), ("power", "1")])
def test_a_value_that_orders_nothing_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        order(name, value)
    with pytest.raises(LookupError, match="did you mean power"):
        order("powr", 1)


def test_its_registers_are_those_of_the_map_of_the_controller() -> None:
    registers, warnings = load(CLOU)
    assert not warnings
    assert {name: point.offset for name, point in registers.written.items()} == {
        "life": 1000,
        "control_command": 1002,
        "power_set_ac": 1005,
        "active_set_ac": 1006,
    }
    assert tuple(registers.watched) == WATCHED
    assert registers.watched["bms_soc"].offset == 2144
    assert check(CLOU) == []


def test_another_map_is_refused_with_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no register 'life', which a Clou controller has"):
        load(CONFIGS / "catl" / "catl_client.json")
    document = json.loads(CLOU.read_text())
    document["components"][0]["registers"][0]["type"] = "Input Registers"
    file = tmp_path / "client.json"
    file.write_text(json.dumps(document))
    with pytest.raises(ConfigurationError, match="'life' is of the table input; expected one that can be written"):
        load(file)
