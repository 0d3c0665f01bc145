"""What is known of a component's points, what people decide about them, and what of it is published."""

from __future__ import annotations

import pytest

from modbus_bridge.config.model import Component, Kind, Point, RegisterType
from modbus_bridge.face.changes import Changes
from modbus_bridge.face.decide import decide
from modbus_bridge.face.image import Image
from modbus_bridge.face.overlay import Overlay
from modbus_bridge.face.path import Path, parse
from modbus_bridge.polling.plan import blocks
from modbus_bridge.values.orders import Catalogue

A = Point("a", RegisterType.HOLDING, offset=0, device_id=1)
B = Point("b", RegisterType.INPUT, offset=0, device_id=1)
FLAGS = Point(
    "flags", RegisterType.HOLDING, offset=1, device_id=1, kind=Kind.INDIVIDUAL_BITS, strings={0: "on", 1: "hot"}
)
PCS = Component("pcs", 1.0, 0.0, (A, FLAGS, B))


class Bench:
    def __init__(self) -> None:
        self.overlay = Overlay(PCS)
        self.image = Image(PCS, self.overlay)
        self.catalogue = Catalogue(PCS)
        self.poll(5, 0b10, 7)

    def poll(self, a: int, flags: int, b: int, now_s: float = 1.0) -> None:
        holding, inputs = blocks(PCS.points)
        self.image.take([(holding, [a, flags]), (inputs, [b])], now_s, 1000.0 + now_s)

    def order(self, text: str, body: object = None) -> dict[str, str]:
        path = parse(tuple(text.split("/")), self.catalogue.names, "set")
        answer = decide(path, body, PCS, self.catalogue, self.overlay)
        self.image.touch()
        return answer


class TestImage:
    def test_before_the_first_poll_nothing_is_known(self) -> None:
        image = Image(PCS, Overlay(PCS))
        assert image.values == {"component_connected": False, "a": None, "on": None, "hot": None, "b": None}
        assert (image.words(A), image.read_at_s) == (None, None)

    def test_the_order_is_that_of_the_configuration(self) -> None:
        values = Bench().image.values
        assert values == {"component_connected": True, "a": 5, "on": False, "hot": True, "b": 7}
        assert list(values) == ["component_connected", "a", "on", "hot", "b"]

    def test_nothing_outlives_a_poll(self) -> None:
        bench = Bench()
        holding, inputs = blocks(PCS.points)
        bench.image.take([(holding, [6, 0]), (inputs, None)], 2.0, 1002.0)
        assert bench.image.values == {"component_connected": True, "a": 6, "on": False, "hot": False, "b": None}
        assert bench.image.words(B) is None
        assert bench.image.previous_words(B) == [7]
        bench.image.lose()
        assert set(bench.image.values.values()) == {False, None}
        assert bench.image.words(A) is None

    def test_a_poll_that_asks_for_nothing_connects_nothing(self) -> None:
        bench = Bench()
        bench.image.take([], 2.0, 1002.0)
        assert not bench.image.connected
        assert bench.image.values["component_connected"] is False

    def test_a_register_may_speak_for_the_connection_while_there_is_an_answer(self) -> None:
        point = Point("component_connected", RegisterType.COIL, 0, 1, kind=Kind.BOOL)
        component = Component("x", 1.0, 0.0, (point,))
        image = Image(component, Overlay(component))
        (block,) = blocks(component.points)
        for word in (0, 1):
            image.take([(block, [word])], 1.0, 1.0)
            assert image.values["component_connected"] is bool(word)
        image.lose()
        assert image.values["component_connected"] is False


class TestDecisions:
    def test_a_disabled_point_is_neither_read_nor_shown(self) -> None:
        bench = Bench()
        assert bench.order("a/_disable") == {"gcom": "Modbus Point Disable", "status": "Success"}
        # An answer that was under way when it was disabled still has it.
        bench.poll(5, 0, 7)
        assert "a" not in bench.image.values
        assert bench.overlay.polled == (FLAGS, B)
        assert bench.overlay.refusal("a") == "disabled; set .../_enable first"
        bench.order("_enable/a")
        assert bench.image.values["a"] == 5
        assert bench.overlay.is_empty

    def test_a_bit_stands_for_its_register(self) -> None:
        bench = Bench()
        bench.order("hot/_disable")
        assert list(bench.image.values) == ["component_connected", "a", "b"]

    def test_a_whole_component(self) -> None:
        bench = Bench()
        bench.order("_disable")
        assert bench.overlay.polled == ()
        bench.order("_enable")
        assert bench.overlay.polled == PCS.points

    def test_a_disconnected_point_is_unknown(self) -> None:
        bench = Bench()
        bench.order("flags/_disconnect")
        assert (bench.image.values["on"], bench.image.values["hot"]) == (None, None)
        assert bench.overlay.polled == (A, B)
        bench.order("flags/_connect")
        assert bench.image.values["hot"] is True

    def test_what_is_forced_stays_whatever_else_happens(self) -> None:
        bench = Bench()
        assert bench.order("b/_force", {"value": 99})["status"] == "Success"
        bench.order("b/_disable")
        bench.poll(1, 0, 2)
        assert bench.image.values["b"] == 99
        bench.image.lose()
        assert bench.image.values["b"] == 99
        assert bench.image.values["component_connected"] is False
        assert bench.overlay.forced_names == ["b"]
        bench.order("b/_unforce")
        assert "b" not in bench.image.values

    def test_bits_and_masks_can_be_forced(self) -> None:
        bench = Bench()
        bench.order("on/_force", True)
        assert bench.overlay.forced == {"on": True}
        assert bench.overlay.refusal("on") == "forced; set .../_unforce first"
        assert bench.overlay.refusal("hot") is None
        bench.order("flags/_force", 2)
        assert bench.overlay.forced == {"on": False, "hot": True}
        bench.order("flags/_unforce")
        assert bench.overlay.forced == {}

    def test_several_are_forced_together_or_not_at_all(self) -> None:
        bench = Bench()
        bench.order("_force", {"a": 1, "on": {"value": 1}})
        assert bench.overlay.forced_names == ["a", "on"]
        with pytest.raises(ValueError, match=r"a: 70000 does not fit; expected 0 to 65535; on: expected true"):
            bench.order("_force", {"a": 70000, "b": 3, "on": 5})
        assert bench.overlay.forced == {"a": 1, "on": True}
        with pytest.raises(ValueError, match="c: unknown register"):
            bench.order("_force", {"b": 3, "c": 1})
        assert "b" not in bench.overlay.forced
        bench.order("_unforce")
        assert bench.overlay.is_empty

    @pytest.mark.parametrize("text", ["x/_disable", "x/_force", "x/_unforce"])
    def test_what_is_not_there(self, text: str) -> None:
        with pytest.raises(ValueError, match="x: unknown register"):
            Bench().order(text, 1)


