"""modbus_client between a real broker and a Modbus device that is not ours (pyModbusTCP)."""

from __future__ import annotations

import json
import re
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from pyModbusTCP.server import DataHandler, ModbusServer

from ess_bus.client import Bus, Subscription
from ess_bus.errors import NoOneListening, Refused
from tests.integration.conftest import Process, Start, eventually, free_port, start_broker

CLIENT = "modbus_bridge.client"


class Device(DataHandler):  # type: ignore[misc]
    """A device that can refuse addresses, and that counts what it is asked."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.port = port
        self.refused: set[int] = set()
        self.failing: set[int] = set()
        self.requests: list[tuple[str, int, int]] = []
        self._server: Any = None

    def start(self) -> None:
        self._server = ModbusServer("127.0.0.1", self.port, no_block=True, data_hdl=self)
        self._server.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None

    def holding(self, address: int, *words: int) -> None:
        self.data_bank.set_holding_registers(address, list(words))

    def words(self, address: int, count: int = 1) -> list[int]:
        return list(self.data_bank.get_holding_registers(address, count))

    def _refuses(self, kind: str, address: int, count: int) -> bool:
        self.requests.append((kind, address, count))
        return bool(self.refused & set(range(address, address + count)))

    def read_h_regs(self, address: int, count: int, srv_info: Any) -> Any:
        if self._refuses("read", address, count):
            return DataHandler.Return(exp_code=2)
        if self.failing & set(range(address, address + count)):
            return DataHandler.Return(exp_code=4)
        return super().read_h_regs(address, count, srv_info)

    def write_h_regs(self, address: int, words_l: list[int], srv_info: Any) -> Any:
        if self._refuses("write", address, len(words_l)):
            return DataHandler.Return(exp_code=4)
        return super().write_h_regs(address, words_l, srv_info)


@pytest.fixture
def device() -> Iterator[Device]:
    found = Device(free_port())
    found.start()
    yield found
    found.stop()


@pytest.fixture
def bus(broker: str) -> Iterator[Bus]:
    with Bus(broker, name="test") as found:
        yield found


MAP: list[dict[str, Any]] = [
    {
        "type": "Holding Registers",
        "map": [
            {"id": "plain", "offset": 0},
            {"id": "scaled", "offset": 1, "scale": 10, "signed": True},
            {"id": "long", "offset": 2, "size": 2, "signed": True},
            {"id": "longer", "offset": 4, "size": 4},
            {"id": "ratio", "offset": 8, "size": 2, "float": True},
            {"id": "mode", "offset": 10, "enum": True, "bit_strings": ["Stop", "Run"]},
            {"id": "alarms", "offset": 11, "bit_field": True, "bit_strings": ["smoke", "door"]},
            {"id": "flags", "offset": 12, "individual_bits": True, "bit_strings": ["ready", "fault", "local"]},
        ],
    },
    {"type": "Input Registers", "map": [{"id": "power", "offset": 100, "scale": 0.1}]},
    {"type": "Coils", "map": [{"id": "breaker", "offset": 0}, {"id": "fan", "offset": 9}]},
    {"type": "Discrete Inputs", "map": [{"id": "door_open", "offset": 3}]},
]


def configuration(port: int, *components: dict[str, Any], **connection: Any) -> dict[str, Any]:
    default = {"id": "pcs", "frequency": 100, "registers": MAP}
    return {
        "connection": {"name": "pcs 1", "ip_address": "127.0.0.1", "port": port, "connection_timeout": 3} | connection,
        "components": [default | component for component in components or ({},)],
    }


Launch = Callable[..., Process]


@pytest.fixture
def launch(start: Start, folder: Path, broker: str, bus: Bus) -> Launch:
    """Start a modbus_client and return when it is ready."""

    def launched(data: dict[str, Any], name: str = "modbus_client@pcs_1") -> Process:
        file = folder / "client.json"
        file.write_text(json.dumps(data))
        process = start(CLIENT, file, bus=broker)
        eventually(lambda: bus.get(f"/processes/{name}", timeout_s=1)["pid"] == process.pid)
        return process

    return launched


_followed: WeakKeyDictionary[Bus, Subscription] = WeakKeyDictionary()


def follow(bus: Bus, uri: str) -> Subscription:
    """Return the one subscription of a test, with `uri` in it from now on: what was published since its first use."""
    messages = _followed.get(bus)
    if messages is None:
        messages = _followed[bus] = bus.subscribe(uri)
    messages.add(uri)
    return messages


def published(bus: Bus, expected: Callable[[dict[str, Any]], bool], uri: str = "/components/pcs") -> dict[str, Any]:
    """Return the first body that is as expected; the test's own time limit ends the waiting."""
    messages = follow(bus, uri)
    seen: Any = None
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        message = messages.receive(1.0)
        if message is not None and message.method == "pub" and message.uri == uri:
            seen = message.json()
            if expected(seen):
                return dict(seen)
    raise AssertionError(f"never published; the last was {seen}")


