"""Configurations written back as files: what is loaded from them is what they were made from."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ess_bus.errors import ConfigurationError
from modbus_bridge.config import client_from, load_client, load_server, server_from
from modbus_bridge.config.model import (
    ClientConfiguration,
    Component,
    Connection,
    Format,
    Heartbeat,
    Kind,
    Point,
    RegisterType,
    Serial,
    ServedPoint,
    ServedUnit,
    ServerConfiguration,
    Tcp,
    Watchdog,
)
from modbus_bridge.convert.client_file import client_document, milliseconds
from modbus_bridge.convert.from_server import client_of
from modbus_bridge.convert.server_file import server_document
from modbus_bridge.convert.simulator import simulator_of
from modbus_bridge.convert.text import pretty
from tests.real_files import real_files

SOURCE = Path("made.json")
HOLDING, INPUT = RegisterType.HOLDING, RegisterType.INPUT
COIL, DISCRETE = RegisterType.COIL, RegisterType.DISCRETE


def client_again(configuration: ClientConfiguration, *, defaults: bool) -> ClientConfiguration:
    return client_from(json.loads(pretty(client_document(configuration, defaults=defaults))), SOURCE)[0]


def server_again(configuration: ServerConfiguration, *, defaults: bool = False) -> ServerConfiguration:
    return server_from(json.loads(pretty(server_document(configuration, defaults=defaults))), SOURCE)[0]


def client_with(*points: Point, **connection: Any) -> ClientConfiguration:
    head = Connection("pcs 1", Tcp("10.0.0.1", 1502), **connection)
    return ClientConfiguration(head, (Component("pcs", 0.2, 0.0, points),))


def holding(name: str, offset: int, **rest: Any) -> Point:
    return Point(name, HOLDING, offset, 1, **rest)


_NAMES = st.text("abcxyz_ 0189ä", min_size=1, max_size=8).filter(str.strip)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
_MILLISECONDS = st.one_of(st.integers(1, 86_400_000), st.floats(0.01, 86_400_000))
_SECONDS = _MILLISECONDS.map(lambda number: number / 1000)
_SCALES = st.one_of(
    st.none(),
    st.one_of(st.integers(2, 10_000), st.floats(-1e6, 1e6)).filter(lambda scale: scale not in (0, 1)),
).map(lambda scale: None if scale is None else Fraction(repr(scale)))


@st.composite
def register_points(draw: st.DrawFn, name: str) -> Point:
    kind = draw(st.sampled_from(list(Kind)))
    size = draw(st.integers(1, 125) if kind is Kind.TEXT else st.sampled_from([1, 2, 4]))
    flags = st.booleans()
    is_float = kind is Kind.NUMBER and size > 1 and draw(flags)
    bits = 16 * size
    first, width = 0, bits
    if kind is not Kind.TEXT and not is_float and draw(flags):
        first = draw(st.integers(0, bits - 1))
        width = draw(st.integers(1, bits - first))
    numbers = st.integers(-5, 70_000) if kind is Kind.ENUM else st.integers(0, width - 1)
    named = kind in (Kind.ENUM, Kind.BIT_FIELD, Kind.INDIVIDUAL_BITS)
    own_names = st.sampled_from([f"{name} bit {letter}" for letter in "abcdefgh"])
    strings = st.dictionaries(numbers, _TEXTS, min_size=1, max_size=min(5, width))
    if kind is Kind.INDIVIDUAL_BITS:
        chosen = draw(st.lists(own_names, min_size=1, max_size=min(5, width), unique=True))
        places = draw(st.lists(numbers, min_size=len(chosen), max_size=len(chosen), unique=True))
        strings = st.just(dict(zip(sorted(places), chosen, strict=True)))
    orders = [(), tuple(reversed(range(size)))] if size == 2 else [()]
    if size == 4 and kind is not Kind.TEXT:
        orders = [*orders, (3, 2, 1, 0), (1, 0, 3, 2), (2, 0, 3, 1)]
    values = st.integers(0, (1 << width) - 1)
    return Point(
        name,
        draw(st.sampled_from([HOLDING, INPUT])),
        draw(st.integers(0, 65_536 - size)),
        draw(st.sampled_from([1, 2, 255])),
        size=size,
        kind=kind,
        scale=draw(_SCALES) if kind is Kind.NUMBER else None,
        shift=draw(st.integers(-100, 100)) if kind is Kind.NUMBER else 0,
        signed=kind is Kind.NUMBER and not is_float and draw(flags),
        is_float=is_float,
        invert_mask=draw(st.integers(0, (1 << bits) - 1)) if draw(flags) else 0,
        word_order=() if kind is Kind.TEXT else draw(st.sampled_from(orders)),
        first_bit=first,
        bits=0 if first + width == bits else width,
        strings=draw(strings) if named else {},
        invalid=frozenset() if kind is Kind.TEXT else draw(st.frozensets(values, max_size=2)),
        **draw(handling()),
    )


@st.composite
def handling(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "use_bool": draw(st.booleans()),
        "multi_write": draw(st.booleans()),
        "debounce_s": draw(st.sampled_from([0.0, 0.3, 2.0])),
        "deadband": draw(st.sampled_from([0.0, 0.5, 3.0])),
        "format": draw(st.sampled_from(list(Format))),
        "name": draw(st.one_of(st.just(""), _TEXTS)),
        "unit": draw(st.sampled_from(["", "kW", "°C"])),
    }


@st.composite
def bit_points(draw: st.DrawFn, name: str) -> Point:
    table, mask = draw(st.sampled_from([COIL, DISCRETE])), draw(st.integers(0, 1))
    offset = draw(st.integers(0, 65_535))
    return Point(name, table, offset, 7, kind=Kind.BOOL, invert_mask=mask, **draw(handling()))


@st.composite
def components(draw: st.DrawFn, name: str) -> Component:
    ids = draw(st.lists(_NAMES, min_size=1, max_size=6, unique=True))
    points = tuple(draw(st.one_of(register_points(each), bit_points(each))) for each in ids)
    plain = [point.id for point in points if point.kind is Kind.NUMBER and not point.is_part]
    written = [point.id for point in points if point.id in plain and point.type is HOLDING]
    period_s = draw(_SECONDS)
    heartbeat = watchdog = None
    if draw(st.booleans()) and plain:
        control = draw(st.sampled_from([None, "ess_controller"]))
        write_id = draw(st.sampled_from([None, *written]))
        # A register that is read each period cannot be found standing still sooner.
        timeout_s = max(period_s, draw(_SECONDS))
        heartbeat = Heartbeat(draw(st.sampled_from(plain)), write_id, 0, timeout_s, draw(_SECONDS), control)
    if draw(st.booleans()) and plain:
        alarm_s, fault_s = sorted((draw(_SECONDS), draw(_SECONDS)))
        times = [draw(_SECONDS) for _ in range(3)]
        watchdog = Watchdog(draw(st.sampled_from(plain)), alarm_s, fault_s, *times)
    return Component(
        name,
        period_s,
        draw(st.one_of(st.just(0.0), _SECONDS)),
        points,
        heartbeat,
        watchdog,
        draw(st.booleans()),
        draw(_SECONDS),
        draw(st.booleans()),
    )


@st.composite
def clients(draw: st.DrawFn) -> ClientConfiguration:
    addresses: list[Tcp | Serial] = [Tcp("10.0.0.1", 1502), Tcp("bms"), Serial("/dev/ttyUSB0", 9600, "even", 7, 2)]
    address = draw(st.sampled_from(addresses))
    connection = Connection(
        draw(_NAMES),
        address,
        draw(st.sampled_from([0.05, 1.0, 2.5])),
        draw(st.sampled_from([0.05, 1.0, 2.5, 30.0])),
        draw(st.integers(1, 25)),
        draw(st.sampled_from([0.0, 0.0125, 1.0])),
        draw(st.integers(1, 125)),
        draw(st.integers(1, 2000)),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.sampled_from([None, "/stats/pcs"])),
        max(0.01, draw(_SECONDS)),
    )
    names = draw(st.lists(_NAMES, min_size=1, max_size=3, unique=True))
    return ClientConfiguration(connection, tuple(draw(components(name)) for name in names))


class TestClientFile:
    @settings(max_examples=150, deadline=None)
    @given(clients(), st.booleans())
    def test_what_is_written_is_loaded_as_it_was(self, configuration, defaults):
        assert client_again(configuration, defaults=defaults) == configuration

    @given(st.floats(0, 86_400).map(lambda number: number / 1000))
    def test_every_time_has_a_number_of_milliseconds(self, seconds):
        assert milliseconds(seconds) / 1000 == pytest.approx(seconds, rel=1e-15)

    def test_a_heartbeat_keeps_its_largest_value(self):
        (component,) = client_with(holding("life", 5), holding("count", 6)).components
        heartbeat = Heartbeat("life", "count", 99, 2.0, 0.5, "ess_controller")
        configuration = replace(client_with(), components=(replace(component, heartbeat=heartbeat),))
        assert client_again(configuration, defaults=True) == configuration

    def test_an_entry_is_one_line_with_all_its_defaults(self):
        text = pretty(client_document(client_with(holding("p", 5, scale=Fraction("0.1")))))
        assert (
            '{"id": "p", "offset": 5, "size": 1, "invert_mask": "0x0", "scale": 0.1, "shift": 0, "signed": false, '
            '"float": false, "multi_write_op_code": false, "debounce": 0, "deadband": 0, "format": "naked"}'
        ) in text.splitlines()[-7]

    def test_without_defaults_only_what_differs_is_written(self):
        (component,) = client_document(client_with(holding("p", 5, signed=True)), defaults=False)["components"]
        assert component == {
            "id": "pcs",
            "frequency": 200,
            "device_id": 1,
            "registers": [
                {
                    "type": "Holding Registers",
                    "starting_offset": 5,
                    "number_of_registers": 1,
                    "map": [{"id": "p", "offset": 5, "signed": True}],
                }
            ],
        }

    def test_groups_hold_one_table_of_one_unit_and_no_more_than_one_request_can_read(self):
        points = [holding(f"a{index}", index) for index in range(130)]
        points += [Point("b", HOLDING, 0, 2), Point("c", INPUT, 0, 2)]
        (component,) = client_document(client_with(*points))["components"]
        assert "device_id" not in component
        groups = [
            (group["type"], group["device_id"], group["starting_offset"], group["number_of_registers"])
            for group in component["registers"]
        ]
        assert groups == [
            ("Holding Registers", 1, 0, 125),
            ("Holding Registers", 1, 125, 5),
            ("Holding Registers", 2, 0, 1),
            ("Input Registers", 2, 0, 1),
        ]

    def test_a_word_order_is_written_as_the_rank_of_each_register(self):
        document = client_document(client_with(holding("p", 5, size=4, word_order=(2, 0, 3, 1))))
        # Register 2 is the most significant one, then 0, 3 and 1.
        assert document["components"][0]["registers"][0]["map"][0]["word_order"] == "2413"


class TestSimulator:
    def test_every_point_belongs_to_its_component(self):
        served, left_out = simulator_of(client_with(holding("p", 5, scale=Fraction(10), unit="kW")))
        assert not left_out
        assert server_document(served) == {
            "system": {"id": "pcs 1", "ip_address": "127.0.0.1", "port": 1502, "device_id": 1},
            "registers": {
                "holding_registers": [
                    {"uri": "/components/pcs", "id": "p", "offset": 5, "scale": 10, "unit": "kW"},
                ],
                "coils": [],
                "discrete_inputs": [],
                "input_registers": [],
            },
        }

    def test_several_units_are_an_array_in_which_255_stands_for_all_others(self):
        served, _ = simulator_of(client_with(holding("p", 5), Point("q", COIL, 5, 255, kind=Kind.BOOL)))
        assert [unit.device_id for unit in served.units] == [1, None]
        assert [block["device_id"] for block in server_document(served)["registers"]] == [1, 255]

    def test_it_listens_where_it_is_told(self):
        served, _ = simulator_of(client_with(holding("p", 5)), Tcp("::1", 7502))
        assert str(served.address) == "[::1]:7502"

    def test_of_two_that_overlap_the_wider_one_is_served(self):
        served, left_out = simulator_of(client_with(holding("narrow", 5), holding("wide", 4, size=2)))
        assert [one.point.id for one in served.units[0].points] == ["wide"]
        assert [str(problem) for problem in left_out] == [
            "/components/pcs/narrow: left out: holding 5 is served as /components/pcs/wide (holding 4 to 5)"
        ]

    def test_parts_of_a_register_do_not_overlap_unless_they_share_bits(self):
        low, high = holding("low", 5, bits=8), holding("high", 5, first_bit=8)
        middle = holding("middle", 5, first_bit=4, bits=8)
        served, left_out = simulator_of(client_with(low, high, middle))
        assert [one.point.id for one in served.units[0].points] == ["low", "high"]
        assert [problem.where for problem in left_out] == ["/components/pcs/middle"]

    @settings(max_examples=100, deadline=None)
    @given(clients())
    def test_whatever_a_client_reads_can_be_loaded_as_a_server(self, configuration):
        served, left_out = simulator_of(configuration, Tcp("127.0.0.1", 1502))
        assert server_again(served) == served
        count = sum(len(unit.points) for unit in served.units)
        assert count + len(left_out) == sum(len(component.points) for component in configuration.components)


class TestFromServer:
    def served(self, *points: tuple[str, Point], device_id: int | None = None) -> ServerConfiguration:
        owned = tuple(ServedPoint(uri, point) for uri, point in points)
        return ServerConfiguration("ess", Tcp("0.0.0.0", 1502), (ServedUnit(device_id, owned),))

    def test_owners_are_components_and_the_host_is_one_that_can_be_reached(self):
        configuration, notes = client_of(
            self.served(("/components/bms", holding("soc", 5)), ("/site/pcs", holding("p", 6)))
        )
        assert not notes
        assert configuration.connection.address == Tcp("127.0.0.1", 1502)
        assert [component.id for component in configuration.components] == ["bms", "pcs"]
        assert configuration.components[0].points[0].device_id == 255

    def test_owners_with_the_same_last_segment_get_more_of_their_uri(self):
        points = [(uri, holding("p", number)) for number, uri in enumerate(["/a/x", "/b/x", "/y", "/b_x"])]
        configuration, _ = client_of(self.served(*points))
        assert [component.id for component in configuration.components] == ["a_x", "b_x", "y", "b_x_2"]

    def test_an_owner_in_several_units_is_a_component_for_each(self):
        server = ServerConfiguration(
            "ess",
            Tcp("h", 1502),
            tuple(ServedUnit(unit, (ServedPoint("/x", holding("p", 5)),)) for unit in (1, 2, None)),
        )
        configuration, notes = client_of(server)
        assert not notes
        assert [component.id for component in configuration.components] == ["x_1", "x_2", "x_255"]
        assert [component.points[0].device_id for component in configuration.components] == [1, 2, 255]

    def test_a_variable_in_two_tables_is_read_once(self):
        configuration, notes = client_of(self.served(("/x", holding("p", 5)), ("/x", Point("p", INPUT, 9, 0))))
        assert [point.type for point in configuration.components[0].points] == [HOLDING]
        assert [str(note) for note in notes] == ["/x/p: left out: input 9 has the same name as holding 5"]

    def test_bits_without_names_are_read_as_a_number_and_a_last_bit_as_an_enum(self):
        field = holding("field", 5, kind=Kind.BIT_FIELD)
        state = ServedPoint("/x", holding("state", 6, kind=Kind.BIT_FIELD, strings={0: "Stop"}), last_bit=True)
        server = self.served(("/x", field))
        server = replace(server, units=(ServedUnit(3, (*server.units[0].points, state)),))
        configuration, notes = client_of(server)
        assert [point.kind for point in configuration.components[0].points] == [Kind.NUMBER, Kind.ENUM]
        assert [str(note) for note in notes] == ["/x/field: read as a number: the bit_field has no bit_strings"]
        assert client_again(configuration, defaults=True) == configuration


@pytest.mark.parametrize("path", real_files("client", "client_c0"))
def test_a_real_client_is_written_and_loaded_as_it_was(path):
    try:
        configuration, _ = load_client(path)
    except ConfigurationError as error:
        pytest.skip(f"refused: {error}")
    assert client_again(configuration, defaults=True) == configuration
    assert client_again(configuration, defaults=False) == configuration
    served, _ = simulator_of(configuration)
    assert server_again(served) == served


@pytest.mark.parametrize("path", real_files("server", "server_array"))
def test_a_real_server_is_written_and_loaded_as_it_was(path):
    configuration, _ = load_server(path)
    assert server_again(configuration, defaults=True) == configuration
    client, _ = client_of(configuration)
    assert client_again(client, defaults=False) == client