class TestPath:
    @pytest.mark.parametrize(
        ("segments", "method", "path"),
        [
            ((), "get", Path(None, None)),
            (("a",), "get", Path("a", None)),
            (("a", "_raw"), "get", Path("a", "_raw")),
            (("_raw", "a"), "get", Path("a", "_raw")),
            (("_full",), "get", Path(None, "_full")),
            (("_local", "a"), "get", Path("a", None)),
            (("_own",), "get", Path("_own", None)),
            (("_own", "_force"), "set", Path("_own", "_force")),
        ],
    )
    def test_what_is_meant(self, segments: tuple[str, ...], method: str, path: Path) -> None:
        assert parse(segments, ["a", "_own"], method) == path

    @pytest.mark.parametrize(
        ("segments", "method", "reason"),
        [
            (("a", "b"), "get", "a/b: expected at most one segment"),
            (("_raw", "_full"), "get", "at most one segment"),
            (("a", "_rwa"), "get", "_rwa: unknown request; did you mean _raw"),
            (("a", "_forced"), "set", "_forced: unknown request; did you mean _force"),
            (("a", "_force"), "get", "_force needs a set"),
            (("a", "_raw"), "set", "_raw needs a get"),
        ],
    )
    def test_what_is_not(self, segments: tuple[str, ...], method: str, reason: str) -> None:
        with pytest.raises(ValueError, match=reason):
            parse(segments, ["a", "b"], method)


class TestChanges:
    points = (Point("a", RegisterType.HOLDING, 0, 1, deadband=2.0), B)

    def body(self, a: object, b: object, connected: bool = True) -> dict[str, object]:
        return {"component_connected": connected, "a": a, "b": b}

    def test_first_everything_then_what_has_changed(self) -> None:
        changes = Changes(self.points, 10.0)
        assert changes.since(self.body(1, 2), 0.0, everything=False) == self.body(1, 2)
        assert changes.since(self.body(1, 2), 1.0, everything=False) is None
        assert changes.since(self.body(1, 3), 2.0, everything=False) == {"component_connected": True, "b": 3}
        assert changes.since(self.body(1, 3), 3.0, everything=False) is None
        assert changes.since(self.body(1, 3), 4.0, everything=True) == self.body(1, 3)

    def test_everything_now_and_then(self) -> None:
        changes = Changes(self.points, 10.0)
        changes.since(self.body(1, 2), 0.0, everything=False)
        assert changes.since(self.body(1, 2), 9.9, everything=False) is None
        assert changes.since(self.body(1, 2), 10.0, everything=False) == self.body(1, 2)
        assert changes.since(self.body(1, 2), 19.9, everything=False) is None

    def test_small_changes_add_up(self) -> None:
        changes = Changes(self.points, 1000.0)
        changes.since(self.body(10, 0), 0.0, everything=False)
        told = [changes.since(self.body(a, 0), 1.0, everything=False) for a in (11, 12, 13, 12, 10)]
        assert [None if body is None else body["a"] for body in told] == [None, None, 13, None, 10]

    @pytest.mark.parametrize(("before", "after"), [(1, None), (None, 1), (True, 1.5), (1, "x")])
    def test_what_cannot_be_compared_is_a_change(self, before: object, after: object) -> None:
        changes = Changes(self.points, 1000.0)
        changes.since(self.body(before, 0), 0.0, everything=False)
        assert changes.since(self.body(after, 0), 1.0, everything=False) == {"component_connected": True, "a": after}

    def test_a_key_that_is_gone_is_told_by_the_whole_body(self) -> None:
        changes = Changes(self.points, 1000.0)
        changes.since(self.body(1, 2), 0.0, everything=False)
        rest = {"component_connected": True, "b": 2}
        assert changes.since(rest, 1.0, everything=False) == rest
        assert changes.since(rest, 2.0, everything=False) is None

    def test_what_is_returned_may_be_changed(self) -> None:
        changes = Changes(self.points, 1000.0)
        body = changes.since(self.body(1, 2), 0.0, everything=False)
        assert body is not None
        body["Timestamp"] = "now"
        assert changes.since(self.body(1, 2), 1.0, everything=False) is None