def connected(body: dict[str, Any]) -> bool:
    return body["component_connected"] is True


def silent(body: dict[str, Any]) -> bool:
    return body["component_connected"] is False


def reason(bus: Bus, method: str, uri: str, value: Any = None) -> str:
    with pytest.raises(Refused) as caught:
        bus.request(method, uri, value)
    return caught.value.reason


class TestReading:
    def test_every_kind_of_point_is_published(self, device: Device, launch: Launch, bus: Bus) -> None:
        device.holding(0, 65535, 65536 - 15, 0xFFFF, 0xFFFE, 0, 1, 0, 2)
        device.holding(8, *struct.unpack(">2H", struct.pack(">f", 1.5)), 1, 0b110, 0b010)
        device.data_bank.set_input_registers(100, [3])
        device.data_bank.set_coils(9, [True])
        device.data_bank.set_discrete_inputs(3, [True])
        launch(configuration(device.port))
        body = published(bus, connected)
        timestamp = body.pop("Timestamp")
        assert re.fullmatch(r"\d\d-\d\d-\d{4} \d\d:\d\d:\d\d\.\d{6}", timestamp)
        assert body == {
            "component_connected": True,
            "plain": 65535,
            "scaled": -1.5,
            "long": -2,
            "longer": 2**32 + 2,
            "ratio": 1.5,
            "mode": [{"value": 1, "string": "Run"}],
            "alarms": [{"value": 1, "string": "door"}, {"value": 2, "string": "Unknown"}],
            "ready": False,
            "fault": True,
            "local": False,
            "power": 30.0,
            "breaker": False,
            "fan": True,
            "door_open": True,
        }

    def test_each_component_has_its_own_pace_and_byte_order(self, device: Device, launch: Launch, bus: Bus) -> None:
        device.holding(2, 1, 2)
        group = [{"type": "Holding", "map": [{"id": "long", "offset": 3, "size": 2}]}]
        launch(
            configuration(
                device.port,
                {"id": "a", "registers": group, "byte_swap": True},
                {"id": "b", "registers": group, "frequency": 60000, "offset_time": 10},
                off_by_one=True,
            )
        )
        assert published(bus, connected, "/components/a")["long"] == 131073
        assert bus.get("/components/b/long") == 65538

    def test_get(self, device: Device, launch: Launch, bus: Bus) -> None:
        device.holding(0, 7)
        device.holding(12, 1)
        launch(configuration(device.port))
        assert bus.get("/components/pcs")["plain"] == 7
        assert bus.get("/components/pcs/plain") == 7
        assert bus.get("/components/pcs/ready") is True
        assert bus.get("/components/pcs/flags") == {"ready": True, "fault": False, "local": False}
        assert bus.get("/components/pcs/component_connected") is True
        assert reason(bus, "get", "/components/pcs/plaim") == "plaim: unknown register; did you mean plain?"
        assert "at most one segment" in reason(bus, "get", "/components/pcs/plain/x")

    def test_a_register_that_the_device_lacks_spoils_only_itself(
        self, device: Device, launch: Launch, bus: Bus
    ) -> None:
        device.holding(0, *range(40))
        device.refused = {17, 21}
        entries = [{"id": f"r{n}", "offset": n} for n in range(40) if n != 21]
        process = launch(configuration(device.port, {"registers": [{"type": "Holding", "map": entries}]}))
        body = published(bus, connected)
        assert body["r17"] is None
        assert all(body[f"r{n}"] == n for n in range(40) if n not in (17, 21))
        device.requests.clear()
        published(bus, connected)
        eventually(lambda: len(device.requests) > 20)
        # It has learned: neither the gap nor the bad register is asked for in every round.
        assert not any(start <= bad < start + count for _, start, count in device.requests for bad in (17, 21))
        assert process.output.count("r17") == 1

    def test_a_register_without_a_value_does_not_hide_its_neighbours(
        self, device: Device, launch: Launch, bus: Bus
    ) -> None:
        device.holding(0, *range(40))
        device.failing = {17}
        entries = [{"id": f"r{n}", "offset": n} for n in range(40)]
        process = launch(configuration(device.port, {"registers": [{"type": "Holding", "map": entries}]}))
        body = published(bus, lambda body: body["r16"] == 16 and body["r18"] == 18)
        assert body["r17"] is None
        device.failing.clear()
        assert published(bus, lambda body: body["r17"] == 17)
        # Whole again.
        eventually(lambda: device.requests[-1] == ("read", 0, 40))
        assert process.output.count("cannot tell") == 1
        assert process.output.count("answered again") == 1


