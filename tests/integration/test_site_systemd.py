"""`ess_site systemd`: what it writes, and what systemd itself says of it."""

import shutil
import subprocess

import pytest

from tests.integration.conftest import ROOT

SITE = "tools.ess_site.command"
DEMO = ROOT / "configs" / "demo" / "site.toml"
verify = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


@pytest.fixture
def units(folder):
    path = folder / "units"
    path.mkdir()
    return path


def verified(environment, units, *options):
    files = [str(path) for path in units.iterdir()]
    # Of a template, only an instance can be checked.
    for path in list(units.glob("*@.service")):
        instance = units / path.name.replace("@", "@pcs_1")
        instance.symlink_to(path)
        files.append(str(instance))
    command = ["systemd-analyze", *options, "verify", *files]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=40, check=False)


@verify
@pytest.mark.parametrize("options", [[], ["--user"]], ids=["machine", "user"])
@pytest.mark.parametrize("site", [[DEMO], []], ids=["site", "templates"])
def test_systemd_accepts_what_is_written(run, environment, units, options, site):
    # A user that is there on each machine.
    who = [] if options else ["--run-as", "root"]
    result = run(SITE, "systemd", *site, "--output", units, *options, *who)
    assert result.returncode == 0, result.stderr
    found = verified(environment, units, *options)
    ours = [line for line in found.stderr.splitlines() if str(units) in line]
    assert (found.returncode, ours) == (0, [])


@verify
def test_a_mistake_in_a_unit_would_be_found(run, environment, units):
    run(SITE, "systemd", DEMO, "--output", units, "--run-as", "root")
    broken = units / "ess-demo-ess_controller.service"
    broken.write_text(broken.read_text().replace("Type=notify", "Type=nonsense"))
    assert "nonsense" in verified(environment, units).stderr


def test_without_a_folder_they_are_printed(run):
    result = run(SITE, "systemd", DEMO)
    assert result.returncode == 0
    assert result.stdout.startswith("# ess-demo.target\n[Unit]\n")
    assert result.stdout.count("[Service]") == 13


def test_a_site_that_is_wrong_is_not_written(run, folder, units):
    broker = '[[process]]\nname = "b"\ncommand = "fims_server"\n'
    client = '[[process]]\nname = "c"\ncommand = "modbus_client"\nconfig = "c.json"\n'
    (folder / "site.toml").write_text(broker + client)
    (folder / "c.json").write_text("{}")
    result = run(SITE, "systemd", folder / "site.toml", "--output", units)
    assert result.returncode == 1
    assert "c.json" in result.stderr
    assert list(units.iterdir()) == []


def test_a_folder_that_is_not_there_is_one_clear_line(run, folder):
    result = run(SITE, "systemd", DEMO, "--output", folder / "nowhere")
    assert (result.returncode, result.stderr) == (1, f"ess_site: {folder}/nowhere: expected a folder that exists\n")


def test_options_that_contradict_each_other_are_wrong_usage(run):
    assert run(SITE, "systemd", "--user", "--run-as", "me").returncode == 2
    assert run(SITE, "systemd", "--run-as", "a b").returncode == 2
