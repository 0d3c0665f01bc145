"""The process `twins`: time by command and by the clock, requests, silence, and a living device behind Modbus."""

from __future__ import annotations

import json
import shutil
from functools import partial

import pytest
from pyModbusTCP.client import ModbusClient

from ess_bus.errors import BusError, Refused
from tests.integration.conftest import ROOT, eventually, free_port

ESS = {"id": "ess_1", "cap": 1000, "soc": 100, "phigh": 500, "pcmd": 500, "oncmd": True}
PLANT = {"publishRate": 50, "manualTick": True, "ess": [ESS], "loads": [{"id": "load", "aliases": ["l"], "pcmd": -100}]}


def start_plant(start, bus, broker, folder, plant):
    path = folder / "plant.json"
    path.write_text(json.dumps(plant))
    process = start("tools.twins.command", path, bus=broker)
    eventually(partial(bus.get, "/processes/twins"))
    return process


def test_time_by_command_is_deterministic(start, bus, broker, folder):
    start_plant(start, bus, broker, folder, PLANT)
    assert bus.get("/components/ess_1/on") is False
    for _ in range(2):
        assert bus.set("/twins/tick", 1).json() == 1
    bus.set("/components/ess_1", {"soc": 100})
    bus.set("/psm/tick", {"value": 3600})
    assert bus.get("/components/ess_1/soc") == 50
    assert bus.get("/components/l/p") == -100
    assert bus.get("/twins/seconds") == 3602
    assert bus.get("/twins/config")["ess"] == [ESS]
    assert bus.get("/twins/docs")["ess"]["soc"] == {"type": "float", "low": 0, "high": 100}
    bus.set("/twins/init", True)
    assert (bus.get("/components/ess_1/soc"), bus.get("/twins/seconds")) == (100, 0)
    message = bus.subscribe("/components/l", pub_only=True).receive(60)
    assert message is not None
    assert message.json()["pcmd"] == -100


def test_wrong_requests_are_refused_with_the_reason(start, bus, broker, folder):
    start_plant(start, bus, broker, folder, PLANT)
    for uri, value, reason in (
        ("/twins/tick", 0, "tick: expected a number, more than 0"),
        ("/twins/tick", "long", "tick: expected a number"),
        ("/twins/tik", 1, "did you mean tick"),
        ("/twins/manualtick", 5, "expected true or false"),
        ("/twins/config", {"ess": [{"id": "a", "soc": 200}]}, "ess.0.soc: expected 0 to 100, got 200"),
        ("/components/ess_1/pcmd", "x", "pcmd: expected a number"),
        ("/components/ess_1/pcdm", 1, "did you mean pcmd"),
    ):
        with pytest.raises(Refused, match=reason):
            bus.set(uri, value)
    with pytest.raises(Refused, match="no field 'colour'"):
        bus.get("/components/ess_1/colour")
    with pytest.raises(Refused, match="post is not something a plant does"):
        bus.post("/components/ess_1", {"soc": 1})
    assert bus.get("/components/ess_1/soc") == 100


def test_another_configuration_while_it_runs(start, bus, broker, folder):
    start_plant(start, bus, broker, folder, PLANT)
    bus.set("/twins/config", {"manualTick": True, "ess": [{"id": "ess_2", "soc": 20}]})
    assert bus.get("/components/ess_2/soc") == 20
    with pytest.raises(BusError):
        bus.get("/components/ess_1/soc", timeout_s=2)


def test_time_by_the_clock_is_as_fast_as_it_is_told(start, bus, broker, folder):
    plant = {**PLANT, "manualTick": False, "updateRate": 10, "timeMultiplier": 36000}
    start_plant(start, bus, broker, folder, plant)
    eventually(lambda: bus.get("/components/ess_1/soc") == 0)
    assert bus.get("/twins/seconds") >= 2 * 3600
    bus.set("/twins/manualtick", True)
    seconds = bus.get("/twins/seconds")
    assert bus.get("/twins/seconds") == seconds


def test_a_silent_component_says_nothing_until_that_is_ended(start, bus, broker, folder):
    start_plant(start, bus, broker, folder, PLANT)
    bus.set("/components/ess_1/commssilent", True)
    with pytest.raises(TimeoutError):
        bus.get("/components/ess_1/soc", timeout_s=0.3)
    with bus.subscribe("/components", pub_only=True) as pubs:
        heard = {message.uri for message in (pubs.receive(60) for _ in range(6)) if message is not None}
    assert "/components/load" in heard
    assert "/components/ess_1" not in heard
    bus.set("/components/ess_1/commssilent", False)
    assert bus.get("/components/ess_1/soc") == 100


def test_what_is_left_out_is_logged(start, bus, broker, folder):
    plant = {**PLANT, "ess": [{**ESS, "colour": "red"}]}
    process = start_plant(start, bus, broker, folder, plant)
    assert "WARNING" in process.output
    assert "ess.colour: not supported, once" in process.output


def test_the_plant_of_the_configurations_is_two_living_devices(start, bus, broker, folder):
    catl, pcs = serve(start, broker, folder, "catl"), serve(start, broker, folder, "pe_pcs")
    shutil.copytree(ROOT / "configs" / "plant", folder / "plant")
    site = json.loads((folder / "plant" / "site.json").read_text())
    site["pcs"][0]["starttime"] = site["bms"][0]["prechargetime"] = 0.1
    (folder / "plant" / "site.json").write_text(json.dumps({**site, "updateRate": 20}))
    start("tools.twins.command", folder / "plant", bus=broker)
    eventually(lambda: catl.read_holding_registers(769, 2) == [0, 1])
    beat = catl.read_holding_registers(768, 1)
    assert catl.write_single_register(897, 2)
    eventually(lambda: catl.read_holding_registers(769, 1) == [1])
    eventually(lambda: pcs.read_input_registers(1122, 1) == [4])
    assert pcs.write_single_register(3009, 1)
    eventually(lambda: pcs.read_input_registers(1122, 1) == [6])
    assert pcs.write_single_register(552, 5000)
    eventually(lambda: pcs.read_input_registers(1007, 1) == [250])
    current = catl.read_holding_registers(33, 1)
    assert current is not None
    assert 20180 < current[0] < 20200
    eventually(lambda: catl.read_holding_registers(768, 1) != beat)
    # The device refuses what it cannot be told, as its master expects.
    assert not catl.write_single_register(33, 5)
    bus.set("/components/bms_1", {"tripcmd": True})
    eventually(lambda: catl.read_holding_registers(769, 2) == [3, 5])
    eventually(lambda: pcs.read_input_registers(1120, 3) == [2, 0, 9])


def serve(start, broker, folder, device):
    """Start the server of a device on a free port; return an independent master of it."""
    port = free_port()
    document = json.loads((ROOT / "configs" / device / f"{device}_server.json").read_text())
    document["system"]["port"] = port
    path = folder / f"{device}.json"
    path.write_text(json.dumps(document))
    start("modbus_bridge.server", path, "--process-name", device, bus=broker)
    unit = document["system"].get("device_id", 1)
    return ModbusClient(host="127.0.0.1", port=port, unit_id=unit, auto_open=True, timeout=5)
