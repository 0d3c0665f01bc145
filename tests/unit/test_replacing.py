"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from ess_bus.replacing import replacing


def test_what_fails_leaves_what_was_there_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_text("before")
    with pytest.raises(OSError, match="No space left"), replacing(path) as output:
        Path("/dev/full").write_bytes(b"x" * output.write(b"half"))
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("file", "before")]


def test_a_pipe_is_written_to_and_stays_one(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    found = []
    reader = threading.Thread(target=lambda: found.append(path.read_bytes()))
    reader.start()
    with replacing(path) as output:
        output.write(b"whole")
    reader.join()
    assert found == [b"whole"]
    assert path.is_fifo()


def test_what_a_link_names_is_replaced_and_not_the_link(tmp_path):
    (tmp_path / "link").symlink_to("file")
    with replacing(tmp_path / "link") as output:
        output.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"
