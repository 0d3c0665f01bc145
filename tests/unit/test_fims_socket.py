"""Where the original's socket is: whose place is taken, who may connect, and what is left behind."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import socket
import stat
import tempfile
from pathlib import Path

import pytest

from ess_bus.broker import fims_socket
from ess_bus.broker.fims_socket import FimsSocket, default_path
from ess_bus.errors import Disconnected


@pytest.fixture
def path():
    folder = Path(tempfile.mkdtemp(prefix="fs-", dir="/tmp"))
    yield folder / "s"
    shutil.rmtree(folder)


def unused(path: Path, kind: int = socket.SOCK_SEQPACKET) -> None:
    """Leave behind what a killed server leaves behind."""
    with socket.socket(socket.AF_UNIX, kind) as server:
        server.bind(str(path))


def test_only_this_user_may_connect(path):
    place = FimsSocket(path)
    assert stat.filemode(path.stat().st_mode) == "srw-------"
    place.close()
    assert not path.exists()


def test_the_members_of_a_group_may_too_if_wanted(path):
    place = FimsSocket(path, os.getgid())
    assert stat.filemode(path.stat().st_mode) == "srw-rw----"
    assert path.stat().st_gid == os.getgid()
    place.close()


def test_a_group_that_it_may_not_be_given_to_leaves_nothing_behind(path, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chown", refuse)
    with pytest.raises(Disconnected, match="operation not permitted"):
        FimsSocket(path, 0)
    assert not path.exists()


def test_a_running_server_keeps_its_place(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(str(path))
        server.listen(0)
        # However busy it is: the second finds the queue full.
        for _ in range(2):
            with pytest.raises(Disconnected, match="a server is already there"):
                FimsSocket(path)
        assert path.is_socket()


def test_a_stale_socket_is_taken_over(path):
    unused(path)
    FimsSocket(path).close()
    assert not path.exists()


@pytest.mark.parametrize("kind", ["file", "folder", "link", "stream"])
def test_what_is_no_such_socket_stays(path, kind):
    match kind:
        case "file":
            path.write_text("precious")
        case "folder":
            path.mkdir()
        case "link":
            unused(path.with_name("other"))
            path.symlink_to(path.with_name("other"))
        case "stream":
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(str(path))
                server.listen()
                with pytest.raises(Disconnected, match="cannot listen on"):
                    FimsSocket(path)
    if kind != "stream":
        with pytest.raises(Disconnected, match="it exists and is not a socket"):
            FimsSocket(path)
    assert path.exists()


def test_what_somebody_else_has_put_there_meanwhile_stays(path):
    place = FimsSocket(path)
    path.unlink()
    unused(path)
    place.close()
    assert path.is_socket()


def test_two_that_start_at_once_do_not_meet(path, monkeypatch):
    monkeypatch.setattr(fims_socket, "_PATIENCE_S", 0)
    unused(path)
    other = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    with pytest.raises(Disconnected, match="is locked by another process"):
        FimsSocket(path)
    os.close(other)
    FimsSocket(path).close()


def test_the_path_must_be_usable(path):
    for wrong, reason in (
        (Path("relative"), "must be absolute"),
        (path.parent / ("x" * 107), "at most 107 bytes"),
        (path.parent / "missing" / "s", "no such file or directory"),
    ):
        with pytest.raises(Disconnected, match=reason):
            FimsSocket(wrong)


def test_it_is_where_programs_of_the_original_look(monkeypatch):
    monkeypatch.delenv("TMPDIR", raising=False)
    assert str(default_path()) == "/tmp/FlexGen_FIMS_Server.socket"
    monkeypatch.setenv("TMPDIR", "/var/tmp")
    assert str(default_path()) == "/var/tmp/FlexGen_FIMS_Server.socket"
