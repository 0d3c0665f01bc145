"""Whether the devices of a site can be reached: one connection, and one read of its first point."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from pathlib import Path

from ess_bus.errors import ConfigurationError
from modbus_bridge.config import load_client
from modbus_bridge.config.model import ClientConfiguration, Serial
from modbus_bridge.device import Device, DeviceError, DeviceRefused, DeviceUnreachable
from tools.ess_site.doctor.finding import Finding, note, ok, wrong
from tools.ess_site.doctor.ports import Port
from tools.ess_site.site_file import Site, SiteProcess


def configurations(site: Site) -> dict[str, ClientConfiguration]:
    """Return name of a process -> its configuration, for bridges whose configuration can be used."""
    found = {}
    for process in site.processes:
        configuration = _loaded(process, process.config)
        if configuration is not None:
            found[process.name] = configuration
    return found


def look(
    bridges: dict[str, ClientConfiguration], running: Collection[str], served: Collection[Port]
) -> Iterator[Finding]:
    """Yield whether devices answer; those whose bridge runs are left alone, for some take only one connection.

    Args:
        bridges: name of a bridge -> its configuration.
        running: the processes that run.
        served: what processes of the site itself listen on: the simulated devices.
    """
    waiting = {name: one for name, one in bridges.items() if name not in running}
    for (name, one), finding in zip(waiting.items(), asyncio.run(_ask_all(list(waiting.items()))), strict=True):
        host = next((port for port in served if _is_at(one, port)), None)
        if host is not None and host.process not in running and finding.advice:
            text = f"{one.connection.address} is served by {host.process} of this site, which does not run"
            yield note(f"{name}: device", text, "start the site, and look again")
        else:
            yield finding


def _loaded(process: SiteProcess, config: Path | None) -> ClientConfiguration | None:
    if process.command != "modbus_client" or config is None:
        return None
    try:
        return load_client(config)[0]
    except ConfigurationError:  # the check of the configuration tells
        return None


def _is_at(configuration: ClientConfiguration, port: Port) -> bool:
    address = configuration.connection.address
    return not isinstance(address, Serial) and port.purpose == "Modbus" and port.port == address.port


async def _ask_all(bridges: list[tuple[str, ClientConfiguration]]) -> list[Finding]:
    return list(await asyncio.gather(*(_ask(f"{name}: device", one) for name, one in bridges)))


async def _ask(what: str, configuration: ClientConfiguration) -> Finding:
    connection = configuration.connection
    point = next((point for component in configuration.components for point in component.points), None)
    device = Device(connection, lambda: None)
    try:
        await device.connect()
        if point is None:
            return ok(what, f"{connection.address} takes connections; there is no point to read")
        await device.read(point.type, point.device_id, point.offset, point.size)
    except DeviceUnreachable as error:
        is_serial = isinstance(connection.address, Serial)
        advice = (
            "is the adapter plugged in, and may this user open it (group dialout)?"
            if is_serial
            else "ping it; check its address, cable, power, firewall, and whether it takes another connection"
        )
        return wrong(what, str(error), advice)
    except DeviceRefused as error:
        advice = f"the point {point.id if point else ''} may not exist there: modbus_client --probe shows what does"
        return note(what, f"{connection.address} answers, but {error}", advice)
    except DeviceError as error:
        return wrong(what, str(error), "it takes connections and does not answer: is the device id right?")
    finally:
        device.close()
    return ok(what, f"{connection.address} answers")
