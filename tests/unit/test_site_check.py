"""`ess_site check`: the verdict on each configuration and the exit status."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from ess_bus.errors import ConfigurationError, EssError, Problem
from tools.ess_site import check
from tools.ess_site.command import command
from tools.ess_site.site_file import Site, SiteProcess

SITE_OK = "site site.toml: ok"


def loader(path: Path) -> list[Problem]:
    """Stand in for the loader of a package: the file name says what it finds."""
    if path.name == "bad":
        raise ConfigurationError(path / "inner.json", [Problem("a.b", "first\nwrong"), Problem("", "second wrong")])
    return [Problem("x", "odd")] * int(path.name)


@pytest.fixture(autouse=True)
def loaders(monkeypatch):
    for name in check.CHECKS:
        monkeypatch.setitem(check.CHECKS, name, (__name__, "loader"))


@pytest.fixture
def checked(tmp_path):
    """Return a function that runs `ess_site check` on a site with these configurations."""

    def checked(*configs, options=(), subcommand="check"):
        text = '[[process]]\nname = "broker"\ncommand = "fims_server"\n'
        for index, config in enumerate(configs):
            (tmp_path / config).touch()
            text += f'[[process]]\nname = "p{index}"\ncommand = "calculator"\nconfig = "{config}"\n'
        (tmp_path / "site.toml").write_text(text)
        result = CliRunner().invoke(command, [subcommand, *options, str(tmp_path / "site.toml")], standalone_mode=False)
        return result.exception or result.return_value, result.output.replace(f"{tmp_path}/", "").splitlines()

    return checked


def test_all_is_well(checked):
    assert checked("0", "1", "2") == (0, [SITE_OK, "p0 0: ok", "p1 1: ok with 1 warning", "p2 2: ok with 2 warnings"])


def test_warnings_are_shown_on_request(checked):
    assert checked("1", options=["-v"]) == (
        0,
        [SITE_OK, "p0 1: ok with 1 warning", "warning: 1: x: odd"],
    )


def test_a_refused_configuration_and_what_is_wrong_with_it_one_line_each(checked):
    status, lines = checked("bad", "0")
    assert status == 1
    assert lines == [
        SITE_OK,
        "p0 bad: refused",
        "bad/inner.json: a.b: first wrong",
        "bad/inner.json: second wrong",
        "p1 0: ok",
    ]


def test_processes_without_configuration_are_not_checked():
    broker = SiteProcess("broker", "fims_server", None, "ipc:///bus.sock")
    assert check.check(Site("s", "", (broker,))) == []


def test_up_starts_nothing_with_a_refused_configuration(checked):
    failure, lines = checked("0", "bad", "1", subcommand="up")
    assert isinstance(failure, EssError)
    assert str(failure) == "nothing was started: p1 cannot be configured"
    assert lines == ["p1 bad: refused", "bad/inner.json: a.b: first wrong", "bad/inner.json: second wrong"]


def written(folder, name, text):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text)


@pytest.fixture
def checked_by_all(tmp_path, monkeypatch):
    """Return a function that runs `ess_site check` with the real loaders on the files of `tmp_path`."""
    monkeypatch.undo()

    def checked(*options):
        arguments = ["check", *options, str(tmp_path / "site.toml")]
        result = CliRunner().invoke(command, arguments, standalone_mode=False)
        return result.return_value, result.output.replace(f"{tmp_path}/", "").splitlines()

    return checked


ALL = """
[[process]]
name = "broker"
command = "fims_server"
[[process]]
name = "engine"
command = "ess_controller"
config = "engine"
[[process]]
name = "calculator"
command = "calculator"
config = "engine"
[[process]]
name = "twins"
command = "twins"
config = "twins"
"""


def test_everything_that_is_wrong_is_told_of_all_files(tmp_path, checked_by_all):
    written(tmp_path, "site.toml", ALL)
    written(tmp_path, "engine/a.json", '{"/a": 5,\n "/b": {"x": {"value": 1, "actions": {"onSet": 3}}}}')
    written(tmp_path, "engine/b.json", '{"/a": ')
    written(tmp_path, "engine/c.json", "[1]")
    written(tmp_path, "twins/a.json", '{"publishRate": -1}')
    written(tmp_path, "twins/b.json", "{")
    written(tmp_path, "twins/c.json", '{"pcs": [{"id": 5}]}')
    status, lines = checked_by_all("-v")
    assert status == 1
    assert lines == [
        SITE_OK,
        "engine engine: refused",
        "engine/b.json: line 1 column 8: not JSON: expecting value",
        'engine/c.json: expected an object of tables such as {"/status/bms": {...}}',
        "engine/a.json:1: /a: expected an object of variables, got '5'",
        "warning: engine/a.json:2: /b:x: onSet: expected onSet with a list of actions; left out",
        "calculator engine: refused",
        "engine/a.json: /a: expected an object of variables, got '5'",
        "engine/b.json: line 1 column 8: not JSON: expecting value",
        'engine/c.json: expected an object of tables such as {"/status/bms": {...}}',
        "twins twins: refused",
        "twins/b.json: line 1 column 2: not JSON: unexpected end of data",
        "twins/a.json: publishRate: input should be greater than or equal to 1, got -1",
        *lines[13:],
    ]
    assert [line for line in lines[13:] if not line.startswith("twins: pcs.0")] == []


def test_warnings_of_the_engine_are_those_of_its_own_check(tmp_path, checked_by_all):
    from ess_bus.engine.checking import check as check_engine

    written(tmp_path, "site.toml", ALL.partition('[[process]]\nname = "calculator"')[0])
    links = {"a": '"value": 1, "actions": {"onSet": [{"remap": [{"uri": "/nowhere:x"}]}]}', "b": '"vlink": "/q:z"'}
    members = ",\n".join(f'"{name}": {{{one}}}' for name, one in links.items())
    written(tmp_path, "engine/a.json", f'{{"/t": {{{members}}}}}')
    theirs = [line.replace(f"{tmp_path}/", "") for line in check_engine([tmp_path / "engine"]).text(verbose=True)]
    status, lines = checked_by_all("-v")
    assert status == 0
    assert len(theirs) > 1
    assert lines[2:] == theirs[:-1]


def test_a_site_file_with_mistakes_is_read_to_its_end(tmp_path, checked_by_all):
    text = ALL.replace('"broker"', '"bro ker"').replace('"engine"\ncomm', '"calculator"\ncomm') + "colour = 3\n"
    written(tmp_path, "site.toml", text.replace('config = "twins"', 'config = "twinz"'))
    written(tmp_path, "engine/a.json", '{"/a": 5}')
    status, lines = checked_by_all()
    assert status == 1
    assert lines == [
        "site site.toml: refused",
        "site.toml: process.0.name: string should match pattern '^[A-Za-z0-9_.@-]+$', got \"bro ker\"",
        "site.toml: process.3.colour: unknown key",
        "site.toml: process.2.name: 'calculator' is also the name of process.1",
        "calculator engine: refused",
        "engine/a.json:1: /a: expected an object of variables, got '5'",
        "calculator engine: refused",
        "engine/a.json: /a: expected an object of variables, got '5'",
    ]
