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
    assert checked("1", options=["-v"]) == (0, [SITE_OK, "p0 1: ok with 1 warning", "1: x: odd"])


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
