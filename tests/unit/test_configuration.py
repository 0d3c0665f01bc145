from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from ess_bus.configuration import read_json, read_toml, validate
from ess_bus.errors import ConfigurationError, EssError


class Register(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int = Field(ge=1, le=4)
    name: str = "x"

    @field_validator("name")
    @classmethod
    def has_no_spaces(cls, name: str) -> str:
        if " " in name:
            raise ValueError("spaces are not allowed")
        return name


class Map(BaseModel):
    map: list[Register]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "site.json"


def problem(caught) -> str:
    assert len(caught.value.problems) == 1
    return str(caught.value.problems[0])


def test_json_is_read(file):
    file.write_text('{"a": [1, 2.5, null]}')
    assert read_json(file) == {"a": [1, 2.5, None]}


def test_a_file_that_never_ends_is_refused_before_it_fills_the_memory(file):
    with file.open("wb") as large:
        large.truncate(1 << 40)
    with pytest.raises(ConfigurationError) as caught:
        read_json(file)
    assert problem(caught) == "larger than 64 MiB"


def test_toml_is_read(file):
    file.write_text('[a]\nb = "c"\n')
    assert read_toml(file) == {"a": {"b": "c"}}


@pytest.mark.parametrize("read", [read_json, read_toml])
def test_a_missing_file_is_named(read, file):
    with pytest.raises(ConfigurationError, match="no such file or directory") as caught:
        read(file)
    assert str(caught.value) == f"{file}: no such file or directory"
    assert caught.value.source == str(file)
    assert isinstance(caught.value, EssError)


@pytest.mark.parametrize("read", [read_json, read_toml])
def test_a_folder_is_not_a_file(read, tmp_path):
    with pytest.raises(ConfigurationError, match="is a directory"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (b'{\n  "a": 1,\n  "b": }\n', "line 3 column 8"),
        (b"", "line 1 column 1"),
        (b'{"a": 1', "line 1 column 8"),
        (b"[1,]", "line 1 column 3"),
        (b"{} x", "line 1 column 4"),
    ],
)
def test_what_is_not_json_is_located_by_line_and_column(file, text, where):
    file.write_bytes(text)
    with pytest.raises(ConfigurationError) as caught:
        read_json(file)
    assert problem(caught).startswith(f"{where}: not JSON: ")


def test_bytes_that_are_not_utf8_are_not_json_either(file):
    file.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(ConfigurationError, match="not JSON"):
        read_json(file)


def test_what_is_not_toml_is_located_by_line_and_column(file):
    file.write_text("[a]\nb = \n")
    with pytest.raises(ConfigurationError) as caught:
        read_toml(file)
    assert problem(caught).startswith("not TOML: ")
    assert "line 2, column 5" in problem(caught)


def test_toml_must_be_utf8(file):
    file.write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigurationError) as caught:
        read_toml(file)
    assert problem(caught) == "not UTF-8 text"


def test_valid_data_become_a_model(file):
    assert validate(Map, {"map": [{"size": 2}]}, file).map[0].size == 2


@pytest.mark.parametrize(
    ("register", "expected"),
    [
        ({}, "map.0.size: missing"),
        ({"size": 2, "sise": 3}, "map.0.sise: unknown key"),
        ({"size": 9}, "map.0.size: input should be less than or equal to 4, got 9"),
        ({"size": 1, "name": "a b"}, "map.0.name: spaces are not allowed"),
        ({"size": "two"}, "map.0.size: input should be a valid integer"),
        (7, "map.0: expected an object"),
    ],
)
def test_each_problem_has_its_path_and_what_was_found(file, register, expected):
    with pytest.raises(ConfigurationError) as caught:
        validate(Map, {"map": [register]}, file)
    assert problem(caught).startswith(expected)


def test_a_long_value_is_cut_in_the_text(file):
    with pytest.raises(ConfigurationError) as caught:
        validate(Map, {"map": [{"size": "x" * 500}]}, file)
    assert problem(caught).endswith("...")
    assert len(problem(caught)) < 200


def test_every_problem_is_kept_and_the_text_counts_them(file):
    with pytest.raises(ConfigurationError, match=r"site.json: map.0.size: missing \(and 2 more\)") as caught:
        validate(Map, {"map": [{}, {}, {}]}, file)
    assert [found.where for found in caught.value.problems] == ["map.0.size", "map.1.size", "map.2.size"]