class TestWriting:
    @pytest.mark.parametrize(
        ("path", "body", "address", "words"),
        [
            ("/plain", 5, 0, [5]),
            ("/plain", {"value": 5}, 0, [5]),
            ("", {"plain": 5}, 0, [5]),
            ("", {"plain": {"value": 5}, "scaled": -1.5}, 0, [5, 65521]),
            ("/long", -2, 2, [0xFFFF, 0xFFFE]),
            ("/longer", 2**32 + 2, 4, [0, 1, 0, 2]),
            ("/ratio", 1.5, 8, [0x3FC0, 0]),
            ("/mode", "Run", 10, [1]),
            ("/mode", [{"value": 1, "string": "Run"}], 10, [1]),
            ("/alarms", [{"value": 0, "string": "smoke"}, {"value": 1, "string": "door"}], 11, [3]),
            ("/alarms", 2, 11, [2]),
        ],
    )
    def test_a_set_reaches_the_device_and_is_echoed(
        self, device: Device, launch: Launch, bus: Bus, path: str, body: Any, address: int, words: list[int]
    ) -> None:
        launch(configuration(device.port))
        assert bus.set("/components/pcs" + path, body).json() == body
        assert device.words(address, len(words)) == words

    def test_a_get_after_a_set_sees_its_effect_at_once(self, device: Device, launch: Launch, bus: Bus) -> None:
        launch(configuration(device.port, {"frequency": 60000}))
        for value in range(5):
            bus.set("/components/pcs/plain", value)
            assert bus.get("/components/pcs/plain") == value

    def test_a_set_is_published_at_once(self, device: Device, launch: Launch, bus: Bus) -> None:
        launch(configuration(device.port, {"frequency": 60000}))
        follow(bus, "/components/pcs")
        bus.set("/components/pcs/breaker", True)
        assert device.data_bank.get_coils(0) == [True]
        # Long before its next poll.
        assert published(bus, lambda body: body["breaker"] is True)

    def test_a_bit_changes_alone_in_the_register_that_the_device_has_now(
        self, device: Device, launch: Launch, bus: Bus
    ) -> None:
        launch(configuration(device.port, {"frequency": 60000}))
        assert bus.get("/components/pcs/ready") is False
        device.holding(12, 0xFF00)  # behind the client's back
        bus.set("/components/pcs", {"fault": True, "local": {"value": 1}})
        assert device.words(12) == [0xFF06]
        bus.set("/components/pcs/fault", False)
        assert device.words(12) == [0xFF04]

    @pytest.mark.parametrize(
        ("path", "body", "text"),
        [
            ("/plain", 65536, "plain: 65536 does not fit; expected 0 to 65535"),
            ("/plain", "5", 'plain: expected a number, got "5"'),
            ("/plain", None, "there is no body; expected JSON"),
            ("/plain", {"x": 5}, 'plain: expected a value or {"value": ...}'),
            ("/plain", b"{garbage", "unexpected character"),
            ("/breaker", 2, "breaker: expected true, false, 1 or 0, got 2"),
            ("/power", 1, "power: read-only (input)"),
            ("/door_open", True, "door_open: read-only (discrete)"),
            ("/planin", 1, "planin: unknown register; did you mean plain?"),
            ("/plain/x", 1, "at most one segment"),
            ("", 5, 'expected an object such as {"variable": value}'),
            ("", {}, "expected an object"),
            ("", {"flags": 1, "ready": True}, "ready: set together with its register flags"),
        ],
    )
    def test_a_wrong_set_is_refused_with_its_reason(
        self, device: Device, launch: Launch, bus: Bus, path: str, body: Any, text: str
    ) -> None:
        launch(configuration(device.port))
        assert text in reason(bus, "set", "/components/pcs" + path, body)
        assert not any(kind == "write" for kind, _, _ in device.requests)

    def test_nothing_is_written_if_one_value_of_a_set_is_wrong(self, device: Device, launch: Launch, bus: Bus) -> None:
        launch(configuration(device.port))
        text = reason(bus, "set", "/components/pcs", {"plain": 5, "power": 1, "long": "x"})
        assert text == 'power: read-only (input); long: expected a number, got "x"'
        assert not any(kind == "write" for kind, _, _ in device.requests)

    def test_the_reply_says_what_the_device_did(self, device: Device, launch: Launch, bus: Bus) -> None:
        device.refused = {2}
        launch(configuration(device.port))
        assert reason(bus, "set", "/components/pcs/long", 1) == "the device refuses: device failure (exception 4)"
        text = reason(bus, "set", "/components/pcs", {"plain": 9, "long": 1})
        assert text == "long: the device refuses: device failure (exception 4); written before: plain"
        assert device.words(0) == [9]

    @pytest.mark.parametrize("method", ["post", "del"])
    def test_other_verbs_are_refused(self, device: Device, launch: Launch, bus: Bus, method: str) -> None:
        launch(configuration(device.port))
        assert f"{method} is not supported" in reason(bus, method, "/components/pcs/plain", 1)


