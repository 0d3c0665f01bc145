"""What ``--check`` says of files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from ess_bus.errors import Problem
from modbus_bridge.check import check_files, file_options, report
from modbus_bridge.config import load_client
from modbus_bridge.process import log_warnings
from tests.unit.modbus_files import PLACE, client_of

ENTRY = {"id": "a", "offset": 0}
WRONG = {"id": "b", "offset": 1, "size": 3}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    documents = {
        "good": client_of(ENTRY),
        "odd": client_of(ENTRY, WRONG, {"id": "c"}),
        "one": client_of(ENTRY, WRONG),
        "bad": client_of(WRONG, connection={"port": -1}),
    }
    for name, document in documents.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    return {name: tmp_path / f"{name}.json" for name in (*documents, "none")}


def test_a_line_for_everything_and_a_verdict_for_each_file(
    files: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_files([files["good"], files["odd"], files["bad"], files["none"]], load_client) == 1
    good, odd, bad, none = (files[name] for name in ("good", "odd", "bad", "none"))
    assert capsys.readouterr().out.splitlines() == [
        f"{good}: ok",
        f"{odd}: {PLACE}.1.size: left out: must be 1, 2 or 4, got 3",
        f"{odd}: {PLACE}.2.offset: left out: missing",
        f"{odd}: ok with 2 warnings",
        f"{bad}: connection.port: input should be greater than or equal to 0, got -1",
        f"{bad}: {PLACE}.0.size: left out: must be 1, 2 or 4, got 3",
        f"{bad}: components.0: left out: none of its registers can be used",
        f"{bad}: refused",
        f"{none}: no such file or directory",
        f"{none}: refused",
    ]


def test_the_status_is_that_of_the_worst_file(files: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert check_files([files["odd"], files["one"]], load_client) == 0
    assert capsys.readouterr().out.endswith("one.json: ok with 1 warning\n")
    assert check_files([files["good"], files["odd"]], load_client, strict=True) == 1
    assert capsys.readouterr().out.endswith("odd.json: refused\n")


def test_nothing_that_a_file_says_reaches_the_terminal_as_a_command() -> None:
    evil = [Problem("a.\x1b[2J", "b\r\nc: ok\x07")]
    first, second = report(Path("x\x1b.json"), evil, refused=False)
    plain = click.unstyle(first)
    assert plain == "x\\x1b.json: a.\\x1b[2J: b\\r\\nc: ok\\x07"
    assert second != click.unstyle(second) == "x\\x1b.json: ok with 1 warning"


def test_a_bridge_that_starts_logs_a_few_of_many_warnings(caplog: pytest.LogCaptureFixture) -> None:
    log_warnings(Path("x.json"), [Problem("a", "odd")] * 12)
    assert caplog.messages == ["x.json: a: odd"] * 10 + ["x.json: 2 more like this; --check shows all"]


class TestOptions:
    @pytest.fixture
    def command(self) -> click.Command:
        @click.command()
        @file_options(load_client, "client")
        def command(config: Path, strict: bool) -> None:
            click.echo(f"{config.name} {strict}")

        return command

    def invoke(self, command: click.Command, *arguments: Any) -> tuple[int, str]:
        result = CliRunner().invoke(command, [str(argument) for argument in arguments], standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        return result.return_value or 0, result.output

    def test_one_file_goes_to_the_command(self, command: click.Command) -> None:
        assert self.invoke(command, "a.json", "--strict") == (0, "a.json True\n")

    def test_several_are_only_checked(self, command: click.Command, files: dict[str, Path]) -> None:
        with pytest.raises(click.UsageError, match="expected one CONFIG"):
            self.invoke(command, "a.json", "b.json")
        status, output = self.invoke(command, "--check", files["good"], files["bad"])
        assert (status, output.splitlines()[-1]) == (1, f"{files['bad']}: refused")

    def test_the_schema_needs_no_file(self, command: click.Command) -> None:
        result = CliRunner().invoke(command, ["--schema"])
        assert result.exit_code == 0
        assert json.loads(result.output)["title"] == "modbus_client configuration"
