"""The arrows between the packages run one way (docs/architecture.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("ess_bus", "modbus_bridge", "calculator", "tools")
ALLOWED = {
    "ess_bus": set(),
    "modbus_bridge": {"ess_bus"},
    "calculator": {"ess_bus"},
    "tools": {"ess_bus", "modbus_bridge", "calculator"},
}
# The rooms of modbus_bridge; each may import those before it, and so no two import each other.
ROOMS = (
    *("config", "values", "rtu", "device", "polling", "convert"),
    *("serving", "simulate", "probe", "face"),
)
# The rooms of the engine, in the same way; how functions are registered stands apart from the functions.
ENGINE_ROOMS = (
    *("actions", "signals", "monitors", "power", "orders", "publishing", "functions.registry"),
    *("schedule", "states", "functions", "review"),
)
# Of the files beside its rooms, those that rooms may use: values and where they are. The others use the rooms.
ENGINE_VALUES = (
    *("numbers", "parameters", "severity", "timing", "target", "cell", "meaning", "variable", "restyled", "datamap"),
    *("switch", "links", "inputs", "views", "assets", "alarms"),
)
# The files without I/O and without a clock of their own.
BRIDGE = {
    "config": (
        *("claims", "components", "connections", "document", "entries", "fields", "findings", "heartbeats", "keys"),
        *("model", "order", "packed", "place", "points", "served_entries", "strict", "strings", "tables", "templates"),
    ),
    "values": ("bits", "meaning", "codec", "orders", "views"),
    "rtu": ("frame",),
    "device": ("pdu", "tcp_frame"),
    "polling": ("plan", "decoder", "schedule", "health", "units", "spread", "statistics"),
    "convert": (
        *("text", "entries", "client_file", "simulator", "server_file", "from_server"),
        *("cells", "columns", "connection_sheet", "rows"),
    ),
    "serving": (
        "faults",
        "requests",
        "identification",
        "memory",
        "served",
        "registers",
        "variables",
        "seldom",
        "metrics",
    ),
    "simulate": ("plausible", "device"),
    "probe": ("search", "sheet", "text"),
    "face": (
        *("stamp", "overlay", "image", "changes", "path", "decide"),
        *("heartbeat", "watchdog", "pulse", "debounce", "metrics"),
    ),
}
EXPRESSION = (
    *("errors", "tree", "tokens", "parser", "canonical", "arithmetic", "explained", "compiled"),
    *("expression", "__init__"),
)
ENGINE_PROCESS = (
    *("authors", "checking", "command", "configuration", "process", "__init__"),
    *("state_file", "dump_file"),
)
WEB = (
    *("values", "store", "mailbox", "keepers", "cards", "alarms", "history", "tap", "access", "page", "hub"),
    "guard",
)
PURE = [
    *(
        ROOT / "ess_bus" / f"{name}.py"
        for name in (
            *("uri", "message", "control", "fims_wire", "reference", "values", "errors", "desk"),
            *("assets", "batch", "hints", "outcomes"),
        )
    ),
    *(path for path in sorted((ROOT / "ess_bus" / "tables").glob("*.py")) if path.stem != "folder"),
    *(ROOT / "ess_bus" / "expression" / f"{name}.py" for name in EXPRESSION),
    *(
        path
        for path in sorted((ROOT / "ess_bus" / "engine").rglob("*.py"))
        if path.parent.name != "engine" or path.stem not in ENGINE_PROCESS
    ),
    *(
        ROOT / "ess_bus" / "broker" / f"{name}.py"
        for name in (
            *("core", "courier", "voice", "dispatch", "outbox", "routes", "lobby", "clients", "gate", "rights"),
            *("fims_session", "fims_asked", "backlog", "membership", "metrics", "returning", "statistics"),
        )
    ),
    *(
        ROOT / "ess_bus" / "client" / f"{name}.py"
        for name in (
            "core",
            "about",
            "composer",
            "headers",
            "inbox",
            "inboxes",
            "late",
            "pending",
            "replies",
            "waiting",
        )
    ),
    ROOT / "ess_bus" / "transport" / "zmtp.py",
    *(
        path
        for path in sorted((ROOT / "calculator").glob("*.py"))
        if path.stem not in ("__init__", "command", "configuration", "process", "setting")
    ),
    *(ROOT / "modbus_bridge" / room / f"{name}.py" for room, names in BRIDGE.items() for name in names),
    ROOT / "modbus_bridge" / "addresses.py",
    ROOT / "modbus_bridge" / "protocol.py",
    ROOT / "ess_bus" / "service" / "measures.py",
    ROOT / "tools" / "ess_site" / "backoff.py",
    ROOT / "tools" / "hybridos" / "orders.py",
    *(ROOT / "tools" / "ess_web" / f"{name}.py" for name in WEB),
    *(ROOT / "tools" / "ess_site" / "systemd" / f"{name}.py" for name in ("words", "unit")),
    *(ROOT / "tools" / "ess_site" / "doctor" / f"{name}.py" for name in ("finding", "processes")),
    *(
        ROOT / "tools" / "record" / f"{name}.py"
        for name in ("entry", "schema", "packing", "rotation", "selection", "samples", "capture", "spacing")
    ),
    *(
        ROOT / "tools" / "twins" / f"{name}.py"
        for name in ("device", "kinds", "entries", "reading", "building", "plant")
    ),
    *(path for room in ("models", "echo") for path in sorted((ROOT / "tools" / "twins" / room).glob("*.py"))),
    ROOT / "tools" / "hybridos" / "orders.py",
    *(ROOT / "tools" / "fims" / f"{name}.py" for name in ("layout", "meanwhile", "options", "statistics", "trigger")),
    *(ROOT / "tools" / "top" / f"{name}.py" for name in ("tree", "rows", "text")),
    *(
        ROOT / "tools" / "view" / f"{name}.py"
        for name in ("shown", "store", "roles", "reading", "picture", "details", "orders", "journal")
    ),
    *(
        ROOT / "tools" / "bench" / f"{name}.py"
        for name in (
            *("row", "scale", "pacing", "payload", "quantiles", "verdict", "table", "report"),
            *("plants", "maps", "regularity", "expressions", "calculators"),
        )
    ),
    *(
        ROOT / "tools" / "awkward" / f"{name}.py"
        for name in ("frames", "misdeeds", "registers", "records", "answering")
    ),
    *(
        ROOT / "tools" / "soak" / f"{name}.py"
        for name in ("site", "odds", "findings", "checker", "ledger", "log", "pace", "memory")
    ),
]


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def engine_imports_of(path):
    """Yield what of the engine a file imports when it is loaded: types, and what is looked up later, do not count."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ess_bus.engine"):
            for name in node.names:
                yield f"{node.module}.{name.name}".removeprefix("ess_bus.engine.")


