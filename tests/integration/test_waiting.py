"""A process that is started before its broker says what it waits for, works once it is there, and says so."""

from __future__ import annotations

import signal

import pytest

from tests.integration.conftest import eventually, free_port, start_broker

COMMANDS = {
    "fims_listen": ("tools.fims_listen",),
    "fims_echo": ("tools.fims_echo", "-u", "/x"),
    "ess_controller": ("ess_bus.engine.command", "-x", "--no-state"),
    "calculator": ("calculator.command",),
    "modbus_client": ("modbus_bridge.client", "configs/catl/catl_client.json"),
    "twins": ("tools.twins.command", "configs/plant"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_who_waits_for_a_broker_says_so_and_goes_on_when_it_is_there(start, folder, name):
    endpoint = f"ipc://{folder}/late.sock"
    process = start(*COMMANDS[name], bus=endpoint)
    eventually(lambda: "waiting for it" in process.output)
    assert f"the broker on {endpoint} does not answer; waiting for it: start fims_server" in process.output
    start_broker(start, endpoint)
    eventually(lambda: f"the broker on {endpoint} is there" in process.output)
    assert process.output.count("waiting for it") == 1
    assert process.stop(signal.SIGTERM) == 0


def test_ess_web_waits_as_long_as_it_takes_and_says_so_once(start, folder):
    endpoint = f"ipc://{folder}/late.sock"
    process = start("tools.ess_web.command", "--port", free_port(), bus=endpoint)
    eventually(lambda: "trying again" in process.output)
    start_broker(start, endpoint)
    eventually(lambda: f"the broker on {endpoint} is there" in process.output)
    assert process.output.count("waiting for it") == 1


def test_as_the_original_a_listener_waits_without_a_word(run, folder, monkeypatch, environment):
    environment["FIMS_COMPAT"] = "1"
    ended = run("tools.fims_listen", bus=f"ipc://{folder}/never.sock")
    assert "waiting" not in ended.stderr
    assert ended.returncode == 1
