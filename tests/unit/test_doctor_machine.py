"""What the doctor says of a machine: a broken example of each thing it looks at, and what to do about it."""

import os
import shutil
from collections import namedtuple

import pytest

from tools.ess_site.doctor import machine, ports
from tools.ess_site.doctor.alive import Answers
from tools.ess_site.doctor.finding import Verdict
from tools.ess_site.doctor.ports import Port
from tools.ess_site.site_file import Site, SiteProcess

Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(
    ("disciplined", "verdict", "advice"),
    [(True, Verdict.OK, ""), (False, Verdict.NOTE, "timedatectl set-ntp true"), (None, Verdict.UNKNOWN, "")],
)
def test_the_clock(monkeypatch, disciplined, verdict, advice):
    monkeypatch.setattr(machine, "_is_disciplined", lambda: disciplined)
    finding = next(machine.clock())
    assert finding.verdict is verdict
    assert advice in finding.advice


@pytest.mark.parametrize(
    ("free", "verdict", "advice"),
    [(500e9, Verdict.OK, ""), (30e9, Verdict.NOTE, "make room"), (1e6, Verdict.WRONG, "journalctl --vacuum-size")],
)
def test_a_disk_that_is_full_or_nearly(monkeypatch, tmp_path, free, verdict, advice):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1e12, 1e12 - free, free))
    finding = machine.disk("disk", tmp_path / "not" / "there")
    assert finding.verdict is verdict
    assert advice in finding.advice


def test_a_folder_that_cannot_be_written(monkeypatch, tmp_path):
    # Root can write everywhere; the tests may be root's.
    monkeypatch.setattr(os, "access", lambda *_: False)
    finding = machine.disk("disk", tmp_path)
    assert (finding.verdict, finding.text) == (Verdict.WRONG, f"{tmp_path} cannot be written by this user")
    assert "chown" in finding.advice


def test_a_runtime_folder_of_each_kind(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    own = tmp_path / "ess-bus"

    def found():
        (finding,) = machine.runtime()
        return finding.verdict, finding.advice

    assert found() == (Verdict.OK, "")
    own.mkdir(mode=0o700)
    assert found() == (Verdict.OK, "")
    own.chmod(0o770)
    assert found() == (Verdict.WRONG, f"chmod 700 {own}")
    own.rmdir()
    own.touch()
    assert found() == (Verdict.WRONG, f"remove it: rm {own}")
    own.unlink()
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert found() == (Verdict.WRONG, "set XDG_RUNTIME_DIR to a folder of your own")


def test_ports_that_cannot_be_had():
    process = SiteProcess("p", "modbus_server", None, "b")

    def found(*wanted: Port):
        return [(one.verdict, one.text) for one in ports.look(wanted, Site("s", "", (process,)), Answers())]

    # An address of the documentation, which no machine has.
    elsewhere = Port("p", "203.0.113.1", 5020, "Modbus")
    assert found(elsewhere) == [(Verdict.WRONG, "this machine does not have that address")]
    assert found(elsewhere, elsewhere._replace(purpose="metrics"))[1] == (Verdict.WRONG, "p is to listen there too")
