"""The map as a file: what is written loads to the same map, atomically, without holding up the engine."""

from __future__ import annotations

import json
import threading

import pytest

from ess_bus.engine.configuration import load
from ess_bus.engine.dump_file import DumpFile
from ess_bus.engine.dumping import dump
from ess_bus.engine.engine import Engine
from ess_bus.engine.views import View, get
from ess_bus.reference import Reference
from tests.integration.conftest import eventually
from tests.real_files import ENGINE, needs_engine_files


def shown(engine):
    """Return all that the bus can see, and the order of the assets, line by line."""
    assets = [(table, list(names)) for table, names in engine.datamap.tables.items() if table.startswith("/assets")]
    views = [f"{view} {table} {shown}" for view in View for table, shown in get(engine.datamap, "/", view).items()]
    return [*views, str(assets), str(sorted(engine.datamap.tables))]


def loaded(path):
    engine = Engine()
    configuration = load(path)
    engine.load(configuration.assignments, configuration.tables, rests=configuration.is_dump)
    return engine, configuration


def again(folder, engine):
    (folder / "dump").mkdir()
    (folder / "dump" / "ess.json").write_bytes(dump(engine.datamap))
    return loaded(folder / "dump")


def test_what_is_written_loads_to_the_same_map(tmp_path):
    engine = Engine()
    remap = {"onSet": [{"remap": [{"uri": "/status/bms:copy"}]}]}
    engine.set("/assets/pcs/summary", {"name": "PCS", "z": {"value": 1, "options": [{"name": "a"}]}, "a": 2})
    engine.set("/assets/bms/summary", {"soc": {"value": 50, "unit": "%"}})
    engine.set("/components/b", {"soc": 40, "null": None, "list": [{"value": 1, "string": "a"}] * 2})
    engine.set("/links/bms", {"SOC": "/components/b:soc"})
    engine.set("/vlinks/bms", {"s": {"value": "/assets/bms/summary:soc", "vlink": "/components/b:soc"}})
    engine.set("/status/bms", {"x": {"value": 5, "actions": remap}, "only": {"unit": "V"}, "off": False, "t": "text"})
    engine.set("/status/bms/copy", 7)  # a person has set it since
    engine.set("/locks/a", {"x": {"value": "/status/bms:x"}})
    engine.put(Reference("/status/bms", "t", "lock"), True)
    engine.set("/schedule/wake_monitor/bms", {"/status/bms:x": {"func": "CalculateVar", "rate": 0.1}})
    engine.set("/blockeduris/pub", {"/controls": True})
    engine.set("/cfg/cfile/ess/bms", {"amname": "bms", "/status/more": {"x": 1}})
    engine.datamap.table("/status/empty")
    other, configuration = again(tmp_path, engine)
    assert shown(other) == shown(engine)
    assert configuration.warnings == ()
    # What follows is the same, too: types, links, locks.
    for one in (engine, other):
        one.set("/components/b/soc", 41)
        one.set("/status/bms/x", 6)
        one.set("/status/bms/only", "a text: its first value")
        for path, body in (("/status/bms/off", "text"), ("/status/bms/t", "other")):
            with pytest.raises(ValueError, match=r"expected|locked"):
                one.set(path, body)
    assert shown(other) == shown(engine)
    assert get(other.datamap, "/status/bms/SOC") == 41


@needs_engine_files
def test_the_real_map_is_the_same_again(tmp_path):
    engine, _ = loaded(ENGINE)
    engine.set("/components/catl_mbmu_summary_r/mbmu_current", 20020)
    other, _ = again(tmp_path, engine)
    assert shown(other) == shown(engine)


def test_the_command_writes_the_map_and_tells_where(tmp_path):
    engine = Engine()
    file = DumpFile(tmp_path / "new" / "ess.json")
    engine.dump_to(file)
    engine.advance(1)
    engine.set("/status/bms", {"x": 1})

    def result():
        return get(engine.datamap, "/system/commands/dump", View.FULL)["dump"].get("result")

    engine.set("/system/commands", {"dump": {"value": False}})
    assert result() is None
    engine.set("/system/commands", {"dump": True})
    assert result() == "being written"
    eventually(lambda: file.outcome() is not None)
    assert engine.due_s() < 2
    engine.advance(2)
    engine.tick()
    assert result() == f"ok: {file.path}"
    assert json.loads(file.path.read_text())["/status/bms"] == {"x": {"value": 1, "$$action": False}}
    assert [path.name for path in file.path.parent.iterdir()] == ["ess.json"]
    assert engine.due_s() == float("inf")


def test_a_failure_is_told_and_leaves_the_last_dump(tmp_path, caplog):
    engine = Engine()
    (tmp_path / "folder").write_text("not a folder")
    file = DumpFile(tmp_path / "folder" / "ess.json")
    engine.dump_to(file)
    engine.set("/system/commands", {"dump": 1})
    eventually(lambda: file.outcome() is not None)
    engine.advance(1)
    engine.tick()
    assert "the map was not written: " in caplog.text
    assert get(engine.datamap, "/system/commands/dump@result").startswith(str(file.path))


def test_one_dump_at_a_time_however_slow_the_disk_is(tmp_path, monkeypatch):
    go = threading.Event()
    monkeypatch.setattr(DumpFile, "_write", lambda *_: go.wait(10))
    file = DumpFile(tmp_path / "ess.json")
    file.begin(b"1")
    assert file.outcome() is None
    with pytest.raises(ValueError, match="still being written"):
        file.begin(b"2")
    go.set()
    eventually(lambda: file.outcome() == (True, str(file.path)))


def test_an_engine_without_a_place_for_dumps_says_so(caplog):
    engine = Engine()
    engine.set("/system/commands", {"dump": True})
    assert "/system/commands:dump: DumpConfig: this engine has nowhere to write to" in caplog.text
