"""modbus_server with several units and owners: what masters find, what owners are told, what it says of itself."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ess_bus.client import Bus
from ess_bus.errors import Refused
from tests.integration.conftest import Start, eventually, free_port
from tests.integration.server_site import SERVER, URI, Owner, Site, entry

OTHER = "/components/pcs"
STATUS = entry("status", 3, individual_bits=True, bit_strings=["open", None, "fault"])
PACKED = entry(
    "packed", 4, packed_register=True,
    bit_ranges=[
        {"id": "mode", "number_of_bits": 4},
        {"id": "level", "starting_bit_pos": 4, "number_of_bits": 8},
    ],
)  # fmt: skip
UNITS = [
    {
        "device_id": 1,
        "holding_registers": [
            entry("power", 0),
            entry("limit", 1, size=2),
            STATUS,
            PACKED,
            entry("other", 5) | {"uri": OTHER},
            entry("last", 6, bit_field=True, last_bit=True),
        ],
        "coils": [entry("breaker", 0)],
    },
    {"device_id": 255, "holding_registers": [entry("power", 0, scale=10)]},
]
VALUES: dict[str, Any] = {
    "power": 5,
    "limit": 7,
    "open": True,
    "fault": False,
    "mode": 1,
    "level": 2,
    "last": [{"value": 4}],
    "breaker": 0,
}
SELF = "/interfaces/units"

Launch = Callable[..., Site]


@pytest.fixture
def bus(broker: str) -> Iterator[Bus]:
    with Bus(broker, name="test") as found:
        yield found


@pytest.fixture
def owner(broker: str) -> Iterator[Owner]:
    found = Owner(broker)
    found.values = dict(VALUES)
    yield found
    found.end()


@pytest.fixture
def other(broker: str) -> Iterator[Owner]:
    found = Owner(broker, OTHER)
    found.values = {"other": 9}
    yield found
    found.end()


@pytest.fixture
def launch(start: Start, folder: Path, broker: str, bus: Bus) -> Iterator[Launch]:
    """Start a modbus_server of `UNITS` and return when it listens; its file is `folder`/server.json."""
    sites: list[Site] = []

    def launched(*options: str) -> Site:
        port = free_port()
        write(folder, port, UNITS)
        process = start(SERVER, folder / "server.json", *options, bus=broker)
        eventually(lambda: bus.get("/processes/modbus_server@units", timeout_s=1)["pid"] == process.pid)
        sites.append(Site(process, port))
        return sites[-1]

    yield launched
    for site in sites:
        site.master.close()


@pytest.fixture
def site(owner: Owner, other: Owner, launch: Launch) -> Site:
    """A server whose values are all known."""
    assert owner is not other
    found = launch()
    eventually(lambda: found.holding(0, 7))
    return found


def write(folder: Path, port: int, units: Any) -> None:
    system = {"id": "units", "ip_address": "127.0.0.1", "port": port}
    (folder / "server.json").write_text(json.dumps({"system": system, "registers": units}))


def test_each_unit_has_its_own_registers(site: Site) -> None:
    assert site.holding(0, 7) == [5, 0, 7, 1, 0x21, 9, 4]
    for unit_id in (0, 2, 255):
        site.master.unit_id = unit_id
        assert site.holding(0) == [50]
        assert site.exception(site.holding(0, 2)) == 2
        assert site.exception(site.master.read_coils(0)) == 2


def test_bits_by_name_and_packed_parts_follow_pubs(site: Site, bus: Bus) -> None:
    bus.publish(URI, {"fault": True, "level": {"value": 3}})
    eventually(lambda: site.holding(3, 2) == [0b101, 0x31])
    bus.publish(f"{URI}/open", False)
    eventually(lambda: site.holding(3) == [0b100])
    bus.publish(URI, {"mode": None})
    eventually(lambda: site.holding(4) is None)
    assert site.holding(3) == [0b100]


def test_a_write_of_several_owners_is_one_set_each(site: Site, owner: Owner, other: Owner) -> None:
    assert site.master.write_multiple_registers(0, [6, 0, 8, 0b101, 0x32, 10])
    assert owner.sets == [("", {"power": {"value": 6}, "limit": {"value": 8}, "fault": {"value": True}} | parts(2, 3))]
    assert other.sets == [("other", {"value": 10})]
    assert site.holding(0, 6) == [6, 0, 8, 0b101, 0x32, 10]
    site.master.unit_id = 2
    assert site.holding(0) == [60]


def parts(mode: int, level: int) -> dict[str, Any]:
    return {"mode": {"value": mode}, "level": {"value": level}}


def test_a_refusal_says_what_was_set_before(site: Site, owner: Owner, other: Owner, bus: Bus) -> None:
    other.refused = {"other"}
    assert site.exception(site.master.write_multiple_registers(4, [0x33, 10])) == 3
    assert owner.sets == [("", parts(3, 3))]
    # What was accepted was accepted.
    assert site.holding(4, 2) == [0x33, 9]
    reason = f"exception 3: {OTHER}/other: not now; already set: {URI}/mode, {URI}/level"
    assert reason in site.process.output
    last = bus.get(SELF)["last_write"]
    assert last["outcome"] == reason
    assert last["values"] == {f"{URI}/mode": 3, f"{URI}/level": 3, f"{OTHER}/other": 10}


def test_only_what_differs_of_shared_registers_is_set(site: Site, owner: Owner) -> None:
    assert site.master.write_single_register(4, 0x22)
    assert site.master.write_single_register(3, 0b100)
    assert owner.sets == [("mode", {"value": 2}), ("", {"open": {"value": False}, "fault": {"value": True}})]


def test_half_of_a_variable_is_refused(site: Site, owner: Owner) -> None:
    assert site.exception(site.master.write_single_register(1, 1)) == 3
    assert site.exception(site.master.write_multiple_registers(0, [1, 0])) == 3
    assert owner.sets == []


def test_mask_write_and_read_write_are_sets(site: Site, owner: Owner) -> None:
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as raw:
        answers = raw.makefile("rb")
        # 5 & 0xfff0 | 0x0003
        raw.sendall(bytes.fromhex("0001 0000 0008 01 16 0000 fff0 0003"))
        assert answers.read(14).hex() == "0001000000080116" + "0000fff00003"
        raw.sendall(bytes.fromhex("0002 0000 000d 01 17 0000 0001 0000 0001 02 0008"))
        assert answers.read(11).hex() == "0002000000050117" + "020008"
        # Half of a variable, as any other write.
        raw.sendall(bytes.fromhex("0003 0000 0008 01 16 0001 ffff 0001"))
        assert answers.read(9).hex() == "000300000003019603"
    assert owner.sets == [("power", {"value": 3}), ("power", {"value": 8})]


def test_a_mask_write_of_what_is_unknown_is_a_device_failure(launch: Launch, bus: Bus) -> None:
    site = launch()
    bus.publish(URI, {"limit": 1})
    eventually(lambda: site.holding(1, 2) == [0, 1])
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as raw:
        raw.sendall(bytes.fromhex("0001 0000 0008 01 16 0000 fff0 0003"))
        assert raw.recv(9).hex() == "000100000003019604"


def test_writes_of_several_masters_to_one_owner_take_turns(site: Site, owner: Owner) -> None:
    ready = threading.Barrier(4)

    def add_bit(bit: int) -> None:
        with socket.create_connection(("127.0.0.1", site.port), timeout=10) as raw:
            ready.wait()
            mask = 1 << bit
            pdu = bytes.fromhex("16 0000") + (0xFFFF ^ mask).to_bytes(2, "big") + mask.to_bytes(2, "big")
            raw.sendall(bytes.fromhex("0001 0000 0008 01") + pdu)
            assert raw.recv(14)[7:] == pdu

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_bit, (8, 9, 10, 11)))
    # Each was applied to what the one before had made.
    assert site.holding(0) == [0x0F05]
    assert len(owner.sets) == 4
    assert owner.sets[-1] == ("power", {"value": 0x0F05})


def test_a_write_behind_one_that_nobody_answers_is_busy(site: Site, owner: Owner) -> None:
    owner.ignored = {"power"}
    with (
        socket.create_connection(("127.0.0.1", site.port), timeout=10) as first,
        socket.create_connection(("127.0.0.1", site.port), timeout=10) as second,
    ):
        first.sendall(bytes.fromhex("0001 0000 0006 01 06 0000 0001"))
        eventually(lambda: owner.sets)
        second.sendall(bytes.fromhex("0001 0000 0006 01 05 0000 ff00"))
        assert second.recv(9).hex() == "000100000003018506"
        assert first.recv(9).hex() == "000100000003018604"
    assert owner.sets == [("power", {"value": 1})]


def test_a_write_with_an_unknown_outcome_is_settled_by_the_owner(site: Site, owner: Owner) -> None:
    # It is carried out, but that is not answered; the owner publishes only what changes later.
    owner.ignored = {"power"}
    owner.values["power"] = 77
    assert site.exception(site.master.write_single_register(0, 77)) == 4
    eventually(lambda: site.holding(0) == [77])


def test_writes_to_an_owner_that_is_gone_are_told_of_once_and_counted(site: Site, owner: Owner, broker: str) -> None:
    owner.end()
    for value in range(5):
        assert site.exception(site.master.write_single_register(0, value)) == 4
    back = Owner(broker)
    eventually(lambda: site.master.write_single_register(0, 7))
    eventually(lambda: "carried out again" in site.process.output)
    back.end()
    (failed,) = [line for line in site.process.output.splitlines() if "write of" in line and "exception 4" in line]
    assert failed.startswith(f"WARNING a master's write of {URI}/power: failed, exception 4: no one is listening")
    (again,) = [line for line in site.process.output.splitlines() if "carried out again" in line]
    assert int(again.split()[-3]) >= 5, again


def test_writes_that_nobody_answers_are_told_of_once(site: Site, owner: Owner) -> None:
    owner.ignored = {"power"}
    for value in (8, 9):
        assert site.exception(site.master.write_single_register(0, value)) == 4
    (failed,) = [line for line in site.process.output.splitlines() if "write of" in line]
    assert failed.endswith(f"exception 4: no answer from {URI}/power in time")


class TestWhatItSaysOfItself:
    def test_status(self, site: Site, bus: Bus) -> None:
        site.holding(900)
        found = bus.get(SELF)
        assert found["units"] == [{"device_id": 1, "points": 8}, {"device_id": "any", "points": 1}]
        assert (found["id"], found["points"], found["unknown_points"]) == ("units", 9, 0)
        assert found["masters_connected"] == len(found["masters"]) == 1
        assert found["exceptions"]["2"] == 1
        assert found["requests"] >= 2
        assert found["last_write"] is None
        assert bus.get(f"{SELF}/_stats").keys() < found.keys()
        assert "_reload" in bus.get(f"{SELF}/_help")

    def test_points(self, site: Site, bus: Bus) -> None:
        bus.publish(URI, {"power": None})
        eventually(lambda: site.holding(0) is None)
        points = {(point["device_id"], point["id"]): point for point in bus.get(f"{SELF}/_points")}
        assert points[1, "limit"]["known"]
        assert not points["any", "power"]["known"]
        assert points["any", "power"]["scale"] == 10
        # In the words of the configuration, as a client says it.
        assert points[1, "level"]["starting_bit_pos"] == 4
        assert points[1, "level"]["uri"] == URI
        found = bus.get(SELF)
        assert (found["unknown_points"], found["unknown"]) == (1, [f"{URI}/power"])

    @pytest.mark.parametrize(("method", "uri"), [("set", SELF), ("get", f"{SELF}/x"), ("post", f"{SELF}/_stats")])
    def test_what_is_not_there(self, site: Site, bus: Bus, method: str, uri: str) -> None:
        assert site.port
        with pytest.raises(Refused, match=r"Error: Method not implemented for that URI\."):
            bus.request(method, uri, 1)

    def test_masters_that_come_and_go_are_events(self, launch: Launch, bus: Bus) -> None:
        site = launch()
        with bus.subscribe("/events") as events:
            site.holding(0)
            came = events.receive(60)
            site.master.close()
            went = events.receive(60)
        assert came is not None
        assert went is not None
        body = came.json()
        assert (came.method, body["source"], body["severity"]) == ("post", "Modbus Server", 1)
        assert body["message"].endswith(" connected")
        assert went.json()["message"].endswith(" disconnected")
        # Nobody listens now.
        site.holding(0)
        site.master.close()
        assert "events" not in site.process.output


class TestReload:
    def test_a_new_file_takes_effect_and_masters_stay(self, site: Site, bus: Bus, folder: Path) -> None:
        new = [{"device_id": 1, "holding_registers": [entry("power", 20), entry("other", 21) | {"uri": OTHER}]}]
        write(folder, site.port, new)
        masters = bus.get(SELF)["masters"]
        assert bus.set(f"{SELF}/_reload", None).json() == {"points": 2, "warnings": []}
        # What was known still is; nobody was asked for that.
        assert site.holding(20, 2) == [5, 9]
        assert bus.get(SELF)["masters"] == masters
        assert site.exception(site.holding(0)) == 2
        bus.publish(OTHER, {"other": 3})
        eventually(lambda: site.holding(21) == [3])

    def test_a_broken_file_changes_nothing(self, site: Site, bus: Bus, folder: Path) -> None:
        (folder / "server.json").write_text("{")
        with pytest.raises(Refused, match="nothing is changed"):
            bus.set(f"{SELF}/_reload", None)
        write(folder, site.port, {})
        with pytest.raises(Refused, match="nothing is changed"):
            bus.get(f"{SELF}/_reload")
        assert site.holding(0, 7) == [5, 0, 7, 1, 0x21, 9, 4]
        assert "Traceback" not in site.process.output

    def test_another_address(self, site: Site, bus: Bus, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as occupied:
            write(folder, occupied.getsockname()[1], UNITS)
            with pytest.raises(Refused, match="nothing is changed: cannot listen on"):
                bus.set(f"{SELF}/_reload", None)
        assert site.holding(0) == [5]
        port = free_port()
        write(folder, port, UNITS)
        bus.set(f"{SELF}/_reload", None)
        moved = Site(site.process, port)
        assert moved.holding(0) == [5]
        moved.master.close()
        eventually(lambda: site.holding(0) is None)


def test_the_most_masters_are_an_option(launch: Launch) -> None:
    site = launch("--max-masters", "1")
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as first:
        first.sendall(bytes.fromhex("0001 0000 0006 01 03 0000 0001"))
        assert first.recv(9).hex() == "000100000003018304"
        second = socket.create_connection(("127.0.0.1", site.port), timeout=10)
        with second, contextlib.suppress(ConnectionResetError):
            assert second.recv(1) == b""
    assert "1 are connected, which is the most" in site.process.output


def measured(port: int) -> dict[str, float]:
    """Return sample -> value, as Prometheus reads them."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_what_becomes_of_sets_is_counted_and_how_old_values_are_is_seen(
    owner: Owner, other: Owner, launch: Launch
) -> None:
    port = free_port()
    site = launch("--metrics", str(port))
    ages = {uri: f'ess_server_owner_age_seconds{{uri="{uri}"}}' for uri in (URI, OTHER)}
    eventually(lambda: all(measured(port).get(name, 99) < 5 for name in ages.values()))
    assert site.master.write_single_register(0, 6)
    owner.refused = {"power"}
    assert not site.master.write_single_register(0, 7)
    owner.refused, owner.ignored = set(), {"power"}
    assert not site.master.write_single_register(0, 8)
    eventually(lambda: measured(port)["ess_server_sets_unanswered_total"] == 1)
    found = measured(port)
    assert (found["ess_server_sets_total"], found["ess_server_sets_refused_total"]) == (2, 1)
    assert 0 < found["ess_server_round_trip_last_seconds"] < found["ess_server_round_trip_seconds_total"]
    # One that is gone grows old, and is the oldest; the other one does not.
    other.end()
    eventually(lambda: measured(port)[ages[OTHER]] > 5)
    gone = measured(port)
    assert gone["ess_server_oldest_value_seconds"] == gone[ages[OTHER]]
    assert gone[ages[URI]] < gone[ages[OTHER]]
