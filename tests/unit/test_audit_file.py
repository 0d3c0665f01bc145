import json
import os
import threading
from pathlib import Path

import pytest

from ess_bus.broker import audit_file
from ess_bus.broker.audit import gap_line
from ess_bus.broker.audit_file import AuditFile
from ess_bus.errors import ConfigurationError
from tests.integration.conftest import eventually


@pytest.fixture
def opened():
    files: list[AuditFile] = []

    def open_file(path: Path) -> AuditFile:
        files.append(AuditFile(path, gap_line))
        return files[-1]

    yield open_file
    for file in files:
        file.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def test_lines_are_appended_to_what_is_there(opened, path):
    path.write_bytes(b"old\n")
    file = opened(path)
    for number in range(100):
        file.append(b"%d\n" % number)
    file.close()
    assert path.read_bytes() == b"old\n" + b"".join(b"%d\n" % number for number in range(100))
    assert file.statistics() == {"written": 100, "lost": 0, "waiting": 0, "failing": None}


def test_a_new_file_is_its_owners_alone_and_an_old_one_keeps_its_mode(opened, path):
    mask = os.umask(0)
    try:
        opened(path).close()
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(0o640)
        opened(path).close()
        assert path.stat().st_mode & 0o777 == 0o640
    finally:
        os.umask(mask)


def test_a_line_that_a_killed_writer_left_torn_ends_before_ours_begins(opened, path):
    path.write_bytes(b'whole\n{"to')
    file = opened(path)
    assert file.record(b"ours\n", 10)
    assert path.read_bytes() == b'whole\n{"to\nours\n'


@pytest.mark.parametrize("where", ["none/audit.jsonl", "."])
def test_a_file_that_cannot_be_opened_is_named_at_once(opened, tmp_path, where):
    with pytest.raises(ConfigurationError, match=r"no such file|is a directory"):
        opened(tmp_path / where)


class TestRotation:
    def test_a_renamed_file_is_followed_by_a_new_one(self, opened, path, tmp_path):
        file = opened(path)
        assert file.record(b"1\n", 10)
        path.rename(tmp_path / "old")
        assert file.record(b"2\n", 10)
        assert (tmp_path / "old").read_bytes() == b"1\n"
        assert path.read_bytes() == b"2\n"
        assert path.stat().st_mode & 0o777 == 0o600

    def test_another_file_in_its_place_is_taken(self, opened, path, tmp_path):
        file = opened(path)
        assert file.record(b"1\n", 10)
        (tmp_path / "new").write_bytes(b"0\n")
        (tmp_path / "new").rename(path)
        assert file.record(b"2\n", 10)
        assert path.read_bytes() == b"0\n2\n"

    def test_a_truncated_file_goes_on(self, opened, path):
        file = opened(path)
        assert file.record(b"1\n", 10)
        os.truncate(path, 0)
        assert file.record(b"2\n", 10)
        assert path.read_bytes() == b"2\n"

    def test_on_request_even_when_nothing_is_to_be_written(self, opened, path, tmp_path):
        file = opened(path)
        path.rename(tmp_path / "old")
        file.reopen()
        eventually(path.exists)

    def test_where_no_new_file_can_be_made_the_old_one_is_kept(self, opened, tmp_path, caplog):
        folder = tmp_path / "logs"
        folder.mkdir()
        file = opened(folder / "audit.jsonl")
        folder.rename(tmp_path / "moved")
        assert file.record(b"1\n", 10)
        assert file.record(b"2\n", 10)
        assert (tmp_path / "moved" / "audit.jsonl").read_bytes() == b"1\n2\n"
        assert len([record for record in caplog.records if "the old file is kept" in record.message]) == 1
        folder.mkdir()
        assert file.record(b"3\n", 10)
        assert (folder / "audit.jsonl").read_bytes() == b"3\n"


