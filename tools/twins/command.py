"""The command ``twins``."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import NoReturn

import click

from ess_bus import commandline
from ess_bus.client import Bus
from ess_bus.client.ownership import require_unowned
from ess_bus.errors import Disconnected
from ess_bus.message import Message
from ess_bus.process import begin, process_options, until_stopped
from ess_bus.uri import relative
from tools.twins.configuration import load
from tools.twins.device import Device

log = logging.getLogger(__name__)


@click.command(
    epilog="""\b
Examples:
  twins --bus plant configs/demo/plant.json
  fims_send --bus plant -m set -u /components/catl_mbmu_summary_r/mbmu_soc 40

\b
Exit status:
  0  stopped by SIGTERM or Ctrl-C
  1  bad configuration, or no broker
  2  wrong usage"""
)
@click.argument("path", metavar="CONFIG", type=click.Path(path_type=Path))
@process_options
def command(path: Path, bus: str | None, process_name: str | None, verbose: bool) -> None:
    """Simulate the devices of a plant: publish /components/ID, answer gets, take sets.

    CONFIG is JSON: {"publishRate": 100, "components": {"bms": {"soc": 50}}}, the rate in milliseconds.
    """
    with until_stopped():
        begin(verbose)
        configuration = load(path)
        devices = {f"/components/{name}": Device(values) for name, values in configuration.components.items()}
        with Bus(bus, name=process_name or "twins") as connection:
            serve(connection, devices, configuration.publish_rate_ms / 1000)


def serve(bus: Bus, devices: dict[str, Device], period_s: float) -> NoReturn:
    """Answer for the devices and publish them, until interrupted."""
    for uri in devices:
        require_unowned(bus, uri)
    messages = bus.subscribe(*devices)
    bus.announce(kind="twins")
    log.info("%d components every %g s", len(devices), period_s)
    due = time.monotonic()
    while True:
        now = time.monotonic()
        if now >= due:
            _publish(bus, devices)
            # A late tick is skipped, not caught up.
            due += period_s * (1 + (now - due) // period_s)
        message = messages.receive(max(0.0, due - time.monotonic()))
        if message is not None:
            _handle(bus, devices, message)


def _handle(bus: Bus, devices: dict[str, Device], message: Message) -> None:
    for uri, device in devices.items():
        path = relative(message.uri, uri)
        if path is None:
            continue
        try:
            _answer(bus, uri, device, path, message)
        except Disconnected as error:
            log.debug("an answer was lost: %s", error)


def _answer(bus: Bus, uri: str, device: Device, path: tuple[str, ...], message: Message) -> None:
    try:
        if message.method == "get":
            bus.reply(message, device.get(path))
        elif message.method == "set":
            device.set(path, message.json())
            bus.reply(message, message.body)
            _publish(bus, {uri: device})
        elif message.method != "pub":
            raise ValueError(f"{message.method} is not something a device does")
    except (LookupError, ValueError) as error:
        log.info("refused %s %s: %s", message.method, message.uri, error)
        bus.refuse(message, str(error))


def _publish(bus: Bus, devices: dict[str, Device]) -> None:
    for uri, device in devices.items():
        try:
            bus.publish(uri, device.values)
        except Disconnected as error:
            log.debug("not published: %s", error)


def main() -> None:
    """Console entry point."""
    commandline.run(command, "twins")


if __name__ == "__main__":
    main()
