"""Real files of the original, where a collection of them lies beside the project: every verdict is pinned."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ess_bus.errors import ConfigurationError
from modbus_bridge.config import load_client, load_server
from modbus_bridge.config.schema import client_schema, server_schema
from tests.real_files import SHARED, needs_real_files
from tests.unit.schemas import violations

pytestmark = needs_real_files

LOADERS = {"client": load_client, "client_c0": load_client, "server": load_server, "server_array": load_server}
# Folder -> how many files are ok, ok with warnings, refused; leniently and strictly.
COUNTS = {
    "client": ((25, 8, 1), (25, 2, 7)),
    "client_c0": ((6, 2, 4), (6, 1, 5)),
    "server": ((14, 2, 0), (14, 2, 0)),
    "server_array": ((3, 0, 0), (3, 0, 0)),
}
# A converter's remark in the place of a number, which nothing needs as there is no serial line.
REMARK = ".system.data_bits: 'Columns marked in green are REQUIRED'"
# The end of a file's name -> the reason for which each file that is refused is refused.
REFUSED = {
    "modbus_interface__configs__client__example.json": "connection.ip_range: 3 addresses",
    "config__dnp3_server__site_lima_dnp3_server.json": "this is a DNP3 file",
    "config__dnp3_client__sel_487e_dnp3_client.json": "this is a DNP3 file",
    "dnp3_interface__config__odessa_new.json": "this is a DNP3 file",
    "dnp3_interface__config__tanasca_dnp3_server.json": "this is a DNP3 file",
}
# What else the original's strict program refuses (modbus.md 6.3, 6.4 and 7), and why; it stops at the first reason.
REFUSED_STRICTLY = REFUSED | {
    "ess_controller__doc__CATL_ESS_client.json": "'mbmu_max_currents' is used already",
    "ess_controller__doc__tmp__CATL_ESS_1_client__1.json": "'mbmu_warning_2_2' (offset 1, size 1) overlaps",
    "gcom_modbus_interface__configs__client__gcom_test_client_10.json": "null in an enum",
    "gcom_modbus_interface__configs__client__gcom_test_client_fixed.json": "needs size 2 or 4",
    "modbus_interface__configs__client__new_pcs_modbus_client.json": "'life_signal' is no register of this component",
    "should_pass__sierra_release__pcs_modbus_client.json": "'life_signal' is no register of this component",
    "nipsco_release__samsung_bms_5.json": "bit 16 is outside of 16 bits",
}
# How many points the reference counts in files that are read completely (modbus.md 6.4).
POINTS = {
    "ess_controller__configs__modbus_client__bms_1_modbus_client.json": 1562,
    "ess_controller__configs__flex_controller__bms_modbus_client.json": 333,
    "ess_controller__configs__flex_controller__pcs_modbus_client.json": 863,
    "ess_controller__twins__bms_catl_client.json": 333,
    "ess_controller__twins__pcs_twins_client.json": 216,
    "ess_controller__maps__sel_2440_client.json": 9,
    "config__vfakeco__config__sudden_valley__ess-controller__config__modbus_client__ess_1_pcs_modbus_client.json": 216,
    "ess_controller__configs__modbus_server__bms_1_modbus_server.json": 1562,
    "ess_controller__twins__bms_catl_server.json": 333,
}


def files(folder: str) -> list[Path]:
    return sorted((SHARED / folder).glob("*.json"))


def verdict(path: Path, *, strict: bool) -> tuple[str, list[str]]:
    try:
        warnings = LOADERS[path.parent.name](path, strict=strict)[1]
    except ConfigurationError as error:
        return "refused", list(map(str, error.problems))
    return ("warned" if warnings else "ok"), list(map(str, warnings))


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("folder", COUNTS)
def test_every_file_has_its_verdict(folder: str, strict: bool) -> None:
    found = Counter(verdict(path, strict=strict)[0] for path in files(folder))
    assert (found["ok"], found["warned"], found["refused"]) == COUNTS[folder][strict]


@pytest.mark.parametrize("strict", [False, True])
def test_every_file_that_is_refused_has_its_reason(strict: bool) -> None:
    reasons = REFUSED_STRICTLY if strict else REFUSED
    refused: dict[str, list[str]] = {}
    for folder in LOADERS:
        for path in files(folder):
            if (found := verdict(path, strict=strict))[0] == "refused":
                refused[path.name] = found[1]
    assert len(refused) == len(reasons)
    for name, problems in refused.items():
        (reason,) = (reason for end, reason in reasons.items() if name.endswith(end))
        assert any(reason in problem for problem in problems), name


@pytest.mark.parametrize("name", POINTS)
def test_every_point_is_read(name: str) -> None:
    if "server" in name:
        server = load_server(SHARED / "server" / name)[0]
        count = sum(len(unit.points) for unit in server.units)
    else:
        client = load_client(SHARED / "client" / name)[0]
        count = sum(len(component.points) for component in client.components)
    assert count == POINTS[name]


@pytest.mark.parametrize(
    ("folder", "schema"),
    [
        ("client", client_schema),
        ("client_c0", client_schema),
        ("server", server_schema),
        ("server_array", server_schema),
    ],
)
def test_what_is_ok_follows_the_schema(folder: str, schema: Any) -> None:
    document = schema()
    for path in files(folder):
        if verdict(path, strict=False)[0] == "ok":
            found = [text for text in violations(path, document) if not text.startswith(REMARK)]
            assert found == [], path.name