class TestFailures:
    def test_a_full_disk_is_said_once_and_counted(self, opened, caplog):
        file = opened(Path("/dev/full"))
        assert [file.record(b"x\n", 10) for _ in range(3)] == [False] * 3
        assert file.statistics() == {"written": 0, "lost": 3, "waiting": 0, "failing": "no space left on device"}
        assert [record.message for record in caplog.records] == [
            "/dev/full: the audit trail cannot be written: no space left on device"
        ]

    def test_after_it_a_line_says_how_many_are_missing(self, opened, path, monkeypatch, caplog):
        file = opened(path)
        disk = Disk(monkeypatch, room=4)
        assert file.record(b"1\n", 10)
        # Half of it fits.
        assert not file.record(b"2222\n", 10)
        assert not file.record(b"3\n", 10)
        disk.room = 1 << 20
        assert file.record(b"4\n", 10)
        first, torn, gap, last = path.read_bytes().splitlines()
        assert (first, torn, last) == (b"1", b"22", b"4")
        assert json.loads(gap)["lost"] == 2
        assert file.statistics() == {"written": 2, "lost": 2, "waiting": 0, "failing": None}
        assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
        assert file.record(b"5\n", 10)
        assert path.read_bytes().endswith(b"4\n5\n")

    def test_a_second_episode_is_said_again(self, opened, path, monkeypatch, caplog):
        file = opened(path)
        disk = Disk(monkeypatch, room=0)
        assert not file.record(b"1\n", 10)
        disk.room = 1 << 20
        assert file.record(b"2\n", 10)
        disk.room = 0
        assert not file.record(b"3\n", 10)
        assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING", "ERROR"]

    def test_a_disk_that_hangs_delays_nobody_who_appends_and_memory_is_bounded(self, opened, path, monkeypatch):
        monkeypatch.setattr(audit_file, "MAX_LINES", 10)
        disk = Disk(monkeypatch, room=1 << 20)
        file = opened(path)
        disk.hang()
        file.append(b"first\n")
        eventually(disk.reached.is_set)
        for number in range(15):
            file.append(b"%d\n" % number)
        assert file.statistics()["waiting"] == 10
        assert file.statistics()["lost"] == 5
        disk.go_on()
        eventually(lambda: file.statistics()["waiting"] == 0)
        file.close()
        lines = path.read_bytes().splitlines()
        assert [line for line in lines if not line.startswith(b"{")] == [b"first", *(b"%d" % n for n in range(10))]
        assert [json.loads(line)["lost"] for line in lines if line.startswith(b"{")] == [5]

    def test_who_must_be_sure_waits_once_for_a_disk_that_hangs_and_then_is_told_at_once(
        self, opened, path, monkeypatch
    ):
        disk = Disk(monkeypatch, room=1 << 20)
        file = opened(path)
        disk.hang()
        assert not file.record(b"1\n", 0.01)
        eventually(disk.reached.is_set)
        waiting = file.statistics()["waiting"]
        assert not file.record(b"2\n", 0.0)
        # Not even queued: it was refused without asking the disk.
        assert file.statistics()["waiting"] == waiting
        disk.go_on()
        eventually(lambda: file.record(b"3\n", 10))
        assert path.read_bytes().splitlines()[0] == b"1"

    def test_closing_writes_what_waits(self, opened, path):
        file = opened(path)
        for _ in range(1000):
            file.append(b"x\n")
        file.close()
        assert path.read_bytes() == b"x\n" * 1000

    def test_closing_does_not_wait_for_a_disk_that_hangs(self, opened, path, monkeypatch, caplog):
        monkeypatch.setattr(audit_file, "CLOSE_TIMEOUT_S", 0.01)
        disk = Disk(monkeypatch, room=1 << 20)
        file = opened(path)
        disk.hang()
        file.append(b"x\n")
        eventually(disk.reached.is_set)
        file.close()
        assert "the disk hangs" in caplog.text
        disk.go_on()


class Disk:
    """Stands in for `os.write`: has room for so many bytes, or hangs until told to go on."""

    def __init__(self, monkeypatch, room: int) -> None:
        self.room = room
        self.reached = threading.Event()
        self._free = threading.Event()
        self._free.set()
        self._write = os.write
        monkeypatch.setattr(os, "write", self.write)

    def hang(self) -> None:
        self._free.clear()

    def go_on(self) -> None:
        self._free.set()

    def write(self, descriptor: int, data: bytes) -> int:
        self.reached.set()
        assert self._free.wait(20)
        if not self.room:
            raise OSError(28, "No space left on device")
        data = data[: self.room]
        self.room -= len(data)
        return self._write(descriptor, data)
