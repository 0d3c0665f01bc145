"""modbus_server between a real broker and a master that is not ours (pyModbusTCP)."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ess_bus.client import Bus
from ess_bus.errors import NoOneListening, Refused
from tests.integration.conftest import Start, eventually, free_port, start_broker
from tests.integration.server_site import SERVER, URI, Owner, Site, entry


@pytest.fixture
def owner(broker: str) -> Iterator[Owner]:
    found = Owner(broker)
    yield found
    found.end()


@pytest.fixture
def bus(broker: str) -> Iterator[Bus]:
    with Bus(broker, name="test") as found:
        yield found


TABLES: dict[str, list[dict[str, Any]]] = {
    "holding_registers": [
        entry("setpoint", 10, scale=10, signed=True),
        entry("energy", 12, size=2),
        entry("mode", 14, enum=True),
        entry("alarms", 15, bit_field=True),
        entry("enabled", 16, bool=True),
        entry("ratio", 17, size=2, float=True),
    ],
    "input_registers": [entry("soc", 0, scale=100), entry("energy", 1, size=2)],
    "coils": [entry("breaker", 0), entry("fan", 1)],
    "discrete_inputs": [entry("door_open", 7)],
}
VALUES: dict[str, Any] = {
    "setpoint": -1.5,
    "energy": {"value": 65538},
    "mode": [{"value": 3, "string": "Run"}],
    "alarms": [{"value": 0, "string": "smoke"}, {"value": 4, "string": "door"}],
    "enabled": True,
    "ratio": 1.5,
    "soc": 50.25,
    "breaker": False,
    "fan": True,
    "door_open": True,
    "foreign": "ignored",
}


def after_pub(bus: Bus, values: dict[str, Any], site: Site) -> list[int] | None:
    bus.publish(URI, values)
    return site.holding(10)


Launch = Callable[..., Site]


@pytest.fixture
def launch(start: Start, folder: Path, broker: str, bus: Bus) -> Iterator[Launch]:
    """Start a modbus_server and return when it listens."""
    sites: list[Site] = []

    def launched(tables: dict[str, Any] | None = None, **system: Any) -> Site:
        port = free_port()
        file = folder / "server.json"
        head = {"id": "bms_server", "ip_address": "127.0.0.1", "port": port} | system
        file.write_text(json.dumps({"system": head, "registers": tables or TABLES}))
        process = start(SERVER, file, bus=broker)
        eventually(lambda: bus.get("/processes/modbus_server@bms_server", timeout_s=1)["pid"] == process.pid)
        sites.append(Site(process, port))
        return sites[-1]

    yield launched
    for site in sites:
        site.master.close()


class TestReading:
    def test_what_the_owner_answers_at_the_start_is_served(self, owner: Owner, launch: Launch) -> None:
        owner.values = VALUES
        site = launch()
        words = eventually(lambda: site.holding(10, 9))
        assert words == [65536 - 15, 0, 1, 2, 3, 0b10001, 1, 0x3FC0, 0]
        assert site.master.read_input_registers(0, 3) == [5025, 1, 2]
        assert site.master.read_coils(0, 2) == [False, True]
        assert site.master.read_discrete_inputs(7) == [True]

    def test_a_pub_changes_registers_in_every_table(self, owner: Owner, launch: Launch, bus: Bus) -> None:
        owner.values = VALUES
        site = launch()
        eventually(lambda: site.holding(10))
        bus.publish(URI, {"energy": 7, "breaker": {"value": True}, "other": 1})
        eventually(lambda: site.holding(12, 2) == [0, 7])
        assert site.master.read_input_registers(1, 2) == [0, 7]
        assert site.master.read_coils(0) == [True]
        assert site.holding(10) == [65536 - 15]
        bus.publish(f"{URI}/energy", 8)
        eventually(lambda: site.holding(12, 2) == [0, 8])

    def test_what_nobody_said_is_a_device_failure_and_not_a_zero(self, launch: Launch, bus: Bus) -> None:
        site = launch()
        assert site.exception(site.holding(10)) == 4
        bus.publish(URI, {"setpoint": 1})
        eventually(lambda: site.holding(10) == [10])
        assert site.exception(site.holding(10, 4)) == 4
        assert site.holding(10, 2) == [10, 0]

    def test_null_and_what_does_not_fit_make_a_register_unknown_again(
        self, owner: Owner, launch: Launch, bus: Bus
    ) -> None:
        owner.values = VALUES
        site = launch()
        for wrong in (None, 1e9, "x", [{"value": 99}]):
            bus.publish(URI, {"setpoint": 1})
            eventually(lambda: site.holding(10) == [10])
            bus.publish(URI, {"setpoint": wrong})
            eventually(lambda: site.holding(10) is None)
            assert site.exception(site.holding(10)) == 4
        assert site.process.output.count("setpoint") == 3

    def test_an_owner_that_comes_late_is_heard(self, broker: str, launch: Launch) -> None:
        site = launch()
        assert site.exception(site.holding(10)) == 4
        eventually(lambda: "answer exception 4 until their owners are heard" in site.process.output)
        late = Owner(broker)
        try:
            late.values = VALUES
            eventually(lambda: site.holding(10) == [65536 - 15])
            eventually(lambda: "all owners are heard" in site.process.output)
            assert site.process.output.count("until their owners are heard") == 1
        finally:
            late.end()

    def test_an_owner_that_answered_and_is_gone_leaves_no_value_behind(self, broker: str, launch: Launch) -> None:
        first = Owner(broker)
        first.values = VALUES
        site = launch()
        eventually(lambda: site.holding(10))
        first.end()
        eventually(lambda: site.holding(10) is None)
        assert site.exception(site.holding(10)) == 4
        second = Owner(broker)
        try:
            second.values = VALUES
            eventually(lambda: site.holding(10) == [65536 - 15])
        finally:
            second.end()

    def test_a_pub_of_one_variable_does_not_hide_the_others(self, owner: Owner, launch: Launch, bus: Bus) -> None:
        site = launch()  # the owner answers {} so far
        bus.publish(URI, {"setpoint": 1})
        eventually(lambda: site.holding(10) == [10])
        owner.values = VALUES
        eventually(lambda: site.holding(12, 2) == [1, 2])
        assert site.holding(10) == [10]

    def test_outside_of_what_is_defined_is_an_illegal_address(self, launch: Launch) -> None:
        site = launch()
        assert site.exception(site.holding(9)) == 2
        assert site.exception(site.holding(19)) == 2
        assert site.exception(site.master.read_coils(2)) == 2

    def test_unit_ids(self, owner: Owner, launch: Launch) -> None:
        owner.values = VALUES
        site = launch()
        for unit_id in (0, 1, 77, 255):
            site.master.unit_id = unit_id
            assert eventually(lambda: site.holding(10)) == [65536 - 15]

    def test_a_configured_unit_id_is_the_only_one(self, owner: Owner, launch: Launch) -> None:
        owner.values = VALUES
        site = launch(device_id=7)
        assert site.exception(site.holding(10)) == 11
        site.master.unit_id = 7
        assert eventually(lambda: site.holding(10))


class TestWriting:
    @pytest.fixture
    def site(self, owner: Owner, launch: Launch) -> Site:
        owner.values = VALUES
        site = launch()
        eventually(lambda: site.holding(10))
        return site

    def test_an_accepted_write_is_a_clothed_set_and_is_readable_at_once(self, owner: Owner, site: Site) -> None:
        assert site.master.write_single_register(10, 65536 - 25)
        assert owner.sets == [("setpoint", {"value": -2.5})]
        assert site.holding(10) == [65536 - 25]
        assert site.master.write_multiple_registers(12, [0, 9])
        assert owner.sets[1:] == [("energy", {"value": 9})]
        assert site.master.read_input_registers(1, 2) == [0, 9]

    def test_each_kind_of_value(self, owner: Owner, site: Site) -> None:
        assert site.master.write_multiple_registers(14, [2, 0b101, 0, 0x4000, 0])
        values = {"mode": 2, "alarms": 5, "enabled": False, "ratio": 2.0}
        assert owner.sets == [("", {name: {"value": value} for name, value in values.items()})]
        assert site.holding(14, 5) == [2, 0b101, 0, 0x4000, 0]
        assert site.master.write_single_coil(0, True)
        assert site.master.write_multiple_coils(0, [False, False])
        both = {"breaker": {"value": False}, "fan": {"value": False}}
        assert owner.sets[1:] == [("breaker", {"value": True}), ("", both)]
        assert site.master.read_coils(0, 2) == [False, False]

    def test_a_refused_write_is_told_to_the_master_and_changes_nothing(self, owner: Owner, site: Site) -> None:
        owner.refused = {"setpoint"}
        assert site.exception(site.master.write_single_register(10, 100)) == 3
        assert owner.sets == [("setpoint", {"value": 10.0})]
        assert site.holding(10) == [65536 - 15]

    def test_an_owner_that_does_not_answer_is_a_device_failure(self, owner: Owner, site: Site) -> None:
        owner.ignored = {"setpoint"}
        assert site.exception(site.master.write_single_register(10, 100)) == 4
        assert site.holding(10) == [65536 - 15]

    def test_an_owner_that_is_gone_is_a_device_failure(self, owner: Owner, site: Site) -> None:
        owner.end()
        assert site.exception(site.master.write_single_register(10, 100)) == 4

    @pytest.mark.parametrize(
        ("address", "words", "code"),
        [
            (12, [5], 3),
            (10, [1, 0, 5], 3),
            (11, [5], 2),
            (9, [5], 2),
            (17, [0x7FC0, 0], 3),
        ],
    )
    def test_a_write_that_cannot_be_carried_out_sets_nothing(
        self, owner: Owner, site: Site, address: int, words: list[int], code: int
    ) -> None:
        before = site.holding(10, 9)
        assert site.exception(site.master.write_multiple_registers(address, words)) == code
        assert owner.sets == []
        assert site.holding(10, 9) == before

    def test_the_variables_of_one_owner_are_taken_or_refused_as_a_whole(self, owner: Owner, site: Site) -> None:
        owner.refused = {"energy"}
        before = site.holding(10, 5)
        assert site.exception(site.master.write_multiple_registers(10, [20, 0, 0, 5, 1])) == 3
        assert owner.sets == [("", {"setpoint": {"value": 2.0}, "energy": {"value": 5}, "mode": {"value": 1}})]
        assert site.holding(10, 5) == before

    def test_a_late_answer_is_never_taken_for_the_next_one(self, owner: Owner, site: Site) -> None:
        owner.ignored = {"setpoint"}
        with socket.create_connection(("127.0.0.1", site.port), timeout=10) as raw:
            raw.sendall(bytes.fromhex("0001 0000 0006 01 06 000a 0064"))
            raw.sendall(bytes.fromhex("0002 0000 0006 01 03 000a 0001"))
            answers = raw.makefile("rb")
            assert answers.read(9).hex() == "000100000003018604"
            assert answers.read(11).hex() == "0002000000050103" + "02fff1"


class TestRobustness:
    @pytest.mark.parametrize(
        ("request_hex", "answer"),
        [
            ("0001 0000 0006 01 03 000a 0000", "000100000003018303"),  # count 0
            ("0001 0000 0006 01 03 000a 007e", "000100000003018303"),  # count 126
            ("0001 0000 0003 01 03 00", "000100000003018303"),  # too short
            ("0001 0000 0006 01 05 0000 1234", "000100000003018503"),  # neither on nor off
            ("0001 0000 0002 01 63", "00010000000301e301"),  # no such function
            ("0001 0000 0002 01 83", "000100000003018301"),  # an answer as a request
            ("0001 0000 0009 01 10 000a 0002 02 0001", "000100000003019003"),  # 2 registers in 2 bytes
        ],
    )
    def test_malformed_requests_are_answered(self, launch: Launch, request_hex: str, answer: str) -> None:
        site = launch()
        with socket.create_connection(("127.0.0.1", site.port), timeout=10) as raw:
            raw.sendall(bytes.fromhex(request_hex))
            assert raw.recv(100).hex() == answer
        assert "Traceback" not in site.process.output

    @pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 300, b"\0" * 7, b"\0\1\0\0\xff\xff\1\3"])
    def test_garbage_costs_only_its_own_connection(self, owner: Owner, launch: Launch, garbage: bytes) -> None:
        owner.values = VALUES
        site = launch()
        eventually(lambda: site.holding(10))
        with socket.create_connection(("127.0.0.1", site.port), timeout=10) as raw:
            raw.sendall(garbage)
            with contextlib.suppress(ConnectionResetError):
                assert raw.recv(100) == b""
        assert site.holding(10)
        assert "Traceback" not in site.process.output

    def test_garbage_on_the_bus(self, owner: Owner, launch: Launch, bus: Bus) -> None:
        owner.values = VALUES
        site = launch()
        eventually(lambda: site.holding(10))
        for body in (b"\xff", b"[", b"5", b'"x"', b"{}", b"[1]", None):
            for uri in (URI, f"{URI}/setpoint", f"{URI}/setpoint/x", "/interfaces/bms_server"):
                bus.send("pub", uri, body)
        with pytest.raises(Refused, match="Method not implemented for that URI"):
            bus.set("/interfaces/bms_server", 1)
        with pytest.raises(Refused, match="Method not implemented for that URI"):
            bus.get("/interfaces/bms_server/nothing")
        assert site.process.popen.poll() is None
        assert "Traceback" not in site.process.output

    def test_the_broker_may_come_and_go(self, start: Start, folder: Path) -> None:
        endpoint, port = f"ipc://{folder}/other.sock", free_port()
        first = start_broker(start, endpoint)
        file = folder / "server.json"
        head = {"id": "s", "ip_address": "127.0.0.1", "port": port}
        file.write_text(json.dumps({"system": head, "registers": TABLES}))
        process = start(SERVER, file, bus=endpoint)
        site = Site(process, port)
        with Bus(endpoint, name="test") as bus:
            eventually(lambda: after_pub(bus, VALUES, site) is not None)
            assert first.stop() == 0
            assert site.exception(site.master.write_single_register(10, 1)) == 4
            # What nobody can tell us any more is not shown as if it were so.
            eventually(lambda: site.holding(10) is None)
            assert site.exception(site.holding(10)) == 4
            start_broker(start, endpoint)
            eventually(lambda: after_pub(bus, {"setpoint": 9}, site) == [90])
        site.master.close()
        assert process.stop() == 0
        assert "Traceback" not in process.output

    def test_it_does_not_pose_as_the_owner(self, launch: Launch, bus: Bus) -> None:
        launch()
        with pytest.raises(NoOneListening):
            bus.set(f"{URI}/setpoint", 1)


class TestProcess:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_signals_end_it_quietly_also_with_masters_connected(self, launch: Launch, number: int) -> None:
        site = launch()
        site.holding(10)
        assert site.process.stop(number) == 0
        assert "Traceback" not in site.process.output

    def test_a_port_in_use_is_one_line(self, run: Callable[..., Any], folder: Path, broker: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            file = folder / "server.json"
            head = {"id": "s", "ip_address": "127.0.0.1", "port": port}
            file.write_text(json.dumps({"system": head, "registers": TABLES}))
            ended = run(SERVER, file, bus=broker)
        assert ended.returncode == 1
        assert ended.stderr.splitlines()[-1].startswith(f"modbus_server: cannot listen on 127.0.0.1:{port}: ")
        assert "ddress already in use" in ended.stderr
        assert ended.stderr.count("\n") == 1

    def test_a_bad_file_is_one_line(self, run: Callable[..., Any], folder: Path) -> None:
        file = folder / "server.json"
        file.write_text('{"system": {"id": "s", "ip_address": "x"}, "registers": {"coils": [{"id": 1}]}}')
        ended = run(SERVER, file)
        assert ended.returncode == 1
        place = "registers.coils.0.id"
        assert ended.stderr == f"modbus_server: {file}: {place}: expected a text, got 1 (and 3 more)\n"

    def test_help_has_examples(self, run: Callable[..., Any]) -> None:
        ended = run(SERVER, "--help")
        assert ended.returncode == 0
        assert "modbus_server ess.json --bus plant" in ended.stdout
        assert "exception 4" in ended.stdout