def engine_room(name):
    """Return the room of a module such as ``states.machine``; ``None`` for a file beside the rooms."""
    found = [room for room in ENGINE_ROOMS if f"{name}.".startswith(f"{room}.")]
    return max(found, key=len, default=None)


def engine_files():
    root = ROOT / "ess_bus" / "engine"
    for path in sorted(root.rglob("*.py")):
        yield ".".join(path.relative_to(root).with_suffix("").parts), path


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_only_what_lies_below_them(package):
    for path in (ROOT / package).rglob("*.py"):
        for module in imports_of(path):
            root = module.split(".")[0]
            if root in PACKAGES and root != package:
                assert root in ALLOWED[package], f"{path.relative_to(ROOT)} imports {module}"


@pytest.mark.parametrize("room", ROOMS)
def test_the_rooms_of_the_bridge_import_only_those_before_them(room):
    allowed = ROOMS[: ROOMS.index(room) + 1]
    for path in (ROOT / "modbus_bridge" / room).rglob("*.py"):
        for module in imports_of(path):
            parts = module.split(".")
            if parts[0] == "modbus_bridge" and len(parts) > 1 and parts[1] in ROOMS:
                assert parts[1] in allowed, f"{path.relative_to(ROOT)} imports {module}"


@pytest.mark.parametrize("room", ENGINE_ROOMS)
def test_the_rooms_of_the_engine_import_only_those_before_them_and_values(room):
    allowed = ENGINE_ROOMS[: ENGINE_ROOMS.index(room) + 1]
    files = [(name, path) for name, path in engine_files() if engine_room(name) == room]
    assert files, f"there is no room {room}"
    for name, path in files:
        for module in engine_imports_of(path):
            used = engine_room(module)
            if used is None:
                assert module.split(".")[0] in ENGINE_VALUES, f"{name} imports {module}"
            else:
                assert used in allowed, f"{name} imports {module}"


def test_every_folder_of_the_engine_is_a_room():
    folders = {path.parent.name for _, path in engine_files() if path.parent.name != "engine"}
    assert folders == {room for room in ENGINE_ROOMS if "." not in room}


@pytest.mark.parametrize("name", ENGINE_VALUES)
def test_what_holds_values_uses_no_room_but_that_of_their_actions(name):
    for module in engine_imports_of(ROOT / "ess_bus" / "engine" / f"{name}.py"):
        assert engine_room(module) == "actions" or module.split(".")[0] in ENGINE_VALUES, f"{name} imports {module}"


def test_nobody_but_the_engine_imports_the_engine():
    for package in PACKAGES[:3]:
        for path in (ROOT / package).rglob("*.py"):
            if "engine" not in path.relative_to(ROOT).parts:
                assert not [name for name in imports_of(path) if name.startswith("ess_bus.engine")], path


@pytest.mark.parametrize("path", PURE, ids=lambda path: str(path.relative_to(ROOT)))
def test_pure_cores_do_no_io_and_have_no_clock(path):
    forbidden = {"socket", "time", "asyncio", "zmq", "pymodbus", "subprocess", "threading", "pathlib"}
    assert not forbidden & {module.split(".")[0] for module in imports_of(path)}