class TestFailure:
    def test_a_device_that_goes_away_is_published_as_null_and_comes_back(
        self, device: Device, launch: Launch, bus: Bus
    ) -> None:
        device.holding(0, 7)
        process = launch(configuration(device.port, {}, {"id": "slow", "frequency": 60000}))
        alive = published(bus, connected)
        follow(bus, "/components/slow")
        device.stop()
        dead = published(bus, silent)
        assert list(dead) == list(alive)
        assert {key for key, value in dead.items() if value is not None} == {"component_connected", "Timestamp"}
        # Also a component whose next poll would be a minute away.
        assert silent(published(bus, silent, "/components/slow"))
        silence = f"device at 127.0.0.1:{device.port} does not answer"
        assert silent(bus.get("/components/pcs"))
        assert reason(bus, "get", "/components/pcs/plain") == silence
        assert reason(bus, "set", "/components/pcs/plain", 1) == silence
        assert bus.get("/components/pcs/component_connected") is False
        published(bus, silent)  # repeated for those who come later
        device.start()
        assert published(bus, connected)["plain"] == 7
        assert published(bus, connected, "/components/slow")["plain"] == 7
        assert bus.set("/components/pcs/plain", 8).json() == 8
        assert process.output.count("published as not connected") == 1
        assert process.output.count("answers again") == 1

    def test_a_device_that_is_not_there_at_the_start(self, launch: Launch, bus: Bus) -> None:
        device = Device(free_port())
        launch(configuration(device.port))
        assert silent(bus.get("/components/pcs"))
        assert "does not answer" in reason(bus, "get", "/components/pcs/plain")
        published(bus, silent)
        device.start()
        try:
            published(bus, connected)
        finally:
            device.stop()

    def test_a_device_that_accepts_and_says_nothing(self, launch: Launch, bus: Bus) -> None:
        with socket.create_server(("127.0.0.1", 0)) as mute:
            process = launch(configuration(mute.getsockname()[1]))
            published(bus, silent)
            assert "does not answer" in reason(bus, "set", "/components/pcs/plain", 1)
            assert "Traceback" not in process.output

    def test_a_device_that_talks_nonsense(self, launch: Launch, bus: Bus) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            threading.Thread(target=_answer_garbage, args=(server,), daemon=True).start()
            process = launch(configuration(server.getsockname()[1]))
            published(bus, silent)
            published(bus, silent)
            assert process.popen.poll() is None
            assert "Traceback" not in process.output

    def test_a_silent_unit_does_not_concern_the_others_of_a_gateway(self, launch: Launch, bus: Bus) -> None:
        device = _Gateway(free_port())
        device.start()
        try:
            components = [{"id": "one", "device_id": 1}, {"id": "two", "device_id": 2}]
            launch(configuration(device.port, *components))
            published(bus, silent, "/components/two")
            assert connected(published(bus, connected, "/components/one"))
            assert bus.get("/components/one/plain") == 0
        finally:
            device.stop()

    def test_garbage_on_the_bus(self, device: Device, launch: Launch, bus: Bus) -> None:
        process = launch(configuration(device.port))
        for body in (b"\xff\xfe", b"[", b"", b'"x"', b"[[[[1]]]]", b"1e999"):
            for method in ("set", "get", "pub"):
                for uri in ("/components/pcs", "/components/pcs//plain//", "/components/pcs/%20"):
                    bus.send(method, uri, body)
        bus.set("/components/pcs/plain", 5)
        assert device.words(0) == [5]
        assert process.popen.poll() is None
        assert "Traceback" not in process.output

    def test_the_broker_may_come_and_go(self, start: Start, folder: Path, device: Device) -> None:
        endpoint = f"ipc://{folder}/other.sock"
        first = start_broker(start, endpoint)
        file = folder / "client.json"
        file.write_text(json.dumps(configuration(device.port)))
        process = start(CLIENT, file, bus=endpoint)
        with Bus(endpoint, name="test") as bus:
            published(bus, connected)
            assert first.stop() == 0
            eventually(lambda: "not published" in process.output)
            start_broker(start, endpoint)
            eventually(lambda: published(bus, connected))
            eventually(lambda: bus.set("/components/pcs/plain", 5).json() == 5)
        assert process.output.count("not published") == 1
        assert process.stop() == 0
        assert "Traceback" not in process.output


