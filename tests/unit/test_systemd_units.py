"""Units: words that systemd reads as they were meant, and what a site becomes."""

import sys
from pathlib import Path

import pytest

from tools.ess_site.site_file import Site, SiteProcess
from tools.ess_site.systemd.unit import Manager
from tools.ess_site.systemd.units import of_site, templates
from tools.ess_site.systemd.words import Written, assignment, command_line, text, unit_name


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("plain-1.json", "plain-1.json"),
        ("with space", '"with space"'),
        ("$HOME", '"$$HOME"'),
        ("50%", '"50%%"'),
        ('"', '"\\""'),
        ("\\x", '"\\\\x"'),
        ("a\nb", '"a\\x0ab"'),
        (";", '";"'),
        ("", '""'),
        ("Ü", '"Ü"'),
    ],
)
def test_a_word_is_read_by_systemd_as_it_was(word, written):
    assert command_line([word]) == written


def test_a_word_with_a_specifier_is_left_alone():
    assert command_line(["a b", Written("/etc/%i.json")]) == '"a b" /etc/%i.json'
    assert text(Written("engine %i")) == "engine %i"
    assert text("100 %\nsure") == "100 %% sure"


def test_a_variable_keeps_its_dollar():
    assert assignment("ESS_BUS", "a$b c") == '"ESS_BUS=a$b c"'


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("ess", "demo", "bms_1"), "ess-demo-bms_1.service"),
        (("ess", "my site", "pcs@2"), "ess-my\\x20site-pcs\\x402.service"),
        (("ess", "../x"), "ess-..\\x2fx.service"),
    ],
)
def test_a_name_has_only_what_a_unit_may_have(parts, name):
    assert unit_name(*parts, ending=".service") == name


def test_a_name_that_is_too_long_is_named():
    with pytest.raises(ValueError, match="not 255"):
        unit_name("ess", "ü" * 64, ending=".service")


MACHINE = Manager()


def site() -> Site:
    broker = SiteProcess("broker", "fims_server", None, "ipc:///srv/b.sock", ("--audit", "/var/log/ess/audit"))
    engine = SiteProcess("engine", "ess_controller", Path("/etc/x y"), "ipc:///srv/b.sock")
    return Site("demo", "", (broker, engine))


def units(manager: Manager = MACHINE) -> dict[str, list[str]]:
    return {name: content.splitlines() for name, content in of_site(Path("site.toml"), site(), manager).items()}


def test_a_target_starts_all_and_each_comes_after_its_broker():
    found = units()
    assert list(found) == ["ess-demo.target", "ess-demo-broker.service", "ess-demo-engine.service"]
    assert "Wants=ess-demo-broker.service ess-demo-engine.service" in found["ess-demo.target"]
    engine = found["ess-demo-engine.service"]
    assert {"Wants=ess-demo-broker.service", "After=ess-demo-broker.service", "PartOf=ess-demo.target"} <= set(engine)
    command = f'ExecStart={sys.executable} -P -m ess_bus.engine.command "/etc/x y"'
    assert {command, "Environment=ESS_PROCESS_NAME=engine", "Environment=ESS_BUS=ipc:///srv/b.sock"} <= set(engine)
    assert {"Type=notify", "WatchdogSec=15", "Restart=always"} <= set(engine)


def test_what_a_process_writes_may_be_written():
    found = units()
    assert "ReadWritePaths=/var/log/ess" in found["ess-demo-broker.service"]
    assert not [line for line in found["ess-demo-engine.service"] if line.startswith("ReadWritePaths")]


def test_a_bus_with_a_name_is_found_where_the_services_run(monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/5")
    process = SiteProcess("b", "fims_server", None, "ipc:///run/user/5/ess-bus/plant.sock")
    found = of_site(Path("x"), Site("s", "", (process,)), Manager())["ess-s-b.service"]
    assert "Environment=ESS_BUS=plant\n" in found
    assert "Environment=XDG_RUNTIME_DIR=/run\n" in found


@pytest.mark.parametrize("setting", ["NoNewPrivileges=yes", "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"])
def test_everything_is_in_a_sandbox(setting):
    for manager in (Manager(), Manager(is_user=True)):
        for files in (of_site(Path("x"), site(), manager), templates(manager)):
            assert all(setting in content for name, content in files.items() if name.endswith(".service"))


def test_only_the_machine_s_units_have_a_user_and_a_locked_file_system():
    assert "User=ess-bus" in units()["ess-demo-engine.service"]
    assert "ProtectSystem=strict" in units()["ess-demo-engine.service"]
    assert "User=op" in units(Manager(run_as="op"))["ess-demo-engine.service"]
    of_user = units(Manager(is_user=True))["ess-demo-engine.service"]
    assert not [line for line in of_user if line.startswith(("User=", "ProtectSystem", "Capability", "StateDirectory"))]


def test_templates_are_named_after_their_configurations():
    found = templates(Manager())
    assert set(found) == {
        "fims_server.service",
        "modbus_client@.service",
        "modbus_server@.service",
        "ess_controller@.service",
        "calculator@.service",
    }
    assert "-m modbus_bridge.client /etc/ess-bus/%i.json\n" in found["modbus_client@.service"]
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE\n" in found["modbus_server@.service"]
    assert "DeviceAllow=char-ttyUSB rw\n" in found["modbus_client@.service"]
    assert "PrivateDevices=yes\n" in found["ess_controller@.service"]
