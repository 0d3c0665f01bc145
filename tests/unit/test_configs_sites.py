"""What holds for every site's pair of Modbus files: they load without a word, and describe the same registers."""

from __future__ import annotations

import re

import pytest

from modbus_bridge.config import load_client
from modbus_bridge.config.model import ClientConfiguration, Tcp
from tests.real_files import SHARED, needs_real_files
from tests.unit.site_files import CONFIGS, SITES, client, divisor, overlaps, points, read_as, served_as, server

COUNTS = {"clou": 568, "catl": 333, "pe_pcs": 216}

FIELD_FILES = {
    "catl": "ess_controller__twins__bms_catl_client.json",
    "pe_pcs": "ess_controller__twins__pcs_twins_client.json",
}
# Where ours divide by something else, for reasons in the README of the site.
OTHER_SCALES = {"mbmu_max_charge_current", "ppc_watchdog_home_p_ref", "ppc_watchdog_home_q_ref"}

Layout = dict[tuple[str, str], tuple[object, ...]]


@pytest.mark.parametrize("site", SITES)
class TestSite:
    def test_every_point_is_there_once(self, site: str) -> None:
        assert len(list(points(site))) == len(read_as(site)) == COUNTS[site]
        assert overlaps(site) == []

    def test_client_and_server_describe_the_same_registers(self, site: str) -> None:
        read, served = read_as(site), served_as(site)
        assert sorted(read) == sorted(served)
        assert [key for key in read if read[key] != served[key]] == []

    def test_they_meet_on_an_unprivileged_port_of_the_loopback_address(self, site: str) -> None:
        address = client(site).connection.address
        assert isinstance(address, Tcp)
        assert address == server(site).address
        assert address.host == "127.0.0.1"
        assert address.port > 1024

    def test_the_unit_that_the_client_asks_for_is_served(self, site: str) -> None:
        units = {unit.device_id for unit in server(site).units}
        assert None in units or units == {point.device_id for point in points(site)}

    def test_what_is_measured_has_a_name_and_no_text_was_left_unfilled(self, site: str) -> None:
        for point in points(site):
            assert point.name
            assert "${" not in f"{point.id}{point.name}{point.unit}"

    def test_a_heartbeat_is_written_only_while_the_engine_is_there(self, site: str) -> None:
        heartbeats = [component.heartbeat for component in client(site).components if component.heartbeat]
        written = [heartbeat for heartbeat in heartbeats if heartbeat.write_id]
        watched = [heartbeat for heartbeat in heartbeats if heartbeat.read_id]
        assert len(written) == len(watched) == 1
        assert written[0].control == "ess_controller"

    def test_its_readme_names_both_files_and_their_port(self, site: str) -> None:
        text = (CONFIGS / site / "README.md").read_text()
        for name in (f"{site}_client.json", f"{site}_server.json"):
            assert name in text
        assert re.search(rf"\b{client(site).connection.address.port}\b", text)  # type: ignore[union-attr]


def test_the_sites_can_run_next_to_each_other() -> None:
    assert len({str(client(site).connection.address) for site in SITES}) == len(SITES)


def layout(configuration: ClientConfiguration) -> Layout:
    """Return component and id -> where the point is and what a read divides by."""
    return {
        (component.id, point.id): (
            component.period_s,
            point.type,
            point.device_id,
            point.offset,
            point.size,
            None if point.id in OTHER_SCALES else divisor(point),
        )
        for component in configuration.components
        for point in component.points
    }


@pytest.mark.parametrize("site", FIELD_FILES)
@needs_real_files
def test_components_and_registers_are_those_of_a_file_from_the_field(site: str) -> None:
    assert layout(client(site)) == layout(load_client(SHARED / "client" / FIELD_FILES[site])[0])
