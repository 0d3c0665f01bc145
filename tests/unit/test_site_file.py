"""What a site file may say, and what is said of one that is wrong."""

from pathlib import Path
from typing import get_args

import pytest

from ess_bus.errors import ConfigurationError
from tools.ess_site.check import CHECKS
from tools.ess_site.site_file import CONFIGURED, MODULES, _Process, load

BROKER = '[[process]]\nname = "broker"\ncommand = "fims_server"\n'
ECHO = '[[process]]\nname = "echo"\ncommand = "fims_echo"\n'


@pytest.fixture(autouse=True)
def runtime(monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/somebody")
    monkeypatch.delenv("ESS_BUS", raising=False)


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "site.toml"
        path.write_text(text)
        return load(path)

    return read


@pytest.fixture
def problems(read):
    def problems(text):
        with pytest.raises(ConfigurationError) as caught:
            read(text)
        return {problem.where: problem.message for problem in caught.value.problems}

    return problems


def test_a_whole_file(read, tmp_path):
    (tmp_path / "engine").mkdir()
    site = read(
        'name = "demo"\nnext = """\nType this.\n"""\n'
        + BROKER
        + '[[process]]\nname = "engine"\ncommand = "ess_controller"\nconfig = "engine"\nargs = ["-v"]\n'
        + '[[process]]\nname = "plant-bus"\ncommand = "fims_server"\nbus = "plant"\n'
        + ECHO
        + 'bus = "plant"\n'
    )
    assert (site.name, site.next) == ("demo", "Type this.")
    assert [process.name for process in site.processes] == ["broker", "engine", "plant-bus", "echo"]
    broker, engine, plant, echo = site.processes
    assert broker.endpoint == engine.endpoint == "ipc:///run/somebody/ess-bus/bus.sock"
    assert plant.endpoint == echo.endpoint == "ipc:///run/somebody/ess-bus/plant.sock"
    assert engine.config == tmp_path / "engine"
    assert engine.arguments == ["-m", "ess_bus.engine.command", str(tmp_path / "engine"), "-v"]
    assert broker.sign_of_life == "/bus/stats"
    assert engine.sign_of_life == "/processes/engine"


def test_a_nameless_site_is_called_like_its_file(read):
    assert read(BROKER).name == "site"


def test_the_bus_is_taken_from_the_environment(read, monkeypatch):
    monkeypatch.setenv("ESS_BUS", "tcp://127.0.0.1:4000")
    assert read(BROKER).processes[0].endpoint == "tcp://127.0.0.1:4000"


def test_a_config_cannot_look_like_an_option(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("--help").write_text("")
    Path("site.toml").write_text(BROKER + '[[process]]\nname = "c"\ncommand = "calculator"\nconfig = "--help"\n')
    assert load(Path("site.toml")).processes[1].arguments[-1] == str(tmp_path / "--help")


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("", "process", "missing"),
        ("process = []", "process", "at least 1"),
        ("proces = 1\n" + BROKER, "proces", "unknown key"),
        (BROKER + "port = 5\n", "process.0.port", "unknown key"),
        (BROKER.replace('"broker"', "5"), "process.0.name", "expected a text, got 5"),
        (BROKER.replace("broker", "a/b"), "process.0.name", "pattern"),
        (BROKER.replace("broker", "broker\\n"), "process.0.name", "pattern"),
        (BROKER.replace("broker", "ess_site"), "process.0.name", "choose another"),
        (BROKER.replace("fims_server", "rm"), "process.0.command", "fims_server"),
        (BROKER + 'args = "-v"\n', "process.0.args", "expected a list"),
        (BROKER + 'args = ["a\\u0000b"]\n', "process.0.args.0", "NUL"),
        (BROKER + BROKER, "process.1.name", "also the name of process.0"),
        (BROKER + BROKER.replace('"broker"', '"other"'), "process.1.bus", "already has"),
        (BROKER + 'bus = "../x"\n', "process.0.bus", "bad bus"),
        (BROKER + f'bus = "{"x" * 100}"\n', "process.0.bus", "at most 107 bytes"),
        (BROKER + 'bus = ""\n', "process.0.bus", "at least 1"),
        (ECHO, "process.0.bus", "no fims_server"),
        (BROKER + ECHO + 'bus = "plant"\n', "process.1.bus", "no fims_server in this file serves ipc://"),
        (ECHO + BROKER, "process.0.bus", "must come before"),
        (BROKER + ECHO + 'config = "x"\n', "process.1.config", "takes none"),
        (BROKER + ECHO.replace("fims_echo", "calculator"), "process.1.config", "missing"),
        (BROKER + ECHO.replace("fims_echo", "calculator") + 'config = "no"\n', "process.1.config", "does not exist"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(problems, text, where, message):
    found = problems(text)
    assert where in found
    assert message in found[where]


def test_every_problem_is_named(problems):
    found = problems(BROKER + 'bus = "/"\n' + ECHO + 'config = "x"\n' + ECHO)
    assert set(found) == {"process.0.bus", "process.1.config", "process.2.name"}


@pytest.mark.parametrize("text", ["[[process", b"\xff", "name = 1 2"])
def test_not_toml(tmp_path, text):
    path = tmp_path / "site.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigurationError, match=r"not TOML|not UTF-8"):
        load(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(ConfigurationError, match="no such file"):
        load(tmp_path / "site.toml")


def test_the_tables_of_commands_agree():
    assert set(get_args(_Process.model_fields["command"].annotation)) == set(MODULES)
    assert set(CHECKS) == CONFIGURED < set(MODULES)
