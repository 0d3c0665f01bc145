"""What a set means for the device."""

from __future__ import annotations

import pytest

from modbus_bridge.config.model import Component, Kind, Point, RegisterType
from modbus_bridge.orders import Catalogue, Write

PLAIN = Point("plain", RegisterType.HOLDING, offset=0, device_id=1)
LONG = Point("long", RegisterType.HOLDING, offset=1, device_id=1, size=2, word_order=(1, 0))
POWER = Point("power", RegisterType.INPUT, offset=0, device_id=1)
FLAGS = Point(
    "flags",
    RegisterType.HOLDING,
    offset=5,
    device_id=1,
    kind=Kind.INDIVIDUAL_BITS,
    invert_mask=0b10,
    strings={0: "ready", 1: "fault"},
)
CATALOGUE = Catalogue(Component("pcs", 1.0, 0.0, (PLAIN, LONG, POWER, FLAGS)))


def test_writes_come_in_the_order_of_the_body() -> None:
    assert CATALOGUE.writes((), {"long": 65538, "plain": {"value": 7}}) == [
        Write(LONG, (2, 1)),
        Write(PLAIN, (7,)),
    ]


def test_bits_of_one_register_are_one_write() -> None:
    (write,) = CATALOGUE.writes((), {"ready": True, "fault": False})
    assert (write.words, write.set_bits, write.clear_bits) == (None, 1, 2)
    # The second bit is inverted on the wire: cleared means 1; all others stay.
    assert write.words_after([0xF000]) == (0xF003,)


def test_a_register_and_its_bits_exclude_each_other_in_any_order() -> None:
    with pytest.raises(ValueError, match="ready: set together with its register flags"):
        CATALOGUE.writes((), {"flags": 1, "ready": True})
    with pytest.raises(ValueError, match="flags: set together with its bits"):
        CATALOGUE.writes((), {"ready": True, "flags": 1})


def test_every_wrong_assignment_is_named() -> None:
    with pytest.raises(
        ValueError, match=r"^power: read-only \(input\); plian: unknown register; did you mean plain\?$"
    ):
        CATALOGUE.writes((), {"power": 1, "plain": 1, "plian": 2})


def test_points_and_bits_have_names() -> None:
    assert CATALOGUE.names == ["plain", "long", "power", "flags", "ready", "fault"]
    assert CATALOGUE.bits_of("flags") == ("ready", "fault")
