import os
import socket
from pathlib import Path

import pytest

from ess_bus.client import Bus
from ess_bus.endpoint import prepare, resolve, runtime_folder
from ess_bus.errors import Disconnected


@pytest.fixture(autouse=True)
def runtime(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("ESS_BUS", raising=False)
    # Short, because the limit of a socket's path is; the folder of pytest may be anywhere.
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/r")
    monkeypatch.chdir(tmp_path)


def test_a_name_is_a_socket_in_the_runtime_folder():
    assert resolve("plant") == "ipc:///r/ess-bus/plant.sock"
    assert resolve("Plant_2.b-c") == "ipc:///r/ess-bus/Plant_2.b-c.sock"


def test_flag_beats_variable_beats_default(monkeypatch):
    assert resolve() == "ipc:///r/ess-bus/bus.sock"
    assert resolve("") == "ipc:///r/ess-bus/bus.sock"
    monkeypatch.setenv("ESS_BUS", "other")
    assert resolve() == "ipc:///r/ess-bus/other.sock"
    assert resolve("flag") == "ipc:///r/ess-bus/flag.sock"
    monkeypatch.setenv("ESS_BUS", "")
    assert resolve() == "ipc:///r/ess-bus/bus.sock"


@pytest.mark.parametrize(
    "endpoint",
    [
        "ipc:///run/site/bus.sock",
        "tcp://127.0.0.1:4000",
        "tcp://plant.example:65535",
        "tcp://[::1]:1",
        "ipc:///" + "a" * 106,
    ],
)
def test_an_endpoint_is_taken_as_it_is(endpoint):
    assert resolve(endpoint) == endpoint


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("-plant", "expected a name"),
        (".plant", "expected a name"),
        ("a/b", "expected a name"),
        ("/run/bus.sock", "expected a name"),
        ("a b", "expected a name"),
        ("a\n", "expected a name"),
        ("udp://127.0.0.1:4000", "expected a name"),
        ("inproc://bus", "expected a name"),
        ("ipc://", "must be absolute"),
        ("ipc://bus.sock", "must be absolute"),
        ("ipc://@abstract", "must be absolute"),
        ("ipc:///" + "a" * 107, "at most 107 bytes"),
        ("ipc:///" + "ü" * 54, "at most 107 bytes"),
        ("n" * 200, "at most 107 bytes"),
        ("ipc:///tmp/\udcff", "must be UTF-8"),
        ("tcp://", "expected tcp://HOST:PORT"),
        ("tcp://127.0.0.1", "expected tcp://HOST:PORT"),
        ("tcp://127.0.0.1:", "expected tcp://HOST:PORT"),
        ("tcp://:4000", "expected tcp://HOST:PORT"),
        ("tcp://127.0.0.1:4000/x", "expected tcp://HOST:PORT"),
        ("tcp://127.0.0.1:0", "port of 1 to 65535"),
        ("tcp://127.0.0.1:65536", "port of 1 to 65535"),
        ("tcp://127.0.0.1:99999", "port of 1 to 65535"),
        ("tcp://127.0.0.1:١٢", "expected tcp://HOST:PORT"),
        ("tcp://::1:4000", "expected tcp://HOST:PORT"),
        ("tcp://a$b:4000", "expected tcp://HOST:PORT"),
        ("tcp://\udcff:4000", "expected tcp://HOST:PORT"),
    ],
)
def test_anything_else_is_refused_in_one_line(text, reason):
    with pytest.raises(Disconnected, match=reason) as caught:
        resolve(text)
    assert len(str(caught.value).splitlines()) == 1


def test_without_a_runtime_variable_the_folder_is_this_users_in_the_temporary_one(monkeypatch):
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setenv("TMPDIR", "/var/tmp")
    assert runtime_folder() == Path(f"/var/tmp/ess-bus-{os.getuid()}")
    monkeypatch.delenv("TMPDIR")
    assert runtime_folder() == Path(f"/tmp/ess-bus-{os.getuid()}")


class TestPrepare:
    def test_makes_the_runtime_folder_private(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        prepare(f"ipc://{tmp_path}/ess-bus/a.sock")
        assert (tmp_path / "ess-bus").stat().st_mode & 0o777 == 0o700
        prepare(f"ipc://{tmp_path}/ess-bus/b.sock")

    @pytest.mark.parametrize("mode", [0o755, 0o701, 0o770])
    def test_refuses_a_runtime_folder_that_others_can_enter(self, tmp_path, monkeypatch, mode):
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        (tmp_path / "ess-bus").mkdir()
        (tmp_path / "ess-bus").chmod(mode)
        with pytest.raises(Disconnected, match="must be a folder of this user with mode 0700"):
            prepare(f"ipc://{tmp_path}/ess-bus/a.sock")
        # Somebody else's broker could be behind it.
        with pytest.raises(Disconnected, match="must be a folder of this user"), Bus("a"):
            pass

    def test_refuses_a_runtime_folder_that_is_a_link(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        (tmp_path / "ess-bus").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(Disconnected, match="must be a folder of this user"):
            prepare(f"ipc://{tmp_path}/ess-bus/a.sock")

    @pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
    def test_refuses_a_runtime_folder_of_somebody_else(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        (tmp_path / "ess-bus").mkdir(mode=0o700)
        os.chown(tmp_path / "ess-bus", 65534, 65534)
        with pytest.raises(Disconnected, match="must be a folder of this user"):
            prepare(f"ipc://{tmp_path}/ess-bus/a.sock")
        with pytest.raises(Disconnected, match="must be a folder of this user"), Bus("a"):
            pass

    def test_makes_it_private_whatever_the_umask(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        mask = os.umask(0)
        try:
            prepare(f"ipc://{tmp_path}/ess-bus/a.sock")
        finally:
            os.umask(mask)
        assert (tmp_path / "ess-bus").stat().st_mode & 0o777 == 0o700

    def test_refuses_a_file_in_the_place_of_the_runtime_folder(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
        (tmp_path / "ess-bus").write_text("")
        with pytest.raises(Disconnected, match="File exists"):
            prepare(f"ipc://{tmp_path}/ess-bus/a.sock")

    def test_another_folder_must_exist_and_is_left_alone(self, tmp_path):
        with pytest.raises(Disconnected, match="does not exist"):
            prepare(f"ipc://{tmp_path}/none/a.sock")
        tmp_path.chmod(0o755)
        prepare(f"ipc://{tmp_path}/a.sock")
        assert tmp_path.stat().st_mode & 0o777 == 0o755

    def test_refuses_a_path_where_something_other_than_a_socket_is(self, tmp_path):
        (tmp_path / "notes.txt").write_text("precious")
        with pytest.raises(Disconnected, match="is not a socket"):
            prepare(f"ipc://{tmp_path}/notes.txt")
        with pytest.raises(Disconnected, match="is not a socket"):
            prepare(f"ipc://{tmp_path}")

    def test_a_socket_that_was_left_behind_is_no_obstacle(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with socket.socket(socket.AF_UNIX) as left:
            left.bind("s")
        prepare(f"ipc://{tmp_path}/s")

    def test_tcp_needs_no_folder(self):
        prepare("tcp://127.0.0.1:4000")
