"""Odd files in the place of a configuration: one line that says what is wrong, and nothing that waits for ever."""

from __future__ import annotations

import os
import threading

import pytest

from ess_bus import configuration
from ess_bus.configuration import read_bytes, read_json
from ess_bus.errors import ConfigurationError


def refusal(path):
    with pytest.raises(ConfigurationError) as caught:
        read_json(path)
    assert str(caught.value).startswith(f"{path}: ")
    return caught.value.problems[0].message


def test_a_pipe_into_which_nobody_writes_is_not_waited_for_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(configuration, "PIPE_WITHIN_S", 0.05)
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe") == "a pipe, and nothing comes within 0.05 s"


def test_what_comes_through_a_pipe_is_read_to_its_end(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    content = b'{"a": "%s"}' % (b"x" * 200_000)  # more than a pipe holds
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    assert read_bytes(pipe) == content
    writer.join()


def test_a_file_that_is_none(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    assert refusal(tmp_path / "loop") == "too many levels of symbolic links"
    assert refusal(tmp_path) == "is a directory"
    assert refusal(tmp_path / "missing") == "no such file or directory"


def test_files_that_never_end(tmp_path):
    with (tmp_path / "large").open("wb") as file:
        file.truncate(200 << 20)
    assert refusal(tmp_path / "large") == "larger than 64 MiB"


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe{}", b"\xef\xbb\xbf{}", b'{"a": [1,', b"[" * 100_000, b"\0", b'{"a": NaN}']
)
def test_what_is_no_json(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert refusal(tmp_path / "file").startswith("not JSON: ")