class _Gateway(Device):
    """Unit 2 is silent, as a gateway reports it."""

    def read_h_regs(self, address: int, count: int, srv_info: Any) -> Any:
        if srv_info.recv_frame.mbap.unit_id == 2:
            return DataHandler.Return(exp_code=11)
        return super().read_h_regs(address, count, srv_info)


def _answer_garbage(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
            with connection:
                request = connection.recv(260)
                # The right header, then a function code that does not exist.
                connection.sendall(request[:4] + b"\x00\x03" + request[6:7] + b"\x77\x00" + b"\xff" * 20)
                connection.recv(260)
        except OSError:
            return


class TestProcess:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_signals_end_it_quietly(self, device: Device, launch: Launch, number: int) -> None:
        process = launch(configuration(device.port))
        assert process.stop(number) == 0
        assert "Traceback" not in process.output

    def test_its_last_word_is_that_nothing_is_known(self, device: Device, launch: Launch, bus: Bus) -> None:
        process = launch(configuration(device.port))
        published(bus, lambda body: body["component_connected"] and body["plain"] is not None)
        assert process.stop() == 0
        last = published(bus, lambda body: not body["component_connected"])
        assert {value for key, value in last.items() if key not in ("component_connected", "Timestamp")} == {None}

    def test_a_name_that_is_too_long_for_the_bus_is_one_line(
        self, run: Callable[..., Any], folder: Path, broker: str
    ) -> None:
        file = folder / "client.json"
        file.write_text(json.dumps(configuration(free_port(), name="n" * 250)))
        ended = run(CLIENT, file, bus=broker)
        assert ended.returncode == 1
        assert "are over the limit of 255" in ended.stderr.splitlines()[-1]
        assert "Traceback" not in ended.stderr

    def test_a_bad_file_is_one_line(self, run: Callable[..., Any], folder: Path) -> None:
        file = folder / "bad.json"
        group = {"type": "Holding", "map": [{"id": "a", "offset": 0, "size": 3}, {"id": "b"}]}
        file.write_text(json.dumps(configuration(1, {"registers": [group]})))
        ended = run(CLIENT, file)
        assert ended.returncode == 1
        place = "components.0.registers.0.map.0.size"
        assert ended.stderr == f"modbus_client: {file}: {place}: must be 1, 2 or 4, got 3 (and 3 more)\n"
        assert run(CLIENT, folder / "none.json").stderr.endswith("none.json: no such file or directory\n")

    def test_without_a_broker_it_says_so(self, run: Callable[..., Any], folder: Path) -> None:
        file = folder / "client.json"
        file.write_text(json.dumps(configuration(1)))
        ended = run(CLIENT, file, "--bus", f"ipc://{folder}/nobody.sock")
        assert ended.returncode == 1
        waits, ends = ended.stderr.splitlines()
        assert "waiting for it" in waits
        assert ends.startswith("modbus_client: no broker on ipc://")

    def test_help_has_examples(self, run: Callable[..., Any]) -> None:
        ended = run(CLIENT, "--help")
        assert ended.returncode == 0
        assert "modbus_client pcs_1.json --bus plant" in ended.stdout
        assert "Exit status:" in ended.stdout
        assert run(CLIENT).returncode == 2

    def test_after_it_ended_nobody_answers(self, device: Device, launch: Launch, bus: Bus) -> None:
        launch(configuration(device.port)).stop()
        with pytest.raises(NoOneListening):
            bus.get("/components/pcs")


class TestOneOwner:
    """Two bridges of one component would write each set to the device twice, and beat its heart for one that hangs."""

    def test_a_second_bridge_of_a_component_does_not_start(
        self, device: Device, launch: Launch, bus: Bus, broker: str, run: Callable[..., Any], folder: Path
    ) -> None:
        launch(configuration(device.port))
        # The same component by another name of the connection, as in a file that was copied.
        copy = folder / "copy.json"
        copy.write_text(json.dumps(configuration(device.port, {"id": "other"}, {}, name="copy")))
        ended = run(CLIENT, copy, "--bus", broker)
        assert ended.returncode == 1
        owner = "answers for /components/pcs already: modbus_client@pcs_1"
        assert ended.stderr == f"modbus_client: another process on {broker} {owner}\n"
        device.requests.clear()
        bus.set("/components/pcs/plain", 7)
        assert [request for request in device.requests if request[0] == "write"] == [("write", 0, 1)]
        with pytest.raises(NoOneListening):
            bus.get("/components/other")

    def test_the_next_one_starts_after_a_kill(self, device: Device, launch: Launch, bus: Bus) -> None:
        launch(configuration(device.port)).stop(signal.SIGKILL)
        launch(configuration(device.port))
        assert published(bus, lambda body: body["component_connected"])["plain"] == 0

    def test_a_component_of_another_process_is_not_taken_over_by_a_reload(
        self, device: Device, launch: Launch, bus: Bus, broker: str, start: Start, folder: Path
    ) -> None:
        launch(configuration(device.port))
        start("tools.fims_echo", "-u", "/components/taken", "-b", "{}", bus=broker)
        eventually(lambda: bus.get("/components/taken", timeout_s=1) == {})
        (folder / "client.json").write_text(json.dumps(configuration(device.port, {}, {"id": "taken"})))
        with pytest.raises(Refused, match=r"nothing was changed: .* answers for /components/taken already: fims_echo"):
            bus.set("/components/pcs/_reload", None)
        assert published(bus, lambda body: body["component_connected"])["plain"] == 0
